//! Passwords, tokens and passphrases show nowhere. The test kit looks for them in what every command
//! of these tests says, and in all files they leave; here is a day's work with all of them.

use std::fs;

use edk_testkit::{Done, Running, Signal, TestEnv, expect_no_secrets, plant, small_extension};
use serde_json::json;

const PASSPHRASE: &str = "a passphrase nobody types";
const PASSWORD: &str = "a-password-of-a-registry";

struct Day {
    env: TestEnv,
    said: Vec<Done>,
}

impl Day {
    fn edk(&mut self, args: &[&str]) -> i32 {
        let events = format!("events-{}", self.said.len());
        let more = ["--verbose", "--events", &events];
        let mut command = self.env.command(&[args, &more].concat());
        self.said.push(Done::of(command.env("EDK_PASSPHRASE", PASSPHRASE)));
        self.said.last().unwrap().code
    }
}

#[test]
fn a_days_work_with_every_kind_of_secret_shows_none_of_them() {
    plant(PASSPHRASE);
    plant(PASSWORD);
    let mut day = Day { env: TestEnv::new(), said: Vec::new() };
    small_extension(&day.env, "lung");
    let serve = |args: &[&str]| {
        let more = ["serve", "--port", "0", "--home", "served"];
        let mut server = day.env.start(&[&args[..1], &more, &args[1..]].concat());
        let url = format!("http://{}", server.address());
        (server, url)
    };
    let (mut sandbox, url) = serve(&["sandbox", "--login"]);
    let (mut registry, images) = serve(&["registry"]);
    let images = images.replace("http://", "");
    keep_login(&day.env, &images);
    for (name, text) in [("password", "lead"), ("wrong", "a wrong password"), ("secret", "sandbox")]
    {
        fs::write(day.env.path(name), text).unwrap();
    }
    plant("a wrong password");
    let add = ["target", "add", "ward", &url, "--registry", &images, "--project", "study"];
    assert_eq!(day.edk(&[&add[..], &["--build-version", "0.6.0"]].concat()), 0);
    let login = ["target", "login", "ward", "--user", "lead", "--client-secret-file", "secret"];
    assert_eq!(day.edk(&[&login[..], &["--password-file", "wrong"]].concat()), 3);
    assert_eq!(day.edk(&[&login[..], &["--password-file", "password"]].concat()), 0);
    let target = ["--target", "ward"];
    for args in [
        &["target", "doctor", "ward", "-o", "json"][..],
        &["target", "list", "-o", "json"],
        &["deploy", "lung", "--dry-run", "-o", "json", target[0], target[1]],
        &["deploy", "lung", "-o", "json", target[0], target[1]],
        &["ext", "list", "-o", "json", target[0], target[1]],
        &["ext", "show", "lung-workflow", target[0], target[1]],
        &["status", "lung", "--truth", target[0], target[1]],
    ] {
        let code = day.edk(args);
        assert!(code <= 1, "{}", day.said.last().unwrap());
    }
    // A deploy that is killed, and one whose platform is gone.
    let mut command = day.env.command(&["deploy", "lung", "--verbose", "--target", "ward"]);
    let mut killed = Running::start(command.env("EDK_PASSPHRASE", PASSPHRASE));
    killed.line("build");
    killed.signal(Signal::SIGKILL);
    killed.finish();
    sandbox.signal(Signal::SIGTERM);
    assert_ne!(day.edk(&["deploy", "lung", target[0], target[1]]), 0);
    registry.signal(Signal::SIGTERM);
    assert_eq!(day.edk(&["target", "logout", "ward"]), 0);
    assert!(day.env.path("events-4").is_file() && day.env.state().join("deliveries").is_dir());
    expect_no_secrets(day.env.state());
    expect_no_secrets(&day.env.work());
}

/// Keeps a login where Podman would.
fn keep_login(env: &TestEnv, registry: &str) {
    let folder = env.work().with_file_name("home").join(".config/containers");
    fs::create_dir_all(&folder).unwrap();
    // `ann` and the password, in the form of the file.
    let auth = "YW5uOmEtcGFzc3dvcmQtb2YtYS1yZWdpc3RyeQ==";
    plant(auth);
    let auth = json!({ "auths": { registry: { "auth": auth } } });
    fs::write(folder.join("auth.json"), auth.to_string()).unwrap();
}
