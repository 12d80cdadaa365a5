//! Targets by name: made known, logged in to, looked at, and forgotten, before the front door of a
//! sandbox.

use std::{fs, process::Command};

use edk_testkit::{Done, Running, Signal, TestEnv, wait_until};
use serde_json::Value;

/// The password of the users of the sandbox is their name, so another word tells that it is kept.
const TOKENS: [&str; 2] = ["access", "refresh"];

struct Ward {
    env: TestEnv,
    served: Running,
    url: String,
}

impl Ward {
    /// A sandbox with a front door, served from a data folder of its own, and a client elsewhere.
    fn new() -> Self {
        let env = TestEnv::new();
        let home = env.path("served");
        let home = home.to_str().unwrap();
        let mut served = env.start(&["sandbox", "serve", "--login", "--port", "0", "--home", home]);
        let url = format!("http://{}", served.address());
        for (name, text) in [("secret", "sandbox"), ("lead", "lead\n"), ("wrong", "guess")] {
            fs::write(env.path(name), text).unwrap();
        }
        Self { env, served, url }
    }

    /// A command of the client, with a passphrase for its secrets.
    fn edk(&self, args: &[&str]) -> Done {
        Done::of(self.env.command(args).env("EDK_PASSPHRASE", "open sesame"))
    }

    fn json(&self, args: &[&str]) -> Value {
        let done = self.edk(&[args, &["-o", "json"]].concat()).exits(0);
        serde_json::from_str::<Value>(&done.stdout).unwrap()["result"].clone()
    }

    fn add(&self, more: &[&str]) {
        self.edk(&[&["target", "add", "ward", self.url.as_str()], more].concat()).exits(0);
    }

    fn log_in(&self, user: &str, password: &str) -> Done {
        let args = ["target", "login", "ward", "--user", user, "--password-file", password];
        self.edk(&[args.as_slice(), &["--client-secret-file", "secret"]].concat())
    }

    /// The severity of each thing the doctor looked at.
    fn found(&self, code: i32) -> Vec<(String, String)> {
        let done = self.edk(&["target", "doctor", "ward", "-o", "json"]).exits(code);
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let rows = document["result"].as_array().unwrap().iter();
        rows.map(|row| (text(&row["id"]), text(&row["severity"]))).collect()
    }
}

#[test]
fn a_target_is_made_known_logged_in_to_used_and_forgotten() {
    let ward = Ward::new();
    ward.edk(&["ext", "list", "--target", "ward"]).exits(1).tells(&["ward", "edk target add"]);
    ward.add(&["--registry", "localhost:5577", "--project", "study", "--pull-policy", "always"]);
    let again = ward.edk(&["target", "add", "ward", &ward.url]).exits(1);
    again.tells(&["already", "--change"]);
    let unknown = ward.edk(&["ext", "list", "--target", "ward"]).exits(3);
    unknown.tells(&["does not know who you are", "edk target login"]);
    assert!(ward.found(1).contains(&("login".to_owned(), "error".to_owned())));

    let outcome = ward.log_in("lead", "lead").exits(0);
    outcome.prints(&["as lead", "0.6.0", "study"]);
    let list = ward.json(&["ext", "list", "--target", "ward"]);
    assert_eq!(list["extensions"], serde_json::json!([]));
    ward.edk(&["target", "use", "ward"]).exits(0);
    ward.edk(&["ext", "list"]).exits(0).prints(&["nothing is there"]);
    let targets = ward.json(&["target", "list"]);
    let ward_row = &targets[1];
    assert_eq!((&ward_row["name"], &ward_row["current"]), (&"ward".into(), &true.into()));
    assert_eq!((&ward_row["user"], &ward_row["project"]), (&"lead".into(), &"study".into()));
    let found = ward.found(0);
    assert!(found.iter().all(|(_, severity)| severity == "ok"), "{found:?}");
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let door = ["reach", "trust", "login", "rights"];
    let inside = ["project", "version", "features", "pull-policy", "registry", "clock"];
    assert_eq!(ids, [door.as_slice(), &inside].concat());
    assert_eq!(ward_row["pull_policy"], "Always");

    // What is not named stays, the login as well; a login for another project is another.
    ward.add(&["--change", "--pull-policy", "IfNotPresent"]);
    let changed = &ward.json(&["target", "list"])[1];
    assert_eq!(changed["pull_policy"], "IfNotPresent");
    for kept in ["registry", "project", "user", "build_version"] {
        assert_eq!(changed[kept], ward_row[kept], "{kept}");
    }
    ward.edk(&["ext", "list"]).exits(0);
    ward.add(&["--change", "--project", "admin"]);
    ward.edk(&["ext", "list"]).exits(3).tells(&["edk target login"]);
    ward.add(&["--change", "--project", "study"]);
    ward.log_in("lead", "lead").exits(0);
    ward.edk(&["target", "logout", "ward"]).exits(0);
    ward.edk(&["ext", "list"]).exits(3).tells(&["edk target login"]);
    ward.edk(&["target", "remove", "ward"]).exits(0);
    assert_eq!(ward.json(&["target", "list"])[0]["current"], true);
    ward.edk(&["target", "use", "ward"]).exits(1).tells(&["--target sandbox"]);
}

