//! Folders and archives of unknown origin: a chart, or a clear refusal in bounded time and memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use edk_archive::{Entry, Kind, TarWriter, gzip};
use edk_chart::{Chart, Error};
use edk_model::Explain as _;
use proptest::prelude::*;

const CHART: &[u8] = b"apiVersion: v2\nname: a\nversion: 1.0.0\n";
/// What a chart may hold at most, all archives in it included.
const MOST: u64 = 100 << 20;

/// Compresses an archive which `fill` writes to.
fn archive(fill: impl FnOnce(&mut TarWriter<edk_archive::GzWriter<Vec<u8>>>)) -> Vec<u8> {
    let mut tar = TarWriter::new(gzip(Vec::new(), 6));
    fill(&mut tar);
    tar.finish().unwrap().finish().unwrap()
}

fn add<W: Write>(tar: &mut TarWriter<W>, name: &str, data: &[u8]) {
    let entry = Entry::new(name, Kind::File { size: data.len() as u64 }, 0o644);
    tar.append(&entry, data).unwrap();
}

fn zeros<W: Write>(tar: &mut TarWriter<W>, name: &str, size: u64) {
    let entry = Entry::new(name, Kind::File { size }, 0o644);
    tar.append(&entry, io::repeat(0).take(size)).unwrap();
}

/// One member with a header as it is told, whatever our own writer would refuse.
fn raw(members: &[(&str, u8, u64)]) -> Vec<u8> {
    let mut out = gzip(Vec::new(), 6);
    for (name, kind, size) in members {
        let data: &[u8] = if *name == "a/Chart.yaml" { CHART } else { b"" };
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::new(*kind));
        header.set_mode(0o644);
        header.set_size(if *size == 0 { data.len() as u64 } else { *size });
        header.set_cksum();
        out.write_all(header.as_bytes()).unwrap();
        out.write_all(data).unwrap();
        out.write_all(&vec![0; (512 - data.len() % 512) % 512]).unwrap();
    }
    out.write_all(&[0; 1024]).unwrap();
    out.finish().unwrap()
}

/// Checks that `bytes` are refused, and that the refusal names the archive and says `word`.
#[track_caller]
fn refused(bytes: &[u8], word: &str) {
    let error = Chart::read(bytes, "bad.tgz").unwrap_err();
    let failure = edk_model::Failure::explain(&error);
    let text = format!("{} {}", failure.what, failure.why.join(" "));
    assert!(text.contains("bad.tgz") && text.contains(word), "{text}");
    assert!(!error.hints().is_empty() || !error.findings().is_empty(), "{text}");
}

#[test]
fn members_that_reach_out_are_refused_by_name() {
    for (name, word) in [
        ("a/../../x", "a/../../x"),
        ("a/../x", "a/../x"),
        ("../x", "../x"),
        ("/x", "/x"),
        ("a\\..\\..\\x", "leaves the folder"),
        ("a/b\\..\\..\\x", "leaves the folder"),
        ("a/C:/x", "drive"),
        ("x", "outside of the folder"),
        ("a/.", "outside of the folder"),
    ] {
        refused(&raw(&[("a/Chart.yaml", b'0', 0), (name, b'0', 0)]), word);
    }
}

#[test]
fn members_that_are_no_files_and_twins_are_refused() {
    for (kind, name) in
        [(b'1', "hard"), (b'2', "link"), (b'3', "device"), (b'4', "block"), (b'6', "pipe")]
    {
        let name = format!("a/{name}");
        refused(&raw(&[("a/Chart.yaml", b'0', 0), (&name, kind, 0)]), &name);
    }
    for twin in ["a/x", "b/x", "a/./x", "a\\x"] {
        let members = [("a/Chart.yaml", b'0', 0), ("a/x", b'0', 0), (twin, b'0', 0)];
        refused(&raw(&members), "twice");
    }
}

