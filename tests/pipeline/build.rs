//! From answers to images.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use edk_testkit::{Done, TestEnv, copy_tree, small_extension, verify_store};

use crate::world::{BASE, base, built, copy, digests, manifest, new_lung};

#[test]
fn other_answers_make_another_extension() {
    let env = TestEnv::new();
    new_lung(&env);
    let answers = ["name=liver", "title=Liver lobes", "image=lobe-features", "dag_id=lobes"];
    let more = ["feature_classes=shape", "bin_width=5", "experimental=false"];
    let mut args = vec!["new", "radiomics", "other", "--yes"];
    args.extend(answers.iter().chain(&more).flat_map(|answer| ["--set", answer]));
    env.edk(&args).exits(0);
    let check = |file: &str, part: &str, holds: bool| {
        let text = fs::read_to_string(env.path(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(text.contains(part), holds, "{file}: {part}\n{text}");
    };
    check("lung/extension/lung-workflow/Chart.yaml", "name: lung-workflow", true);
    check("lung/extension/lung-workflow/Chart.yaml", "kaapanaexperimental", true);
    check("lung/extension/docker/Dockerfile", "dag-lung", true);
    check("other/extension/liver-workflow/Chart.yaml", "Liver lobes", true);
    check("other/extension/liver-workflow/Chart.yaml", "kaapanaexperimental", false);
    check("other/extension/docker/files/dag_liver.py", "lobes", true);
    check("other/processing-containers/lobe-features/Dockerfile", "lobe-features", true);
}

#[test]
fn a_base_that_was_made_is_found() {
    let again = base().env.result(&["base", BASE]);
    assert_eq!(again["reused"], true);
    assert_eq!(again["digest"], base().digest.as_str());
    assert_eq!(again["reference"], "local-only/base-python-cpu:latest");
    verify_store(&base().env.state().join("store"));
}

#[test]
fn the_images_are_listed_and_a_second_build_does_nothing_and_says_so() {
    let first = &built().outcome;
    assert_eq!(first["unchanged"], false);
    let names: Vec<&str> = built().digests.keys().map(String::as_str).collect();
    assert_eq!(names, ["dag-lung", "lung-features"]);
    let env = copy();
    let second = env.result(&["build", "lung"]);
    assert_eq!(second["unchanged"], true);
    assert_eq!(digests(&second), built().digests);
    env.edk(&["build", "lung"]).exits(0).prints(&["nothing to do", "dag-lung", "lung-features"]);
}

#[test]
fn editing_a_file_builds_only_what_follows_it() {
    let env = copy();
    let file = env.path("lung/processing-containers/lung-features/files/extract.py");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\n# edited\n").unwrap();
    let outcome = env.result(&["build", "lung"]);
    let image = |name: &str| {
        let images = outcome["images"].as_array().unwrap();
        images.iter().find(|image| image["name"] == name).unwrap()
    };
    assert_eq!(image("dag-lung")["unchanged"], true);
    let container = image("lung-features");
    assert_eq!(container["unchanged"], false);
    let count = |field: &str| container[field].as_u64().unwrap();
    assert_eq!(count("reused"), count("steps") - 1, "only the COPY that carries it is done again");
    let layers = |digest: &str| manifest(&env, digest)["layers"].as_array().unwrap().clone();
    let before = layers(&built().digests["lung-features"]);
    let after = layers(container["digest"].as_str().unwrap());
    assert_eq!(before.len(), after.len());
    let last = before.len() - 1;
    assert_eq!(before[..last], after[..last]);
    assert_ne!(before[last], after[last]);
}

#[test]
fn another_store_and_another_folder_give_the_same_digests() {
    let env = TestEnv::with_store_of(&base().env);
    new_lung(&env);
    copy_tree(&env.path("lung"), &env.path("elsewhere/checkout"));
    let outcome = env.result(&["build", "elsewhere/checkout"]);
    assert_eq!(outcome["unchanged"], false, "it was really built");
    assert_eq!(digests(&outcome), built().digests);
    verify_store(&env.state().join("store"));
}

#[test]
fn a_dag_image_is_an_installer_and_the_dag_files() {
    let env = copy();
    let manifest = manifest(&env, &built().digests["dag-lung"]);
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2, "{manifest}");
    let size: u64 = layers.iter().map(|layer| layer["size"].as_u64().unwrap()).sum();
    assert!(size < 2_000_000, "{size} bytes");
    assert_ne!(layers[0], manifest["config"], "a layer is no configuration");
    let of_base = crate::world::manifest(&env, &base().digest);
    for layer in of_base["layers"].as_array().unwrap() {
        assert!(!layers.contains(layer), "a layer of the base is in it");
    }
}

#[test]
fn a_build_says_what_it_did_again_and_why() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let file = "processing-containers/lung-features/Dockerfile";
    env.edk(&["build", "lung", "--explain"]).exits(0).prints(&["was not built here before"]);
    fs::write(env.path("lung/processing-containers/lung-features/files/run.sh"), "echo 2").unwrap();
    let done = env.edk(&["build", "lung", "--explain"]).exits(0);
    let step = format!("rebuilt  {file}:4  COPY files/run.sh /run.sh");
    done.prints(&[&step, "file `files/run.sh` changed", "reused   "]);
    let outcome = env.result(&[
        "build",
        "lung",
        "--explain",
        "--no-cache",
        "--file",
        &format!("lung/{file}"),
    ]);
    assert_eq!(outcome["images"].as_array().unwrap().len(), 1);
    let steps = outcome["images"][0]["explained"].as_array().unwrap();
    assert_eq!((steps[0]["reused"].as_bool(), steps.len()), (Some(false), 2));
    assert!(steps[0]["reasons"][0].as_str().unwrap().contains("--no-cache"));
    assert!(env.result(&["build", "lung"])["images"][0].get("explained").is_none());
}

