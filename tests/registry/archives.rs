//! Archives of images with Debian's containerd, as a platform imports them: whole ones, those that
//! leave out what is there, and what happens when it is not there.

use std::fs;

use edk_testkit::{Done, TestEnv, is_root, small_extension};
use serde_json::Value;

use crate::client::noise;

/// Runs a script as (mapped) root in namespaces of its own, beside a containerd: `import FILE` is its
/// `ctr images import`, `show NAME FILE` prints a file of an image, and `start NAME` starts a container
/// of one, with runc.
fn containerd(env: &TestEnv, text: &str) -> Done {
    let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \
                  \"io.containerd.internal.v1.opt\"]\n";
    fs::write(env.path("config.toml"), config).unwrap();
    let prelude = r#"
        for folder in /run /dev/shm; do mount -t tmpfs none $folder; done
        containerd --config config.toml --root "$PWD/root" --state /run/state \
            --address /run/containerd.sock > containerd.log 2>&1 & containerd=$!
        until grep -q "successfully booted" containerd.log; do
            kill -0 $containerd || { cat containerd.log >&2; exit 1; }
        done
        ctr() { command ctr --address /run/containerd.sock --namespace k8s.io "$@"; }
        import() { ctr images import --digests --snapshotter native "$1" 2>&1 || echo refused; }
        show() {
            mkdir -p /run/rootfs
            ctr images mount --snapshotter native "$1" /run/rootfs > mounted
            cat "/run/rootfs/$2"
            ctr images unmount --snapshotter native --rm /run/rootfs > mounted
        }
        start() { ctr run --rm --snapshotter native --cgroup "/edk-ctr-$$" "$1" "edk-$$" 2>&1; }
    "#;
    let mut command = env.other("unshare");
    if !is_root() {
        command.args(["--map-auto", "--map-root-user"]);
    }
    let script = format!("{prelude}{text}\nkill $containerd; wait $containerd || true\n");
    command.args(["--mount", "--propagation", "private", "sh", "-euc", &script]);
    Done::of(&mut command)
}

/// An extension with one image on a base of some size, pushed as `1.0.0`; then, with one file
/// changed, as `1.0.1`.
fn two_versions() -> TestEnv {
    let env = TestEnv::new();
    let base = env.path("ext/base");
    fs::create_dir_all(&base).unwrap();
    let dockerfile = "FROM scratch\nLABEL IMAGE=\"large-base\" REGISTRY=\"local-only\"\n\
                      COPY large /large\n";
    fs::write(base.join("Dockerfile"), dockerfile).unwrap();
    fs::write(base.join("large"), noise(3, 5_000_000)).unwrap();
    let app = env.path("ext/app");
    fs::create_dir_all(&app).unwrap();
    let dockerfile = "FROM local-only/large-base:latest\nLABEL IMAGE=\"app\"\nCOPY a.txt /a.txt\n";
    fs::write(app.join("Dockerfile"), dockerfile).unwrap();
    for (version, text) in [("1.0.0", "first"), ("1.0.1", "second")] {
        fs::write(app.join("a.txt"), text).unwrap();
        env.edk(&["push", "ext", "--version", version]).exits(0);
    }
    env
}

/// How layers may be compressed.
const COMPRESSIONS: [&str; 2] = ["gzip", "zstd"];

/// An image that says its version, saved whole as 1.0.0 and as what 1.0.1 adds to it.
fn started_versions(compression: &str) -> TestEnv {
    let env = TestEnv::new();
    let extension = small_extension(&env, "lung");
    let settings = format!("compression = \"{compression}\"\n");
    fs::write(extension.join("edk.toml"), settings).unwrap();
    let folder = extension.join("processing-containers/lung-features");
    let save = |version: &str, file: &str, more: &[&str]| {
        let script = format!("#!/bin/busybox sh\necho this is {version}\n");
        fs::write(folder.join("files/run.sh"), script).unwrap();
        env.edk(&["push", "lung", "--version", version]).exits(0);
        let image = format!("lung-features:{version}");
        let args = ["image", "save", &image, "--file", file, "--registry", "r.example"];
        env.result(&[&args[..], more].concat())
    };
    save("1.0.0", "full.tar", &[]);
    let delta = save("1.0.1", "delta.tar", &["--delta-against", "full.tar"]);
    assert_eq!(delta["left_out"], 1, "{delta}");
    let shown = env.result(&["image", "inspect", "lung-features:1.0.1"]);
    let kind = shown[0]["layers"][1]["media_type"].as_str().unwrap();
    assert!(kind.ends_with(compression), "{shown}");
    env
}

fn save(env: &TestEnv, version: &str, file: &str, more: &[&str]) -> Value {
    let image = format!("app:{version}");
    let args = ["image", "save", &image, "--file", file, "--registry", "registry.example.org/team"];
    env.result(&[&args[..], more].concat())
}

