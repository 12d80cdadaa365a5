//! Archives and layers that mean harm: nothing is kept of them, nothing is written outside, and the
//! error says what is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use edk_image::{Image, ImageError, load, rebase};
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
        // Of /dev/zero.
        header.set_device_major(1).unwrap();
        header.set_device_minor(5).unwrap();
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
    bench.refuses(&gzip.finish().unwrap(), "unpacked, it holds files of more than");
    // A header that only claims so.
    header.set_size(1 << 40);
    header.set_cksum();
    bench.refuses(header.as_bytes(), "unpacked, it holds files of more than");
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

/// A header that announces `size` bytes.
fn announced(kind: EntryType, size: u64) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_path("x").unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A file that is one hole of a tebibyte.
fn hole() -> Vec<u8> {
    let mut header = Header::from_byte_slice(&announced(EntryType::GNUSparse, 0)).clone();
    let gnu = header.as_gnu_mut().unwrap();
    for field in [&mut gnu.realsize, &mut gnu.sparse[0].offset] {
        // Larger than octal digits can say: the number itself, marked by its first bit.
        field.fill(0);
        field[0] = 0x80;
        field[4..].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    }
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Puts an image on `base` whose top layer has the blob `blob` and says that its content is
/// `diff_id`.
fn on(build: &bench::Bench, name: &str, blob: &[u8], diff_id: Digest) -> Image {
    let base = build.store.resolve("local-only/busybox", "latest").unwrap().unwrap();
    let base = Image::load(&build.store, &base).unwrap();
    let mut writer = build.store.writer().unwrap();
    writer.write_all(blob).unwrap();
    let kind = if blob.starts_with(&[0x1f, 0x8b]) { media::LAYER_GZIP } else { media::LAYER };
    let layers = vec![base.layers[0].descriptor.clone(), writer.commit(kind).unwrap()];
    let rootfs = json!({ "type": "layers", "diff_ids": [base.layers[0].diff_id, diff_id] });
    let history = json!([{ "created_by": "COPY x /x" }]);
    let config =
        json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs, "history": history });
    let config = build.store.put(media::CONFIG, config.to_string().as_bytes()).unwrap();
    let manifest = json!({ "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config,
        "layers": layers });
    let manifest = build.store.put(media::MANIFEST, manifest.to_string().as_bytes()).unwrap();
    build.store.tag(&format!("local-only/{name}"), "latest", &manifest).unwrap();
    Image::load(&build.store, &manifest).unwrap()
}

/// Expects that whoever reads the top layer of the image says so and keeps nothing: unpacking it,
/// copying onto it, copying from it, exporting and comparing it.
#[track_caller]
fn expect_refused(build: &bench::Bench, image: &Image, told: &str, everywhere: bool) {
    let silent = Monitor::silent();
    let base = build.store.resolve("local-only/busybox", "latest").unwrap().unwrap();
    let base = Image::load(&build.store, &base).unwrap();
    let out = build.context.join("out.tar");
    let copied = |text: &str| build.build(text).map(drop);
    let mut results = vec![
        ("prepare", image.prepare(&build.store, &build.containers, &silent).map(drop)),
        ("onto", copied("FROM local-only/evil\nCOPY f /f")),
        ("from", copied("FROM scratch\nCOPY --from=local-only/evil / /")),
        ("run", copied("FROM local-only/evil\nRUN true")),
        (
            "bound",
            copied("FROM local-only/busybox\nRUN --mount=from=local-only/evil,target=/e true"),
        ),
    ];
    if everywhere {
        let diff = edk_image::diff(&build.store, &base, image, &silent).map(drop);
        results.push(("diff", diff));
        let export = edk_image::export_rootfs(&build.store, image, &out, &silent).map(drop);
        results.push(("export", export));
        results.push((
            "rebase",
            rebase(&build.store, image, &base, &base, &Monitor::silent()).map(drop),
        ));
    }
    for (who, result) in results {
        let error = result.unwrap_err();
        assert!(matches!(error, ImageError::BadLayer { .. }), "{who}: {error}");
        assert!(error.to_string().contains(told), "{who}: `{told}` is not in `{error}`");
    }
    assert!(!build.containers.has_layer(&image.diff_ids()), "{told}");
    assert!(!out.exists());
}

