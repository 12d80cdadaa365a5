//! What the commands of the table tell about templates, projects and this machine.

use edk_api::host::{Area, EntryKind};
use edk_testkit::{TestEnv, small_extension};
use serde_json::{Value, json};

use crate::client::TestHost;

#[test]
fn a_template_is_looked_at_before_it_is_written() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let templates = host.call("templates", json!({}));
    let kinds = ["application", "workflow"].map(|kind| (json!(kind), json!("cpu")));
    let told = [0, 1].map(|at| (templates[at]["kind"].clone(), templates[at]["hardware"].clone()));
    assert_eq!(told, kinds);
    let refused =
        host.call("template_preview", json!({"template": "radiomics", "answers": {"name": "UP"}}));
    assert_eq!(refused["refusals"][0]["parameter"], "name");
    assert!(refused["files"].as_array().unwrap().is_empty());

    let folder = env.path("lung");
    let input = json!({"template": "radiomics", "folder": folder, "answers": {"name": "lung"}});
    let states = |preview: &Value| -> Vec<String> {
        let files = preview["files"].as_array().unwrap().iter();
        files.map(|file| file["state"].as_str().unwrap().to_owned()).collect()
    };
    let before = host.call("template_preview", input.clone());
    assert!(states(&before).iter().all(|state| state == "new"), "{before}");
    assert!(!folder.exists(), "a look writes nothing");
    let made = host.call("create", input.clone());
    assert_eq!(made["files"].as_array().unwrap().len(), states(&before).len());
    std::fs::write(folder.join("README.md"), "mine").unwrap();
    let after = states(&host.call("template_preview", input));
    assert_eq!(after.iter().filter(|state| *state == "in-the-way").count(), 1);
    assert_eq!(after.iter().filter(|state| *state == "new").count(), 0);
    host.stop();
}

#[test]
fn a_file_that_is_changed_in_an_open_project_is_told() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "one");
    let host = TestHost::start(&env, &[]);
    host.call("open_project", json!({ "folder": folder }));
    let (last, _) = host.snapshot();
    let mut entries = host.entries(Some(last));
    std::fs::create_dir_all(folder.join("dist")).unwrap();
    std::fs::write(folder.join("dist/one.tgz"), "made, not written by anybody").unwrap();
    std::fs::write(folder.join("notes.md"), "new").unwrap();
    let told = entries.next().unwrap();
    assert_eq!(told.kind, EntryKind::Changed { what: Area::Files });
    host.stop();
}

#[test]
fn projects_are_remembered_until_they_are_forgotten() {
    let env = TestEnv::new();
    let (one, two) = (small_extension(&env, "one"), small_extension(&env, "two"));
    let host = TestHost::start(&env, &[]);
    // One extension is listed once, however its folder is written.
    let detour = one.join("../one");
    for folder in [&one, &two, &detour] {
        host.call("open_project", json!({ "folder": folder }));
    }
    host.stop();
    // Another start knows them too.
    let host = TestHost::start(&env, &[]);
    let names = |host: &TestHost| -> Vec<(String, bool)> {
        let list = host.call("projects", json!({}));
        let list = list.as_array().unwrap().iter();
        list.map(|it| (it["name"].as_str().unwrap().to_owned(), it["missing"].as_bool().unwrap()))
            .collect()
    };
    let known = |name: &str, missing| (name.to_owned(), missing);
    assert_eq!(names(&host), [known("one-workflow", false), known("two-workflow", false)]);
    std::fs::remove_dir_all(&two).unwrap();
    assert_eq!(names(&host)[1], known("two-workflow", true));
    host.call("forget_project", json!({ "folder": two }));
    assert_eq!(names(&host), [known("one-workflow", false)]);
    host.stop();
}

#[test]
fn what_is_wrong_in_a_project_is_shown_and_not_an_error() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let dockerfile = folder.join("extension/docker/Dockerfile");
    let text = std::fs::read_to_string(&dockerfile).unwrap();
    std::fs::write(&dockerfile, text + "RUNN x\n").unwrap();
    let host = TestHost::start(&env, &[]);
    let view = host.call("open_project", json!({ "folder": folder }));
    let finding = &view["findings"][0];
    assert_eq!(finding["severity"], "error", "{view}");
    assert_eq!(view["findings"].as_array().unwrap().len(), 1, "it is told once: {view}");
    let names = |part: &str| -> Vec<&str> {
        view[part].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("images"), ["dag-lung", "lung-features"], "it hides nothing: {view}");
    assert_eq!(names("charts"), ["lung-workflow"]);
    assert_eq!(view["dags"][0]["id"], "lung");
    assert!(
        finding["file"].as_str().unwrap().ends_with("extension/docker/Dockerfile"),
        "{finding}"
    );
    let plan = host.refused("deploy_plan", json!({"project": folder, "target": "sandbox"}));
    assert_eq!(plan["findings"][0]["rule"], finding["rule"], "{plan}");
    host.stop();
}

