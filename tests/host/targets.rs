//! Platforms from a window: known, logged in to, looked at, deployed to, and forgotten.

use edk_api::host::JobState;
use edk_testkit::{Done, Running, Signal, TestEnv, plant, program, small_extension, wait_until};
use serde_json::{Value, json};

use crate::client::TestHost;

/// What seals the tokens: it shows nowhere.
const PASSPHRASE: &str = "quartz-9dK3rTz1";

/// A sandbox elsewhere that wants a login, and a registry beside it; returns their addresses.
fn elsewhere(env: &TestEnv) -> (Vec<Running>, String, String) {
    let home = env.path("elsewhere");
    let home = home.to_str().unwrap();
    let serve = |args: &[&str]| {
        let mut server = env.start(&[args, &["--port", "0", "--home", home]].concat());
        let address = format!("http://{}", server.address());
        (server, address)
    };
    let (platform, url) = serve(&["sandbox", "serve", "--login"]);
    let (registry, address) = serve(&["registry", "serve"]);
    (vec![platform, registry], url, address.replace("http://", ""))
}

fn target(host: &TestHost, name: &str) -> Value {
    let settings = host.call("settings", json!({}));
    let found = settings["targets"].as_array().unwrap().iter().find(|it| it["name"] == name);
    found.cloned().unwrap_or_default()
}

#[test]
fn a_window_deploys_to_a_platform_it_was_told_of() {
    plant(PASSPHRASE);
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let (mut servers, url, registry) = elsewhere(&env);
    let host = TestHost::with(&env, &[], &[("EDK_PASSPHRASE", PASSPHRASE)]);
    let ward = json!({"name": "ward", "url": url, "registry": registry, "project": "study"});
    host.call("target_add", ward.clone());
    assert_eq!(host.refused("target_add", ward)["code"], "conflict");
    let known = target(&host, "ward");
    assert_eq!((&known["kind"], &known["user"]), (&json!("platform"), &Value::Null), "{known}");

    // Without a login nothing goes, and the window is told so.
    let plan = json!({"project": folder, "target": "ward"});
    assert_eq!(host.refused("deploy_plan", plan.clone())["code"], "unauthorised");
    let login = |password: &str| json!({"name": "ward", "user": "lead", "password": password, "client_secret": "sandbox"});
    assert_eq!(host.refused("target_login", login("wrong"))["code"], "unauthorised");
    let half = host.refused("target_login", json!({"name": "ward", "user": "lead"}));
    assert_eq!(half["what"], "a login takes a token, a session, or a user and a password");
    let done = host.call("target_login", login("lead"));
    assert_eq!((&done["user"], &done["project"]), (&json!("lead"), &json!("study")), "{done}");
    assert_eq!(target(&host, "ward")["user"], "lead");
    let more = json!({"name": "ward", "url": url, "change": true, "pull_policy": "Always"});
    host.call("target_add", more);
    let changed = target(&host, "ward");
    assert_eq!((&changed["user"], &changed["registry"]), (&json!("lead"), &json!(registry)));
    assert_eq!(
        (&changed["pull_policy"], &changed["build_version"]),
        (&json!("Always"), &json!("0.6.0"))
    );
    let found = host.call("target_doctor", json!({"name": "ward"}));
    let worst = |it: &Value| it["severity"] == "error";
    assert!(!found.as_array().unwrap().iter().any(worst), "{found}");

    let image = &host.call("deploy_plan", plan.clone())["images"][0];
    assert_eq!(image["way"], "push", "{image}");
    let (state, response) = host.end(&host.job("deploy", plan));
    assert_eq!((state, &response["target"]), (JobState::Succeeded, &json!("ward")), "{response}");
    let rows = host.call("extensions", json!({"target": "ward"}));
    let row = rows.as_array().unwrap().iter().find(|it| it["name"] == "lung-workflow").unwrap();
    assert_eq!((&row["installed"], &row["ready"]), (&json!(true), &json!(true)), "{row}");

    host.call("target_use", json!({"name": "ward"}));
    assert_eq!(target(&host, "ward")["current"], true);
    host.call("target_logout", json!({"name": "ward"}));
    assert_eq!(target(&host, "ward")["user"], Value::Null);
    host.call("target_remove", json!({"name": "ward"}));
    assert_eq!(
        (target(&host, "ward"), &target(&host, "sandbox")["current"]),
        (Value::Null, &json!(true))
    );
    host.stop();
    servers.iter_mut().for_each(|server| server.signal(Signal::SIGTERM));
}

