//! The chart's archive.

use std::{path::Path, process::Command};

use edk_testkit::{Done, TestEnv, copy_tree};

use crate::world::new_lung;

/// Content of a file in an archive, read by a program that is not ours.
fn file_in(archive: &Path, name: &str) -> String {
    let mut tar = Command::new("tar");
    Done::of(tar.arg("-xzOf").arg(archive).arg(name)).exits(0).stdout
}

#[test]
fn the_archive_holds_the_installers_chart_under_the_same_version() {
    let env = TestEnv::new();
    new_lung(&env);
    let made = env.result(&["package", "lung", "--version", "0.2.0"]);
    assert_eq!(made[0]["dependencies"], serde_json::json!(["dag-installer-chart"]));
    let archive = env.path("lung/dist/lung-workflow-0.2.0.tgz");
    for chart in ["lung-workflow", "lung-workflow/charts/dag-installer-chart"] {
        let text = file_in(&archive, &format!("{chart}/Chart.yaml"));
        let versions = text.lines().filter(|line| line.starts_with("version:"));
        let versions: Vec<String> = versions.map(|line| line.replace(['"', '\''], "")).collect();
        assert_eq!(versions, ["version: 0.2.0"], "{chart}:\n{text}");
    }
    let install = "lung-workflow/charts/dag-installer-chart/templates/install.yaml";
    assert!(file_in(&archive, install).contains("kind: Job"));
    let source = std::fs::read_to_string(env.path("lung/extension/lung-workflow/Chart.yaml"));
    assert!(source.unwrap().contains("0.1.0"), "the user's chart is not stamped");
}

#[test]
fn packaging_again_and_elsewhere_gives_the_same_bytes() {
    let env = TestEnv::new();
    new_lung(&env);
    let digest = |args: &[&str]| {
        let made = env.result(args);
        made[0]["digest"].as_str().unwrap().to_owned()
    };
    let first = digest(&["package", "lung"]);
    assert_eq!(digest(&["package", "lung"]), first);
    copy_tree(&env.path("lung/extension"), &env.path("elsewhere/extension"));
    assert_eq!(digest(&["package", "elsewhere", "--dir", "out"]), first);
    assert_ne!(digest(&["package", "lung", "--version", "0.2.0"]), first);
}
