//! The registry that a host serves beside its window, spoken to by a client that is not ours.

use std::net::TcpListener;

use edk_api::host::JobState;
use edk_testkit::{Done, TestEnv, small_extension};
use serde_json::{Value, json};

use crate::client::TestHost;

/// Returns how the registry is served.
fn service(host: &TestHost) -> Value {
    host.call("settings", json!({}))["registry"].take()
}

fn skopeo(env: &TestEnv, args: &[&str]) -> Done {
    let mut command = env.other("skopeo");
    Done::of(command.arg("--insecure-policy").args(args))
}

#[test]
fn another_program_pulls_and_pushes_while_the_host_runs() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let host = TestHost::start(&env, &[]);
    let job = host.job("push", json!({"project": folder}));
    assert_eq!(host.end(&job).0, JobState::Succeeded);
    let service = service(&host);
    assert_eq!((&service["on"], &service["served"]), (&json!(true), &json!("here")), "{service}");
    assert!(service["bytes"].as_u64().unwrap() > 100_000, "{service}");
    let address = service["address"].as_str().unwrap();
    let pull = format!("docker://{address}/dag-lung:0.1.0");
    skopeo(&env, &["copy", "--src-tls-verify=false", &pull, "oci:pulled:x"]).exits(0);
    edk_testkit::verify_store(&env.path("pulled"));
    let push = format!("docker://{address}/from/elsewhere:1");
    skopeo(&env, &["copy", "--dest-tls-verify=false", "oci:pulled:x", &push]).exits(0);
    let there = host.call("registry", json!({}));
    assert!(there.to_string().contains("from/elsewhere"), "{there}");
    host.stop();
    assert!(!skopeo(&env, &["inspect", "--tls-verify=false", &pull]).stdout.contains("Digest"));
}

#[test]
fn the_registry_stays_off_once_it_was_switched_off() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let before = service(&host);
    let port = before["address"].as_str().unwrap().trim_start_matches("localhost:").to_owned();
    let off = host.call("registry_serve", json!({"on": false}));
    assert_eq!((&off["on"], &off["served"]), (&json!(false), &json!("nobody")));
    let free = TcpListener::bind(("127.0.0.1", port.parse().unwrap()));
    assert!(free.is_ok(), "the port is free at once: {free:?}");
    host.stop();
    let host = TestHost::start(&env, &[]);
    assert_eq!(service(&host)["on"], false);
    let on = host.call("registry_serve", json!({"on": true}));
    assert_eq!((&on["on"], &on["served"]), (&json!(true), &json!("here")));
    host.stop();
    let host = TestHost::start(&env, &[]);
    assert_eq!(service(&host)["served"], "here");
    host.stop();
}

#[test]
fn a_port_of_another_program_is_told_and_taken_when_it_is_free() {
    let env = TestEnv::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let host = TestHost::start(&env, &["--registry-port", &port.to_string()]);
    let taken = service(&host);
    assert_eq!((&taken["on"], &taken["served"]), (&json!(true), &json!("nobody")), "{taken}");
    assert_eq!(taken["failure"]["code"], "conflict");
    let hint = taken["failure"]["hints"][0].as_str().unwrap();
    assert!(hint.contains(&format!("ss -ltnp sport = :{port}")), "{hint}");
    let refused = env.edk(&["registry", "serve", "--port", &port.to_string()]);
    refused.exits(1).tells(&["taken by another program", "ss -ltnp"]);
    drop(other);
    assert_eq!(service(&host)["served"], "here");
    host.stop();
}

#[test]
fn a_registry_that_another_process_serves_is_recognised() {
    let env = TestEnv::new();
    let first = TestHost::start(&env, &[]);
    let address = service(&first)["address"].clone();
    let port = address.as_str().unwrap().trim_start_matches("localhost:");
    let second = TestHost::start(&env, &["--registry-port", port]);
    let theirs = service(&second);
    assert_eq!((&theirs["served"], &theirs["address"]), (&json!("elsewhere"), &address));
    assert!(theirs["process"].as_u64().is_some() && theirs["failure"].is_null(), "{theirs}");
    let pid = format!("by process {}", theirs["process"]);
    env.edk(&["registry", "serve", "--port", port]).exits(1).tells(&[&pid]);
    // Another data folder is another registry, whoever serves it.
    let stranger = TestEnv::new();
    let third = TestHost::start(&stranger, &["--registry-port", port]);
    assert_eq!(service(&third)["failure"]["code"], "conflict");
    third.stop();
    first.stop();
    assert_eq!(service(&second)["served"], "here", "who was waiting takes over");
    second.stop();
}