#[test]
fn flags_of_a_build_reach_it_or_are_refused_by_name() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung").join("processing-containers/lung-features");
    let text = "FROM scratch AS first\nLABEL which=first\nFROM scratch\nLABEL IMAGE=\"lung-features\"\n\
                COPY files/busybox /bin/busybox\nRUN --mount=type=secret,id=s,required \
                [\"/bin/busybox\", \"cp\", \"/run/secrets/s\", \"/dev/null\"]\n";
    fs::write(folder.join("Dockerfile"), text).unwrap();
    fs::write(env.path("secret"), "hunter2").unwrap();
    let file = "processing-containers/lung-features/Dockerfile";
    env.edk(&["build", "lung"]).exits(1).tells(&["the secret `s` is required", "--secret id=s"]);
    let secret = ["--secret", "id=s,src=secret"];
    env.edk(&[&["build", "lung"], &secret[..]].concat()).exits(0);
    let target = ["--file", file, "--target", "first", "--label", "a=b"];
    let outcome = env.result(&[&["build", "lung"], &target[..]].concat());
    assert_eq!(outcome["images"][0]["steps"], 0);
    for (flags, part) in [
        (&["--target", "first"][..], "several images could have a stage `first`"),
        (&["--file", "nope/Dockerfile"], "is no Dockerfile of the extension"),
        (&["--file", file, "--target", "nope"], "there is no stage `nope`"),
        (&["--platform", "linux/arm64"], "images for `linux/arm64` can't be built here"),
        (&["--secret", "src=x"], "a secret has no id"),
        (&["--secret", "id=x,env=NOT_SET_ANYWHERE"], "is not set"),
    ] {
        env.edk(&[&["build", "lung"], flags].concat()).exits(1).tells(&[part]);
    }
}

/// The base of installers, from its recipe; `base-python-gpu` differs from the base of all these tests
/// in two packages and in settings, which `edk-image` looks at.
#[test]
fn the_base_of_installers_is_made_and_built_on() {
    let env = TestEnv::new();
    env.edk(&["base", "base-installer"]).exits(0);
    let shown = env.result(&["registry", "show", "local-only/base-installer:latest"]);
    assert_eq!(shown["config"]["config"]["Cmd"][0], "/installer", "{shown}");
    // A step in an image of it runs what is in it.
    let folder = env.path("ext/image");
    fs::create_dir_all(&folder).unwrap();
    let text = "FROM local-only/base-installer:latest\nLABEL IMAGE=\"image\"\n\
                RUN test -x /installer && test -s /etc/ssl/certs/ca-certificates.crt\n";
    fs::write(folder.join("Dockerfile"), text).unwrap();
    env.edk(&["build", "ext"]).exits(0);
}

/// Debian's libfaketime, wherever this processor has its libraries.
fn faketime() -> String {
    let found = fs::read_dir("/usr/lib").unwrap().filter_map(|entry| {
        let path = entry.unwrap().path().join("faketime/libfaketimeMT.so.1");
        path.exists().then(|| path.to_str().unwrap().to_owned())
    });
    found.into_iter().next().expect("`scripts/setup test` installs libfaketime")
}

#[test]
fn a_clock_that_jumps_to_and_fro_while_it_builds_changes_nothing() {
    let (env, undisturbed) = (TestEnv::new(), TestEnv::new());
    small_extension(&env, "lung");
    let container = env.path("lung/processing-containers/lung-features");
    let run = serde_json::json!(["/bin/busybox", "sh", "-c", "/bin/busybox cp /n /made"]);
    let dockerfile = format!(
        "FROM scratch\nLABEL IMAGE=\"lung-features\"\nCOPY files/busybox /bin/busybox\nCOPY n /n\n\
         RUN {run}\nCOPY files/run.sh /run.sh\n"
    );
    fs::write(container.join("Dockerfile"), dockerfile).unwrap();
    let project = env.path("lung");
    let build = ["build", project.to_str().unwrap()];
    let (clock, library) = (env.path("clock"), faketime());
    let jump = |to: &str| {
        fs::write(env.path("clock.new"), to).unwrap();
        fs::rename(env.path("clock.new"), &clock).unwrap();
    };
    jump("+0d");
    let elsewhen = || {
        let mut edk = env.command(&[&build[..], &["--output", "json"]].concat());
        edk.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", &clock);
        edk.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        Done::of(&mut edk).exits(0).document()["result"].clone()
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ticking = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                ["+4000d", "-9000d", "+1d", "-1d"].iter().for_each(|to| jump(to));
            }
        });
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 0..6 {
                fs::write(container.join("n"), number.to_string()).unwrap();
                let (one, other) = (elsewhen(), undisturbed.result(&build));
                assert_eq!(digests(&one), digests(&other), "{number}");
                assert_eq!(elsewhen()["unchanged"], true, "{number}");
            }
        }));
        done.store(true, Ordering::Relaxed);
        ticking.join().unwrap();
        worked.unwrap();
    });
    verify_store(&env.state().join("store"));
}
