//! `edk registry serve --mirror`: what is not here is fetched, kept, and there without a network.

use edk_testkit::{Done, Running, TestEnv};
use serde_json::{Value, json};

use crate::storage::pushed;

fn serve(env: &TestEnv, more: &[&str]) -> (Running, String) {
    let mut running = env.start(&[&["registry", "serve", "--port", "0"], more].concat());
    let address = running.address();
    (running, address)
}

fn inspect(env: &TestEnv, image: &str) -> Done {
    let image = format!("docker://{image}");
    Done::of(env.other("skopeo").args(["inspect", "--tls-verify=false", &image]))
}

fn digest(done: Done) -> Value {
    let seen: Value = serde_json::from_str(&done.exits(0).stdout).unwrap();
    seen["Digest"].clone()
}

#[test]
fn an_image_of_another_registry_is_fetched_once_and_is_there_offline() {
    let (origin, env) = (pushed(), TestEnv::new());
    let (upstream, there) = serve(&origin, &[]);
    let (mirror, here) = serve(&env, &["--mirror", &format!("hub=http://{there}")]);
    let image = format!("{here}/hub/app:0.1.0");
    let expected = origin.result(&["registry", "show", "app:0.1.0"])["digest"].clone();
    // Only what is asked for is fetched: manifest and configuration, but no layer.
    assert_eq!(digest(inspect(&env, &image)), expected);
    let usage = env.result(&["registry", "usage"]);
    assert!(usage["mirrored"][0]["repository"].as_str().unwrap().ends_with("/app"), "{usage}");
    assert_eq!(env.result(&["registry", "list"]), json!([]));
    let copy = ["--insecure-policy", "copy", "--src-tls-verify=false"];
    let from = format!("docker://{image}");
    let done = |to: &str| Done::of(env.other("skopeo").args(copy).args([&from, to])).exits(0);
    done("oci:one:1");
    edk_testkit::verify_store(&env.state().join("store"));

    // What the other registry does not have, nobody has; other repositories are not mirrored.
    assert!(inspect(&env, &format!("{here}/hub/none:1")).stderr.contains("manifest"));
    assert_ne!(inspect(&env, &format!("{here}/app:0.1.0")).code, 0);

    drop(upstream);
    done("oci:two:1");
    assert_eq!(digest(inspect(&env, &image)), expected);
    let by_digest = format!("{here}/hub/app@{}", expected.as_str().unwrap());
    assert_eq!(digest(inspect(&env, &by_digest)), expected);
    let unknown = inspect(&env, &format!("{here}/hub/other:1"));
    assert!(unknown.code != 0 && unknown.stderr.contains("502"), "{unknown}");
    drop(mirror);

    // Without a budget it stays; for one, it goes: it can be had again.
    let gc = |args: &[&str]| env.result(&[&["registry", "gc", "--grace", "0"], args].concat());
    assert_eq!(gc(&[])["removed"], json!([]));
    gc(&["--budget", "0"]);
    assert_eq!(env.result(&["registry", "usage"])["total"], 0);
}

#[test]
fn a_tag_that_moved_in_the_other_registry_moves_here() {
    let (origin, env) = (pushed(), TestEnv::new());
    let (_upstream, there) = serve(&origin, &[]);
    let (_mirror, here) = serve(&env, &["--mirror", &there]);
    let image = format!("{here}/app:0.1.0");
    let first = digest(inspect(&env, &image));
    std::fs::write(origin.path("ext/app/a.txt"), "second version").unwrap();
    origin.edk(&["push", "ext"]).exits(0);
    let second = digest(inspect(&env, &image));
    assert_ne!(first, second);
    env.edk(&["registry", "serve", "--mirror", "nonsense"]).exits(2).tells(&["hub=docker.io"]);
}
