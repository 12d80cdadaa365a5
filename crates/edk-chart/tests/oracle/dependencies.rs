//! `helm dependency update`, `build` and `list`: the same charts in `charts/`, the same lock.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use edk_chart::{
    Chart, Remote, RemoteSetup, Repositories, Repository, Resolver, Sources, Update, yaml,
};
use edk_model::Monitor;
use serde_json::Value;

use crate::{each, expect_none, helm::Helm, packaging::members, server::Server};

/// A place with the charts that others need: as folders, and in a repository.
struct World {
    dir: tempfile::TempDir,
    server: Server,
}

const VERSIONS: [(&str, &str); 6] = [
    ("x", "1.0.0"),
    ("x", "1.2.0"),
    ("x", "1.3.0-rc.1"),
    ("x", "2.0.0"),
    ("yy", "1.0.0+b"),
    ("lib", "0.1.0"),
];

impl World {
    fn new() -> Self {
        let (dir, server) = (tempfile::tempdir().unwrap(), Server::start());
        let root = dir.path();
        for (name, version) in VERSIONS {
            let folder = root.join(format!("src/{name}-{version}"));
            fs::create_dir_all(folder.join("templates")).unwrap();
            let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\nodd: 1\n");
            fs::write(folder.join("Chart.yaml"), chart).unwrap();
            fs::write(folder.join("values.yaml"), "# mine\na: 1\n").unwrap();
            let source = folder.to_str().unwrap();
            let done = Helm::Three.run(root, &["package", source, "--destination", "repo"]);
            assert!(done.ok, "{}", done.stderr);
        }
        let done = Helm::Three.run(root, &["repo", "index", "repo"]);
        assert!(done.ok, "{}", done.stderr);
        for entry in fs::read_dir(root.join("repo")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            server.put(&format!("/charts/{name}"), fs::read(&path).unwrap());
        }
        let url = format!("{}/charts", server.url);
        let config = format!("repositories:\n- name: mine\n  url: {url}\n");
        fs::write(root.join("repositories.yaml"), config).unwrap();
        Self { dir, server }
    }

    fn url(&self) -> String {
        format!("{}/charts", self.server.url)
    }

    fn remote(&self) -> Remote {
        let mut repositories = Repositories::default();
        let url = self.url();
        repositories.add("mine", Repository { url, ..Repository::default() });
        Remote::new(RemoteSetup {
            cache: self.dir.path().join("cache"),
            offline: false,
            certificate: None,
            repositories,
            logins: Arc::new(|_, _| None),
        })
    }

    /// Runs Helm in `dir` with the repository `mine`.
    fn helm(&self, dir: &Path, args: &[&str]) -> crate::helm::Done {
        let config = self.dir.path().join("repositories.yaml");
        let mut args = args.to_vec();
        args.extend(["--repository-config", config.to_str().unwrap()]);
        Helm::Three.run(dir, &args)
    }

    fn ours(&self, folder: &Path, step: &str) -> Result<(), edk_chart::Error> {
        let (sources, remote, monitor) = (Sources::default(), self.remote(), Monitor::silent());
        let resolver = Resolver { sources: &sources, remote: Some(&remote), monitor: &monitor };
        let chart = Chart::load(folder)?;
        let now = SystemTime::UNIX_EPOCH;
        let update: Update = match step {
            "update" => resolver.update(&chart, now)?,
            _ => resolver.build(&chart, now)?,
        };
        resolver.write(&update).map(drop)
    }
}