#[test]
fn what_is_no_archive_or_not_a_whole_one_is_refused() {
    let whole = archive(|tar| {
        add(tar, "a/Chart.yaml", CHART);
        zeros(tar, "a/x", 10_000);
    });
    Chart::read(whole.as_slice(), "good.tgz").unwrap();
    let plain = {
        let mut tar = TarWriter::new(Vec::new());
        add(&mut tar, "a/Chart.yaml", CHART);
        tar.finish().unwrap()
    };
    for bytes in [b"".as_slice(), b"text", b"\x1f\x8b", b"\x1f\x8bxxxxxxxx", &plain] {
        refused(bytes, "can't be read");
    }
    let complete = Chart::read(whole.as_slice(), "bad.tgz").unwrap();
    for length in 1..whole.len() {
        // Cut off behind its last member, nothing is lost.
        match Chart::read(&whole[..length], "bad.tgz") {
            Ok(chart) => assert_eq!(chart, complete),
            Err(_) => refused(&whole[..length], "bad.tgz"),
        }
    }
    assert!(Chart::read(&whole[..whole.len() / 2], "bad.tgz").is_err());
    let empty = archive(|_| {});
    assert!(matches!(Chart::read(empty.as_slice(), "e.tgz"), Err(Error::NotAChart { .. })));
}

#[test]
fn archives_that_unfold_to_too_much_are_cut_off() {
    let chart = |tar: &mut TarWriter<_>| add(tar, "a/Chart.yaml", CHART);
    let big = archive(|tar| {
        chart(tar);
        zeros(tar, "a/big", 5 * 1024 * 1024 + 1);
    });
    refused(&big, "`a/big`");
    let fits = archive(|tar| {
        chart(tar);
        zeros(tar, "a/big", 5 * 1024 * 1024);
    });
    Chart::read(fits.as_slice(), "good.tgz").unwrap();
    let many = archive(|tar| {
        chart(tar);
        (0..21).for_each(|at| zeros(tar, &format!("a/{at}"), 5 * 1024 * 1024));
    });
    refused(&many, &MOST.to_string());
    let entries = archive(|tar| {
        chart(tar);
        (0..20_001).for_each(|at| zeros(tar, &format!("a/{at}"), 0));
    });
    refused(&entries, "20000 entries");
    // A header may promise anything.
    refused(&raw(&[("a/Chart.yaml", b'0', 0), ("a/x", b'0', 8 << 30)]), &MOST.to_string());
    let lies = raw(&[("a/Chart.yaml", b'0', 0), ("a/x", b'0', 4 << 20)]);
    refused(&lies, "can't be read");
    // Long names are members as well.
    let mut names = gzip(Vec::new(), 9);
    let mut entry = Entry::new("a/x", Kind::File { size: 0 }, 0o644);
    entry.xattrs = vec![("user.big".to_owned(), vec![b'x'; 200 << 20])];
    let mut tar = TarWriter::new(&mut names);
    tar.append(&entry, io::empty()).unwrap();
    tar.finish().unwrap();
    refused(&names.finish().unwrap(), &MOST.to_string());
}

#[test]
fn archives_in_archives_share_one_budget() {
    let inner = archive(|tar| {
        add(tar, "b/Chart.yaml", b"name: b\nversion: 1.0.0\n");
        (0..8).for_each(|at| zeros(tar, &format!("b/{at}"), 5 * 1024 * 1024));
    });
    assert!(inner.len() < 1 << 20);
    let outer = |count: usize| {
        archive(|tar| {
            add(tar, "a/Chart.yaml", CHART);
            (0..count).for_each(|at| add(tar, &format!("a/charts/{at}.tgz"), &inner));
        })
    };
    assert_eq!(Chart::read(outer(2).as_slice(), "good.tgz").unwrap().subcharts.len(), 2);
    let error = Chart::read(outer(3).as_slice(), "bad.tgz").unwrap_err();
    assert!(error.to_string().contains("bad.tgz/charts/2.tgz"), "{error}");
    let mut nested = archive(|tar| add(tar, "c/Chart.yaml", b"name: c\nversion: 1.0.0\n"));
    for _ in 0..40 {
        nested = archive(|tar| {
            add(tar, "c/Chart.yaml", b"name: c\nversion: 1.0.0\n");
            add(tar, "c/charts/c.tgz", &nested);
        });
    }
    let error = Chart::read(nested.as_slice(), "deep.tgz").unwrap_err();
    assert!(error.to_string().contains("deep in each other"), "{error}");
}