#[test]
fn a_login_that_fails_says_why_and_keeps_nothing() {
    let ward = Ward::new();
    ward.add(&[]);
    ward.log_in("lead", "wrong").exits(3).tells(&["the user or the password is wrong"]);
    fs::write(ward.env.path("newcomer"), "newcomer").unwrap();
    ward.log_in("newcomer", "newcomer").exits(3).tells(&["in a browser once"]);
    fs::write(ward.env.path("secret"), "guess").unwrap();
    ward.log_in("lead", "lead").exits(3).tells(&["oidc_client_secret", "--session-file"]);
    fs::write(ward.env.path("secret"), "\n").unwrap();
    ward.log_in("lead", "lead").exits(1).tells(&["secret", "first line"]);
    ward.edk(&["target", "login", "ward"]).exits(1).tells(&["--user NAME"]);
    assert_eq!(ward.json(&["target", "list"])[1].get("user"), None);
    assert!(!ward.env.state().join("secrets.json").exists());

    // A project that is none of the user's.
    fs::write(ward.env.path("secret"), "sandbox").unwrap();
    ward.add(&["--change", "--project", "other"]);
    ward.log_in("lead", "lead").exits(1).tells(&["other", "no project of lead"]);
}

#[test]
fn who_may_not_manage_extensions_learns_it_from_the_doctor() {
    let ward = Ward::new();
    fs::write(ward.env.path("guest"), "guest").unwrap();
    ward.add(&[]);
    ward.log_in("guest", "guest").exits(0).prints(&["study"]);
    assert!(ward.found(1).contains(&("rights".to_owned(), "error".to_owned())));
    ward.edk(&["ext", "list", "-t", "ward"]).exits(3).tells(&["does not allow", "administrator"]);
}

#[test]
fn settings_that_are_none_are_refused() {
    let env = TestEnv::new();
    fs::write(env.path("no.pem"), "text").unwrap();
    let check = |args: &[&str], words: &str| {
        env.edk(&[&["target", "add"], args].concat()).exits(1).tells(&[words]);
    };
    check(&["Ward", "https://a.example"], "Ward");
    check(&["sandbox", "https://a.example"], "on this machine");
    check(&["ward", "a.example"], "no address");
    check(&["ward", "http://a.example"], "in the open");
    check(&["ward", "https://user@a.example"], "no address");
    check(&["ward", "https://a.example; rm"], "no address");
    check(&["ward", "https://a.example/?q"], "no address");
    check(&["ward", "https://a.example", "--registry", "https://r"], "scheme");
    check(&["ward", "https://a.example", "--pin", "12:34"], "SHA-256");
    check(&["ward", "https://a.example", "--ca", "no.pem"], "holds no certificate");
    let policy = ["target", "add", "ward", "https://a.example", "--pull-policy", "never"];
    env.edk(&policy).exits(2).tells(&["Always or IfNotPresent"]);
    check(&["ward", "https://a.example", "--ca", "none.pem"], "none.pem");
    fs::create_dir_all(env.state()).unwrap();
    fs::write(env.state().join("targets.json"), "{\"targets\": [{}]}").unwrap();
    env.edk(&["target", "list"]).exits(1).tells(&["targets.json:1:", "is not what was written"]);
}

