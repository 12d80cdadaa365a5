//! Onto the sandbox and away again.

use std::{fs, path::Path};

use edk_testkit::{Signal, TestEnv, tree_digest};

use crate::world::{BASE, built, copy, dags};

/// The DAG files of the extension, as they lie in its sources.
fn sources(env: &TestEnv) -> String {
    tree_of(&env.path("lung/extension/docker/files"))
}

/// Names and contents below a folder; modes are the business of who puts files there.
fn tree_of(folder: &Path) -> String {
    let mut rows = Vec::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(current) = stack.pop() {
        for entry in fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                rows.push(format!("{name}\n{}", fs::read_to_string(&path).unwrap()));
            }
        }
    }
    rows.sort();
    rows.concat()
}

#[test]
fn an_extension_is_deployed_looked_at_replaced_and_removed() {
    let env = copy();
    let before = tree_digest(&env.path("lung"));
    let done = env.result(&["deploy", "lung", "--version", "0.2.0"]);
    assert_eq!(tree_digest(&env.path("lung")), before, "the sources are never changed");
    assert_eq!(done["release"], "lung-workflow");
    assert_eq!(done["helm_status"], "deployed");
    assert_eq!(done["replaced"], false);
    let pods: Vec<&str> =
        done["pods"].as_object().unwrap().values().map(|pod| pod.as_str().unwrap()).collect();
    assert_eq!(pods, ["completed"]);
    let stages: Vec<&str> =
        done["stages"].as_array().unwrap().iter().map(|stage| stage[0].as_str().unwrap()).collect();
    assert_eq!(stages, ["check", "build", "push", "upload", "install", "follow"]);
    assert_eq!(tree_of(&dags(&env)), sources(&env));
    // The tag under which the Job asked for its image is the version that was stamped.
    let tag = env.state().join("store/repositories/dag-lung/_tags");
    let tags: Vec<_> = fs::read_dir(tag).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(tags, ["0.2.0"], "the Job could be run, and only this tag was there to be pulled");

    let status = env.result(&["status", "lung"]);
    let row = &status["extensions"][0];
    assert_eq!((&row["version"], &row["ready"]), (&"0.2.0".into(), &true.into()));

    fs::write(dags(&env).join("foreign.py"), "# somebody else's").unwrap();
    fs::write(env.path("lung/extension/docker/files/dag_lung.py"), "# edited\n").unwrap();
    let again = env.result(&["deploy", "lung", "--version", "0.2.1"]);
    assert_eq!(again["replaced"], true);
    let deployed = fs::read_to_string(dags(&env).join("dag_lung.py")).unwrap();
    assert_eq!(deployed, "# edited\n");

    let gone = env.result(&["uninstall", "lung"]);
    assert_eq!(gone["was_installed"], true);
    let left: Vec<_> =
        fs::read_dir(dags(&env)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["foreign.py"], "the extension's files are gone, and only those");
    assert_eq!(env.result(&["uninstall", "lung"])["was_installed"], false);
    env.edk(&["uninstall", "lung"]).exits(0).prints(&["was not installed"]);
    env.edk(&["status", "lung"]).exits(0).prints(&["not installed"]);
}

#[test]
fn a_sandbox_that_is_served_is_used_by_name_and_by_address() {
    let env = copy();
    let mut server = env.start(&["sandbox", "serve", "--port", "0"]);
    let address = format!("http://{}", server.address());

    let by_name = env.edk(&["deploy", "lung", "--verbose"]).exits(0);
    by_name.tells(&[&format!("the sandbox is served at {address}")]);
    assert_eq!(tree_of(&dags(&env)), sources(&env));
    let status = env.result(&["status", "lung", "--target", &address]);
    assert_eq!(status["extensions"][0]["ready"], true);
    let again = env.result(&["deploy", "lung", "--target", &address]);
    assert_eq!((&again["replaced"], &again["target"]), (&true.into(), &address.as_str().into()));
    let gone = env.result(&["uninstall", "lung", "--target", &address]);
    assert_eq!(gone["was_installed"], true);
    assert_eq!(fs::read_dir(dags(&env)).unwrap().count(), 0);

    server.signal(Signal::SIGINT);
    server.finish();
    // Nobody serves it now, so the command does.
    env.edk(&["deploy", "lung"]).exits(0);
    let absent = env.edk(&["status", "lung", "--target", &address]).exits(3);
    absent.tells(&["can't be reached", &address]);
}

#[test]
fn the_demo_goes_the_whole_way() {
    let env = TestEnv::with_images_of(&crate::world::base().env);
    let demo = env.result(&["demo", "--dir", "demo"]);
    let stages = demo["stages"].as_array().unwrap();
    let commands: Vec<&str> = stages.iter().map(|s| s["command"].as_str().unwrap()).collect();
    let expected = ["new", "base", "build", "build", "package", "deploy", "status", "run"];
    assert_eq!(commands.len(), expected.len() + 1, "{commands:?}");
    for (command, expected) in commands.iter().zip(expected.iter().chain(&["uninstall"])) {
        assert!(command.starts_with(&format!("edk {expected}")), "{commands:?}");
    }
    assert!(stages[1]["result"].as_str().unwrap().contains(BASE));
    assert!(demo["seconds"].as_f64().unwrap() > 0.0);
    assert!(built().digests.len() == 2, "the demo's extension is another");
}
