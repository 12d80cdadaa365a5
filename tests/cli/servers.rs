//! The two servers of the program.

use std::net::TcpListener;

use edk_testkit::{Signal, TestEnv};

#[test]
fn a_port_that_is_taken_is_told() {
    let env = TestEnv::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for server in ["registry", "sandbox"] {
        let done = env.edk(&[server, "serve", "--port", &port]).exits(1);
        done.tells(&[&format!("port {port}"), "taken", "--port 0"]);
    }
}

#[test]
fn a_server_tells_its_address_and_stops_when_told_to() {
    let env = TestEnv::new();
    for (server, signal) in [("registry", Signal::SIGINT), ("sandbox", Signal::SIGTERM)] {
        let mut running = env.start(&[server, "serve", "--port", "0"]);
        let line = running.line("Ctrl-C");
        let address = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
        let port: u16 = address.unwrap().trim_end_matches(';')[17..].parse().unwrap();
        assert!(TcpListener::bind(("127.0.0.1", port)).is_err(), "it listens at {port}");
        running.signal(signal);
        let done = running.finish();
        assert!([0, 130].contains(&done.code), "{done}");
        drop(TcpListener::bind(("127.0.0.1", port)).expect("the port is free again"));
    }
}

#[test]
fn one_process_at_a_time_holds_the_sandbox() {
    let env = TestEnv::new();
    let mut first = env.start(&["sandbox", "serve", "--port", "0"]);
    first.line("Ctrl-C");
    let done = env.edk(&["sandbox", "serve", "--port", "0"]);
    assert!([1, 3].contains(&done.code), "{done}");
    done.tells(&["hint: "]);
    assert!(first.runs());
}
