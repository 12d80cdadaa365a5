//! A platform elsewhere: a sandbox and a registry with a data folder of their own, behind a front
//! door, to which images are pushed and charts are sent.

use std::{fs, path::Path};

use edk_testkit::{Done, Running, Signal, TestEnv, add_job, small_extension};
use serde_json::Value;

use crate::CHART;

/// An image that nobody has.
const NOWHERE: &str = "image: '{{ .Values.global.registry_url }}/nowhere:1'";

pub(crate) struct Ward {
    pub(crate) env: TestEnv,
    servers: Vec<Running>,
    /// What must show nowhere: the passphrase and the token.
    secrets: [String; 2],
    url: String,
}

/// Starts a server whose data is in `home`; returns its address.
fn serve(env: &TestEnv, servers: &mut Vec<Running>, home: &str, args: &[&str]) -> String {
    let home = env.path(home);
    let mut server = env.start(&[args, &["--home", home.to_str().unwrap()]].concat());
    let url = format!("http://{}", server.address());
    servers.push(server);
    url
}

impl Ward {
    pub(crate) fn new() -> Self {
        let env = TestEnv::new();
        let mut servers = Vec::new();
        let mut serve =
            |args: &[&str]| serve(&env, &mut servers, "served", &[args, &["--port", "0"]].concat());
        let url = serve(&["sandbox", "serve", "--login"]);
        let registry = serve(&["registry", "serve"]).replace("http://", "");
        let secrets = ["open sesame".to_owned(), token(&env, &url, "lead")];
        fs::write(env.path("token"), &secrets[1]).unwrap();
        let ward = Self { env, servers, secrets, url: url.clone() };
        let add = ["target", "add", "ward", &url, "--registry", &registry, "--project", "study"];
        ward.edk(&add).exits(0);
        ward.edk(&["target", "login", "ward", "--token-file", "token"]).exits(0);
        fs::remove_file(ward.env.path("token")).unwrap();
        ward.edk(&["target", "use", "ward"]).exits(0);
        ward
    }

    pub(crate) fn edk(&self, args: &[&str]) -> Done {
        Done::of(self.env.command(args).env("EDK_PASSPHRASE", "open sesame"))
    }

    pub(crate) fn result(&self, args: &[&str]) -> Value {
        let done = self.edk(&[args, &["--output", "json"]].concat()).exits(0);
        done.document()["result"].clone()
    }

    /// Logs in as another user of the front door.
    pub(crate) fn log_in(&self, user: &str) {
        fs::write(self.env.path("token"), token(&self.env, &self.url, user)).unwrap();
        self.edk(&["target", "login", "ward", "--token-file", "token"]).exits(0);
        fs::remove_file(self.env.path("token")).unwrap();
    }

    fn dag(&self) -> String {
        let dag = self.env.path("served/sandbox/workflows/dags/dag_lung.py");
        fs::read_to_string(dag).unwrap()
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(|server| server.signal(Signal::SIGTERM));
    }
}

fn sent(deploy: &Value) -> u64 {
    deploy["pushed"].as_array().unwrap().iter().map(|it| it["bytes"].as_u64().unwrap()).sum()
}

/// Gets a token as a person would who is given one.
fn token(env: &TestEnv, url: &str, user: &str) -> String {
    let url = format!("{url}/auth/realms/kaapana/protocol/openid-connect/token");
    let form = format!(
        "grant_type=password&client_id=kaapana&client_secret=sandbox&username={user}&password={user}"
    );
    let mut curl = env.other("curl");
    let done = Done::of(curl.args(["--silent", "--noproxy", "*", "--data", &form, &url])).exits(0);
    let answer: Value = serde_json::from_str(&done.stdout).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Looks for secrets in every file below a folder.
fn scan(folder: &Path, secrets: &[String]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scan(&path, secrets);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|it| it == secret.as_bytes());
            assert!(!found, "a secret shows in {}", path.display());
        }
    }
}

