//! Archives of images from other programs, as files on disk.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::PathBuf};

use edk_image::{ImageArchive, ImageError};
use edk_model::{CancellationToken, Digest, Monitor, Silent, media};
use edk_store::Store;
use edk_testkit::{TarEntry, busybox_layer, tar};
use serde_json::json;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    store: Store,
    layer: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { folder, store, layer: busybox_layer() }
    }

    fn config(&self, architecture: &str) -> String {
        let rootfs = json!({"type": "layers", "diff_ids": [Digest::of(&self.layer)]});
        json!({"architecture": architecture, "os": "linux", "config": {}, "rootfs": rootfs})
            .to_string()
    }

    fn file(&self, entries: &[TarEntry<'_>]) -> PathBuf {
        let path = self.folder.path().join("x.tar");
        fs::write(&path, tar(entries)).unwrap();
        path
    }

    /// What `docker save` writes: one layer, its second name a link, and `layers` in the list.
    fn saved(&self, architecture: &str, layer: &str) -> PathBuf {
        let list = json!([{"Config": "c.json", "RepoTags": ["lung:1", "example.org/lung:2"],
            "Layers": [layer]}]);
        self.file(&[
            TarEntry::File("a/layer.tar", 0o644, &self.layer),
            TarEntry::Link("b/layer.tar", "../a/layer.tar"),
            TarEntry::File("c.json", 0o644, self.config(architecture).as_bytes()),
            TarEntry::File("manifest.json", 0o644, list.to_string().as_bytes()),
        ])
    }

    /// An OCI layout whose index leads to an index; the layer has `content`.
    fn oci(&self, content: Option<&[u8]>) -> PathBuf {
        let link = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()});
        let path = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
        let config = self.config("amd64");
        let manifest = json!({"schemaVersion": 2, "config": link(media::CONFIG, config.as_bytes()),
            "layers": [link(media::LAYER, &self.layer)]})
        .to_string();
        let mut ours = link(media::MANIFEST, manifest.as_bytes());
        ours["platform"] = json!({"os": "linux", "architecture": "amd64"});
        let inner = json!({"schemaVersion": 2, "manifests": [ours]}).to_string();
        let mut entry = link(media::INDEX, inner.as_bytes());
        entry["annotations"] = json!({"io.containerd.image.name": "docker.io/library/lung:1",
            "org.opencontainers.image.ref.name": "1"});
        let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
        let names = [path(config.as_bytes()), path(manifest.as_bytes()), path(inner.as_bytes())];
        let layer = path(&self.layer);
        let mut entries = vec![
            TarEntry::File("oci-layout", 0o644, b"{}"),
            TarEntry::File("index.json", 0o644, index.as_bytes()),
            TarEntry::File(&names[0], 0o644, config.as_bytes()),
            TarEntry::File(&names[1], 0o644, manifest.as_bytes()),
            TarEntry::File(&names[2], 0o644, inner.as_bytes()),
        ];
        entries.extend(content.map(|content| TarEntry::File(&layer, 0o644, content)));
        self.file(&entries)
    }

    fn words(&self, path: &std::path::Path) -> String {
        let opened = ImageArchive::open(path);
        let error = opened.and_then(|it| it.import(&self.store, &Monitor::silent()).map(drop));
        error.unwrap_err().to_string()
    }
}

#[test]
fn what_docker_saves_comes_with_all_its_names_and_layers_behind_links() {
    let bench = Bench::new();
    let archive = ImageArchive::open(&bench.saved("amd64", "b/layer.tar")).unwrap();
    assert_eq!(archive.names(), ["lung:1", "example.org/lung:2"]);
    let imported = archive.import(&bench.store, &Monitor::silent()).unwrap();
    assert_eq!(imported[0].image.diff_ids(), [Digest::of(&bench.layer)]);
    bench.store.verify(&Digest::of(&bench.layer)).unwrap();
    let again = archive.import(&bench.store, &Monitor::silent()).unwrap();
    assert_eq!(again[0].image.descriptor, imported[0].image.descriptor);
}

#[test]
fn the_image_for_this_platform_is_found_in_an_index_of_an_index() {
    let bench = Bench::new();
    let archive = ImageArchive::open(&bench.oci(Some(&bench.layer))).unwrap();
    assert_eq!(archive.names(), ["docker.io/library/lung:1"], "the full name wins");
    let imported = archive.import(&bench.store, &Monitor::silent()).unwrap();
    assert_eq!(imported[0].image.descriptor.media_type, media::MANIFEST);
    // With its blobs in the store, an archive may leave them out.
    let thin = ImageArchive::open(&bench.oci(None)).unwrap();
    thin.import(&bench.store, &Monitor::silent()).unwrap();
}

#[test]
fn an_archive_with_something_missing_or_wrong_keeps_nothing_wrong() {
    let bench = Bench::new();
    assert!(bench.words(&bench.saved("arm64", "a/layer.tar")).contains("is for linux/arm64"));
    assert!(bench.words(&bench.saved("amd64", "z.tar")).contains("layer \"z.tar\" not found"));
    assert!(bench.words(&bench.oci(None)).contains("not found"));
    let damaged = bench.words(&bench.oci(Some(b"another")));
    assert!(damaged.contains("is damaged in it"), "{damaged}");
    assert_eq!(bench.store.size(&Digest::of(&bench.layer)), None);
    let token = CancellationToken::new();
    token.cancel();
    let stopped = Monitor::new(std::sync::Arc::new(Silent), token, "import");
    let archive = ImageArchive::open(&bench.saved("amd64", "a/layer.tar")).unwrap();
    let cancelled = archive.import(&bench.store, &stopped).unwrap_err();
    assert!(matches!(cancelled, ImageError::Cancelled(_)));
}