/// A chart with dependencies: name, the text of its `Chart.yaml` below the version (in which
/// `URL` is the repository), and other files.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    ("range", "- {name: x, version: '>=1.0.0 <2.0.0', repository: URL}", &[]),
    ("star", "- {name: x, version: '*', repository: URL/}", &[]),
    ("pre", "- {name: x, version: '>=1.2.1-0 <2-0', repository: URL}", &[]),
    ("exact", "- {name: x, version: 1.0.0, repository: URL}", &[]),
    ("build-metadata", "- {name: yy, version: '1', repository: URL}", &[]),
    ("alias", "- {name: x, version: ^1, repository: '@mine'}", &[]),
    ("alias-colon", "- {name: x, version: ^1, repository: 'alias:mine'}", &[]),
    ("alias-unknown", "- {name: x, version: ^1, repository: '@other'}", &[]),
    (
        "two-versions",
        "- {name: x, version: ^1, repository: URL}\n- {name: x, version: ^2, alias: z, repository: URL}",
        &[],
    ),
    (
        "same-twice",
        "- {name: x, version: ^1, repository: URL}\n- {name: x, version: ^1, alias: z, repository: URL}",
        &[],
    ),
    (
        "everything",
        "- name: x\n  version: '~1.0 || >=1.2 <2'\n  repository: URL\n  alias: q\n  condition: a.b,c&d\n  \
         tags: [t<1>, u]\n  import-values:\n  - data\n  - {parent: b, child: a}",
        &[],
    ),
    ("path", "- {name: x, version: '1', repository: 'file://../src/x-1.2.0'}", &[]),
    ("path-out-of-range", "- {name: x, version: '9', repository: 'file://../src/x-1.2.0'}", &[]),
    ("path-stale", "- {name: x, version: '1', repository: 'file://../src/gone'}", &[]),
    ("path-archive", "- {name: x, version: '1', repository: 'file://../repo/x-1.2.0.tgz'}", &[]),
    ("path-no-version", "- {name: x, repository: 'file://../src/x-1.2.0'}", &[]),
    (
        "mixed",
        "- {name: x, version: '1', repository: 'file://../src/x-1.2.0'}\n- {name: lib, version: '*', repository: URL}",
        &[],
    ),
    ("not-there", "- {name: zz, version: '*', repository: URL}", &[]),
    ("no-such-version", "- {name: x, version: ^9, repository: URL}", &[]),
    ("no-range", "- {name: x, version: latest, repository: URL}", &[]),
    ("no-version", "- {name: x, repository: URL}", &[]),
    ("no-server", "- {name: x, version: '1', repository: 'http://127.0.0.1:9'}", &[]),
    ("scheme", "- {name: x, version: '1', repository: 'ftp://example.org'}", &[]),
    ("plain-name", "- {name: x, version: '1', repository: mine}", &[]),
    ("by-name-missing", "- {name: x, version: '1'}", &[]),
    (
        "by-name",
        "- {name: x, version: '1'}\n- {name: lib, version: '*', repository: URL}",
        &[("charts/x/Chart.yaml", "name: x\nversion: 1.7.0\n")],
    ),
    (
        "by-name-out-of-range",
        "- {name: x, version: '3'}",
        &[("charts/x/Chart.yaml", "name: x\nversion: 1.7.0\n")],
    ),
    (
        "undeclared-folder",
        "- {name: x, version: ^1, repository: URL}",
        &[("charts/old/Chart.yaml", "name: old\nversion: 1.0.0\n")],
    ),
    ("old-lock", "- {name: x, version: ^1, repository: URL}", &[("Chart.lock", "digest: old\n")]),
];

/// The cases that Helm refuses.
const REFUSED: [&str; 14] = [
    "alias-unknown",
    "path-out-of-range",
    "path-stale",
    "path-archive",
    "path-no-version",
    "not-there",
    "no-such-version",
    "no-range",
    "no-version",
    "no-server",
    "scheme",
    "plain-name",
    "by-name-missing",
    "by-name-out-of-range",
];

