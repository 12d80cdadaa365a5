//! Archives and layers that mean harm: nothing is kept of them, nothing is written outside, and the
//! error says what is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, io::Write as _, path::PathBuf};

use edk_image::{Image, load};
use edk_model::{Descriptor, Digest, Monitor, media};
use edk_store::Store;
use serde_json::json;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    store: Store,
}

type Entries = Vec<(Vec<u8>, EntryType, Vec<u8>)>;

/// The path of a blob in a layout.
fn path(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::of(bytes).hex())
}

fn file(path: &str, bytes: &[u8]) -> (Vec<u8>, EntryType, Vec<u8>) {
    (path.as_bytes().to_vec(), EntryType::Regular, bytes.to_vec())
}

/// A tar with names as they are; the content of a link is where it leads.
fn archive(entries: &Entries) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        let link = kind.is_symlink() || kind.is_hard_link();
        if link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content);
        }
        let body: &[u8] = if link { &[] } else { content };
        header.set_size(body.len() as u64);
        header.set_cksum();
        builder.append(&header, body).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A layout with one image of one layer.
fn image() -> Entries {
    let layer = archive(&vec![file("a", b"content")]);
    let link = |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len() });
    let rootfs = json!({ "type": "layers", "diff_ids": [Digest::of(&layer)] });
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs }).to_string();
    let manifest = json!({ "schemaVersion": 2, "mediaType": media::MANIFEST,
        "config": link(media::CONFIG, config.as_bytes()), "layers": [link(media::LAYER, &layer)] });
    let manifest = manifest.to_string();
    let mut entry = link(media::MANIFEST, manifest.as_bytes());
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "app:1" });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] }).to_string();
    vec![
        file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        file("index.json", index.as_bytes()),
        file(&path(config.as_bytes()), config.as_bytes()),
        file(&path(manifest.as_bytes()), manifest.as_bytes()),
        file(&path(&layer), &layer),
    ]
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("x.tar");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Expects that the archive is refused with `told`, that no image has a name, and that nothing
    /// lies outside of the store.
    #[track_caller]
    fn refuses(&self, bytes: &[u8], told: &str) {
        let file = self.file(bytes);
        let error = load(&self.store, &file, None, &Monitor::silent()).unwrap_err();
        let words = format!("{error} {}", error_chain(&error));
        assert!(words.contains(told), "`{told}` is not in `{words}`");
        assert!(self.store.repositories().unwrap().is_empty(), "{told}");
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 2, "{told}");
        assert_eq!(fs::read_dir(self.store.root().join("incoming")).unwrap().count(), 0, "{told}");
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut at = error.source();
    while let Some(source) = at {
        text.push_str(&source.to_string());
        at = source.source();
    }
    text
}

#[test]
fn an_archive_with_anything_that_does_not_belong_there_is_refused() {
    let bench = Bench::new();
    let with = |more: (Vec<u8>, EntryType, Vec<u8>)| archive(&[image(), vec![more]].concat());
    bench.refuses(&with(file("../outside", b"x")), "leads out of it");
    bench.refuses(&with(file("/etc/passwd", b"x")), "leads out of it");
    bench.refuses(&with(file("blobs/sha256/../../../../x", b"x")), "leads out of it");
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        bench.refuses(&with((b"dev".to_vec(), kind, Vec::new())), "is a device");
    }
    bench.refuses(&with(file("index.json", b"{}")), "twice");
    let blob = path(b"secret");
    for kind in [EntryType::Symlink, EntryType::Link] {
        let link = (blob.clone().into_bytes(), kind, b"/etc/passwd".to_vec());
        bench.refuses(&with(link), "is a link");
    }
    let bench = Bench::new();
    // A second blob of a name with other bytes is never looked at, and one with wrong bytes refused.
    let mut wrong = image();
    wrong[4].2[0] ^= 1;
    bench.refuses(&archive(&wrong), "it is damaged");
    let twice = [wrong, vec![image()[4].clone()]].concat();
    bench.refuses(&archive(&twice), "it is damaged");
    let file = bench.file(&archive(&[image(), vec![image()[4].clone()]].concat()));
    load(&bench.store, &file, None, &Monitor::silent()).unwrap();
}

