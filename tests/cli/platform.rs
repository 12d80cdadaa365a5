//! A platform elsewhere: a sandbox and a registry with a data folder of their own, behind a front
//! door, to which images are pushed and charts are sent.

use std::{fs, path::Path};

use edk_testkit::{Done, Running, Signal, TestEnv, small_extension};
use serde_json::Value;

struct Ward {
    env: TestEnv,
    servers: Vec<Running>,
    /// What must show nowhere: the passphrase and the token.
    secrets: [String; 2],
}

impl Ward {
    fn new() -> Self {
        let env = TestEnv::new();
        let home = env.path("served");
        let home = home.to_str().unwrap();
        let mut servers = Vec::new();
        let mut serve = |args: &[&str]| {
            let mut server = env.start(&[args, &["--port", "0", "--home", home]].concat());
            let line = server.line("http://127.0.0.1:");
            servers.push(server);
            line[line.find("http://").unwrap()..].split(';').next().unwrap().to_owned()
        };
        let url = serve(&["sandbox", "serve", "--login"]);
        let registry = serve(&["registry", "serve"]).replace("http://", "");
        let secrets = ["open sesame".to_owned(), token(&env, &url)];
        fs::write(env.path("token"), &secrets[1]).unwrap();
        let ward = Self { env, servers, secrets };
        let add = ["target", "add", "ward", &url, "--registry", &registry, "--project", "study"];
        ward.edk(&add).exits(0);
        ward.edk(&["target", "login", "ward", "--token-file", "token"]).exits(0);
        fs::remove_file(ward.env.path("token")).unwrap();
        ward.edk(&["target", "use", "ward"]).exits(0);
        ward
    }

    fn edk(&self, args: &[&str]) -> Done {
        Done::of(self.env.command(args).env("EDK_PASSPHRASE", "open sesame"))
    }

    fn result(&self, args: &[&str]) -> Value {
        let done = self.edk(&[args, &["--output", "json"]].concat()).exits(0);
        done.document()["result"].clone()
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
fn token(env: &TestEnv, url: &str) -> String {
    let url = format!("{url}/auth/realms/kaapana/protocol/openid-connect/token");
    let form =
        "grant_type=password&client_id=kaapana&client_secret=sandbox&username=lead&password=lead";
    let mut curl = env.other("curl");
    let done = Done::of(curl.args(["--silent", "--noproxy", "*", "--data", form, &url])).exits(0);
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

    let jobs = ward.env.path("lung/extension/lung-workflow/templates");
    fs::create_dir_all(&jobs).unwrap();
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: extra, namespace: services}\n\
               spec: {template: {spec: {restartPolicy: Never, containers: [{name: extra, \
               image: '{{ .Values.global.registry_url }}/nowhere:1'}]}}}\n";
    fs::write(jobs.join("extra.yaml"), job).unwrap();
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
    let line = server.line("http://127.0.0.1:");
    let url = line[line.find("http://").unwrap()..].split(';').next().unwrap().to_owned();
    env.edk(&["target", "add", "bare", &url]).exits(0);
    let done = env.edk(&["deploy", "lung", "--target", "bare"]).exits(1);
    done.tells(&["nobody knows from which registry bare pulls images", "--registry"]);
    server.signal(Signal::SIGTERM);
}
