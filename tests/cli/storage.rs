//! `edk registry usage` and `gc`: where the bytes are, and what goes.

use edk_testkit::TestEnv;
use serde_json::{Value, json};

/// An extension with one image from nothing, built and pushed as 0.1.0.
pub(crate) fn pushed() -> TestEnv {
    let env = TestEnv::new();
    let folder = env.path("ext/app");
    std::fs::create_dir_all(&folder).unwrap();
    let dockerfile = "FROM scratch\nLABEL IMAGE=\"app\"\nCOPY a.txt /a.txt\n";
    std::fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    std::fs::write(folder.join("a.txt"), "first version ".repeat(4000)).unwrap();
    env.edk(&["push", "ext"]).exits(0);
    env
}

/// Takes away both tags: the extension's version and the platform's.
fn untag(env: &TestEnv) {
    for tag in ["app:0.1.0", "app:0.6.0"] {
        env.edk(&["registry", "delete", tag]).exits(0);
    }
}

fn gc(env: &TestEnv, more: &[&str]) -> Value {
    env.result(&[&["registry", "gc", "--grace", "0"], more].concat())
}

#[test]
fn what_was_pushed_stays_and_what_was_deleted_goes() {
    let env = pushed();
    assert_eq!(gc(&env, &[])["removed"], json!([]));
    let usage = env.result(&["registry", "usage"]);
    assert_eq!(usage["images"][0]["repository"], "app");
    assert_eq!(usage["unreferenced"], 0);

    untag(&env);
    // The build cache still has it: built and pushed again it is the same, at once.
    gc(&env, &[]);
    assert_eq!(env.result(&["push", "ext"])["build"]["unchanged"], true);
    untag(&env);

    let dry = gc(&env, &["--budget", "0", "--dry-run"]);
    let before = env.result(&["registry", "usage"])["total"].clone();
    assert_eq!(dry["freed"], before, "{dry}");
    env.edk(&["registry", "gc", "--grace", "0", "--budget", "0", "--dry-run"]).exits(0).prints(&[
        "least recently used of the build cache",
        "no tag names it",
        "would be free",
    ]);
    let done = gc(&env, &["--budget", "0"]);
    assert_eq!((&done["freed"], &done["spared"]), (&before, &json!(0)));
    assert_eq!(env.result(&["registry", "usage"])["total"], 0);
    assert_eq!(env.result(&["push", "ext"])["build"]["unchanged"], false);
    env.edk(&["registry", "usage"]).exits(0).prints(&["app:0.1.0", "build cache", "in all"]);
}

#[test]
fn what_was_used_just_now_stays_unless_told_otherwise() {
    let env = pushed();
    untag(&env);
    let kept = env.result(&["registry", "gc", "--budget", "0"]);
    assert_eq!(kept["removed"], json!([]));
    assert!(kept["over_budget"].as_u64().unwrap() > 0, "{kept}");
    env.edk(&["registry", "gc", "--budget", "1 parsec"]).exits(2).tells(&["20GB"]);
}

#[test]
fn a_build_keeps_the_store_within_the_budget_of_this_machine() {
    let env = pushed();
    let steps = || env.result(&["registry", "usage"])["build_cache"].as_u64().unwrap();
    let edit = |text: &str| {
        std::fs::write(env.path("ext/app/a.txt"), text).unwrap();
        env.edk(&["build", "ext"])
    };
    let config = env.state().join("config.toml");
    std::fs::write(&config, "store_budget = \"1kB\"\n").unwrap();
    edit("second version").exits(0);
    // What was used in the last minutes stays, in spite of the budget.
    assert!(steps() > 1000);
    for entry in ["steps", "blobs/sha256"] {
        let mut touch = env.other("sh");
        let folder = env.state().join("store").join(entry);
        touch.args(["-c", "touch -d '1 hour ago' \"$0\"/*"]).arg(folder);
        edk_testkit::Done::of(&mut touch).exits(0);
    }
    let before = steps();
    edit("third version").exits(0);
    assert!(steps() < before, "{} of {before}", steps());
    // The image still has its tag, and nothing of the build that made room is missing.
    env.edk(&["registry", "show", "app:0.1.0"]).exits(0);
    assert_eq!(env.result(&["build", "ext"])["unchanged"], true);
    std::fs::write(&config, "store_budget = 3\n").unwrap();
    edit("fourth version").exits(1).tells(&["config.toml:1", "store_budget = \"20GB\""]);
}
