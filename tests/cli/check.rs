//! `edk check` as a user sees it: findings, formats, fixes, exit codes; and the guard before a build.

use std::{fs, path::PathBuf};

use edk_testkit::{Signal, TestEnv};
use serde_json::Value;

/// An extension from the template.
fn extension(env: &TestEnv) -> PathBuf {
    env.edk(&["new", "radiomics", "ext", "--yes", "--set", "name=lung"]).exits(0);
    env.path("ext")
}

fn bend(folder: &std::path::Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} holds no `{from}`");
    fs::write(path, text.replace(from, to)).unwrap();
}

const DAG: &str = "extension/docker/files/dag_lung.py";

#[test]
fn an_extension_in_order_passes_and_a_mistake_is_shown_with_its_line() {
    let env = TestEnv::new();
    let folder = extension(&env);
    env.edk(&["check", "ext"]).exits(0).prints(&["0 errors, 0 warnings"]);
    bend(&folder, DAG, "dag_id=\"lung\"", "dag_id=\"Lung\"");
    let done = env.edk(&["check", "ext"]).exits(1);
    let done =
        done.prints(&["error[P02]: DAG id `Lung` contains `L`", "dag_id=\"Lung\",", "^^^^^^"]);
    done.prints(&["why: ", "fix: ", "1 error, "]);
    env.edk(&["check", "ext", "--allow", "P02"]).exits(0);
    env.edk(&["check", "ext", "--rule", "D"]).exits(0);
    env.edk(&["check", "ext", "--rule", "nonsense"])
        .exits(1)
        .tells(&["there is no rule `nonsense`"]);
    assert!(!env.state().join("store").exists(), "a check makes no store");
}

#[test]
fn the_severity_that_fails_can_be_chosen() {
    let env = TestEnv::new();
    let folder = extension(&env);
    bend(&folder, DAG, "schedule_interval=None", "schedule_interval=\"@daily\"");
    env.edk(&["check", "ext"]).exits(0).prints(&["warning[P05]"]);
    env.edk(&["check", "ext", "--fail-on", "warning"]).exits(1);
    env.edk(&["check", "ext", "--fail-on", "info", "--rule", "C33"]).exits(1);
}

#[test]
fn fixes_are_shown_before_and_written_on_demand() {
    let env = TestEnv::new();
    let folder = extension(&env);
    bend(&folder, DAG, "    schedule_interval=None,\n", "");
    let before = fs::read_to_string(folder.join(DAG)).unwrap();
    let shown = env.edk(&["check", "ext", "--diff"]).exits(0);
    shown.prints(&[
        "--- a/extension/docker/files/dag_lung.py",
        "+    dag_id=\"lung\", schedule_interval=None,",
        "1 file would be mended",
    ]);
    assert_eq!(fs::read_to_string(folder.join(DAG)).unwrap(), before);
    env.edk(&["check", "ext", "--fix"]).exits(0).prints(&["1 file mended", "0 errors, 0 warnings"]);
    assert!(fs::read_to_string(folder.join(DAG)).unwrap().contains("schedule_interval=None"));
    let again = env.edk(&["check", "ext", "--fix"]).exits(0);
    assert!(!again.stdout.contains("mended"), "{again}");
}