#[test]
fn a_folder_is_bounded_as_an_archive_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("Chart.yaml"), CHART).unwrap();
    fs::write(root.join("big"), vec![0; 5 * 1024 * 1024 + 1]).unwrap();
    let error = Chart::load(root).unwrap_err();
    assert!(matches!(&error, Error::Unusable { path, .. } if path.ends_with("big")), "{error}");
    fs::write(root.join(".helmignore"), "big\n").unwrap();
    Chart::load(root).unwrap();
    nix_pipe(&root.join("pipe"));
    let error = Chart::load(root).unwrap_err();
    assert!(matches!(&error, Error::Unusable { path, .. } if path.ends_with("pipe")), "{error}");
}

fn nix_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// Links between folders that are no circle can still unfold without an end.
#[cfg(unix)]
#[test]
fn folders_of_links_come_to_an_end() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Chart.yaml"), CHART).unwrap();
    for level in 0..15 {
        let dir = folder.path().join(format!("{level}"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("file"), "x").unwrap();
        for link in ["a", "b"] {
            symlink(format!("../{}", level + 1), dir.join(link)).unwrap();
        }
    }
    fs::create_dir(folder.path().join("15")).unwrap();
    fs::write(folder.path().join("15/file"), "x").unwrap();
    let error = Chart::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("20000 files"), "{error}");
}

#[test]
fn a_link_into_a_circle_is_refused_by_name() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Chart.yaml"), CHART).unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    symlink("..", folder.path().join("d/up")).unwrap();
    let error = Chart::load(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::Unusable { path, .. } if path.ends_with("d/up")), "{error}");
    fs::write(folder.path().join(".helmignore"), "up\n").unwrap();
    Chart::load(folder.path()).unwrap();
}

/// Names as an attacker would choose them, and some that are fine.
fn names() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "..",
        ".",
        "",
        "Chart.yaml",
        "charts",
        "templates",
        "C:",
        "\\",
        "..\\..",
        "x.tgz",
        "ä",
        "_x",
        "values.yaml",
        "requirements.yaml",
    ]);
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_member_ever_escapes(all in prop::collection::vec((names(), 0..8_u8), 0..6)) {
        let kinds = [b'0', b'0', b'0', b'0', b'5', b'2', b'1', b'x'];
        let mut members = vec![("a/Chart.yaml", b'0', 0)];
        let fits = |name: &&(String, u8)| name.0.len() < 100;
        members.extend(all.iter().filter(fits).map(|(name, kind)| {
            (name.as_str(), kinds[usize::from(*kind)], 0)
        }));
        if let Ok(chart) = Chart::read(raw(&members).as_slice(), "x.tgz") {
            // What was read can be packaged, and its package read again: no name leads out.
            let mut open = vec![&chart];
            while let Some(chart) = open.pop() {
                for file in chart.files.iter().chain(&chart.templates) {
                    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\\');
                    prop_assert!(file.name.split('/').all(plain), "{}", file.name);
                }
                open.extend(&chart.subcharts);
            }
        }
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..400_usize) {
        let _ = Chart::read(bytes.as_slice(), "x.tgz");
        // Damage in a good archive, below the checksum and above it.
        let mut good = archive(|tar| {
            add(tar, "a/Chart.yaml", CHART);
            add(tar, "a/charts/b/Chart.yaml", CHART);
        });
        let at = at % good.len();
        good[at] ^= 0x55;
        let _ = Chart::read(good.as_slice(), "x.tgz");
        let mut out = gzip(Vec::new(), 1);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(archive(|tar| add(tar, "a/Chart.yaml", CHART)).as_slice())
            .read_to_end(&mut plain)
            .unwrap();
        let place = at % plain.len();
        plain[place] = bytes.first().copied().unwrap_or(0xff);
        out.write_all(&plain).unwrap();
        let _ = Chart::read(out.finish().unwrap().as_slice(), "x.tgz");
    }

    #[test]
    fn no_pattern_is_too_odd(lines in prop::collection::vec("[a-c*?!/\\[\\]^\\\\-]{0,8}", 0..5)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Chart.yaml"), CHART).unwrap();
        fs::write(folder.path().join(".helmignore"), lines.join("\n")).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), "x").unwrap();
        let _ = Chart::load(folder.path());
    }
}
