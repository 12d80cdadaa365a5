//! `--output json`: one document on standard output, whatever happens.

use std::fs;

use edk_testkit::{TestEnv, small_extension};
use serde_json::Value;

/// Runs a command and returns its document; there is nothing else on standard output.
#[track_caller]
fn document(env: &TestEnv, code: i32, args: &[&str]) -> Value {
    let done = env.edk(&[args, &["--output", "json"]].concat()).exits(code);
    let document = done.document();
    let command = document["command"].as_str().unwrap().to_owned();
    assert!(args.join(" ").starts_with(&command), "{args:?} calls itself `{command}`");
    document
}

#[test]
fn every_command_that_succeeds_prints_one_document() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    fs::create_dir(env.path("input")).unwrap();
    fs::write(env.path("input/a.nii"), "an image").unwrap();
    let ok = |args: &[&str]| document(&env, 0, args)["result"].clone();

    assert_eq!(ok(&["new", "--list"])[1]["name"], "radiomics");
    assert_eq!(ok(&["new", "radiomics", "x", "--yes"])["dry_run"], false);
    assert_eq!(ok(&["base", "--list"])[0]["name"], "base-python-cpu");
    assert_eq!(ok(&["build", "lung"])["images"][0]["name"], "dag-lung");
    assert_eq!(ok(&["push", "lung"])["pushed"][0]["name"], "dag-lung:0.1.0");
    assert_eq!(ok(&["package", "lung"])[0]["chart"], "lung-workflow");
    assert_eq!(ok(&["deploy", "lung"])["helm_status"], "deployed");
    assert_eq!(ok(&["status", "lung"])["extensions"][0]["ready"], true);
    assert_eq!(ok(&["status", "--all"])["extensions"][0]["chart"], "lung-workflow");
    let run = ok(&["run", "lung", "--input", "input", "--set", "note=hello"]);
    assert_eq!(run["state"], "success");
    assert_eq!(ok(&["uninstall", "lung"])["was_installed"], true);
}

#[test]
fn every_command_that_fails_prints_one_document() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let failure = |code: i32, args: &[&str], kind: &str| {
        let failure = document(&env, code, args)["failure"].clone();
        assert_eq!(failure["code"], kind, "{args:?}");
        assert!(!failure["what"].as_str().unwrap().is_empty());
    };
    failure(1, &["new", "nothing", "--yes"], "not-found");
    failure(1, &["new", "radiomics", "x", "--set", "name=X"], "invalid-input");
    failure(1, &["base", "nothing"], "not-found");
    failure(1, &["build", "nowhere"], "not-found");
    failure(1, &["push", "nowhere"], "not-found");
    failure(1, &["package", "nowhere"], "not-found");
    failure(1, &["package", "lung", "--version", "x"], "invalid-input");
    failure(3, &["deploy", "lung", "--target", "http://localhost:1"], "unreachable");
    failure(3, &["status", "lung", "--target", "http://localhost:1"], "unreachable");
    failure(3, &["uninstall", "lung", "--target", "http://localhost:1"], "unreachable");
    failure(1, &["run", "lung", "--input", "nowhere"], "not-found");
    failure(1, &["run", "lung", "--input", "nowhere", "--set", "notes=x"], "invalid-input");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    failure(1, &["registry", "serve", "--port", &port], "conflict");
    failure(1, &["sandbox", "serve", "--port", &port], "conflict");
    fs::write(env.path("file"), "").unwrap();
    let demo = env.edk(&["demo", "--dir", "file", "-o", "json"]);
    assert_eq!(demo.document()["command"], "demo");
    assert_ne!(demo.code, 0);
}

#[test]
fn a_container_that_fails_is_a_report_and_exit_code_1() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    fs::create_dir(env.path("input")).unwrap();
    fs::write(env.path("input/a.nii"), "an image").unwrap();
    let args = ["run", "lung", "--input", "input", "--set", "note=bad", "-o", "json"];
    let done = env.edk(&args).exits(1).tells(&["the note is bad"]);
    let report = &done.document()["result"];
    assert_eq!((&report["state"], &report["exit_code"]), (&"failed".into(), &7.into()));
}

#[test]
fn a_quiet_command_tells_nothing_but_its_result() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let done = env.edk(&["build", "lung", "--quiet"]).exits(0).prints(&["dag-lung"]);
    assert_eq!(done.stderr, "");
}
