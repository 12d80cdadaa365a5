//! Jobs from their start to their end, with the real builder and the real sandbox.

use std::path::Path;

use edk_api::host::{EntryKind, JobState};
use edk_model::EventKind;
use edk_testkit::{Signal, TestEnv, ask_for_another, run_in_image, small_extension};
use serde_json::{Value, json};

use crate::client::{TestHost, folded};

fn deploy(project: &Path) -> Value {
    json!({"project": project, "target": "sandbox"})
}

/// Returns the actions of a plan's steps.
fn actions(host: &TestHost, project: &Path) -> Vec<String> {
    let plan = host.call("deploy_plan", deploy(project));
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| step["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_deploy_is_planned_followed_and_remembered() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let host = TestHost::start(&env, &[]);
    let stale = |host: &TestHost| -> Vec<bool> {
        let view = host.call("open_project", json!({ "folder": folder }));
        view["images"].as_array().unwrap().iter().map(|it| it["stale"] == true).collect()
    };
    assert_eq!(stale(&host), [true, true]);
    let view = host.call("open_project", json!({ "folder": folder }));
    let dag = &view["dags"][0];
    let (id, file) = (json!("lung"), json!("extension/docker/files/dag_lung.py"));
    assert_eq!((&dag["id"], &dag["file"]), (&id, &file));
    let asked = dag["forms"]["workflow_form"]["properties"].as_object().unwrap();
    assert!(asked.contains_key("note") && asked.contains_key("bin_width"), "{dag}");
    assert_eq!(
        actions(&host, &folder),
        ["build", "build", "push", "push", "push", "package", "upload", "install"]
    );
    let job = host.job("deploy", deploy(&folder));
    let all = host.until_end(&job);
    let (state, response) = crate::client::ended(all.last().unwrap(), &job).unwrap();
    assert_eq!(state, JobState::Succeeded, "{response}");
    assert_eq!(response["release"], "lung-workflow");

    // What a deploy did is what its plan said, and now there is nothing left to build.
    assert_eq!(stale(&host), [false, false]);
    assert_eq!(
        actions(&host, &folder),
        ["reuse", "reuse", "reuse", "reuse", "reuse", "package", "upload", "replace"]
    );
    let dag = folder.join("extension/docker/files/dag_lung.py");
    std::fs::write(&dag, std::fs::read_to_string(&dag).unwrap() + "# mine\n").unwrap();
    assert_eq!(stale(&host), [true, false]);

    // The window shows the same: stages that ended, and what came of it.
    let shown = &folded(&all).jobs[0];
    assert_eq!(shown.header.cli, format!("edk deploy {}", folder.display()));
    let stages: Vec<&str> = shown.stages.iter().map(|stage| stage.stage.as_str()).collect();
    for stage in ["build", "push", "upload", "install", "follow"] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    assert!(shown.stages.iter().all(|stage| stage.seconds.is_some()));

    let row = &host.call("extensions", json!({"target": "sandbox"}))[0];
    assert_eq!((&row["name"], &row["ready"]), (&json!("lung-workflow"), &json!(true)), "{row}");
    let past = &host.call("history", json!({ "project": folder }))[0];
    assert_eq!((&past["command"], &past["ok"]), (&json!("deploy"), &json!(true)), "{past}");
    assert!(past["bytes"].as_u64().unwrap() > 0 && past["steps"].as_u64().unwrap() >= 3, "{past}");
    host.stop();
}

#[test]
fn a_chart_is_uploaded_installed_and_taken_away() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let host = TestHost::start(&env, &[]);
    let project = json!({ "project": folder });
    let pushed = host.job("push", project.clone());
    assert_eq!(host.end(&pushed).0, JobState::Succeeded);
    let packaged = host.job("package", project);
    let (_, charts) = host.end(&packaged);
    let file = charts[0]["path"].as_str().unwrap();
    let (name, version) = ("lung-workflow", charts[0]["version"].as_str().unwrap());

    let sent = host
        .known(&format!("POST /upload?name={name}-{version}.tgz"), &std::fs::read(file).unwrap());
    let sent = sent.json()["output"]["job"].as_str().unwrap().to_owned();
    let (state, response) = host.end(&sent);
    assert_eq!((state, &response["name"]), (JobState::Succeeded, &json!(name)), "{response}");

    let install = json!({"target": "sandbox", "name": name, "version": version, "params": {}});
    let job = host.call("install", install.clone())["job"].as_str().unwrap().to_owned();
    let (state, response) = host.end(&job);
    assert_eq!((state, &response["release"]), (JobState::Succeeded, &json!(name)), "{response}");
    let again = host.call("install", install)["job"].as_str().unwrap().to_owned();
    let (state, failure) = host.end(&again);
    assert_eq!((state, &failure["code"]), (JobState::Failed, &json!("conflict")), "{failure}");

    let gone = json!({"target": "sandbox", "release": name, "version": version});
    let job = host.call("uninstall_release", gone)["job"].as_str().unwrap().to_owned();
    assert_eq!(host.end(&job).1["was_installed"], true);
    assert_eq!(host.call("extensions", json!({"target": "sandbox"}))[0]["installed"], false);

    let tags = host.call("registry", json!({}));
    let dag = tags.as_array().unwrap().iter().find(|it| it["repository"] == "dag-lung").unwrap();
    assert_eq!(dag["tags"][0]["tag"], version, "{dag}");
    assert!(!dag["tags"][0]["layers"].as_array().unwrap().is_empty());
    host.call("registry_delete", json!({"repository": "dag-lung", "tag": version}));
    let tags = host.call("registry", json!({}));
    assert!(tags.as_array().unwrap().iter().all(|it| it["repository"] != "dag-lung"), "{tags}");

    // Without its image the release can't become ready, and the failure says which is missing.
    let install = json!({"target": "sandbox", "name": name, "version": version, "params": {}});
    let job = host.call("install", install)["job"].as_str().unwrap().to_owned();
    let (state, failure) = host.end(&job);
    assert_eq!(state, JobState::Failed, "{failure}");
    assert!(failure.to_string().contains(&format!("dag-lung:{version}")), "{failure}");

    let images = host.known("POST /upload?name=images.tar", b"x").json();
    let job = images["output"]["job"].as_str().unwrap();
    assert!(host.end(job).1["what"].as_str().unwrap().contains("no tar archive"));
    host.stop();
}

