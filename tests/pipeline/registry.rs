//! Pushing, and clients of others that pull.

use edk_testkit::{Done, Running, TestEnv, is_root};
use serde_json::{Value, json};

use crate::world::{built, copy};

/// Serves the registry and returns its address without a scheme.
fn serve(env: &TestEnv) -> (Running, String) {
    let mut running = env.start(&["registry", "serve", "--port", "0"]);
    let address = running.address();
    (running, address)
}

#[test]
fn pushing_moves_no_bytes_and_gives_the_tags_a_platform_asks_for() {
    let env = copy();
    let pushed = env.result(&["push", "lung", "--version", "0.3.0"])["pushed"].clone();
    let digests = &built().digests;
    let expect = |unchanged: bool| {
        let row = |name: &str, image: &str| {
            json!({
                "name": name, "digest": digests[image], "unchanged": unchanged, "bytes": 0
            })
        };
        json!([
            row("dag-lung:0.3.0", "dag-lung"),
            row("lung-features:0.3.0", "lung-features"),
            row("lung-features:0.6.0", "lung-features"),
        ])
    };
    assert_eq!(pushed, expect(false));
    let again = env.result(&["push", "lung", "--version", "0.3.0"])["pushed"].clone();
    assert_eq!(again, expect(true));
}

#[test]
fn skopeo_inspects_lists_and_pulls_what_was_pushed() {
    let env = copy();
    env.edk(&["push", "lung"]).exits(0);
    let (_registry, address) = serve(&env);
    let skopeo = |args: &[&str]| {
        let mut command = env.other("skopeo");
        Done::of(command.args(args)).exits(0).stdout
    };
    for (name, digest) in &built().digests {
        let image = format!("docker://{address}/{name}");
        let tagged = format!("{image}:0.1.0");
        let seen: Value =
            serde_json::from_str(&skopeo(&["inspect", "--tls-verify=false", &tagged])).unwrap();
        assert_eq!(seen["Digest"], digest.as_str());
        assert_eq!(seen["Labels"]["IMAGE"], name.as_str());
        let tags: Value =
            serde_json::from_str(&skopeo(&["list-tags", "--tls-verify=false", &image])).unwrap();
        let tags = tags["Tags"].as_array().unwrap();
        assert!(tags.contains(&json!("0.1.0")), "{tags:?}");
        // skopeo checks the digest of everything it pulls; the folder is checked once more here.
        let folder = format!("oci:pulled-{name}:x");
        let copy = ["--insecure-policy", "copy", "--src-tls-verify=false"];
        skopeo(&[&copy[..], &[&tagged, &folder]].concat());
        let index = crate::world::read_json(&env.path(&format!("pulled-{name}/index.json")));
        assert_eq!(index["manifests"][0]["digest"], digest.as_str());
        edk_testkit::verify_store(&env.path(&format!("pulled-{name}")));
    }
}

#[test]
fn podman_runs_what_was_pushed() {
    let env = copy();
    env.edk(&["push", "lung"]).exits(0);
    let (_registry, address) = serve(&env);
    for folder in ["dags", "plugins"] {
        std::fs::create_dir(env.path(folder)).unwrap();
    }
    // A storage of its own, and nothing that could not be had where the tests run in a container
    // themselves: no cgroups, also none to look at, and no higher limits.
    let script = r#"
        mount -t tmpfs none /sys/fs/cgroup
        exec podman --root "$PWD/podman" --runroot "$PWD/podman-run" --storage-driver=vfs \
            --events-backend=none --cgroup-manager=cgroupfs run --rm --tls-verify=false \
            --network=host --cgroups=disabled --cgroupns=host \
            --ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024 \
            --volume "$PWD/dags:/kaapana/mounted/workflows/dags" \
            --volume "$PWD/plugins:/kaapana/mounted/workflows/plugins" \
            --env=ACTION=copy "$IMAGE"
    "#;
    let mut podman = env.other("unshare");
    if !is_root() {
        podman.args(["--map-auto", "--map-root-user"]);
    }
    podman.args(["--mount", "--propagation", "private", "sh", "-euc", script]);
    let done = Done::of(podman.env("IMAGE", format!("{address}/dag-lung:0.1.0"))).exits(0);
    let copied = std::fs::read(env.path("dags/dag_lung.py"));
    let source = std::fs::read(env.path("lung/extension/docker/files/dag_lung.py")).unwrap();
    assert_eq!(copied.unwrap_or_default(), source, "{done}");
}