#[test]
fn updates_choose_and_lock_what_helm_does() {
    let world = World::new();
    let complaints = each(CASES, |case| compare(&world, case));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

/// Gives the chart to both, each in a folder of its own, and compares the folders.
fn compare(world: &World, (name, dependencies, files): &Case) -> Option<String> {
    let chart = format!("apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n{dependencies}\n");
    let chart = chart.replace("URL", &world.url());
    let write = |side: &str| -> PathBuf {
        let folder = world.dir.path().join(format!("{name}-{side}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Chart.yaml"), &chart).unwrap();
        for (path, text) in *files {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            fs::write(folder.join(path), text).unwrap();
        }
        folder
    };
    let (theirs, own) = (write("helm"), write("ours"));
    for step in ["update", "list", "build"] {
        // Helm builds only from repositories that have a name; all of these have one.
        let done = world.helm(&theirs, &["dependency", step, "."]);
        let ours = match step {
            "list" => return_list(&own, &done.stdout),
            step => world.ours(&own, step).map_err(|error| error.to_string()),
        };
        if step == "update" && done.ok == REFUSED.contains(name) {
            return Some(format!("{name}: Helm takes it: {}; {}", done.ok, done.stderr));
        }
        if done.ok != ours.is_ok() {
            return Some(format!("{name}: {step}: Helm says {}; ours: {ours:?}", done.stderr));
        }
        let (theirs, ours) = (tree(&theirs), tree(&own));
        if theirs != ours {
            return Some(format!("{name}: {step}: ours {ours:#?}\nHelm {theirs:#?}"));
        }
        if !done.ok {
            return None;
        }
    }
    None
}

/// Compares our list with Helm's.
fn return_list(folder: &Path, stdout: &str) -> Result<(), String> {
    let rows = stdout.lines().skip(1).take_while(|line| !line.trim().is_empty());
    let theirs: Vec<Vec<&str>> =
        rows.map(|line| line.split('\t').map(str::trim).collect()).collect();
    let listed = Chart::load(folder).map_err(|error| error.to_string())?.dependencies();
    let ours: Vec<(String, String)> =
        listed.iter().map(|it| (it.name.clone(), it.state.to_string())).collect();
    let theirs: Vec<(String, String)> =
        theirs.iter().map(|row| (row[0].to_owned(), row[row.len() - 1].to_owned())).collect();
    if ours == theirs { Ok(()) } else { Err(format!("list: ours {ours:?}, Helm {theirs:?}")) }
}

/// What is in a folder: archives by their members, locks without their time.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let shown = match path.extension().and_then(|end| end.to_str()) {
                Some("tgz") => format!("{:?}", members(&bytes)),
                Some("lock") => {
                    let mut lock = yaml::parse(&String::from_utf8(bytes).unwrap(), "l").unwrap();
                    lock["generated"] = Value::Null;
                    yaml::emit(&lock)
                }
                _ => String::from_utf8(bytes).unwrap(),
            };
            tree.insert(name, shown);
        }
    }
    tree
}

#[test]
fn a_lock_of_other_dependencies_is_out_of_sync_for_both() {
    let world = World::new();
    for (api, requirements, lock) in
        [("v2", "Chart.yaml", "Chart.lock"), ("v1", "requirements.yaml", "requirements.lock")]
    {
        let folder = world.dir.path().join(format!("sync-{api}"));
        fs::create_dir_all(&folder).unwrap();
        let write = |version: &str| {
            let chart = format!("apiVersion: {api}\nname: c\nversion: 1.0.0\n");
            fs::write(folder.join("Chart.yaml"), &chart).unwrap();
            let needs = format!(
                "dependencies:\n- {{name: x, version: '{version}', repository: 'file://../src/x-1.2.0'}}\n"
            );
            let text = if api == "v2" { chart + &needs } else { needs };
            fs::write(folder.join(requirements), text).unwrap();
        };
        write("1");
        world.ours(&folder, "update").unwrap();
        assert!(folder.join(lock).is_file());
        let done = world.helm(&folder, &["dependency", "build", "."]);
        assert!(done.ok, "{}", done.stderr);
        write("1.2");
        let done = world.helm(&folder, &["dependency", "build", "."]);
        let text = format!(
            "the lock file ({lock}) is out of sync with the dependencies file ({requirements})"
        );
        assert!(!done.ok && done.stderr.contains(&text), "{}", done.stderr);
        assert_eq!(world.ours(&folder, "build").unwrap_err().to_string(), text);
    }
}

/// What we put into `charts/` by name is where Helm looks for it.
#[test]
fn helm_takes_what_was_found_by_name() {
    let world = World::new();
    let folder = world.dir.path().join("named");
    fs::create_dir_all(&folder).unwrap();
    let chart = "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n\
                 - {name: x, version: ^1}\n- {name: kaapana-library-chart, version: 0.0.0}\n";
    fs::write(folder.join("Chart.yaml"), chart).unwrap();
    let sources = Sources::new(vec![("x".to_owned(), world.dir.path().join("src/x-1.2.0"))]);
    let monitor = Monitor::silent();
    let resolver = Resolver { sources: &sources, remote: None, monitor: &monitor };
    let update = resolver.update(&Chart::load(&folder).unwrap(), SystemTime::UNIX_EPOCH).unwrap();
    resolver.write(&update).unwrap();
    let lock = fs::read_to_string(folder.join("Chart.lock")).unwrap();
    for step in ["build", "update"] {
        let done = world.helm(&folder, &["dependency", step, "."]);
        assert!(done.ok, "{step}: {}", done.stderr);
        assert_eq!(fs::read_to_string(folder.join("Chart.lock")).unwrap(), lock, "{step}");
    }
    let done = world.helm(&folder, &["package", "."]);
    assert!(done.ok, "{}", done.stderr);
}
