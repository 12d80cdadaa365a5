//! Other builders, chosen by the user: buildah and podman for real. Of docker and buildctl, whose
//! daemons can't run where the tests run, the commands are held in `edk-image`.

use std::{fs, process::Command};

use edk_testkit::{Done, TestEnv, small_extension, verify_store};
use serde_json::Value;

/// Gives a command a container storage of its own, and an isolation that works in containers too.
fn apart<'a>(env: &TestEnv, command: &'a mut Command) -> &'a mut Command {
    let config = format!(
        "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
        env.work().display()
    );
    fs::write(env.path("storage.conf"), config).unwrap();
    fs::write(env.path("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)
        .unwrap();
    command
        .env("CONTAINERS_STORAGE_CONF", env.path("storage.conf"))
        .env("BUILDAH_ISOLATION", "chroot")
        .env("XDG_RUNTIME_DIR", env.work())
}

fn edk(env: &TestEnv, args: &[&str]) -> Done {
    Done::of(apart(env, &mut env.command(args)))
}

fn result(env: &TestEnv, args: &[&str]) -> Value {
    let done = edk(env, &[args, &["--output", "json"]].concat());
    done.exits(0).document()["result"].clone()
}

/// An extension with a base of its own, an image on it with a RUN, and a DAG image.
fn extension(env: &TestEnv) {
    let folder = small_extension(env, "lung");
    let container = folder.join("processing-containers/lung-features");
    let base = folder.join("processing-containers/lung-base");
    fs::create_dir_all(&base).unwrap();
    fs::copy(container.join("files/busybox"), base.join("busybox")).unwrap();
    let dockerfile = "FROM scratch\nLABEL IMAGE=\"lung-base\" REGISTRY=\"local-only\"\n\
                      COPY busybox /bin/busybox\nCOPY busybox /bin/sh\n";
    fs::write(base.join("Dockerfile"), dockerfile).unwrap();
    let dockerfile = "FROM local-only/lung-base:latest\nLABEL IMAGE=\"lung-features\"\nARG V=0\n\
                      RUN /bin/busybox echo \"made $V\" > /made\nCOPY files/run.sh /run.sh\n\
                      CMD [\"/bin/busybox\", \"sh\", \"/run.sh\"]\n";
    fs::write(container.join("Dockerfile"), dockerfile).unwrap();
}

#[test]
fn buildah_and_podman_build_when_they_are_chosen_and_only_then() {
    let env = TestEnv::new();
    extension(&env);
    for (engine, choose) in [("buildah", "flag"), ("podman", "project")] {
        let mut push = vec!["push", "lung", "--build-arg", "V=1"];
        match choose {
            "flag" => push.extend(["--engine", engine]),
            _ => fs::write(env.path("lung/edk.toml"), "engine = \"podman\"\n").unwrap(),
        }
        let pushed = result(&env, &push);
        for image in pushed["build"]["images"].as_array().unwrap() {
            assert_eq!(image["engine"], engine, "{image}");
        }
        // The names and tags are those of our own builds.
        let names: Vec<&str> = pushed["pushed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        for name in ["dag-lung:0.1.0", "lung-features:0.1.0", "lung-features:0.6.0"] {
            assert!(names.contains(&name), "{names:?}");
        }
        let shown = result(&env, &["image", "inspect", "lung-features:0.1.0"]);
        assert_eq!(shown[0]["config"]["config"]["Labels"]["IMAGE"], "lung-features");
        edk(&env, &["image", "export", "lung-features:0.1.0", "root.tar"]).exits(0);
        let made = Done::of(env.other("tar").args(["-xOf", "root.tar", "made"]));
        assert_eq!(made.stdout, "made 1\n", "{made}");
        verify_store(&env.state().join("store"));
    }
    // The plan names who would build; a flag wins over the file.
    let plan = result(&env, &["deploy", "lung", "--dry-run"]);
    assert!(plan["steps"][0]["detail"].as_str().unwrap().contains("built by podman, as edk.toml"));
    let plan = result(&env, &["deploy", "lung", "--dry-run", "--engine", "edk"]);
    assert!(!plan.to_string().contains("podman"), "{plan}");
    fs::remove_file(env.path("lung/edk.toml")).unwrap();
    let ours = result(&env, &["build", "lung"]);
    assert!(ours["images"].as_array().unwrap().iter().all(|it| it.get("engine").is_none()));
    // This machine's choice.
    fs::write(env.state().join("config.toml"), "engine = \"buildah\"\n").unwrap();
    let plan = result(&env, &["deploy", "lung", "--dry-run"]);
    assert!(plan.to_string().contains("built by buildah, as config.toml in the data folder says"));
    let left: Vec<_> = fs::read_dir(env.state().join("uploads")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_builder_that_fails_or_is_not_there_is_told() {
    let env = TestEnv::new();
    extension(&env);
    let container = env.path("lung/processing-containers/lung-features/Dockerfile");
    let text = fs::read_to_string(&container).unwrap();
    fs::write(&container, text.replace("echo", "no-such-applet")).unwrap();
    let done = edk(&env, &["build", "lung", "--engine", "buildah"]).exits(1);
    done.tells(&["`buildah build` ended with exit code", "no-such-applet"]);
    let mut command = env.command(&["build", "lung", "--engine", "buildkit=tcp://127.0.0.1:1"]);
    let done = Done::of(command.env("PATH", "/nowhere")).exits(3);
    done.tells(&["`buildctl` was chosen", "not installed", "--engine edk"]);
    edk(&env, &["build", "lung", "--engine", "kaniko"]).exits(2).tells(&["buildkit[=ADDRESS]"]);
    fs::write(env.path("lung/edk.toml"), "compression = \"zstd\"\n").unwrap();
    edk(&env, &["build", "lung", "--engine", "buildah"])
        .exits(1)
        .tells(&["`compression` is for our own builder", "--engine edk"]);
    fs::write(env.path("lung/edk.toml"), "engine = 1\n").unwrap();
    edk(&env, &["build", "lung"]).exits(1).tells(&["edk.toml:1", "engine = \"buildah\""]);
}
