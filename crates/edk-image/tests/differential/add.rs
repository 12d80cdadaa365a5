//! `ADD` of archives and from addresses.

use std::{fs, io::Write as _, path::Path};

use edk_testkit::{TarEntry, tar};
use flate2::{Compression, write::GzEncoder};

use crate::{Case, case, compare};

fn archive() -> Vec<u8> {
    tar(&[
        TarEntry::Dir("top", 0o750),
        TarEntry::File("top/one", 0o640, b"1"),
        TarEntry::File("two", 0o755, b"2"),
        TarEntry::Link("top/link", "one"),
        TarEntry::Link("abs", "/etc/passwd"),
    ])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// An archive with owners and a second name.
fn owned() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o4711);
    header.set_uid(33);
    header.set_gid(44);
    header.set_mtime(1);
    builder.append_data(&mut header, "o/first", &b"x"[..]).unwrap();
    header.set_entry_type(tar::EntryType::Link);
    header.set_size(0);
    builder.append_link(&mut header, "o/second", "o/first").unwrap();
    builder.into_inner().unwrap()
}

fn archives(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("a.tar", &archive());
    write("a.tar.gz", &gzip(&archive()));
    write("named-oddly", &gzip(&archive()));
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&archive()).unwrap();
    write("a.tar.bz2", &bzip2.finish().unwrap());
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(&archive()).unwrap();
    write("a.tar.xz", &xz.finish().unwrap());
    write("a.tar.zst", &zstd::encode_all(&archive()[..], 1).unwrap());
    write("owned.tar", &owned());
    write("text.gz", &gzip(b"no archive"));
    fs::create_dir_all(folder.join("dir")).unwrap();
    write("dir/inner.tar", &archive());
}

const fn add(name: &'static str, dockerfile: &'static str) -> Case {
    Case { prepare: archives, ..case(name, dockerfile) }
}

#[test]
fn archives_and_addresses_arrive_as_buildah_puts_them() {
    compare(&[
        add("tar", "ADD a.tar /x/"),
        add("tar-gz", "ADD a.tar.gz /x/"),
        add("tar-bz2", "ADD a.tar.bz2 /x/"),
        add("tar-xz", "ADD a.tar.xz /x/"),
        add("tar-zst", "ADD a.tar.zst /x/"),
        add("tar-by-content", "ADD named-oddly /x/"),
        add("tar-without-slash", "ADD a.tar /x"),
        add("tar-at-the-root", "ADD a.tar /"),
        add("tar-into-workdir", "WORKDIR /w\nADD a.tar ."),
        add(
            "tar-onto-folders",
            "RUN mkdir -p /x/top && touch /x/top/old && chmod 700 /x/top\nADD a.tar /x",
        ),
        add("tar-owners", "ADD owned.tar /x/"),
        // --chown is there "to request specific ownership of the copied content", which buildah does
        // not heed for what it unpacks.
        Case {
            except: &["/x/o/first", "/x/o/second"],
            ..add("tar-chown", "ADD --chown=5:6 owned.tar /x/")
        },
        add("tar-and-file", "ADD a.tar text.gz /x/"),
        add("tar-glob", "ADD a.tar* /x/"),
        add("tar-in-a-folder-stays", "ADD dir /x"),
        add("copied-tar-stays", "COPY a.tar /x/"),
        add("gzip-of-no-archive", "ADD text.gz /x/"),
        add("address-to-file", "ADD http://SERVER/files/text.txt /x"),
        add("address-to-folder", "ADD http://SERVER/files/text.txt /x/"),
        add("address-of-archive-stays", "ADD http://SERVER/files/tree.tar /x/"),
        add("address-chown", "ADD --chown=5:6 http://SERVER/files/text.txt /x"),
        Case { except: &["both"], ..add("address-missing", "ADD http://SERVER/files/nope /x") },
    ]);
}
