//! The programs people use with registries: podman, buildah, containerd and Helm. `skopeo` is in
//! `tests/cli` and `crates/edk-registry/tests/clients.rs`; our own client is `edk registry copy`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use edk_testkit::{Done, TestEnv, is_root};
use serde_json::Value;

use crate::client::{Image, noise, send, serve};

/// Runs a script as (mapped) root in namespaces of its own; `$ADDRESS` is that of the registry.
fn script(env: &TestEnv, address: &str, text: &str) -> Done {
    let mut command = env.other("unshare");
    if !is_root() {
        command.args(["--map-auto", "--map-root-user"]);
    }
    // What the machine's own containers have there is none of ours, and may be closed to us.
    let own = "for folder in /run /dev/shm /var/lib/containers; do
        [ ! -d $folder ] || mount -t tmpfs none $folder
    done\n";
    command.args(["--mount", "--propagation", "private", "sh", "-euc", &format!("{own}{text}")]);
    Done::of(command.env("ADDRESS", address))
}

/// A tar layer with one file, so that there is something to unpack.
fn image() -> Image {
    let content = noise(7, 3000);
    let mut tar = vec![0_u8; 512];
    tar[..9].copy_from_slice(b"noise.bin");
    for (at, field) in [(100, "0000644"), (108, "0000000"), (116, "0000000"), (136, "00000000000")]
    {
        tar[at..at + field.len()].copy_from_slice(field.as_bytes());
    }
    tar[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    tar[156] = b'0';
    tar[257..263].copy_from_slice(b"ustar\0");
    tar[263..265].copy_from_slice(b"00");
    tar[148..156].fill(b' ');
    let sum: u32 = tar.iter().map(|byte| u32::from(*byte)).sum();
    tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    tar.extend(content);
    tar.resize(512 + 3072 + 1024, 0);
    let diff_id = edk_model::Digest::of(&tar);
    let mut image = Image::new(vec![tar]);
    let config = serde_json::json!({ "architecture": "amd64", "os": "linux",
        "config": { "Labels": { "IMAGE": "noise" } },
        "rootfs": { "type": "layers", "diff_ids": [diff_id] } });
    image.replace_config(config.to_string().into_bytes());
    image
}

fn digest(env: &TestEnv, image: &str) -> Value {
    env.result(&["registry", "show", image])["digest"].clone()
}

#[test]
fn podman_pulls_what_was_pushed_and_pushes_it_back() {
    let env = TestEnv::new();
    let (_server, address) = serve(&env, 0);
    assert!(image().push(&address, "team/noise", "1").unwrap());
    script(
        &env,
        &address,
        r#"
        podman() {
            command podman --root "$PWD/podman" --runroot "$PWD/podman-run" --storage-driver=vfs \
                --events-backend=none --cgroup-manager=cgroupfs "$@"
        }
        podman pull --quiet --tls-verify=false "$ADDRESS/team/noise:1"
        podman tag "$ADDRESS/team/noise:1" "$ADDRESS/other/noise:2"
        podman push --quiet --tls-verify=false "$ADDRESS/other/noise:2"
        podman rmi --all --force
        podman pull --quiet --tls-verify=false "$ADDRESS/other/noise:2"
        podman image inspect "$ADDRESS/other/noise:2" --format '{{ .Labels.IMAGE }}'
        "#,
    )
    .exits(0)
    .prints(&["noise"]);
    let shown = env.result(&["registry", "show", "other/noise:2"]);
    assert_eq!(shown["config"]["config"]["Labels"]["IMAGE"], "noise");
}

#[test]
fn buildah_builds_on_what_was_pushed_and_pushes_the_result() {
    let env = TestEnv::new();
    let (_server, address) = serve(&env, 0);
    assert!(image().push(&address, "noise", "1").unwrap());
    fs::write(env.path("more.txt"), "more").unwrap();
    script(
        &env,
        &address,
        r#"
        buildah() {
            command buildah --root "$PWD/buildah" --runroot "$PWD/buildah-run" \
                --storage-driver=vfs "$@"
        }
        name=$(buildah from --tls-verify=false "$ADDRESS/noise:1")
        buildah copy "$name" more.txt /more.txt
        buildah commit --quiet --tls-verify=false "$name" "docker://$ADDRESS/more:oci"
        buildah commit --quiet --format=docker --tls-verify=false "$name" "docker://$ADDRESS/more:docker"
        "#,
    )
    .exits(0);
    for tag in ["more:oci", "more:docker"] {
        let shown = env.result(&["registry", "show", tag]);
        assert_eq!(shown["layers"].as_array().unwrap().len(), 2, "{shown}");
    }
    edk_testkit::verify_store(&env.state().join("store"));
}

#[test]
fn containerd_pulls_pushes_and_imports() {
    let env = TestEnv::new();
    let (_server, address) = serve(&env, 0);
    assert!(image().push(&address, "noise", "1").unwrap());
    env.edk(&["registry", "export", "noise:1", "noise.tar"]).exits(0);
    let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \
                  \"io.containerd.internal.v1.opt\"]\n";
    fs::write(env.path("config.toml"), config).unwrap();
    let done = script(
        &env,
        &address,
        r#"
        containerd --config config.toml --root "$PWD/root" --state /run/state \
            --address /run/containerd.sock > containerd.log 2>&1 & containerd=$!
        until grep -q "successfully booted" containerd.log; do
            kill -0 $containerd || { cat containerd.log >&2; exit 1; }
        done
        images() { ctr --address /run/containerd.sock images "$@"; }
        images pull --plain-http --snapshotter native "$ADDRESS/noise:1"
        images tag "$ADDRESS/noise:1" "$ADDRESS/back/noise:2"
        images push --plain-http "$ADDRESS/back/noise:2"
        images import --snapshotter native noise.tar
        images ls -q
        kill $containerd; wait $containerd || true
        "#,
    );
    done.exits(0).prints(&["/back/noise:2", "noise:1\n"]);
    assert_eq!(digest(&env, "back/noise:2"), digest(&env, "noise:1"));
}

/// Helm is not in Debian: `scripts/fetch-helm` fetches it, and one in the `PATH` will do.
fn helm() -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/helm");
    if fetched.exists() { fetched } else { "helm".into() }
}