#[test]
fn formats_of_other_programs_can_be_read_by_them() {
    let env = TestEnv::new();
    let folder = extension(&env);
    bend(&folder, DAG, "    schedule_interval=None,\n", "");
    bend(&folder, DAG, "dag_id=\"lung\"", "dag_id=\"L<ung\"");
    let json = |format: &str| -> Value {
        serde_json::from_str(&env.edk(&["check", "ext", "--format", format]).exits(1).stdout)
            .unwrap()
    };
    let document = json("json");
    assert_eq!((&document["schema"], &document["command"]), (&1.into(), &"check".into()));
    let rules: Vec<&str> = document["result"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"P02") && rules.contains(&"P05"), "{rules:?}");
    let sarif = json("sarif");
    let run = &sarif["runs"][0];
    assert_eq!(sarif["version"], "2.1.0");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), rules.len());
    let p05 = results.iter().find(|it| it["ruleId"] == "P05").unwrap();
    assert_eq!(p05["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], DAG);
    assert!(
        p05["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"]
            .is_string()
    );
    let described = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(results.iter().all(|it| described.iter().any(|rule| rule["id"] == it["ruleId"])));
    let gitlab = json("gitlab");
    let issue = gitlab.as_array().unwrap().iter().find(|it| it["check_name"] == "P02").unwrap();
    assert_eq!((&issue["severity"], &issue["location"]["path"]), (&"major".into(), &DAG.into()));
    let prints: std::collections::BTreeSet<&str> =
        gitlab.as_array().unwrap().iter().map(|it| it["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), rules.len());
    let junit = env.edk(&["check", "ext", "--format", "junit"]).exits(1).stdout;
    assert!(junit.contains("<failure type=\"error\"") && junit.contains("L&lt;ung"), "{junit}");
    let opened = junit.matches("<testcase").count();
    assert_eq!(opened, rules.len(), "{junit}");
    assert_eq!(junit.matches("</testcase>").count(), opened);
}

#[test]
fn a_rule_is_explained() {
    let env = TestEnv::new();
    env.edk(&["check", "--explain", "d12"]).exits(0).prints(&[
        "a processing container has a command",
        "Not so:",
        "But so:",
    ]);
    let all = env.edk(&["check", "--explain", "all"]).exits(0).stdout;
    assert!(all.lines().count() > 120, "{all}");
    env.edk(&["check", "--explain", "Z1"])
        .exits(1)
        .tells(&["there is no rule `Z1`", "--explain all"]);
}

#[test]
fn a_tree_of_projects_and_a_package_are_checked() {
    let env = TestEnv::new();
    extension(&env);
    env.edk(&["new", "radiomics", "more", "--yes", "--set", "name=liver"]).exits(0);
    env.edk(&["check", "."]).exits(0).prints(&["0 errors"]);
    env.edk(&["package", "ext"]).exits(0);
    let package = "ext/dist/lung-workflow-0.1.0.tgz";
    env.edk(&["check", package]).exits(0).prints(&["0 errors"]);
    fs::rename(env.path(package), env.path("other-0.1.0.tgz")).unwrap();
    env.edk(&["check", "other-0.1.0.tgz"])
        .exits(1)
        .prints(&["error[L03]: the package is called `other-0.1.0.tgz`"]);
    env.edk(&["check", "other-0.1.0.tgz", "--fix"])
        .exits(1)
        .tells(&["nothing in it can be mended"]);
    env.edk(&["check", "nowhere"]).exits(1).tells(&["there is no folder `nowhere`"]);
    fs::write(env.path("broken.tgz"), "no archive").unwrap();
    env.edk(&["check", "broken.tgz"]).exits(1).tells(&["can't be read as a packaged chart"]);
}

#[test]
fn patient_data_stops_whatever_would_give_it_away() {
    let env = TestEnv::new();
    let folder = extension(&env);
    let data = [[0; 128].as_slice(), b"DICM\x02\0\0\0"].concat();
    fs::write(folder.join("extension/lung-workflow/example.dcm"), data).unwrap();
    for command in [&["build"][..], &["push"], &["package"], &["deploy"]] {
        let done = env.edk(&[command, &["ext"]].concat()).exits(1);
        done.tells(&[
            "would give patient data or secrets away",
            "example.dcm: this is a DICOM file",
            "--allow G01",
        ]);
    }
    assert!(!folder.join("dist").exists(), "nothing was packaged");
    env.edk(&["package", "ext", "--allow", "G01"]).exits(0);
    let ignore = folder.join("extension/lung-workflow/.helmignore");
    fs::write(ignore, "*.dcm\n").unwrap();
    env.edk(&["package", "ext"]).exits(0);
}

#[test]
fn files_are_checked_again_when_they_change_until_ctrl_c() {
    let env = TestEnv::new();
    let folder = extension(&env);
    let mut watching = env.start(&["check", "ext", "--watch"]);
    watching.line("watching ext; Ctrl-C ends it");
    bend(&folder, DAG, "dag_id=\"lung\"", "dag_id=\"Lung\"");
    watching.line("watching ext");
    bend(&folder, DAG, "dag_id=\"Lung\"", "dag_id=\"lungs\"");
    watching.line("watching ext");
    watching.signal(Signal::SIGINT);
    let done = watching.finish().exits(0);
    let rounds: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| line.contains(" errors, ") || line.contains(" error, "))
        .collect();
    let errors: Vec<&str> = rounds.iter().map(|line| &line[..1]).collect();
    assert_eq!(errors, ["0", "1", "0"], "{}", done.stdout);
    env.edk(&["check", "ext", "--watch", "--format", "sarif"]).exits(1).tells(&["text and json"]);
    env.edk(&["check", "none", "--watch"]).exits(1).tells(&["none can't be watched", "hint: "]);
    env.edk(&["check", "ext", "--watch", "--fix"]).exits(2);
}