#[test]
fn an_archive_that_lacks_something_or_makes_no_sense_is_refused() {
    let bench = Bench::new();
    let whole = image();
    for at in 1..whole.len() {
        let mut some = whole.clone();
        some.remove(at);
        let told = if at == 1 { "neither an OCI image layout" } else { "it lacks" };
        bench.refuses(&archive(&some), told);
        for entry in &whole[2..] {
            bench.store.remove(&Digest::of(&entry.2)).unwrap();
        }
    }
    for index in ["", "{", "[]", "{\"manifests\":[{}]}", "{\"manifests\":{}}"] {
        let mut other = whole.clone();
        other[1].2 = index.as_bytes().to_vec();
        bench.refuses(&archive(&other), "makes no sense");
    }
    let bytes = archive(&whole);
    for cut in [700, 1600, bytes.len() - 1100] {
        bench.refuses(&bytes[..cut], "x.tar");
    }
    bench.refuses(b"no tar at all, whatever its name may be", "x.tar");
}

#[test]
fn a_few_bytes_that_unpack_to_very_many_are_refused() {
    let bench = Bench::new();
    // 256 MiB of zeros, some 260 kB compressed.
    let mut header = Header::new_ustar();
    header.set_path(path(b"x")).unwrap();
    header.set_size(256 << 20);
    header.set_cksum();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(header.as_bytes()).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), (256 << 20) + 1024), &mut gzip)
        .unwrap();
    bench.refuses(&gzip.finish().unwrap(), "unpacked, it has more than");
    // A header that only claims so.
    header.set_size(1 << 40);
    header.set_cksum();
    bench.refuses(header.as_bytes(), "unpacked, it has more than");
}

#[test]
fn a_layer_that_leads_out_of_its_image_is_not_exported() {
    let bench = Bench::new();
    let export = |entries: Entries| {
        let layer = archive(&entries);
        let mut writer = bench.store.writer().unwrap();
        writer.write_all(&layer).unwrap();
        let descriptor = writer.commit(media::LAYER).unwrap();
        let config = json!({ "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer)] } });
        let config = bench.store.put(media::CONFIG, config.to_string().as_bytes()).unwrap();
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [descriptor] });
        let manifest: Descriptor =
            bench.store.put(media::MANIFEST, manifest.to_string().as_bytes()).unwrap();
        let image = Image::load(&bench.store, &manifest).unwrap();
        let out = bench.folder.path().join("out.tar");
        edk_image::export_rootfs(&bench.store, &image, &out, &Monitor::silent())
            .map(|_| fs::read(&out).unwrap())
            .map_err(|error| error.to_string())
    };
    for name in ["../x", "a/../../x", "a/.."] {
        let error = export(vec![file(name, b"x")]).unwrap_err();
        assert!(error.contains("leads out of it"), "{error}");
    }
    let link = (b"l".to_vec(), EntryType::Link, b"none".to_vec());
    assert!(export(vec![link]).unwrap_err().contains("a hard link leads to `none`"));
    // A file below a link goes into a folder in its place, never where the link leads.
    let link = (b"etc".to_vec(), EntryType::Symlink, b"/etc".to_vec());
    let bytes = export(vec![link, file("etc/passwd", b"x")]).unwrap();
    let mut tar = tar::Archive::new(&bytes[..]);
    let kinds: Vec<_> =
        tar.entries().unwrap().map(|it| it.unwrap().header().entry_type()).collect();
    assert_eq!(kinds, [EntryType::Directory, EntryType::Regular]);
    // Absolute names are those of the image; devices are left out.
    let bytes = export(vec![file("/a", b"x"), (b"d".to_vec(), EntryType::Char, Vec::new())]);
    let bytes = bytes.unwrap();
    let mut tar = tar::Archive::new(&bytes[..]);
    let names: Vec<_> =
        tar.entries().unwrap().map(|it| it.unwrap().path_bytes().into_owned()).collect();
    assert_eq!(names, [b"a".to_vec()]);
}
