//! Which way images go: what a target never got is offered, and a registry out of reach gone around.

use edk_testkit::{Done, ask_for_another, small_extension};

use crate::{
    answers::in_a_terminal,
    platform::{Remote, Ward},
};

/// What the question says that will be sent, in KiB.
fn asked(done: &Done) -> u64 {
    let words = done.stderr.split("was never sent to this target: send ").nth(1);
    let words = words.unwrap_or_else(|| panic!("{done}"));
    words.split(" KiB now?").next().unwrap().parse().unwrap()
}

#[test]
fn an_image_that_was_never_sent_is_a_question_and_its_answer_sends_it() {
    let remote = Remote::new();
    ask_for_another(&remote.env, &remote.env.path("lung"));
    let args = ["deploy", "lung", "--target", "far", "--archives", "--version", "0.1.0"];
    // Nobody is there to be asked: what to type is told.
    let done = remote.env.edk(&args).exits(1);
    let kib = asked(&done);
    let done = done.tells(&["follow/image-never-sent", "localhost:5577/other-features:1.0.0"]);
    done.tells(&["send it: the same command with `--yes`"]);
    let sent = remote.env.result(&[&args[..], &["--yes"]].concat());
    let row = sent["pushed"].as_array().unwrap().iter();
    let row = row.clone().find(|it| it["name"].as_str().unwrap().contains("other-features"));
    let bytes = row.unwrap()["bytes"].as_u64().unwrap();
    assert!(bytes.div_ceil(1 << 10).abs_diff(kib) <= 16, "{kib} KiB were told, {bytes} bytes sent");
    // Now it was sent, and nothing is asked.
    let again = remote.env.result(&args);
    let again = again["pushed"].to_string();
    assert!(!again.contains("other-features"), "{again}");
}

#[test]
fn whoever_sits_at_a_terminal_is_asked_whether_to_send_what_is_missing() {
    let ward = Ward::new();
    small_extension(&ward.env, "lung");
    ask_for_another(&ward.env, &ward.env.path("lung"));
    let answer = |key: &str| in_a_terminal(&ward.env, "deploy lung", key);
    let told = ["was never sent to this target: send ", "Send it, and do it again?"];
    let done = answer("n\r").prints(&told);
    assert_eq!(done.code, 1, "{done}");
    answer("y\r").exits(0).prints(&told).prints(&["is deployed on ward"]);
}

#[test]
fn a_status_says_what_was_never_sent_and_sends_it_when_it_is_told_to() {
    let ward = Ward::new();
    small_extension(&ward.env, "lung");
    ask_for_another(&ward.env, &ward.env.path("lung"));
    // Nothing worked there before, so what fails stays to be looked at.
    ward.edk(&["deploy", "lung"]).exits(1);
    let verdict = || ward.result(&["status", "lung"])["extensions"][0]["verdict"].clone();
    let told = verdict();
    assert_eq!(told["code"], "follow/image-never-sent", "{told}");
    assert_eq!(told["images"], serde_json::json!(["other-features:1.0.0"]));
    let next = "`edk image send other-features:1.0.0 --target ward`";
    assert_eq!(told["next"], next);
    let words = ["was never sent to this target: send ", "follow/image-never-sent", next];
    ward.edk(&["status", "lung"]).exits(0).prints(&words);
    let asked = in_a_terminal(&ward.env, "status lung", "y\r").exits(0);
    asked.prints(&words).prints(&["Send it now?", "/other-features:1.0.0"]);
    assert_eq!(verdict()["code"], "follow/image-missing", "it was sent, and is asked for no more");
}

#[test]
fn a_registry_that_is_out_of_reach_is_gone_around_and_the_plan_says_so() {
    let remote = Remote::new();
    let env = &remote.env;
    let url = env.result(&["target", "list"]);
    let far = url.as_array().unwrap().iter().find(|it| it["name"] == "far").unwrap();
    let url = far["url"].as_str().unwrap().to_owned();
    let add = ["target", "add", "cut", &url, "--registry", "127.0.0.1:1/team"];
    env.edk(&[&add[..], &["--build-version", "0.6.0"]].concat()).exits(0);
    env.edk(&["build", "lung"]).exits(0);
    let plan = env.result(&["deploy", "lung", "--target", "cut", "--dry-run"]);
    let images = plan["images"].as_array().unwrap();
    for image in images {
        assert_eq!(image["way"], "archive", "{image}");
        let why = image["why"].as_str().unwrap();
        assert!(why.contains("registry is out of reach from here: it can't be reached"), "{why}");
        assert!(image["bytes"].is_number(), "{image}");
    }
    let warnings = plan["warnings"].as_array().unwrap();
    let rules: Vec<_> = warnings.iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"deploy/registry-out-of-reach"), "{rules:?}");
    let words = ["nothing can be pushed to 127.0.0.1:1/team from here", "images go in archives"];
    env.edk(&["deploy", "lung", "--target", "cut", "--dry-run"]).exits(0).prints(&words);
    // It is told before anything is built or sent; then they go so. The sandbox's own charts ask
    // for other names, so the release is not what this is about.
    let done = env.edk(&["deploy", "lung", "--target", "cut"]).tells(&words);
    let (warned, sent) = (done.stderr.find(words[0]), done.stderr.find("import dag-lung"));
    assert!(warned.unwrap() < sent.unwrap(), "{done}");
}
