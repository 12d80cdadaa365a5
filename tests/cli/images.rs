//! `edk image` and `edk base`: images as files and as things to look at, and what they stand on.

use std::fs;

use edk_testkit::{Done, TestEnv};
use serde_json::{Value, json};

use crate::storage::pushed;

/// Writes Dockerfiles of a checkout: each with its folder, its text and a file to copy.
fn checkout(env: &TestEnv, bases: &[(&str, &str, &str)]) {
    for (folder, dockerfile, content) in bases {
        let folder = env.path("checkout").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
        fs::write(folder.join("content"), content).unwrap();
    }
}

#[test]
fn images_are_saved_loaded_looked_at_and_compared() {
    let env = pushed();
    fs::write(env.path("ext/app/a.txt"), "second version").unwrap();
    let dockerfile = "FROM scratch\nLABEL IMAGE=\"app\"\nENV A=1\nCOPY a.txt /a.txt\n\
                      COPY --chmod=0600 a.txt /sub/b.txt\n";
    fs::write(env.path("ext/app/Dockerfile"), dockerfile).unwrap();
    env.edk(&["push", "ext", "--version", "0.2.0"]).exits(0);

    let history = env.result(&["image", "history", "app:0.2.0"]);
    let made: Vec<&str> =
        history.as_array().unwrap().iter().map(|it| it["created_by"].as_str().unwrap()).collect();
    assert!(made.contains(&"ENV A=1") && made.contains(&"COPY a.txt /a.txt"), "{made:?}");
    let diff = env.result(&["image", "diff", "app:0.1.0", "app:0.2.0"]);
    let rows: Vec<(&str, &str)> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["path"].as_str().unwrap(), it["change"].as_str().unwrap()))
        .collect();
    let expected = [("/a.txt", "changed"), ("/sub", "added"), ("/sub/b.txt", "added")];
    assert_eq!(rows, expected, "{diff}");
    assert_eq!(diff["changes"][2]["after"]["mode"], "0600");
    env.edk(&["image", "diff", "app:0.2.0", "app:0.2.0"]).exits(0).prints(&["no file differs"]);

    env.edk(&["image", "export", "app:0.2.0", "rootfs.tar"]).exits(0);
    fs::create_dir(env.path("root")).unwrap();
    Done::of(env.other("tar").args(["-xf", "rootfs.tar", "-C", "root"])).exits(0);
    assert_eq!(fs::read_to_string(env.path("root/sub/b.txt")).unwrap(), "second version");

    let both = ["image", "save", "app:0.1.0", "app:0.2.0", "--file", "both.tar"];
    let saved = env.result(&[&both[..], &["--registry", "r.example/team"]].concat());
    assert_eq!(saved["images"][1]["name"], "r.example/team/app:0.2.0");
    let inspected = env.result(&["image", "inspect", "both.tar"]);
    assert_eq!(inspected[1]["image"], "r.example/team/app:0.2.0");
    let other = TestEnv::new();
    let file = env.path("both.tar");
    let loaded = other.result(&["image", "load", file.to_str().unwrap()]);
    assert_eq!(loaded["images"][0]["name"], "team/app:0.1.0", "{loaded}");
    let digest =
        |env: &TestEnv, image: &str| env.result(&["image", "inspect", image])[0]["digest"].clone();
    assert_eq!(digest(&other, "team/app:0.2.0"), digest(&env, "app:0.2.0"));
    edk_testkit::verify_store(&other.state().join("store"));

    let missing = ["image", "save", "none:1", "--file", "x.tar"];
    env.edk(&missing).exits(1).tells(&["`none:1`", "edk registry list"]);
    let against = ["image", "save", "app:0.2.0", "--file", "x.tar", "--delta-against", "No File"];
    env.edk(&against).exits(1).tells(&["`No File` is neither a file nor"]);
    assert!(!env.path("x.tar").exists());
}

#[test]
fn what_docker_saves_is_loaded_under_its_names() {
    let env = pushed();
    let layout = ["registry", "export", "app:0.1.0", "app.tar"];
    env.edk(&layout).exits(0);
    let copy =
        ["--insecure-policy", "copy", "oci-archive:app.tar", "docker-archive:docker.tar:a/b:1"];
    Done::of(env.other("skopeo").args(copy)).exits(0);
    let loaded = env.result(&["image", "load", "docker.tar"]);
    assert!(loaded["images"][0]["name"].as_str().unwrap().ends_with("a/b:1"), "{loaded}");
    let name = loaded["images"][0]["name"].as_str().unwrap();
    let diff = env.result(&["image", "diff", "app:0.1.0", name]);
    assert_eq!(diff["changes"], json!([]));
}

