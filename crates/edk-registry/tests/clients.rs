//! Programs which people use with registries, against the real server.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::path::Path;

use edk_model::{Digest, media};
use serde_json::{Value, json};
use server::Server;
use tokio::process::Command;

/// Runs `skopeo` and returns what it printed.
async fn skopeo(arguments: &[&str]) -> String {
    let output = match Command::new("skopeo").args(arguments).output().await {
        Ok(output) => output,
        Err(error) => panic!("can't run skopeo ({error}); install the Debian package `skopeo`"),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "skopeo {}: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// Writes an OCI layout with one image of one layer and returns the digest of its manifest.
fn write_layout(folder: &Path) -> Digest {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let blob = |media_type: &str, bytes: &[u8]| {
        let digest = Digest::of(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    };
    // Two empty records: a tar file without entries.
    let tar = vec![0; 1024];
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "Labels": { "IMAGE": "hello" } },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&tar)] },
    });
    let config = blob(media::CONFIG, &serde_json::to_vec(&config).unwrap());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media::MANIFEST,
        "config": config, "layers": [blob(media::LAYER, &tar)],
    });
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let mut entry = blob(media::MANIFEST, &bytes);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "1.0" });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    Digest::of(&bytes)
}

#[tokio::test]
async fn skopeo_pushes_inspects_lists_pulls_and_deletes_an_image() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (source, back) = (folder.path().join("source"), folder.path().join("back"));
    let digest = write_layout(&source);
    let image = format!("docker://{}/group/hello", server.address);
    let tagged = format!("{image}:1.0");
    let layout = |path: &Path| format!("oci:{}:1.0", path.display());

    // Without --preserve-digests it compresses the layer and so makes another manifest.
    let copy = ["--insecure-policy", "copy", "--preserve-digests"];
    let push = ["--dest-tls-verify=false", &layout(&source), &tagged];
    skopeo(&[copy, push].concat()).await;
    assert_eq!(server.store.resolve("group/hello", "1.0").unwrap().unwrap().digest, digest);

    let seen: Value =
        serde_json::from_str(&skopeo(&["inspect", "--tls-verify=false", &tagged]).await).unwrap();
    assert_eq!(seen["Digest"], json!(digest));
    assert_eq!(seen["Labels"]["IMAGE"], "hello");

    let tags = skopeo(&["list-tags", "--tls-verify=false", &image]).await;
    assert_eq!(serde_json::from_str::<Value>(&tags).unwrap()["Tags"], json!(["1.0"]));

    skopeo(&[copy, ["--src-tls-verify=false", &tagged, &layout(&back)]].concat()).await;
    let index: Value =
        serde_json::from_slice(&std::fs::read(back.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"][0]["digest"], json!(digest));

    skopeo(&["delete", "--tls-verify=false", &tagged]).await;
    assert_eq!(server.store.tags("group/hello").unwrap(), [""; 0]);
    assert_eq!(server.store.manifests("group/hello").unwrap(), []);
}

#[tokio::test]
async fn skopeo_copies_between_repositories_as_docker_and_as_oci() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    write_layout(folder.path());
    let layout = format!("oci:{}:1.0", folder.path().display());
    let image = |name: &str| format!("docker://{}/{name}:1", server.address);
    let (first, second) = (image("a"), image("b/c/d/e"));
    let copy = ["--insecure-policy", "copy", "--dest-tls-verify=false"];
    skopeo(&[&copy[..], &["--format=v2s2", &layout, &first]].concat()).await;
    skopeo(&[&copy[..], &["--src-tls-verify=false", &first, &second]].concat()).await;
    let kept = server.store.resolve("b/c/d/e", "1").unwrap().unwrap();
    assert_eq!(kept.media_type, media::DOCKER_MANIFEST);
    assert_eq!(server.store.repositories().unwrap(), ["a", "b/c/d/e"]);
}
