//! `edk registry serve --listen`: TLS, accounts, and what a platform has to be told.

use std::fs;

use edk_testkit::{Done, Running, TestEnv};
use serde_json::Value;

use crate::storage::pushed;

/// Serves `env` as a network would see it; returns the address and what was told.
fn listen(env: &TestEnv, more: &[&str]) -> (Running, String, String) {
    let args = ["registry", "serve", "--listen", "127.0.0.1:0"];
    let mut running = env.start(&[&args[..], more].concat());
    let line = running.line("https://127.0.0.1:");
    let address = line.split("https://").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let told = running.line("pull secret");
    (running, address, told)
}

fn account(env: &TestEnv, args: &[&str]) -> Value {
    env.result(&[&["registry", "account"], args].concat())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn nobody_is_served_over_a_network_without_an_account() {
    let env = TestEnv::new();
    let serve = ["registry", "serve", "--listen", "127.0.0.1:0"];
    let done = env.edk(&serve).exits(1);
    done.tells(&["accounts.toml", "edk registry account NAME"]);
    assert!(!env.state().join("registry").exists(), "nothing is made before");
    let file = env.state().join("registry/accounts.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[[account]]\nname = \"a\"\npassword = \"plain\"\n").unwrap();
    env.edk(&serve).exits(1).tells(&["not bcrypt"]);
    fs::remove_file(&file).unwrap();
    account(&env, &["node", "--pull", "*"]);
    fs::write(env.path("text.pem"), "text").unwrap();
    let own = [&serve[..], &["--cert", "text.pem", "--key", "text.pem"]].concat();
    env.edk(&own).exits(1).tells(&["text.pem", "certificate"]);
    env.edk(&[&serve[..], &["--cert", "text.pem"]].concat()).exits(2);
    env.edk(&["registry", "serve", "--listen", "nowhere"]).exits(2);
    env.edk(&["registry", "serve", "--listen", "192.0.2.1:0"]).exits(1).tells(&["192.0.2.1"]);
}

#[test]
fn skopeo_and_edk_pull_and_push_with_the_rights_of_their_accounts() {
    let env = pushed();
    let node = text(&account(&env, &["node", "--pull", "*"])["password"]);
    let ci = text(&account(&env, &["ci", "--push", "team/", "--token"])["token"]);
    let (running, address, told) = listen(&env, &["--name", "localhost"]);
    let port = address.rsplit(':').next().unwrap();
    assert!(told.contains(&format!("localhost:{port}")), "{told}");
    // As clients want it: a folder with the certificate of the registry.
    fs::create_dir(env.path("certs")).unwrap();
    let certificate = env.state().join("registry/certificate.pem");
    fs::copy(&certificate, env.path("certs/ca.crt")).unwrap();
    let skopeo = |args: &[&str]| Done::of(env.other("skopeo").arg("--insecure-policy").args(args));
    let image = format!("docker://{address}/app:0.1.0");
    let creds = |user: &str, password: &str| format!("--creds={user}:{password}");
    let inspect = |creds: &str| skopeo(&["inspect", "--cert-dir=certs", creds, &image]);
    let seen: Value =
        serde_json::from_str(&inspect(&creds("node", &node)).exits(0).stdout).unwrap();
    assert_eq!(seen["Labels"]["IMAGE"], "app");
    assert_ne!(inspect(&creds("node", "guess")).code, 0);
    assert_ne!(inspect("--no-creds").code, 0);
    // Without the certificate nothing is believed.
    let stranger = skopeo(&["inspect", &creds("node", &node), &image]);
    assert!(stranger.code != 0 && stranger.stderr.contains("certificate"), "{stranger}");

    let copy = |target: &str, creds: &str| {
        let target = format!("docker://{address}/{target}");
        let (from, to) = (creds.replace("--", "--src-"), creds.replace("--", "--dest-"));
        let from = if from.contains("ci") { format!("--src-creds=node:{node}") } else { from };
        skopeo(&[
            "copy",
            "--src-cert-dir=certs",
            "--dest-cert-dir=certs",
            &from,
            &to,
            &image,
            &target,
        ])
    };
    assert_ne!(copy("team/app:1", &creds("node", &node)).code, 0);
    copy("team/app:1", &creds("ci", &ci)).exits(0);
    assert_ne!(copy("other/app:1", &creds("ci", &ci)).code, 0);

    // Our own client finds the login where Podman keeps it.
    let other = TestEnv::new();
    let pull = ["registry", "copy", &format!("{address}/team/app:1"), "app:1", "--ca"];
    let pull = [&pull[..], &[certificate.to_str().unwrap()]].concat();
    other.edk(&pull).exits(3).tells(&["podman login", "log in"]);
    let login = other.path("auth.json");
    let basic =
        Done::of(other.other("sh").args(["-c", &format!("printf node:{node} | base64 -w0")]));
    let auth = serde_json::json!({ "auths": { &address: { "auth": basic.exits(0).stdout } } });
    fs::write(&login, auth.to_string()).unwrap();
    let mut command = other.command(&pull);
    Done::of(command.env("REGISTRY_AUTH_FILE", &login)).exits(0);
    other.edk(&["registry", "show", "app:1"]).exits(0).prints(&["COPY a.txt"]);
    drop(running);
}

#[test]
fn the_certificate_stays_and_neither_it_nor_a_password_is_in_the_events() {
    let env = TestEnv::new();
    let password = text(&account(&env, &["node", "--pull", "*"])["password"]);
    let key = || fs::read(env.state().join("registry/key.pem")).unwrap();
    let (first, _, _) = listen(&env, &["--events", "events.ndjson"]);
    let before = key();
    drop(first);
    let (_second, _, _) = listen(&env, &[]);
    assert_eq!(key(), before);
    let accounts = fs::read_to_string(env.state().join("registry/accounts.toml")).unwrap();
    assert!(!accounts.contains(&password));
    env.edk(&["registry", "account", "x", "--pull", "*"]).exits(0).prints(&["password ", "once"]);
}