#[test]
fn a_browser_logs_in_as_a_job_that_tells_where_to_go() {
    let env = TestEnv::new();
    let (mut servers, url, _) = elsewhere(&env);
    let host = TestHost::with(&env, &[], &[("EDK_PASSPHRASE", PASSPHRASE)]);
    host.call("target_add", json!({"name": "ward", "url": url}));
    // On this machine: the browser comes back to the host.
    let here = host.job("login", json!({"name": "ward", "client": "edk"}));
    let address = told(&host, &here, "open ");
    // Meanwhile the window knows another.
    host.call("target_add", json!({"name": "clinic", "url": "https://clinic.example.org"}));
    let taken = host.refused("start", json!({"command": "login", "input": {"name": "ward"}}));
    assert_eq!(taken["code"], "conflict");
    let browse = |address: &str, form: &str| {
        let mut browser = std::process::Command::new("curl");
        browser.args(["--silent", "--show-error", "--location", "--data", form, address]);
        Done::of(&mut browser).exits(0)
    };
    browse(&address, "username=lead&password=lead").prints(&["You can close this page"]);
    let (state, response) = host.end(&here);
    assert_eq!((state, &response["user"]), (JobState::Succeeded, &json!("lead")), "{response}");
    assert_eq!(target(&host, "ward")["user"], "lead");
    assert_eq!(target(&host, "clinic")["name"], "clinic");
    // On another device, by a code; and one that nobody waits for any more.
    let device = json!({"name": "ward", "client": "edk", "device": true});
    let there = host.job("login", device.clone());
    let (address, code) = (told(&host, &there, "open "), told(&host, &there, "and enter "));
    let form = format!("user_code={code}&username=kaapana&password=kaapana");
    browse(address.split('?').next().unwrap(), &form).prints(&["logged in"]);
    assert_eq!(host.end(&there).1["user"], "kaapana");
    let given_up = host.job("login", device);
    told(&host, &given_up, "and enter ");
    host.call("cancel", json!({"job": given_up}));
    assert_eq!(host.end(&given_up).0, JobState::Cancelled);
    assert_eq!(target(&host, "ward")["user"], "kaapana");
    host.stop();
    servers.iter_mut().for_each(|server| server.signal(Signal::SIGTERM));
}

/// Waits for the line of a job's output that begins so; returns the rest of it.
fn told(host: &TestHost, job: &str, start: &str) -> String {
    let mut line = None;
    wait_until("the job tells it", 20, || {
        let jobs = host.snapshot().1.jobs;
        let lines = jobs.iter().filter(|it| it.id == job).flat_map(|it| &it.lines);
        line = lines.filter_map(|it| it.text.strip_prefix(start)).next().map(str::to_owned);
        line.is_some()
    });
    line.unwrap()
}

#[test]
fn what_a_window_does_with_targets_has_a_command_line_that_is_understood() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let (name, url) = ("ward", "https://kaapana.example.org");
    let line = |call: &str, input: Value| {
        let line = host.call("command_line", json!({"command": call, "input": input}));
        line.as_str().unwrap().to_owned()
    };
    let add = |trust: Value| {
        line("target_add", json!({"name": name, "url": url, "project": "a b", "trust": trust}))
    };
    let pin = ["3F"; 32].join(":");
    assert!(add(json!({"authority": "/etc/ca.pem"})).ends_with("--project 'a b' --ca /etc/ca.pem"));
    let pulls = json!({"name": name, "url": url, "pull_policy": "Always"});
    for line in [
        line("target_add", pulls),
        add(json!({ "pinned": pin })),
        add(json!("anything")),
        line("target_use", json!({"name": name})),
    ] {
        let script = line
            .replacen("edk", program().to_str().unwrap(), 1)
            .replace(" add ward ", " add ward --change ");
        // The second `add` would be of a name that is known, but for --change.
        let status = env.other("sh").args(["-c", &script]).status().unwrap();
        assert_eq!(status.code(), Some(0), "{line}");
    }
    let typed =
        json!({"name": name, "user": "ada", "password": "not shown", "client_secret": "nor this"});
    assert_eq!(line("target_login", typed), "edk target login ward --user ada");
    let typed = json!({"name": name, "token": "not shown"});
    assert_eq!(line("target_login", typed), "edk target login ward --token-file TOKEN");
    let started = |device: bool| json!({"name": name, "client": "edk", "device": device});
    assert_eq!(line("login", started(false)), "edk target login ward --browser --client edk");
    assert_eq!(line("login", started(true)), "edk target login ward --device --client edk");
    let typed = json!({"name": name, "session": "not shown"});
    assert_eq!(line("target_login", typed), "edk target login ward --session-file SESSION");
    assert_eq!(line("target_doctor", json!({"name": name})), "edk target doctor ward");
    host.stop();
}