#[test]
fn helm_pushes_and_pulls_a_chart() {
    let env = TestEnv::new();
    let (_server, address) = serve(&env, 0);
    fs::create_dir_all(env.path("lung/templates")).unwrap();
    fs::write(env.path("lung/Chart.yaml"), "apiVersion: v2\nname: lung\nversion: 1.2.3\n").unwrap();
    let run = |args: &[&str]| Done::of(env.other(helm()).args(args)).exits(0);
    run(&["package", "lung"]);
    let charts = format!("oci://{address}/charts");
    run(&["push", "lung-1.2.3.tgz", &charts, "--plain-http"]);
    fs::create_dir(env.path("back")).unwrap();
    let chart = format!("{charts}/lung");
    run(&["pull", &chart, "--version", "1.2.3", "--plain-http", "--destination", "back"]);
    let read = |file: &str| fs::read(env.path(file)).unwrap();
    assert_eq!(read("back/lung-1.2.3.tgz"), read("lung-1.2.3.tgz"));
    env.edk(&["registry", "list"]).exits(0).prints(&["charts/lung:1.2.3"]);
    let shown = env.result(&["registry", "show", "charts/lung:1.2.3"]);
    let kind = &shown["manifest"]["config"]["mediaType"];
    assert_eq!(kind, "application/vnd.cncf.helm.config.v1+json");
}

#[test]
fn an_image_named_by_sha512_goes_everywhere_and_keeps_its_name() {
    use edk_model::{Algorithm, Digest, media};
    let (env, other, third) = (TestEnv::new(), TestEnv::new(), TestEnv::new());
    let (_server, address) = serve(&env, 0);
    let (_other, elsewhere) = serve(&other, 0);
    let digest = |bytes: &[u8]| Digest::with(Algorithm::Sha512, bytes);
    let put = |method: &str, path: &str, body: &[u8]| {
        assert_eq!(send(&address, method, path, body).unwrap().status, 201, "{path}");
    };
    let (config, layer) = (b"{}".to_vec(), noise(5, 3000));
    let link = |kind: &str, bytes: &[u8]| {
        put("POST", &format!("/v2/app/blobs/uploads/?digest={}", digest(bytes)), bytes);
        serde_json::json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() })
    };
    let manifest = serde_json::json!({ "schemaVersion": 2, "mediaType": media::MANIFEST,
        "config": link("application/vnd.example.empty", &config),
        "layers": [link(media::LAYER, &layer)] });
    let bytes = manifest.to_string().into_bytes();
    put("PUT", &format!("/v2/app/manifests/{}", digest(&bytes)), &bytes);

    let name = format!("app@{}", digest(&bytes));
    let copied = env.result(&["registry", "copy", &name, &format!("{elsewhere}/{name}")]);
    assert_eq!(copied["moved"], 3002);
    other.edk(&["registry", "export", &name, "app.tar"]).exits(0);
    let file = other.path("app.tar");
    third.edk(&["registry", "import", file.to_str().unwrap(), &name]).exits(0);
    for env in [&env, &other, &third] {
        let shown = env.result(&["registry", "show", &name]);
        assert_eq!(shown["digest"], digest(&bytes).to_string(), "{shown}");
        let blobs = fs::read_dir(env.state().join("store/blobs/sha512")).unwrap();
        for blob in blobs.map(|it| it.unwrap().path()) {
            let content = fs::read(&blob).unwrap();
            assert_eq!(blob.file_name().unwrap().to_str().unwrap(), digest(&content).hex());
        }
    }
}