#[test]
fn an_extension_is_pushed_updated_taken_back_and_removed_on_a_platform_elsewhere() {
    let ward = Ward::new();
    small_extension(&ward.env, "lung");
    let dag = ward.env.path("lung/extension/docker/files/dag_lung.py");
    fs::write(&dag, "# first\n").unwrap();
    let plan = ward.result(&["deploy", "lung", "--dry-run"]);
    assert_eq!(plan["images"][0]["way"], "push");
    let events = ["--events", "events", "--verbose"];
    let first = ward.result(&[["deploy", "lung"].as_slice(), &events].concat());
    assert_eq!((&first["target"], &first["replaced"]), (&"ward".into(), &false.into()));
    assert!(sent(&first) > 0);
    assert_eq!(ward.dag(), "# first\n");

    fs::write(&dag, "# second\n").unwrap();
    let second = ward.result(&["deploy", "lung", "--version", "0.2.0"]);
    assert_eq!(second["replaced"], true);
    assert_eq!(ward.dag(), "# second\n");
    let (all, delta) = (sent(&first), sent(&second));
    assert!(delta < 64 << 10 && delta * 4 < all, "a line cost {delta} of {all} bytes");

    add_job(&ward.env.path(CHART), NOWHERE);
    fs::write(&dag, "# third\n").unwrap();
    let bad = ward.edk(&["deploy", "lung", "--version", "0.3.0"]).exits(1);
    let bad = bad
        .tells(&["0.3.0 failed on ward; 0.2.0 was put back and is ready"])
        .tells(&["/nowhere:1 was never sent to this target"]);
    assert_eq!(ward.dag(), "# second\n");

    let truth = ward.result(&["status", "lung", "--truth"]);
    let release = truth["lines"].as_array().unwrap().iter().find(|it| it["what"] == "release");
    assert_eq!(release.unwrap()["truth"], "older");
    assert_eq!(ward.result(&["uninstall", "lung"])["was_installed"], true);
    let told = [&first, &second, &truth].map(Value::to_string).concat();
    let told = [told, bad.stdout, bad.stderr].concat();
    assert!(ward.secrets.iter().all(|secret| !told.contains(secret)));
    // The project, the events, and what is remembered of the target; not what is sealed.
    scan(&ward.env.path("lung"), &ward.secrets);
    scan(&ward.env.state().join("deliveries"), &ward.secrets);
    let events = fs::read_to_string(ward.env.path("events")).unwrap();
    assert!(!events.is_empty() && ward.secrets.iter().all(|secret| !events.contains(secret)));
}

#[test]
fn a_platform_whose_registry_nobody_knows_is_told_before_anything_is_built() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let mut server = env.start(&["sandbox", "serve", "--port", "0", "--home", "served"]);
    let url = format!("http://{}", server.address());
    env.edk(&["target", "add", "bare", &url]).exits(0);
    let done = env.edk(&["deploy", "lung", "--target", "bare"]).exits(1);
    done.tells(&["nobody knows from which registry bare pulls images", "--registry"]);
    server.signal(Signal::SIGTERM);
}

/// A platform elsewhere whose registry is out of reach: images go in archives.
pub(crate) struct Remote {
    pub(crate) env: TestEnv,
    servers: Vec<Running>,
}

impl Remote {
    pub(crate) fn new() -> Self {
        let mut remote = Self { env: TestEnv::new(), servers: Vec::new() };
        small_extension(&remote.env, "lung");
        remote.becomes("one");
        remote
    }

    /// Puts another platform in the place of the one that was, as a new machine does.
    fn becomes(&mut self, home: &str) {
        let url = serve(&self.env, &mut self.servers, home, &["sandbox", "serve", "--port", "0"]);
        let add = ["target", "add", "far", &url, "--registry", "localhost:5577", "--change"];
        self.env.edk(&[&add[..], &["--build-version", "0.6.0"]].concat()).exits(0);
    }

    fn write_dag(&self, text: &str) {
        fs::write(self.env.path("lung/extension/docker/files/dag_lung.py"), text).unwrap();
    }

    fn dag(&self, home: &str) -> String {
        let dag = format!("{home}/sandbox/workflows/dags/dag_lung.py");
        fs::read_to_string(self.env.path(&dag)).unwrap()
    }

    fn deploy(&self, version: &str) -> Value {
        let args = ["deploy", "lung", "--target", "far", "--archives", "--version", version];
        self.env.result(&args)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(|server| server.signal(Signal::SIGTERM));
    }
}