#[test]
fn a_base_is_made_from_a_checkout_with_those_it_stands_on() {
    let env = TestEnv::new();
    checkout(
        &env,
        &[
            (
                "bases/low",
                "FROM scratch\nLABEL IMAGE=\"base-low\"\nLABEL REGISTRY=\"local-only\"\nCOPY content /low\n",
                "low",
            ),
            (
                "bases/high",
                "FROM local-only/base-low:latest\nLABEL IMAGE=\"base-high\"\nLABEL REGISTRY=\"local-only\"\nCOPY content /high\n",
                "high",
            ),
            ("other", "FROM scratch\nNONSENSE\n", ""),
        ],
    );
    let made = env.result(&["base", "build", "base-high", "--checkout", "checkout"]);
    assert_eq!(
        (&made["reference"], &made["reused"]),
        (&json!("local-only/base-high:latest"), &json!(false))
    );
    let again = env.result(&["base", "base-high", "--checkout", "checkout"]);
    assert_eq!((&again["digest"], &again["reused"]), (&made["digest"], &json!(true)));
    let listed = env.result(&["base", "list"]);
    let find = |name: &str| {
        let all = listed.as_array().unwrap();
        all.iter().find(|it| it["reference"] == name).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(find("local-only/base-low:latest")["kind"], "local", "{listed}");
    assert_eq!(find("local-only/base-python-gpu:latest")["kind"], "recipe", "{listed}");
    assert!(find("local-only/base-python-gpu:latest").get("size").is_none());
    let none = ["base", "build", "base-none", "--checkout", "checkout"];
    env.edk(&none).exits(1).tells(&["base-none", "base-high"]);
    // A mistake in what is needed is told.
    let broken = "FROM scratch\nLABEL IMAGE=\"base-low\"\nCOPY none /low\n";
    checkout(&env, &[("bases/low", broken, "low")]);
    env.edk(&["base", "base-high", "--checkout", "checkout"]).exits(1).tells(&["none"]);
}

#[test]
fn own_layers_are_moved_to_a_newer_base_where_that_is_possible() {
    let env = TestEnv::new();
    let base = |content: &str, more: &str| {
        let dockerfile = format!(
            "FROM scratch\nLABEL IMAGE=\"base\" REGISTRY=\"local-only\"\nENV V={content} W=1\nCOPY content /content\n{more}"
        );
        checkout(&env, &[("base", &dockerfile, content)]);
        env.edk(&["base", "build", "base", "--checkout", "checkout"]).exits(0);
    };
    base("old-base", "");
    let app = env.path("ext/app");
    fs::create_dir_all(&app).unwrap();
    fs::write(
        app.join("Dockerfile"),
        "FROM local-only/base\nLABEL IMAGE=\"app\"\nENV W=2\nCOPY own /app/own\n",
    )
    .unwrap();
    fs::write(app.join("own"), "own").unwrap();
    env.edk(&["push", "ext", "--version", "1.0.0"]).exits(0);
    env.edk(&["registry", "copy", "local-only/base:latest", "old:1"]).exits(0);
    base("new-base", "");
    let rebase =
        ["base", "rebase", "app:1.0.0", "--from", "old:1", "--onto", "local-only/base:latest"];
    env.edk(&[&rebase[..], &["--name", "app:moved"]].concat()).exits(0);
    // It is what a build on the new base makes.
    env.edk(&["push", "ext", "--version", "1.0.1"]).exits(0);
    let details = |image: &str| env.result(&["image", "inspect", image])[0].clone();
    let (moved, built) = (details("app:moved"), details("app:1.0.1"));
    assert_eq!(moved["digest"], built["digest"], "{moved}\n{built}");
    let env_of = &moved["config"]["config"]["Env"];
    assert!(env_of.to_string().contains("V=new-base") && env_of.to_string().contains("W=2"));

    let refused = |onto: &str, told: &str| {
        let rebase = ["base", "rebase", "app:1.0.0", "--from", "old:1", "--onto", onto];
        env.edk(&rebase).exits(1).tells(&["it has to be built again", told, "edk build"]);
    };
    base("third", "COPY content /app\n");
    refused("local-only/base:latest", "`/app` is something else in the new base");
    base("third", "ONBUILD ENV X=1\n");
    refused("local-only/base:latest", "ONBUILD");
    let other = ["base", "rebase", "app:1.0.0", "--from", "app:1.0.1", "--onto", "old:1"];
    env.edk(&other).exits(1).tells(&["not those of the base"]);
}
