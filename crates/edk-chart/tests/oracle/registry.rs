//! Charts in an OCI registry that is not ours, put there by Helm.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::SystemTime,
};

use edk_chart::{Chart, Error, Remote, RemoteSetup, Repositories, Resolver, Sources};
use edk_model::Monitor;

use crate::helm::Helm;

/// Debian's `docker-registry`, serving a folder until it is dropped.
struct Registry {
    child: Child,
    host: String,
}

impl Registry {
    fn start(dir: &Path) -> Self {
        let config = dir.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
             http:\n  addr: 127.0.0.1:0\n",
            dir.join("registry").display()
        );
        fs::write(&config, text).unwrap();
        let mut child = Command::new("docker-registry")
            .args([Path::new("serve"), &config])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is not installed; run scripts/setup");
        // It tells the port it was given, and goes on to tell more than anybody reads.
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let host = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let rest = line.split_once("listening on ")?.1.to_owned();
                Some(rest.split(['"', ' ', ',']).next()?.replace("[::]", "127.0.0.1"))
            })
            .expect("the registry listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, host }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn chart(dir: &Path, name: &str, version: &str, more: &str) -> std::path::PathBuf {
    let folder = dir.join(format!("{name}-{version}"));
    fs::create_dir_all(&folder).unwrap();
    let text = format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}");
    fs::write(folder.join("Chart.yaml"), text).unwrap();
    folder
}

struct Ours {
    remote: Remote,
    folder: std::path::PathBuf,
}

impl Ours {
    fn new(dir: &Path, offline: bool) -> Self {
        let remote = Remote::new(RemoteSetup {
            cache: dir.join("cache"),
            offline,
            certificate: None,
            repositories: Repositories::default(),
            logins: Arc::new(|_, _| None),
        });
        Self { remote, folder: dir.join("ours") }
    }

    /// Updates a chart that needs `x` in `range`; returns the version and the lock.
    fn update(&self, host: &str, range: &str) -> Result<(String, String), Error> {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).unwrap();
        fs::write(self.folder.join("Chart.yaml"), needing(host, range)).unwrap();
        let (sources, monitor) = (Sources::default(), Monitor::silent());
        let remote = Some(&self.remote);
        let resolver = Resolver { sources: &sources, remote, monitor: &monitor };
        let chart = Chart::load(&self.folder)?;
        let update = resolver.update(&chart, SystemTime::UNIX_EPOCH)?;
        resolver.write(&update)?;
        let version = update.plan.dependencies[0].version.clone();
        Ok((version, fs::read_to_string(self.folder.join("Chart.lock")).unwrap()))
    }
}

fn needing(host: &str, range: &str) -> String {
    format!(
        "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n\
         - {{name: x, version: '{range}', repository: 'oci://{host}/charts'}}\n"
    )
}

#[test]
fn charts_of_a_registry_are_chosen_as_helm_chooses_them() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let registry = Registry::start(root);
    let host = registry.host.replace("127.0.0.1", "localhost");
    for version in ["1.0.0", "1.2.0", "1.3.0-rc.1", "2.0.0+b.1", "v3.0.0"] {
        let folder = chart(root, "x", version, "");
        let done = Helm::Three.run(root, &["package", folder.to_str().unwrap()]);
        assert!(done.ok, "{}", done.stderr);
        let archive = format!("x-{version}.tgz");
        let target = format!("oci://{host}/charts");
        let done = Helm::Three.run(root, &["push", &archive, &target, "--plain-http"]);
        assert!(done.ok, "{}", done.stderr);
    }
    let ours = Ours::new(root, false);
    // A version is taken for the tag; this is what `helm dependency update` can do without TLS.
    for range in ["1.0.0", "2.0.0+b.1", "v3.0.0", "1", "2.0.0", "9.9.9", "latest", ""] {
        let theirs = root.join("theirs");
        let _ = fs::remove_dir_all(&theirs);
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("Chart.yaml"), needing(&host, range)).unwrap();
        let done = Helm::Three.run(&theirs, &["dependency", "update", "."]);
        match ours.update(&host, range) {
            Ok((version, lock)) => {
                assert!(done.ok, "{range}: {}", done.stderr);
                let theirs_lock = fs::read_to_string(theirs.join("Chart.lock")).unwrap();
                let digest = |lock: &str| lock.split("digest: ").nth(1).unwrap()[..71].to_owned();
                assert_eq!(digest(&lock), digest(&theirs_lock), "{range}");
                let file = format!("charts/x-{version}.tgz");
                let (one, other) = (ours.folder.join(&file), theirs.join(&file));
                assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{range}");
            }
            Err(error) => assert!(!done.ok, "{range}: {error}"),
        }
    }
    // A range is asked for with another command, which can.
    for range in ["^1", "*", ">1-0", ">=2", "~1.0", "^9"] {
        let target = format!("oci://{host}/charts/x");
        let args = ["show", "chart", &target, "--version", range, "--plain-http"];
        let done = Helm::Three.run(root, &args);
        match ours.update(&host, range) {
            Ok((version, _)) => {
                let expected = format!("version: {version}\n");
                assert!(done.ok && done.stdout.contains(&expected), "{range}: {}", done.stdout);
            }
            Err(error) => assert!(!done.ok, "{range}: {error}, Helm {}", done.stdout),
        }
    }
    drop(registry);
    // What was fetched once is there without the registry; what was not is told.
    let offline = Ours::new(root, true);
    assert_eq!(offline.update(&host, "^1").unwrap().0, "1.2.0");
    assert!(matches!(offline.update(&host, "1.3.0-rc.0"), Err(Error::Offline { .. })));
    assert_eq!(ours.update(&host, "^1").unwrap().0, "1.2.0");
}