#[test]
fn a_layer_that_holds_too_much_is_refused_wherever_it_is_read() {
    let build = bench::Bench::new();
    build.write("f", "f");
    let long = [announced(EntryType::GNULongName, 1 << 30), vec![b'n'; 4096]].concat();
    let bombs = [
        (announced(EntryType::Regular, 1 << 50), "files of more than"),
        (hole(), "files of more than"),
        (long, "a name of more than 4096 bytes"),
        (announced(EntryType::XHeader, 1 << 30), "attributes of more than"),
    ];
    for (bomb, told) in bombs {
        // Behind a file that is in order, and compressed.
        let tar = [archive(&vec![file("a", b"a")])[..1024].to_vec(), bomb].concat();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        let image = on(&build, "evil", &gzip.finish().unwrap(), Digest::of(&tar));
        expect_refused(&build, &image, told, true);
    }
    let left = fs::read_dir(build.containers_folder().join("incoming")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_layer_that_is_another_than_its_image_says_poisons_nothing() {
    let build = bench::Bench::new();
    build.write("f", "f");
    // Somebody else's layer, whose unpacked folder and index would be found by its diff id.
    let good = archive(&vec![file("a", b"good")]);
    let bad = archive(&vec![file("a", b"evil")]);
    let image = on(&build, "evil", &bad, Digest::of(&good));
    expect_refused(&build, &image, "its content is", false);
    on(&build, "good", &good, Digest::of(&good));
    let built = build.build("FROM local-only/good\nCOPY f /f\nRUN cat /a > /b").unwrap();
    assert_eq!(build.sh(&built.image, "cat /a /b"), "goodgood");
}

#[test]
fn links_and_devices_of_a_layer_reach_nothing_of_this_machine() {
    let build = bench::Bench::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "s").unwrap();
    let target = outside.path().to_str().unwrap().as_bytes().to_vec();
    let tar = archive(&vec![
        (b"way".to_vec(), EntryType::Symlink, target),
        file("way/planted", b"p"),
        (b"up".to_vec(), EntryType::Symlink, b"../../../../../../../..".to_vec()),
        file("up/tmp/planted", b"p"),
        (b"abs".to_vec(), EntryType::Symlink, b"/".to_vec()),
        file("abs/absolute", b"a"),
        file("/rooted", b"r"),
        (b"zero".to_vec(), EntryType::Char, Vec::new()),
    ]);
    let image = on(&build, "evil", &tar, Digest::of(&tar));
    build.write("f", "from the context");
    // The kernel's view, ours while copying onto it, and ours while copying from it.
    let text = "FROM local-only/evil\nCOPY f /way/f\nCOPY f /up/g\nRUN cat /way/f > /seen\n\
                FROM scratch\nCOPY --from=0 /way /copied/\nCOPY --from=0 /seen /";
    let built = build.build(text).unwrap();
    let names: Vec<_> =
        fs::read_dir(outside.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["secret"], "nothing was written there");
    let layer = |at: usize| build.paths(&built.image, at);
    assert!(!layer(0).iter().any(|path| path.contains("secret")), "{:?}", layer(0));
    let script = format!(
        "cat {0}/planted /tmp/planted /absolute /rooted; ls {0}/secret 2>/dev/null || echo none; \
         head -c 1 /zero 2>/dev/null || echo no device; head -c 1 /dev/zero | wc -c",
        outside.path().display()
    );
    assert_eq!(build.sh(&image, &script), "pparnone\nno device\n1");
    for name in ["../up", "a/../../up"] {
        let tar = archive(&vec![file(name, b"x")]);
        let image = on(&build, "evil", &tar, Digest::of(&tar));
        let error = image.prepare(&build.store, &build.containers, &Monitor::silent());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("climbs out of the layer"), "{error}");
    }
}

/// The name `sub` stands for the folder and for a link to a folder outside in turn, all the time: at
/// some moment between any two looks of the builder.
#[test]
fn a_folder_that_becomes_a_link_while_it_is_copied_shows_nothing_outside() {
    let build = bench::Bench::new();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("secret-folder")).unwrap();
    std::os::unix::fs::symlink("secret-target", outside.path().join("link")).unwrap();
    for number in 0..20 {
        build.write(&format!("sub/{number}"), "inside");
        fs::write(outside.path().join(number.to_string()), "secret").unwrap();
    }
    let sub = build.context.join("sub");
    let other = build.context.parent().unwrap().join("other");
    std::os::unix::fs::symlink(outside.path(), &other).unwrap();
    // Dropped, it ends the thread, also when an assertion fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (done, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut built, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let flags = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
            while !done.load(Ordering::Relaxed) {
                let here = nix::fcntl::AT_FDCWD;
                nix::fcntl::renameat2(here, &sub, here, &other, flags).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _done = Done(&done);
        for text in ["COPY . /", "COPY sub /x/", "COPY sub/* /x/", "COPY --parents sub/** /"] {
            for _ in 0..40 {
                let before = swaps.load(Ordering::Relaxed);
                match build.build(&format!("FROM scratch\n{text}")) {
                    Ok(image) => {
                        built += 1;
                        let blob = build.store.reader(&image.image.layers[0].descriptor.digest);
                        let mut tar = Vec::new();
                        flate2::read::MultiGzDecoder::new(blob.unwrap())
                            .read_to_end(&mut tar)
                            .unwrap();
                        let found = tar.windows(6).any(|bytes| bytes == b"secret");
                        assert!(!found, "{text}: {:?}", build.paths(&image.image, 0));
                    }
                    Err(_) => refused += 1,
                }
                while swaps.load(Ordering::Relaxed) < before + 2 {
                    std::thread::yield_now();
                }
            }
        }
    });
    assert!(built > 0 && refused > 0, "{built} were built and {refused} refused");
}
