//! Charts of repositories: nothing twice, nothing wrong, nothing for ever.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use edk_chart::{
    Chart, Error, File, Login, Remote, RemoteProblem, RemoteSetup, Repositories, Repository,
    Resolver, Sources,
};
use edk_model::{CancellationToken, Digest, Monitor, Report, Reporter, Secret};

#[path = "oracle/server.rs"]
mod server;

use server::Server;

fn archive(name: &str, version: &str) -> Vec<u8> {
    let data = format!("apiVersion: v2\nname: {name}\nversion: {version}\n").into_bytes();
    let file = File { name: "Chart.yaml".to_owned(), data };
    Chart::from_files(name, vec![file]).unwrap().package().unwrap().bytes
}

/// A repository with the versions 1.0.0 and 1.1.0 of `x`, the first without a digest.
fn repository() -> Server {
    let server = Server::start();
    for version in ["1.0.0", "1.1.0"] {
        server.put(&format!("/x-{version}.tgz"), archive("x", version));
    }
    server.put("/index.yaml", index(&Digest::of(&archive("x", "1.1.0")).hex()));
    server
}

fn index(digest: &str) -> String {
    format!(
        "apiVersion: v1\nentries:\n  x:\n  - {{version: 1.0.0, urls: [x-1.0.0.tgz]}}\n  \
         - {{version: 1.1.0, urls: [x-1.1.0.tgz], digest: {digest}}}\n"
    )
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn setup(&self, offline: bool, repositories: Repositories) -> RemoteSetup {
        let cache = self.0.path().join("cache");
        RemoteSetup {
            cache,
            offline,
            certificate: None,
            repositories,
            logins: Arc::new(|_, _| None),
        }
    }

    /// A chart that needs `x` from `url`.
    fn chart(&self, url: &str, range: &str) -> Chart {
        let folder = self.0.path().join("c");
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n\
             - {{name: x, version: '{range}', repository: '{url}'}}\n"
        );
        fs::write(folder.join("Chart.yaml"), text).unwrap();
        Chart::load(&folder).unwrap()
    }

    fn update(&self, chart: &Chart, offline: bool) -> Result<Vec<PathBuf>, Error> {
        self.update_with(chart, self.setup(offline, Repositories::default()), &Monitor::silent())
    }

    fn update_with(
        &self,
        chart: &Chart,
        setup: RemoteSetup,
        monitor: &Monitor,
    ) -> Result<Vec<PathBuf>, Error> {
        let (sources, remote) = (Sources::default(), Remote::new(setup));
        let resolver = Resolver { sources: &sources, remote: Some(&remote), monitor };
        let update = resolver.update(chart, SystemTime::UNIX_EPOCH)?;
        Ok(resolver.write(&update)?.charts)
    }
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn nothing_is_fetched_twice_and_what_was_fetched_is_there_offline() {
    let (server, home) = (repository(), Home::new());
    let chart = home.chart(&server.url, "^1");
    assert_eq!(name(&home.update(&chart, false).unwrap()[0]), "x-1.1.0.tgz");
    assert_eq!(server.log(), ["/index.yaml 200", "/x-1.1.0.tgz 200"]);
    home.update(&chart, false).unwrap();
    assert_eq!(server.log(), ["/index.yaml 304"]);
    // Without a digest in the index, the address is remembered.
    let old = home.chart(&server.url, "1.0.0");
    home.update(&old, false).unwrap();
    home.update(&old, false).unwrap();
    assert_eq!(server.log(), ["/index.yaml 304", "/x-1.0.0.tgz 200", "/index.yaml 304"]);
    home.update(&chart, true).unwrap();
    assert!(server.log().is_empty());
    let url = server.url.clone();
    drop(server);
    // A repository that is gone is as good as offline.
    assert_eq!(name(&home.update(&home.chart(&url, "^1"), false).unwrap()[0]), "x-1.1.0.tgz");
}

#[test]
fn what_was_never_fetched_is_told_offline() {
    let (server, home) = (repository(), Home::new());
    let chart = home.chart(&server.url, "^1");
    let Err(Error::Offline { what }) = home.update(&chart, true) else { panic!("offline") };
    assert_eq!(what, format!("{}/index.yaml", server.url));
    assert!(server.log().is_empty());
    home.update(&home.chart(&server.url, "1.0.0"), false).unwrap();
    let Err(Error::Offline { what }) = home.update(&chart, true) else { panic!("offline") };
    assert_eq!(what, format!("{}/x-1.1.0.tgz", server.url));
}