#[test]
fn extensions_are_deployed_side_by_side_to_one_sandbox() {
    let env = TestEnv::new();
    let folders = ["one", "two", "three"].map(|name| small_extension(&env, name));
    let host = TestHost::start(&env, &[]);
    let jobs = folders.each_ref().map(|folder| host.job("deploy", deploy(folder)));
    for job in &jobs {
        let (state, response) = host.end(job);
        assert_eq!(state, JobState::Succeeded, "{response}");
    }
    let rows = host.call("extensions", json!({"target": "sandbox"}));
    assert!(rows.as_array().unwrap().iter().all(|row| row["ready"] == true), "{rows}");
    assert_eq!(rows.as_array().unwrap().len(), 3);
    // While a host keeps the sandbox, the command line reaches the same one.
    let status = env.result(&["status", "--all"]);
    assert_eq!(status["extensions"].as_array().unwrap().len(), 3, "{status}");
    host.stop();
    // And afterwards it is free, with everything still on it.
    let status = env.result(&["status", "--all"]);
    assert_eq!(status["extensions"].as_array().unwrap().len(), 3, "{status}");
}

#[test]
fn a_second_job_on_an_extension_is_refused_and_the_first_can_be_cancelled() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "sleep", "600"]);
    let host = TestHost::start(&env, &[]);
    let project = json!({ "project": folder });
    let job = host.job("build", project.clone());
    // It works when the step is named in its output.
    let sleeps = |entry: &edk_api::host::Entry| match &entry.kind {
        EntryKind::Event { event, .. } => {
            matches!(&event.kind, EventKind::Line { text, .. } if text.contains("sleep"))
        }
        _ => false,
    };
    assert!(host.entries(Some(0)).any(|entry| sleeps(&entry)));
    let refused = host.refused("start", json!({"command": "push", "input": project}));
    assert_eq!(refused["code"], "conflict");
    assert!(refused["what"].as_str().unwrap().contains(&job), "{refused}");
    host.call("cancel", json!({ "job": job }));
    let (state, failure) = host.end(&job);
    assert_eq!((state, &failure["code"]), (JobState::Cancelled, &json!("cancelled")));
    // To cancel what has ended changes nothing.
    host.call("cancel", json!({ "job": job }));
    assert_eq!(host.snapshot().1.jobs[0].state, JobState::Cancelled);
    host.stop();
}