#[test]
fn settings_and_health_are_told() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    assert_eq!(host.call("settings", json!({}))["theme"], "system");
    host.call("set_theme", json!({"theme": "dark"}));
    let settings = host.call("settings", json!({}));
    assert_eq!(settings["theme"], "dark");
    assert_eq!(settings["data_folder"], json!(env.state()));
    assert_eq!(settings["targets"][0]["name"], "sandbox");
    let health = host.call("doctor", json!({}));
    let of = |id: &str| {
        let found = health.as_array().unwrap().iter().find(|it| it["id"] == id);
        found.unwrap_or_else(|| panic!("{id}: {health}")).clone()
    };
    for id in ["data-folder", "containers", "sandbox"] {
        assert_eq!(of(id)["severity"], "ok", "{health}");
    }
    let base = of("base-images");
    assert_eq!(base["severity"], "hint");
    assert_eq!(
        base["fix"]["command"],
        json!({"command": "base", "input": {"name": "base-python-cpu"}})
    );
    assert_eq!(host.call("bases", json!({}))[0]["present"], false);
    let line = json!({"command": "start", "input": base["fix"]["command"]});
    assert_eq!(host.call("command_line", line), base["fix"]["cli"]);
    host.stop();
}

#[test]
fn a_container_is_started_for_the_doctor_only_when_something_changed() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let look = |input: Value| {
        let found = host.call("doctor", input);
        found.as_array().unwrap().iter().find(|it| it["id"] == "containers").unwrap().clone()
    };
    let (now, before) = ("started just now", "has changed since");
    for (input, words) in
        [(json!({}), now), (json!({}), before), (json!({"again": true}), now), (json!({}), before)]
    {
        let found = look(input);
        assert!(found["detail"].as_str().unwrap().contains(words), "{words}: {found}");
    }
    // Without its folders no container starts, and that is not what was found before.
    let (folder, aside) = (env.state().join("containers"), env.state().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    assert_eq!(look(json!({}))["severity"], "error");
    std::fs::rename(&aside, &folder).unwrap();
    assert!(look(json!({}))["detail"].as_str().unwrap().contains(now), "a failure is not kept");
    host.stop();
}

#[test]
fn the_command_line_tells_what_the_window_tells() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let host = TestHost::start(&env, &[]);
    let job = host.job("deploy", json!({"project": folder, "target": "sandbox"}));
    host.end(&job);
    for (name, input) in [
        ("open_project", json!({ "folder": folder })),
        ("deploy_plan", json!({"project": folder, "target": "sandbox"})),
        ("extensions", json!({"target": "sandbox"})),
        ("registry", json!({})),
    ] {
        let line = host.call("command_line", json!({"command": name, "input": input}));
        let words: Vec<&str> = line.as_str().unwrap().split(' ').skip(1).collect();
        let mut told = env.result(&words);
        if name == "extensions" {
            // The command line also says how many rows there are without filters.
            told = told["extensions"].take();
        }
        assert_eq!(told, host.call(name, input), "{line}");
    }
    host.stop();
}

#[test]
fn every_job_has_a_command_line_that_is_understood() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let (project, target) = ("nowhere", "http://127.0.0.1:1");
    let pairs = json!({"key": "a b", "other": "it's"});
    for (command, input) in [
        ("build", json!({"project": project, "args": pairs})),
        ("push", json!({"project": project, "args": pairs, "version": "0.2.0"})),
        ("package", json!({"project": project, "version": "0.2.0", "output": "x"})),
        ("deploy", json!({"project": project, "target": target, "params": pairs, "chart": "x"})),
        ("uninstall", json!({"project": project, "target": target, "no_hooks": true})),
        ("run", json!({"project": project, "input": "x", "container": "y", "form": pairs})),
        ("base", json!({"name": "nothing", "mirror": "http://mirror.example", "refresh": true})),
        ("install", json!({"target": target, "name": "x", "version": "0.1.0", "params": pairs})),
        ("uninstall_release", json!({"target": target, "release": "x", "version": "0.1.0"})),
        ("upload", json!({"target": target, "file": "x-0.1.0.tgz"})),
    ] {
        let line = host.call("command_line", json!({"command": command, "input": input}));
        let (line, edk) = (line.as_str().unwrap(), edk_testkit::program());
        // By a shell, as it is copied; 2 would be a command line that makes no sense.
        let script = line.replacen("edk", edk.to_str().unwrap(), 1);
        let status = env.other("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8_lossy(&status.stderr).into_owned();
        assert!(matches!(status.status.code(), Some(1 | 3)), "{line}: {words}");
    }
    host.stop();
}

#[test]
fn the_doctor_ends_with_1_when_nothing_can_work() {
    let env = TestEnv::new();
    let words = env.edk(&["doctor"]).exits(0).stdout;
    assert!(words.contains("Containers run"), "{words}");
    // Nobody can make a folder there.
    let sick = env.edk(&["doctor", "--home", "/proc/nowhere", "--output", "json"]).exits(1);
    let found = &sick.document()["result"];
    assert_eq!((&found[0]["id"], &found[0]["severity"]), (&json!("data-folder"), &json!("error")));
    assert_eq!(
        found.as_array().unwrap().len(),
        1,
        "without a folder there is nothing more to learn"
    );
}