#[test]
fn secrets_are_sealed_and_show_nowhere() {
    let ward = Ward::new();
    fs::write(ward.env.path("lead"), "lead").unwrap();
    ward.add(&[]);
    let login = ["target", "login", "ward", "--user", "lead", "--password-file", "lead"];
    let more = ["--client-secret-file", "secret", "--events", "events", "--verbose"];
    let done = ward.edk(&[login.as_slice(), &more].concat()).exits(0);
    let sealed = fs::read_to_string(ward.env.state().join("secrets.json")).unwrap();
    let events = fs::read_to_string(ward.env.path("events")).unwrap();
    let targets = fs::read_to_string(ward.env.state().join("targets.json")).unwrap();
    for text in [&sealed, &events, &targets, &done.stdout, &done.stderr] {
        for secret in TOKENS.iter().chain(&["open sesame", "\"sandbox\""]) {
            assert!(!text.contains(secret), "`{secret}` shows in {text}");
        }
    }
    use std::os::unix::fs::PermissionsExt as _;
    for name in ["secrets.json", "targets.json"] {
        let mode = fs::metadata(ward.env.state().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let list = ["ext", "list", "--target", "ward"];
    let mut command = ward.env.command(&list);
    let done = Done::of(command.env("EDK_PASSPHRASE", "another than that")).exits(3);
    done.tells(&["the passphrase does not open", "EDK_PASSPHRASE"]);
    fs::write(ward.env.path("passphrase"), "open sesame\n").unwrap();
    let file = ward.env.path("passphrase");
    Done::of(ward.env.command(&list).env("EDK_PASSPHRASE_FILE", file)).exits(0);
    Done::of(&mut ward.env.command(&list)).exits(3).tells(&["keychain", "EDK_PASSPHRASE"]);
}

#[test]
fn tokens_are_kept_in_the_keychain_of_the_session() {
    let ward = Ward::new();
    let edk = ward.env.command(&[]);
    let edk = edk.get_program().to_str().unwrap();
    // A session with a keychain of its own, which a password opens.
    let script = format!(
        "set -e; printf pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null
         {edk} target add ward {}
         {edk} target login ward --user lead --password-file lead --client-secret-file secret
         {edk} ext list --target ward
         {edk} target logout ward
         ! {edk} ext list --target ward",
        ward.url
    );
    let runtime = ward.env.path("runtime");
    fs::create_dir(&runtime).unwrap();
    let mut session = ward.env.other("dbus-run-session");
    session.args(["--", "sh", "-c", &script]).env("XDG_RUNTIME_DIR", &runtime);
    let done = Done::of(&mut session).exits(0);
    let done = done.prints(&["as lead", "nothing is there", "has no login any more"]);
    done.tells(&["edk target login"]);
    assert!(!ward.env.state().join("secrets.json").exists());
}

#[test]
fn another_device_logs_in_over_the_command_line() {
    let ward = Ward::new();
    ward.add(&[]);
    let mut command = ward.env.command(&["target", "login", "ward", "--device", "--client", "edk"]);
    let mut login = Running::start(command.env("EDK_PASSPHRASE", "open sesame"));
    let line = login.line("open http");
    let address = line[line.find("http").unwrap()..].trim().to_owned();
    let code = address.split("user_code=").nth(1).unwrap();
    let form = format!("user_code={code}&username=kaapana&password=kaapana");
    let mut browser = Command::new("curl");
    browser.args(["--silent", "--show-error", "--data", &form, address.split('?').next().unwrap()]);
    Done::of(&mut browser).exits(0).prints(&["logged in"]);
    let done = login.finish();
    assert_eq!(done.code, 0, "{done}");
    done.prints(&["as kaapana, who may do everything"]);
}

#[test]
fn a_browser_logs_in_and_a_wait_for_one_can_be_cancelled() {
    let ward = Ward::new();
    ward.add(&[]);
    let args = ["target", "login", "ward", "--browser", "--client", "edk"];
    let start = || Running::start(ward.env.command(&args).env("EDK_PASSPHRASE", "open sesame"));
    let mut login = start();
    let line = login.line("open http");
    let address = line[line.find("http").unwrap()..].trim().to_owned();
    let form = "username=lead&password=lead";
    let mut browser = Command::new("curl");
    browser.args(["--silent", "--show-error", "--location", "--data", form, &address]);
    Done::of(&mut browser).exits(0).prints(&["You can close this page"]);
    let done = login.finish();
    assert_eq!(done.code, 0, "{done}");

    let mut login = start();
    login.line("open http");
    login.signal(Signal::SIGINT);
    assert_eq!(login.finish().code, 130);
}

/// What a browser does: it logs in at the start page and keeps the cookies. Returns the header in
/// which it sends them.
fn browse(ward: &Ward, user: &str) -> String {
    let jar = ward.env.path("jar");
    let curl = |args: &[&str]| {
        let mut browser = Command::new("curl");
        browser.args(["--silent", "--show-error", "--location", "--output", "/dev/null"]);
        browser.args(["--write-out", "%{url_effective}"]).arg("--cookie").arg(&jar);
        Done::of(browser.arg("--cookie-jar").arg(&jar).args(args)).exits(0).stdout
    };
    let login = curl(&[&ward.url]);
    let form = format!("username={user}&password={user}");
    assert_eq!(curl(&["--data", &form, &login]), format!("{}/", ward.url));
    let kept = fs::read_to_string(&jar).unwrap();
    fs::remove_file(&jar).unwrap();
    let rows = kept.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let pairs = rows.filter(|row| row.len() == 7).map(|row| format!("{}={}", row[5], row[6]));
    format!("Cookie: Project=%7B%7D; {}", pairs.collect::<Vec<_>>().join("; "))
}

#[test]
fn the_session_of_a_browser_is_taken_over() {
    let mut ward = Ward::new();
    ward.add(&["--project", "study"]);
    let file = ward.env.path("session");
    let log_in = |ward: &Ward, header: &str| {
        fs::write(&file, header).unwrap();
        let done = ward.edk(&["target", "login", "ward", "--session-file", "session"]);
        fs::remove_file(&file).unwrap();
        done
    };
    let header = browse(&ward, "lead");
    log_in(&ward, &header).exits(0).prints(&["as lead", "study"]);
    ward.edk(&["ext", "list", "-t", "ward"]).exits(0).prints(&["nothing is there"]);
    assert!(ward.found(0).contains(&("login".to_owned(), "ok".to_owned())));

    // Half of it, none of it, and one that the front door does not know.
    let half = header.rsplit_once(';').unwrap().0;
    for other in [half, "Cookie: Project=%7B%7D"] {
        log_in(&ward, other).exits(1).tells(&["`session`", "_oauth2_proxy_0"]);
    }
    log_in(&ward, "_oauth2_proxy=x").exits(3).tells(&["has expired", "edk target login"]);
    ward.edk(&["target", "login", "ward", "--session-file", "session", "--browser"]).exits(2);
    // What was kept is still good.
    ward.edk(&["ext", "list", "-t", "ward"]).exits(0);

    // Deployed anew, the front door knows no session any more.
    let port = ward.url.rsplit_once(':').unwrap().1.to_owned();
    ward.served.signal(Signal::SIGTERM);
    wait_until("the front door is closed", 20, || !ward.served.runs());
    let home = ward.env.path("served");
    let again = ["sandbox", "serve", "--login", "--port", &port, "--home", home.to_str().unwrap()];
    ward.served = ward.env.start(&again);
    ward.served.address();
    let over = ward.edk(&["ext", "list", "-t", "ward"]).exits(3);
    over.tells(&["the platform ended the session before its time", "edk target login"]);
    assert!(ward.found(1).contains(&("login".to_owned(), "error".to_owned())));
    log_in(&ward, &browse(&ward, "lead")).exits(0);
    let out = ward.edk(&["target", "logout", "ward", "--verbose"]).exits(0);
    out.tells(&["the session there goes on"]);
    ward.edk(&["ext", "list", "-t", "ward"]).exits(3).tells(&["edk target login"]);
}

impl Drop for Ward {
    fn drop(&mut self) {
        self.served.signal(Signal::SIGTERM);
    }
}
