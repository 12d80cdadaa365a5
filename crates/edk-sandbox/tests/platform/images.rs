//! Archives of images, taken by the sandbox.

use super::*;

/// An archive of one image without layers, called `name`: the smallest OCI layout there is.
fn image_archive(name: &str) -> Vec<u8> {
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": []}})
    .to_string();
    let blob = |bytes: &str| json!({"digest": Digest::of(bytes.as_bytes()), "size": bytes.len()});
    let mut about = blob(&config);
    about["mediaType"] = media::CONFIG.into();
    let manifest = json!({"schemaVersion": 2, "config": about, "layers": []}).to_string();
    let mut entry = blob(&manifest);
    entry["mediaType"] = media::MANIFEST.into();
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
    let path = |text: &str| format!("blobs/sha256/{}", Digest::of(text.as_bytes()).hex());
    let (config_path, manifest_path) = (path(&config), path(&manifest));
    edk_testkit::tar(&[
        TarEntry::File("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#),
        TarEntry::File("index.json", 0o644, index.as_bytes()),
        TarEntry::File(&config_path, 0o644, config.as_bytes()),
        TarEntry::File(&manifest_path, 0o644, manifest.as_bytes()),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_archive_is_imported_and_kept_only_by_a_platform() {
    for (faults, kept) in [(Faults::default(), false), (Faults::strict(), true)] {
        let bench = bench(faults).await;
        let archive = bench.folder.path().join("x.tar");
        for (name, repository) in [
            (format!("{REGISTRY}/lung:0.1.0"), "lung"),
            ("example.org/lung:0.1.0".to_owned(), "imported/example.org/lung"),
        ] {
            fs::write(&archive, image_archive(&name)).unwrap();
            let sent = bench.client.upload_images(&archive, &bench.monitor).await.unwrap();
            assert_eq!(sent, UploadOutcome::Confirmed);
            let done = bench.client.import("x.tar", &bench.monitor).await.unwrap();
            assert_eq!(done, ImportOutcome::Imported);
            let store = Store::open(&bench.folder.path().join("store")).unwrap();
            assert!(store.resolve(repository, "0.1.0").unwrap().is_some(), "{name}");
            assert_eq!(bench.path("extensions/x.tar").exists(), kept);
        }
        fs::write(&archive, "no archive").unwrap();
        bench.client.upload_images(&archive, &bench.monitor).await.unwrap();
        let refused = bench.client.import("x.tar", &bench.monitor).await.unwrap_err().to_string();
        let words = "Container import failed Failed to import container x.tar: ";
        assert!(refused.contains(words), "{refused}");
    }
}
