//! Who gets in: windows of the host's own address that know its token.

use edk_testkit::TestEnv;
use serde_json::json;

use crate::client::TestHost;

const CALL: &[u8] = br#"{"name": "settings"}"#;

#[test]
fn nobody_gets_in_without_the_token() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let other = format!("Bearer {}", "0".repeat(64));
    for line in ["POST /rpc", "GET /events", "POST /upload?name=a-0.1.0.tgz"] {
        for token in [None, Some(other.as_str()), Some("Bearer "), Some(host.token.as_str())] {
            let mut headers = vec![("host", host.address.as_str())];
            headers.extend(token.map(|token| ("authorization", token)));
            let answer = host.ask(line, &headers, CALL);
            assert_eq!(answer.status, 401, "{line} with {token:?}");
            assert_eq!(answer.json()["failure"]["code"], "unauthorised");
        }
    }
    let again = TestHost::start(&env, &[]);
    assert_ne!(again.token, host.token, "each start has a token of its own");
    assert_eq!(host.token.len(), 64);
    again.stop();
    host.stop();
}

#[test]
fn a_page_of_another_origin_is_refused_even_with_the_token() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let token = host.bearer();
    let own = format!("http://{}", host.address);
    let port = host.address.split_once(':').unwrap().1;
    let (by_name, foreign) = (format!("localhost:{port}"), format!("example.org:{port}"));
    for (name, origin, status) in [
        (host.address.as_str(), None, 200),
        (host.address.as_str(), Some(own.as_str()), 200),
        (by_name.as_str(), None, 200),
        (foreign.as_str(), None, 403),
        ("127.0.0.1", None, 403),
        (host.address.as_str(), Some("http://example.org"), 403),
        (host.address.as_str(), Some("null"), 403),
    ] {
        let mut headers = vec![("host", name), ("authorization", &token)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = host.ask("POST /rpc", &headers, CALL);
        assert_eq!(answer.status, status, "{name} from {origin:?}: {}", answer.body);
    }
    host.stop();
}

#[test]
fn pages_are_served_from_one_folder_under_a_strict_policy() {
    let env = TestEnv::new();
    let ui = env.path("ui");
    std::fs::create_dir_all(ui.join("assets")).unwrap();
    std::fs::write(ui.join("index.html"), "<!doctype html>").unwrap();
    std::fs::write(ui.join("assets/app.js"), "1;").unwrap();
    std::fs::write(env.path("secret"), "x").unwrap();
    std::os::unix::fs::symlink(env.path("secret"), ui.join("link")).unwrap();
    let host = TestHost::start(&env, &["--ui", "ui"]);
    let page = host.known("GET /", b"");
    assert_eq!((page.status, page.body.as_str()), (200, "<!doctype html>"));
    assert!(page.headers.contains("content-type: text/html"), "{}", page.headers);
    let policy = page.headers.lines().find(|it| it.starts_with("content-security-policy")).unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(host.known("GET /assets/app.js", b"").status, 200);
    for outside in ["/../secret", "/link", "/assets/../../secret", "/none"] {
        assert_eq!(host.known(&format!("GET {outside}"), b"").status, 404, "{outside}");
    }
    host.stop();
}

#[test]
fn what_can_not_be_served_is_told_at_once() {
    let env = TestEnv::new();
    let missing = env.edk(&["serve", "--port", "0", "--ui", "nowhere"]);
    missing.exits(1);
    let host = TestHost::start(&env, &[]);
    let port = host.address.split_once(':').unwrap().1;
    env.edk(&["serve", "--port", port]).exits(1);
    host.stop();
}

#[test]
fn what_is_no_call_is_refused_with_a_failure() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let answer = host.known("POST /rpc", b"hello");
    assert_eq!((answer.status, &answer.json()["failure"]["code"]), (400, &json!("invalid-input")));
    for (name, input, code) in [
        ("nothing", json!({}), "not-found"),
        ("create", json!({"template": 7}), "invalid-input"),
        ("create", json!({"template": "nothing"}), "not-found"),
        ("open_project", json!({"folder": "nowhere"}), "not-found"),
        ("start", json!({"command": "nothing", "input": {}}), "invalid-input"),
        ("cancel", json!({"job": "j1"}), "not-found"),
        ("registry_delete", json!({"repository": "a", "tag": "b"}), "not-found"),
        ("extensions", json!({"target": "http://127.0.0.1:1"}), "unreachable"),
    ] {
        let failure = host.refused(name, input);
        assert_eq!(failure["code"], code, "{name}: {failure}");
        assert!(!failure["what"].as_str().unwrap().is_empty());
    }
    let upload = host.known("POST /upload?name=..%2Fx.tgz", b"x").json();
    assert_eq!(upload["failure"]["code"], "invalid-input");
    host.stop();
}
