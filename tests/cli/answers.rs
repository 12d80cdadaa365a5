//! `edk new`: answers, files in the way, and questions.

use std::{fs, io::Write as _, process::Stdio};

use edk_testkit::{Done, TestEnv, program, tree_digest};

fn is_empty(env: &TestEnv) -> bool {
    fs::read_dir(env.work()).unwrap().next().is_none()
}

#[test]
fn an_unknown_template_names_the_nearest_and_writes_nothing() {
    let env = TestEnv::new();
    env.edk(&["new", "radiomix", "x", "--yes"]).exits(1).tells(&["`radiomix`", "`radiomics`"]);
    assert!(is_empty(&env));
}

#[test]
fn a_refused_answer_says_which_parameter_and_why() {
    let env = TestEnv::new();
    let check = |set: &str, parts: &[&str]| {
        env.edk(&["new", "radiomics", "x", "--yes", "--set", set]).exits(1).tells(parts);
        assert!(is_empty(&env), "{set}");
    };
    check("name=Bad_Name", &["name: `Bad_Name`", "lower-case"]);
    check("name=-x", &["name: `-x`"]);
    check("name=", &["name"]);
    let long = "a".repeat(41);
    check(&format!("name={long}"), &["name: ", "41 characters", "40"]);
    check(&format!("dag_id={long}"), &["dag_id: ", "41 characters", "40"]);
    check("image=Bad:Name", &["image: `Bad:Name`"]);
    check("dag_id=a@b", &["dag_id: `a@b`", "`@`"]);
    check("bin_width=wide", &["bin_width: `wide`"]);
    check("feature_classes=shape,taste", &["feature_classes", "taste", "glcm"]);
    check("experimental=perhaps", &["experimental", "perhaps"]);
    check("nmae=x", &["nmae", "`name`"]);
}

#[test]
fn all_refusals_are_told_at_once() {
    let env = TestEnv::new();
    let args = ["new", "radiomics", "x", "--yes", "--set", "name=Bad", "--set", "image=B:B"];
    let rest = ["--set", "dag_id=a@b", "--set", "what=1"];
    let done = env.edk(&[&args[..], &rest].concat()).exits(1);
    done.tells(&["name: ", "image: ", "dag_id: ", "what"]);
    assert!(is_empty(&env));
}

#[test]
fn a_dry_run_shows_every_file_and_writes_none() {
    let env = TestEnv::new();
    let args = ["new", "radiomics", "x", "--yes", "--set", "name=lung"];
    let shown = env.edk(&[&args[..], &["--dry-run"]].concat()).exits(0);
    assert!(is_empty(&env));
    env.edk(&args).exits(0);
    let files = env.result(&[&args[..], &["--dry-run"]].concat());
    let files = files["files"].as_array().unwrap();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let path = file["path"].as_str().unwrap();
        assert!(shown.stdout.contains(path), "{path} was not shown");
        assert!(env.path("x").join(path).is_file(), "{path} was not written");
    }
}

#[test]
fn files_in_the_way_stay_unless_they_may_be_replaced() {
    let env = TestEnv::new();
    let args = ["new", "radiomics", "x", "--yes"];
    env.edk(&args).exits(0);
    let made = tree_digest(&env.path("x"));
    env.edk(&args).exits(0);
    assert_eq!(tree_digest(&env.path("x")), made, "identical files are fine");

    fs::write(env.path("x/README.md"), "mine").unwrap();
    fs::remove_file(env.path("x/.gitignore")).unwrap();
    let changed = tree_digest(&env.path("x"));
    let refused = env.edk(&args).exits(1).tells(&["README.md", "--overwrite"]);
    assert!(!refused.stderr.contains("Dockerfile"), "only what differs is named: {refused}");
    assert_eq!(
        tree_digest(&env.path("x")),
        changed,
        "nothing is written, not even what is missing"
    );

    env.edk(&[&args[..], &["--overwrite"]].concat()).exits(0).prints(&["replaced  README.md"]);
    assert_eq!(tree_digest(&env.path("x")), made);
}

/// Runs `edk` in a terminal and types `keys`.
pub(crate) fn in_a_terminal(env: &TestEnv, args: &str, keys: &str) -> Done {
    let command = format!("{} {args}", program().display());
    let mut script = env.other("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).env("TERM", "xterm");
    script.env("EDK_PASSPHRASE", "open sesame");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(keys.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    Done {
        command,
        code: output.status.code().unwrap(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::new(),
    }
}

const NEW: &str = "new radiomics x --yes";

#[test]
fn in_a_terminal_the_user_is_asked_before_files_are_replaced() {
    let env = TestEnv::new();
    env.edk(&["new", "radiomics", "x", "--yes"]).exits(0);
    fs::write(env.path("x/README.md"), "mine").unwrap();
    in_a_terminal(&env, NEW, "n\r").exits(1).prints(&["Replace these files?", "README.md"]);
    assert_eq!(fs::read_to_string(env.path("x/README.md")).unwrap(), "mine");
    in_a_terminal(&env, NEW, "y\r").exits(0).prints(&["Replace these files?"]);
    assert_ne!(fs::read_to_string(env.path("x/README.md")).unwrap(), "mine");
}
