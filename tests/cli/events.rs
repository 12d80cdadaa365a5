//! `--events FILE`.

use std::{collections::HashSet, fs};

use edk_testkit::{TestEnv, small_extension};
use serde_json::Value;

/// Runs a command and returns its events, checked for what holds for every job.
#[track_caller]
fn events(env: &TestEnv, code: i32, args: &[&str]) -> Vec<Value> {
    let file = env.path("events.jsonl");
    let _ = fs::remove_file(&file);
    env.edk(&[args, &["--events", "events.jsonl"]].concat()).exits(code);
    let text = fs::read_to_string(&file).unwrap();
    let events: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], at as u64 + 1, "without gaps");
    }
    let times: Vec<u64> = events.iter().map(|event| event["at_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "job-started");
    let ends = ["job-succeeded", "job-failed"];
    assert_eq!(kinds.iter().filter(|kind| ends.contains(kind)).count(), 1, "{kinds:?}");
    let end = if code == 0 { "job-succeeded" } else { "job-failed" };
    assert_eq!(kinds.last(), Some(&end));
    events
}

#[test]
fn a_job_that_succeeds_is_recorded_from_start_to_end() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let events = events(&env, 0, &["deploy", "lung"]);
    assert_eq!(events[0]["job"], "deploy");
    let finished = events.iter().filter(|event| event["event"] == "stage-finished");
    let stages: HashSet<&str> = finished.map(|event| event["stage"].as_str().unwrap()).collect();
    for stage in ["build", "push", "upload", "install", "follow"] {
        assert!(stages.contains(stage), "{stages:?}");
    }
}

#[test]
fn a_job_that_fails_is_recorded_with_its_failure() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let events = events(&env, 3, &["deploy", "lung", "--target", "http://localhost:1"]);
    assert_eq!(events.last().unwrap()["failure"]["code"], "unreachable");
}

#[test]
fn events_that_cannot_be_written_stop_the_job_before_it_starts() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    for file in ["nowhere/events.jsonl", "/proc/nothing/events"] {
        let done = env.edk(&["build", "lung", "--events", file]);
        assert!([1, 3].contains(&done.code), "{done}");
        done.tells(&[file, "--events"]);
    }
    assert!(!env.state().join("store/steps").exists(), "nothing was built");
}

#[test]
fn a_recorded_job_leaves_nothing_but_its_file() {
    let env = TestEnv::new();
    events(&env, 0, &["new", "--list"]);
    let names: Vec<_> = fs::read_dir(env.work()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["events.jsonl"]);
}