#[test]
fn the_end_of_the_host_stops_its_jobs() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "sleep", "600"]);
    let host = TestHost::start(&env, &[]);
    host.job("build", json!({ "project": folder }));
    let started = |entry: &edk_api::host::Entry| match &entry.kind {
        EntryKind::Event { event, .. } => matches!(&event.kind, EventKind::Line { .. }),
        _ => false,
    };
    let mut entries = host.entries(Some(0));
    assert!(entries.by_ref().any(|entry| started(&entry)));
    host.stop();
    assert!(edk_testkit::processes_below(env.state()).is_empty());
    // The stream ends with the host instead of hanging.
    assert!(entries.count() < 10_000);
}

#[test]
fn what_stops_a_job_is_told_with_its_place() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "false"]);
    let host = TestHost::start(&env, &[]);
    let job = host.job("build", json!({ "project": folder }));
    let (state, failure) = host.end(&job);
    assert_eq!((state, &failure["code"]), (JobState::Failed, &json!("command-failed")));
    assert!(!failure["hints"].as_array().unwrap().is_empty(), "{failure}");
    let shown = &host.snapshot().1.jobs[0];
    assert_eq!(shown.failure.as_ref().map(|it| json!(it)), Some(failure));
    let past = &host.call("history", json!({}))[0];
    assert_eq!((&past["ok"], &past["command"]), (&json!(false), &json!("build")), "{past}");
    host.stop();
}

#[test]
fn processes_that_come_and_go_share_one_sandbox() {
    let env = TestEnv::new();
    // Whoever is first serves it for the others, and ends while they come and go.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| (0..4).for_each(|_| drop(env.edk(&["status", "--all"]).exits(0))));
        }
    });
}

#[test]
fn what_a_target_never_got_is_offered_and_the_offer_sends_it() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    ask_for_another(&env, &folder);
    let elsewhere = env.path("elsewhere");
    let home = elsewhere.to_str().unwrap();
    let mut sandbox = env.start(&["sandbox", "serve", "--port", "0", "--home", home]);
    let url = format!("http://{}", sandbox.address());
    let add = ["target", "add", "far", &url, "--registry", "localhost:5577"];
    env.edk(&[&add[..], &["--build-version", "0.6.0"]].concat()).exits(0);

    let host = TestHost::start(&env, &[]);
    let input = json!({"project": folder, "target": "far", "archives": true});
    let job = host.job("deploy", input);
    let all = host.until_end(&job);
    let shown = &folded(&all).jobs[0];
    let failure = json!(shown.failure);
    assert_eq!(shown.state, JobState::Failed);
    assert!(failure.to_string().contains("was never sent to this target: send "), "{failure}");
    // What the button of a window starts.
    let offer = shown.mend.clone().unwrap();
    let job = host.call("start", offer)["job"].as_str().unwrap().to_owned();
    let (state, response) = host.end(&job);
    assert_eq!(state, JobState::Succeeded, "{response}");
    let sent = response["pushed"].as_array().unwrap().iter();
    let names: Vec<_> = sent.map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|it| it.contains("other-features")), "{names:?}");
    host.stop();
    sandbox.signal(Signal::SIGTERM);
}
