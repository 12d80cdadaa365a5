//! Killed again and again while it works: its state is always that of one moment, and nothing that
//! it ran is left.

use std::{fs, path::Path, time::Duration};

use edk_testkit::{TestEnv, processes_below, small_application, wait_until};
use serde_json::{Value, json};

use crate::request;

/// How often it is killed.
const KILLS: u32 = 30;

#[test]
fn thirty_kills_leave_a_state_of_one_moment() {
    let env = TestEnv::new();
    small_application(&env, "hello", "page");
    env.edk(&["push", "hello"]).exits(0);
    env.edk(&["package", "hello", "--dir", "charts"]).exits(0);
    let charts = fs::read_dir(env.path("charts")).unwrap();
    let chart = charts.map(|it| it.unwrap().path()).find(|it| it.extension().is_some()).unwrap();
    for kill in 0..KILLS {
        let mut server = env.start(&["sandbox", "serve", "--port", "0"]);
        let line = server.line("Ctrl-C");
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let url = url.trim_end_matches(';').to_owned();
        expect_consistent(&env, &chart);
        // Each kill strikes another piece of the way, and another place in it.
        let moment = Duration::from_millis(u64::from(kill) * 53 % 400);
        let (steps, chart) = (url.clone(), chart.clone());
        let (done, ends) = std::sync::mpsc::channel();
        let client = std::thread::spawn(move || {
            work(&steps, &chart, kill);
            // Nobody listens when the kill came first.
            let _ = done.send(());
        });
        let _ = ends.recv_timeout(moment);
        server.signal(edk_testkit::Signal::SIGKILL);
        server.finish();
        client.join().unwrap();
        wait_until("nothing runs", 20, || processes_below(env.state()).is_empty());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(env.state().to_str().unwrap()), "a mount is left:\n{mounts}");
    }
    expect_consistent(&env, &chart);
    // And it still works.
    env.edk(&["deploy", "hello"]).exits(0);
    env.edk(&["uninstall", "hello"]).exits(0);
}

/// Goes the way of an extension, from another place with each kill; whatever is refused is refused.
fn work(url: &str, chart: &Path, kill: u32) {
    let post = |path: &str, body: &Value| {
        let body = body.to_string();
        let length = body.len();
        let head = "HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        request(url, &format!("POST {path} {head}Content-Length: {length}\r\n\r\n{body}"))
    };
    let name = chart.file_name().unwrap().to_str().unwrap();
    let stem = name.trim_end_matches(".tgz");
    let (release, version) = stem.rsplit_once('-').unwrap();
    let install = json!({ "name": release, "version": version });
    let uninstall = json!({ "release_name": release });
    for step in 0..9 {
        match (step + kill) % 3 {
            0 => upload(url, chart, name),
            1 => drop(post("/helm-install-chart", &install)),
            _ => drop(post("/helm-delete-chart", &uninstall)),
        }
    }
}

fn upload(url: &str, chart: &Path, name: &str) {
    let form = format!("filepond=%7B%22filepath%22%3A%22{name}%22%7D");
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let length = form.len();
    let head = format!("HTTP/1.0\r\nHost: localhost\r\n{kind}\r\nContent-Length: {length}");
    let (_, id) = request(url, &format!("POST /filepond-upload {head}\r\n\r\n{form}"));
    let bytes = fs::read(chart).unwrap();
    let size = bytes.len();
    let mut text = format!(
        "PATCH /filepond-upload?patch={id} HTTP/1.0\r\nHost: localhost\r\n\
         Upload-Length: {size}\r\nContent-Length: {size}\r\n\r\n"
    )
    .into_bytes();
    text.extend(bytes);
    use std::io::{Read as _, Write as _};
    if let Ok(mut stream) = std::net::TcpStream::connect(url.trim_start_matches("http://")) {
        let _ = stream.write_all(&text);
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Every file in its place is whole, and every record says something that can be.
#[track_caller]
fn expect_consistent(env: &TestEnv, chart: &Path) {
    let folder = env.state().join("sandbox");
    let files = |name: &str| {
        let entries = fs::read_dir(folder.join(name)).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    for file in files("extensions") {
        assert_eq!(fs::read(&file).unwrap(), fs::read(chart).unwrap(), "{}", file.display());
    }
    for file in files("releases").iter().filter(|it| it.extension().is_some_and(|it| it == "json"))
    {
        let release: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let status = release["status"].as_str().unwrap();
        assert!(["pending-install", "deployed", "uninstalling"].contains(&status), "{status}");
        let listed: Vec<_> = files("extensions");
        assert!(!listed.is_empty(), "a release without its chart");
    }
    edk_testkit::verify_store(&env.state().join("store"));
}
