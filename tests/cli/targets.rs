//! Targets that are not there, or are something else.

use std::{fs, net::TcpListener};

use edk_testkit::{TestEnv, small_extension};

#[track_caller]
fn nothing_was_built(env: &TestEnv) {
    let steps = fs::read_dir(env.state().join("store/steps")).map_or(0, Iterator::count);
    assert_eq!(steps, 0, "something was built for a target that is not there");
}

#[test]
fn a_target_that_is_down_is_told_before_anything_is_built() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = format!("http://localhost:{port}");
    for command in ["deploy", "status", "uninstall"] {
        let done = env.edk(&[command, "lung", "--target", &target]).exits(3);
        done.tells(&["can't be reached", &target, "hint: ", "`edk sandbox serve`"]);
    }
    nothing_was_built(&env);
}

#[test]
fn a_server_that_is_no_sandbox_is_told() {
    use std::io::{Read as _, Write as _};
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://127.0.0.1:{}", server.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            );
        }
    });
    for command in ["deploy", "status"] {
        let done = env.edk(&[command, "lung", "--target", &target]).exits(3);
        done.tells(&[&target, "hello", "hint: "]);
    }
    nothing_was_built(&env);
}

#[test]
fn a_target_that_is_unknown_or_elsewhere_is_refused() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let check = |target: &str| {
        let done = env.edk(&["deploy", "lung", "--target", target]).exits(1);
        done.tells(&[target, "--target sandbox"]);
    };
    check("nowhere");
    check("https://kaapana.example");
    check("http://localhost.example:80");
    check("http://localhost@kaapana.example");
    nothing_was_built(&env);
}