#[test]
fn containerd_takes_whole_archives_and_deltas_and_refuses_what_it_can_not_complete() {
    let env = two_versions();
    save(&env, "1.0.0", "full.tar", &[]);
    let delta = save(&env, "1.0.1", "delta.tar", &["--delta-against", "app:1.0.0"]);
    save(&env, "1.0.1", "whole.tar", &[]);
    assert_eq!(delta["left_out"], 1, "{delta}");
    assert_eq!(delta["images"][0]["name"], "registry.example.org/team/app:1.0.1");
    let shown = env.result(&["image", "inspect", "app:1.0.1"]);
    let changed = shown[0]["layers"][1]["size"].as_u64().unwrap();
    let size = delta["size"].as_u64().unwrap();
    assert!(size <= changed + 16 * 1024, "a delta of {size} bytes for a layer of {changed}");
    // Against the archive that was taken, it is the same.
    save(&env, "1.0.1", "again.tar", &["--delta-against", "full.tar"]);
    assert_eq!(fs::read(env.path("again.tar")).unwrap(), fs::read(env.path("delta.tar")).unwrap());
    let name = "registry.example.org/team/app";
    let done = containerd(
        &env,
        &format!(
            r#"
        echo "== empty"; import delta.tar
        echo "== repaired"; import whole.tar; show {name}:1.0.1 a.txt; echo
        ctr images rm --sync {name}:1.0.1
        echo "== full"; import full.tar; show {name}:1.0.0 a.txt; echo
        echo "== delta"; import delta.tar; show {name}:1.0.1 a.txt; echo
        ctr images check --snapshotter native
        "#
        ),
    )
    .exits(0);
    let part = |from: &str| done.stdout.split(&format!("== {from}\n")).nth(1).unwrap().to_owned();
    let until = |from: &str| part(from).split("== ").next().unwrap().to_owned();
    assert!(until("empty").contains("not found"), "{done}");
    assert!(until("empty").contains("refused"), "{done}");
    assert!(until("repaired").contains("second"), "{done}");
    assert!(until("full").contains("first"), "{done}");
    assert!(until("delta").contains("second") && !until("delta").contains("refused"), "{done}");
}

/// Debian's containerd imports an archive as a platform does, and starts a container of it. An
/// ordinary user can't have that here: runc puts every container into control groups, whose folders
/// are root's, and with `--cgroup ""` it ends at the limits that `ctr` asks for; for them the
/// container is started by Podman, below.
#[test]
fn containerd_starts_containers_of_whole_archives_and_of_deltas() {
    if !is_root() {
        return;
    }
    COMPRESSIONS.into_iter().for_each(containerd_starts);
}

fn containerd_starts(compression: &str) {
    let env = started_versions(compression);
    let done = containerd(
        &env,
        r#"
        echo "== empty"; import delta.tar
        echo "== full"; import full.tar > imported; start r.example/lung-features:1.0.0
        echo "== delta"; import delta.tar > imported; start r.example/lung-features:1.0.1
        "#,
    )
    .exits(0);
    let until = |from: &str| {
        let rest = done.stdout.split(&format!("== {from}\n")).nth(1).unwrap();
        rest.split("== ").next().unwrap().to_owned()
    };
    assert!(until("empty").contains("refused"), "{done}");
    assert_eq!(until("full"), "this is 1.0.0\n", "{done}");
    assert_eq!(until("delta"), "this is 1.0.1\n", "{done}");
}

#[test]
fn podman_starts_containers_of_whole_archives_and_of_deltas() {
    COMPRESSIONS.into_iter().for_each(podman_starts);
}

fn podman_starts(compression: &str) {
    let env = started_versions(compression);
    // A storage of its own, and nothing that could not be had where the tests run in a container
    // themselves: no cgroups, also none to look at, and no higher limits.
    let script = r#"
        for folder in /run /dev/shm /var/lib/containers; do
            [ ! -d $folder ] || mount -t tmpfs none $folder
        done
        mount -t tmpfs none /sys/fs/cgroup
        podman() {
            command podman --root "$PWD/podman" --runroot "$PWD/podman-run" --storage-driver=vfs \
                --events-backend=none --cgroup-manager=cgroupfs "$@"
        }
        start() {
            podman run --rm --network=host --cgroups=disabled --cgroupns=host \
                --ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024 "r.example/lung-features:$1"
        }
        podman load --quiet --input full.tar
        start 1.0.0
        podman load --quiet --input delta.tar
        start 1.0.1
    "#;
    let mut podman = env.other("unshare");
    if !is_root() {
        podman.args(["--map-auto", "--map-root-user"]);
    }
    podman.args(["--mount", "--propagation", "private", "sh", "-euc", script]);
    Done::of(&mut podman).exits(0).prints(&["this is 1.0.0", "this is 1.0.1"]);
}

#[test]
fn a_target_gets_what_it_lacks_and_everything_when_it_has_lost_some() {
    let (env, other) = (two_versions(), TestEnv::new());
    let mut running = other.start(&["sandbox", "serve", "--port", "0"]);
    let line = running.line("http://");
    let address = line.split("http://").nth(1).unwrap().split([';', ' ']).next().unwrap();
    let target = format!("http://{}", address.replace("127.0.0.1", "localhost"));
    let send = |image: &str| env.result(&["image", "send", image, "--target", &target]);
    let first = send("app:1.0.0");
    assert_eq!((&first["left_bytes"], &first["repaired"]), (&0.into(), &false.into()), "{first}");
    let second = send("app:1.0.1");
    let size = second["size"].as_u64().unwrap();
    assert!(size < 20_000 && second["confirmed"] == true, "{second}");
    drop(running);

    // Another platform at the same address, which has none of it.
    let empty = TestEnv::new();
    let port = target.rsplit(':').next().unwrap();
    let mut running = empty.start(&["sandbox", "serve", "--port", port]);
    running.line("http://");
    let third = send("app:1.0.1");
    assert_eq!((&third["repaired"], &third["confirmed"]), (&true.into(), &true.into()), "{third}");
    assert!(third["size"].as_u64().unwrap() > 5_000_000);
    let again = send("app:1.0.0");
    assert!(again["size"].as_u64().unwrap() < 20_000, "what was sent is known now: {again}");
}
