//! Dockerfiles, layers, and archives of images.

use std::{collections::BTreeMap, fs, path::Path, sync::OnceLock};

use edk_image::{
    Access, Image, ImageArchive, ImageError, PlanRequest, Sources, dockerfile as read,
};
use edk_model::{Descriptor, Digest, Monitor, Reference, media};
use edk_store::Store;
use serde_json::json;
use tempfile::TempDir;

use crate::{tars, text};

/// A Dockerfile, and a `.dockerignore` behind it.
pub(super) fn dockerfile(data: &[u8]) {
    static CONTEXT: OnceLock<TempDir> = OnceLock::new();
    let context = CONTEXT.get_or_init(context).path();
    let files = text::files(data);
    let content = |name: &str| {
        let found = files.iter().find(|(path, _)| path == name);
        found.map(|(_, content)| String::from_utf8_lossy(content).into_owned())
    };
    let text = content("").or_else(|| content("Dockerfile")).unwrap_or_default();
    let (_, findings) = read::parse(&text, "Dockerfile");
    if !findings.is_empty() {
        return;
    }
    fs::write(context.join(".dockerignore"), content(".dockerignore").unwrap_or_default()).unwrap();
    let args = BTreeMap::from([("A".to_owned(), "value".to_owned())]);
    let request = PlanRequest::new(&text, "Dockerfile", context, &args);
    let _ = edk_image::plan(&request, &mut Base::get());
}

fn context() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("a.txt", "a");
    put("files/b.py", "b");
    put("files/deep/c.sh", "c");
    std::os::unix::fs::symlink("/etc", folder.path().join("out")).unwrap();
    folder
}

/// Gives the same small image for every name.
struct Base(&'static Image);

impl Base {
    fn get() -> Self {
        static BASE: OnceLock<(TempDir, Image)> = OnceLock::new();
        let (_, image) = BASE.get_or_init(|| {
            let (folder, store) = store();
            let image = image(&store, &[tars::of_files([("etc/passwd", &b"u:x:7:7::/:/x\n"[..])])]);
            (folder, image.unwrap())
        });
        Self(image)
    }
}

impl Sources for Base {
    fn image(&mut self, _: &Reference, _: &str) -> Result<Image, ImageError> {
        Ok(self.0.clone())
    }

    fn fetch(&mut self, _: &str, _: Option<&Digest>, _: &str) -> Result<Descriptor, ImageError> {
        Ok(self.0.descriptor.clone())
    }
}

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    (folder, store)
}

fn image(store: &Store, layers: &[Vec<u8>]) -> Result<Image, ImageError> {
    let put = |kind: &str, bytes: &[u8]| store.put(kind, bytes).unwrap();
    let ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
    let layers: Vec<_> = layers.iter().map(|layer| put(media::LAYER, layer)).collect();
    let config = json!({ "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": ids } });
    let config = put(media::CONFIG, config.to_string().as_bytes());
    let manifest = json!({ "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config,
        "layers": layers });
    Image::load(store, &put(media::MANIFEST, manifest.to_string().as_bytes()))
}

/// Two layers, one on the other: listed, compared, and exported as one tar that can be read.
pub(super) fn layers(data: &[u8]) {
    let (folder, store) = store();
    let half = data.len() / 1024 * 512;
    let layers = [tars::mended(&data[..half]), tars::mended(&data[half..])];
    let monitor = Monitor::silent();
    let (Ok(one), Ok(both)) = (image(&store, &layers[..1]), image(&store, &layers)) else { return };
    let _ = edk_image::diff(&store, &one, &both, &monitor);
    let out = folder.path().join("out.tar");
    match edk_image::export_rootfs(&store, &both, &out, &monitor) {
        Ok(_) => check_exported(&fs::read(&out).unwrap()),
        Err(_) => assert!(!out.exists(), "half a tar was left"),
    }
}

fn check_exported(bytes: &[u8]) {
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let entry = entry.unwrap();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        assert!(!name.starts_with('/'), "`{name}` leads out");
        assert!(!name.split('/').any(|part| part == ".."), "`{name}` leads out");
    }
}

/// An archive of images. The input is the text of its documents; blobs get their right names, so
/// that more than the first check is reached.
pub(super) fn archive(data: &[u8]) {
    let (folder, store) = store();
    let file = folder.path().join("x.tar");
    for bytes in [tars::mended(data), layout(data)] {
        fs::write(&file, bytes).unwrap();
        let monitor = Monitor::silent();
        let _ = edk_image::load(&store, &file, None, &monitor);
        opened(&store, &file, &monitor);
        store.sweep().unwrap();
        let left = fs::read_dir(store.root().join("incoming")).unwrap().count();
        assert_eq!(left, 0, "something unfinished is left");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something lies outside");
    }
}

fn opened(store: &Store, file: &Path, monitor: &Monitor) {
    let Ok(archive) = ImageArchive::open(file) else { return };
    let _ = (archive.names(), archive.shown(), archive.blobs());
    let _ = archive.import(store, monitor);
    for repository in store.repositories().unwrap() {
        for tag in store.tags(&repository).unwrap() {
            let name = format!("{repository}:{tag}").parse().unwrap();
            let _ = edk_image::show(store, &name, &Access::default(), monitor);
        }
    }
}

/// Returns the archive that a text stands for: each `DIGEST-n` in it is the digest of the file
/// called `n`, which becomes a blob.
fn layout(data: &[u8]) -> Vec<u8> {
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    let mut digests: Vec<(String, String, usize)> = Vec::new();
    for (path, content) in text::files(data) {
        let mut content = content;
        if let Ok(mut text) = String::from_utf8(content.clone()) {
            for (name, digest, size) in &digests {
                text = text.replace(&format!("DIGEST-{name}"), digest);
                text = text.replace(&format!("\"SIZE-{name}\""), &size.to_string());
            }
            content = text.into_bytes();
        }
        if path.len() == 1 {
            let digest = Digest::of(&content);
            digests.push((path, digest.to_string(), content.len()));
            entries.push((format!("blobs/sha256/{}", digest.hex()), content));
        } else if !path.is_empty() && path.len() < 90 && !path.contains('\0') {
            entries.push((path, content));
        }
    }
    let entries = entries.iter().filter(|(name, _)| tar::Header::new_gnu().set_path(name).is_ok());
    tars::of_files(entries.map(|(name, content)| (name.as_str(), content.as_slice())))
}