#[test]
fn archives_carry_what_changed_all_of_it_to_a_new_machine_and_the_old_back() {
    let mut remote = Remote::new();
    remote.write_dag("# first\n");
    let plan = ["deploy", "lung", "--target", "far", "--archives", "--dry-run"];
    let plan = remote.env.result(&plan);
    assert_eq!(plan["images"][0]["way"], "archive");
    let first = remote.deploy("0.1.0");
    assert_eq!(remote.dag("one"), "# first\n");
    // One line: the layer that changed, and at most 16 KiB of what is around it.
    remote.write_dag("# second\n");
    let second = remote.deploy("0.2.0");
    assert_eq!(remote.dag("one"), "# second\n");
    let layer = remote.env.result(&["image", "inspect", "dag-lung:0.2.0"]);
    let layer = layer[0]["layers"].as_array().unwrap().last().unwrap()["size"].as_u64().unwrap();
    let dag = second["pushed"].as_array().unwrap();
    let dag = dag.iter().find(|it| it["name"].as_str().unwrap().contains("dag-lung")).unwrap();
    let (whole, delta) = (sent(&first), dag["bytes"].as_u64().unwrap());
    assert!(delta <= layer + (16 << 10), "{delta} bytes for a layer of {layer}");
    assert!(sent(&second) < whole / 4, "{} of {whole}", sent(&second));
    assert!(dag["reused"].as_u64().unwrap() > delta);

    // A bad change under the same version: the old image comes back under its tag as well.
    let job = add_job(&remote.env.path(CHART), NOWHERE);
    remote.write_dag("# third\n");
    let bad = ["deploy", "lung", "--target", "far", "--archives", "--version", "0.2.0"];
    remote.env.edk(&bad).exits(1).tells(&["0.2.0 was put back and is ready"]);
    assert_eq!(remote.dag("one"), "# second\n");
    fs::remove_file(&job).unwrap();

    // A machine that has nothing under the same name refuses the delta, and gets everything.
    remote.becomes("two");
    let again = remote.env.edk(&[&bad[..6], &["0.3.0", "--verbose"]].concat()).exits(0);
    again.tells(&["lacks more than was known, so everything is sent"]);
    assert_eq!(remote.dag("two"), "# third\n");
    let gone = remote.env.result(&["uninstall", "lung", "--target", "far"]);
    assert_eq!(gone["was_installed"], true);
}

#[test]
fn a_platform_that_dies_while_it_installs_is_told_and_the_next_deploy_goes_on() {
    let mut remote = Remote::new();
    remote.write_dag("# first\n");
    remote.deploy("0.1.0");
    let url = remote.env.result(&["target", "list"]);
    let far = url.as_array().unwrap().iter().find(|it| it["name"] == "far").unwrap();
    let port = far["url"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    // It hangs in the new release, and is killed there.
    let image = "image: 'localhost:5577/lung-features:0.6.0'";
    let container = format!("{image}, command: [/bin/busybox, sleep, '1000']");
    let job = add_job(&remote.env.path(CHART), &container);
    remote.write_dag("# second\n");
    let args = ["deploy", "lung", "--target", "far", "--archives", "--version"];
    let mut running = remote.env.start(&[&args[..], &["0.2.0", "--verbose"]].concat());
    running.line("waiting for pod `extra");
    let mut server = remote.servers.pop().unwrap();
    server.signal(Signal::SIGKILL);
    server.finish();
    let told = running.finish();
    assert_ne!(told.code, 0, "what is not there was reported as done");
    fs::remove_file(&job).unwrap();
    let again = ["sandbox", "serve", "--port", &port];
    serve(&remote.env, &mut remote.servers, "one", &again);
    let done = remote.env.edk(&[&args[..], &["0.2.1"]].concat()).exits(0);
    done.tells(&["0.2.0 was cut off while"]);
    assert_eq!(remote.dag("one"), "# second\n");
    let list = remote.env.result(&["ext", "list", "--target", "far", "--installed"]);
    let rows = list["extensions"].as_array().unwrap();
    let installed: Vec<_> = rows.iter().map(|row| &row["installed_version"]).collect();
    assert_eq!(installed, [&Value::from("0.2.1")], "nothing is installed twice");
}
