//! A release is replaced, and comes back by itself when the new one does not work.

use std::fs;

use edk_testkit::{Signal, TestEnv, add_job, small_extension};

use crate::CHART;

/// A Job whose image nobody has.
const MISSING: &str = "localhost:5577/nowhere:0.2.0";

fn deployed_lung() -> TestEnv {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    write_dag(&env, "# first\n");
    env.edk(&["deploy", "lung"]).exits(0);
    env
}

fn write_dag(env: &TestEnv, text: &str) {
    fs::write(env.path("lung/extension/docker/files/dag_lung.py"), text).unwrap();
}

/// The DAG file as it is on the sandbox.
fn dag(env: &TestEnv) -> String {
    fs::read_to_string(env.state().join("sandbox/workflows/dags/dag_lung.py")).unwrap()
}

fn row(env: &TestEnv) -> serde_json::Value {
    let list = env.result(&["ext", "list"]);
    list["extensions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "lung-workflow")
        .unwrap()
        .clone()
}

#[test]
fn a_bad_change_is_taken_back_and_both_outcomes_are_told() {
    let env = deployed_lung();
    write_dag(&env, "# second\n");
    add_job(&env.path(CHART), &format!("image: \"{MISSING}\""));
    let done = env.edk(&["deploy", "lung", "--version", "0.2.0"]).exits(1);
    done.tells(&["`lung-workflow` 0.2.0 failed on sandbox; 0.1.0 was put back and is ready"])
        .tells(&["follow/image-missing", MISSING, "hint: send the image"]);
    let now = row(&env);
    assert_eq!((&now["installed_version"], &now["ready"]), (&"0.1.0".into(), &true.into()));
    assert_eq!(dag(&env), "# first\n", "the old DAG is back as well");
    let journals = fs::read_dir(env.state().join("deliveries/sandbox/journal")).unwrap();
    let journals = journals.filter(|it| it.as_ref().unwrap().path().extension().unwrap() == "json");
    assert_eq!(journals.count(), 0, "a deploy that has ended is no deploy that was cut off");
}

#[test]
fn a_bad_change_under_the_same_version_is_taken_back_with_chart_and_images() {
    let env = deployed_lung();
    write_dag(&env, "# second\n");
    add_job(&env.path(CHART), &format!("image: \"{MISSING}\""));
    let done = env.edk(&["deploy", "lung"]).exits(1);
    done.tells(&["0.1.0 was put back and is ready"]);
    assert_eq!(dag(&env), "# first\n", "the tag stands for the old image again");
    // The chart on the sandbox is the old one again: it can be installed by hand.
    env.edk(&["uninstall", "lung"]).exits(0);
    env.edk(&["ext", "install", "lung-workflow", "--version", "0.1.0"]).exits(0);
}

#[test]
fn a_deploy_that_was_killed_is_told_by_the_next_one_which_goes_on_from_there() {
    let env = deployed_lung();
    let hangs = "image: \"localhost:5577/lung-features:0.6.0\", \
                 command: [/bin/busybox, sleep, \"1000\"]";
    add_job(&env.path(CHART), hangs);
    let mut running = env.start(&["deploy", "lung", "--version", "0.2.0", "--verbose"]);
    running.line("waiting for pod `extra");
    running.signal(Signal::SIGKILL);
    running.finish();
    // The next one is bad as well: what worked before the first comes back.
    add_job(&env.path(CHART), &format!("image: \"{MISSING}\""));
    let done = env.edk(&["deploy", "lung", "--version", "0.3.0"]).exits(1);
    done.tells(&["0.2.0 was cut off while the new release was being installed", "deploy/cut-off"])
        .tells(&["0.3.0 failed on sandbox; 0.1.0 was put back and is ready"]);
    assert_eq!(row(&env)["installed_version"], "0.1.0");
}

#[test]
fn a_bad_change_is_taken_back_on_a_platform_with_the_faults_of_real_ones() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    // All but the list that is half a minute old, which only makes the same take minutes.
    let mut serve = vec!["sandbox", "start", "--port", "0"];
    for fault in [
        "keep-rejected-charts",
        "keep-archives",
        "blind-append",
        "fragile-list",
        "bare-strings",
        "mangle-parameters",
        "install-timeout",
        "blind-delete",
        "terse",
    ] {
        serve.extend(["--fault", fault]);
    }
    env.edk(&serve).exits(0);
    write_dag(&env, "# first\n");
    env.edk(&["deploy", "lung"]).exits(0);
    write_dag(&env, "# second\n");
    add_job(&env.path(CHART), &format!("image: \"{MISSING}\""));
    let done = env.edk(&["deploy", "lung"]).exits(1);
    done.tells(&["0.1.0 was put back and is ready"]);
    assert_eq!(dag(&env), "# first\n");
    assert_eq!(row(&env)["ready"], true);
    env.edk(&["sandbox", "stop"]).exits(0);
}