#[test]
fn a_file_with_another_digest_is_not_taken() {
    let (server, home) = (repository(), Home::new());
    server.put("/x-1.1.0.tgz", archive("x", "6.6.6"));
    let chart = home.chart(&server.url, "^1");
    let Err(Error::Digest { what, .. }) = home.update(&chart, false) else { panic!("digest") };
    assert_eq!(what, format!("{}/x-1.1.0.tgz", server.url));
    assert!(
        !home.0.path().join("c/charts").exists() && !home.0.path().join("c/Chart.lock").exists()
    );
}

#[test]
fn damage_in_the_cache_is_noticed_and_healed() {
    let (server, home) = (repository(), Home::new());
    let chart = home.chart(&server.url, "^1");
    home.update(&chart, false).unwrap();
    let hex = Digest::of(&archive("x", "1.1.0")).hex();
    fs::write(home.0.path().join("cache/blobs/sha256").join(hex), "damage").unwrap();
    assert!(matches!(home.update(&chart, false), Err(Error::Store(_))));
    home.update(&chart, false).unwrap();
}

#[test]
fn what_a_repository_refuses_is_told_apart() {
    let (server, home) = (repository(), Home::new());
    let problem = |chart: &Chart| match home.update(chart, false) {
        Err(Error::Remote { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let below = |path: &str| home.chart(&format!("{}{path}", server.url), "^1");
    assert_eq!(problem(&below("/elsewhere")), RemoteProblem::NotFound);
    server.put("/bad/index.yaml", "entries: [");
    assert_eq!(problem(&below("/bad")), RemoteProblem::Refused);
    server.put("/dead/index.yaml", "entries: {x: [{version: 1.0.0, urls: [x.tgz]}]}");
    assert_eq!(problem(&below("/dead")), RemoteProblem::NotFound);
    assert_eq!(problem(&home.chart("http://127.0.0.1:9", "^1")), RemoteProblem::Unreachable);
    server.put("/rubbish/index.yaml", "entries: {x: [{version: 1.0.0, urls: [x.tgz]}]}");
    server.put("/rubbish/x.tgz", "no archive");
    assert!(matches!(home.update(&below("/rubbish"), false), Err(Error::Archive { .. })));
}

#[test]
fn a_login_goes_to_its_own_host_only() {
    let (server, other, home) = (repository(), repository(), Home::new());
    server.ask_for("Basic bWU6c2VjcmV0");
    let chart = home.chart("@mine", "^1");
    let mut repositories = Repositories::default();
    let mut repository = Repository { url: server.url.clone(), ..Repository::default() };
    repositories.add("mine", repository.clone());
    let setup = home.setup(false, repositories.clone());
    let Err(Error::Remote { problem, .. }) = home.update_with(&chart, setup, &Monitor::silent())
    else {
        panic!("a login is needed")
    };
    assert_eq!(problem, RemoteProblem::Unauthorised);
    repository.login = Some(Login { user: "me".to_owned(), password: Secret::new("secret") });
    repositories.add("mine", repository);
    let setup = home.setup(false, repositories.clone());
    home.update_with(&chart, setup, &Monitor::silent()).unwrap();
    // The index may name a file elsewhere: there nobody is told who we are.
    other.ask_for("nothing");
    let elsewhere =
        format!("entries: {{x: [{{version: 3.0.0, urls: ['{}/x-1.0.0.tgz']}}]}}", other.url);
    server.put("/index.yaml", elsewhere);
    let setup = home.setup(false, repositories);
    let chart = home.chart("@mine", "^3");
    let refused = home.update_with(&chart, setup, &Monitor::silent());
    assert!(matches!(refused, Err(Error::Remote { problem: RemoteProblem::Unauthorised, .. })));
    assert_eq!(other.log(), ["/x-1.0.0.tgz 401"]);
}

/// Cancels when the file is asked for, so that nothing depends on time.
struct CancelAtFile(CancellationToken);

impl Reporter for CancelAtFile {
    fn report(&self, _: &str, report: Report<'_>) {
        if matches!(report, Report::Progress { subject, .. } if subject.ends_with("index.yaml")) {
            self.0.cancel();
        }
    }
}

#[test]
fn a_cancelled_update_ends_though_the_server_does_not_answer() {
    let (server, home) = (Server::start(), Home::new());
    server.put("/index.yaml", "entries: {x: [{version: 1.0.0, urls: [stall/x.tgz]}]}");
    let chart = home.chart(&server.url, "^1");
    let token = CancellationToken::new();
    let monitor = Monitor::new(Arc::new(CancelAtFile(token.clone())), token, "deps");
    let setup = home.setup(false, Repositories::default());
    let cancelled = home.update_with(&chart, setup, &monitor);
    assert!(matches!(cancelled, Err(Error::Cancelled(_))), "{cancelled:?}");
    assert!(!home.0.path().join("c/charts").exists());
}
