//! What holds for whatever is read: nothing panics, nothing hangs, nothing leads out.

use std::path::{Component, Path};

use edk_archive::{Bounds, gzip};
use edk_model::Monitor;
use edk_store::Store;
use proptest::prelude::*;

use crate::{
    Compression,
    beneath::Root,
    dockerfile::{expand, expand_document, parse},
    layer::{Composer, Contents, Fault, LayerWriter, Place},
    patterns::Rules,
    tree::{Tree, read_index},
    unpacking,
};

/// Text of the pieces that Dockerfiles are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("FROM a AS b\n"),
        Just("RUN "),
        Just("COPY --from=b "),
        Just("ADD "),
        Just("<<EOF"),
        Just("\nEOF\n"),
        Just("<<-'X' "),
        Just("--mount=type=cache,target=/x,"),
        Just("ENV A="),
        Just("# escape=`\n"),
        Just("# syntax=x\n"),
        Just("\\\n"),
        Just("`\n"),
        Just("\n"),
        Just("\""),
        Just("'"),
        Just("${A:-"),
        Just("${A##*"),
        Just("}"),
        Just("$"),
        Just("["),
        Just("[\"a\","),
        Just("]"),
        Just("HEALTHCHECK --interval=1s CMD "),
        Just("ONBUILD "),
        Just("LABEL a=b "),
        Just("ARG X=1\n"),
        Just("\r\n"),
        Just(" "),
        Just("\u{feff}"),
        Just("ü"),
        Just("\t"),
        Just("--chmod=u+x "),
        Just("SHELL "),
        Just("EXPOSE 1-9 "),
    ];
    prop::collection::vec(prop_oneof![4 => piece.prop_map(str::to_owned), 1 => ".{0,6}"], 0..40)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_told(text in pieces()) {
        let (dockerfile, findings) = parse(&text, "Dockerfile");
        prop_assert!(!dockerfile.stages.is_empty() || !findings.is_empty());
        let lines = text.lines().count();
        for finding in findings {
            // Every complaint but that there is no FROM has a place in the file.
            let line = finding.span.map_or(0, |span| span.line);
            prop_assert!(line <= lines.max(1), "{finding}");
        }
    }

    #[test]
    fn any_word_is_expanded_or_told(word in pieces(), value in ".{0,20}") {
        let look_up = |name: &str| (name == "A").then(|| value.clone());
        let _ = expand(&word, '\\', &look_up);
        let _ = expand_document(&word, '`', &look_up);
        // A word without anything special is itself.
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        prop_assert_eq!(expand(&plain, '\\', &look_up), Ok(plain));
    }

    #[test]
    fn a_later_line_decides_over_earlier_ones(
        lines in prop::collection::vec("!?[a-c*?/\\[\\]]{0,6}", 0..8),
        path in "[a-c]{1,2}(/[a-c]{1,2}){0,3}",
    ) {
        let Ok(rules) = Rules::parse(&lines.join("\n")) else { return Ok(()) };
        let before = rules.ignores(Path::new(&path));
        let with = |line: &str| {
            Rules::parse(&format!("{}\n{line}", lines.join("\n"))).unwrap().ignores(Path::new(&path))
        };
        let exception = format!("!{path}");
        prop_assert!(with(&path));
        prop_assert!(!with(&exception));
        prop_assert_eq!(with("nothing-like-it"), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn no_archive_leads_out_of_its_destination(
        entries in prop::collection::vec(
            ("(\\.\\./|/|l/|a/){0,3}[ab.]{1,3}", 0_u8..6, "(\\.\\./|/|a/){0,3}[ab]{1,2}"), 0..12,
        ),
        cut in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
        damage in any::<bool>(),
    ) {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, link) in &entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(match kind {
                0 => tar::EntryType::Directory,
                1 => tar::EntryType::Symlink,
                2 => tar::EntryType::Link,
                3 => tar::EntryType::Char,
                _ => tar::EntryType::Regular,
            });
            header.set_size(if *kind > 3 { 1 } else { 0 });
            header.set_mode(0o7777);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_cksum();
            builder.append(&header, &b"x"[..usize::from(*kind > 3)]).unwrap();
        }
        let mut bytes = builder.into_inner().unwrap();
        if damage {
            let at = flip.index(bytes.len());
            bytes[at] ^= 0x5a;
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        let _ = read_index(&bytes[..]);
        let _ = unpacking::is_archive(&bytes[..]);
        let folder = tempfile::tempdir().unwrap();
        let (store, root) = (Store::open(folder.path()).unwrap(), Root::open(folder.path()).unwrap());
        let monitor = Monitor::silent();
        let contents = Contents { store: &store, context: &root, monitor: &monitor };
        let place = Place { path: "/in", into_folder: true, owner: None, mode: None };
        let limits = Bounds { bytes: 1 << 20, entries: 100, names: 1 << 20 };
        let mut composer = Composer::new(contents, Tree::default(), place, Vec::new()).unwrap();
        if composer.unpack(&bytes[..], "in", limits).is_err() {
            return Ok(());
        }
        let layer = composer.finish().unwrap();
        let mut links = Vec::new();
        for entry in tar::Archive::new(&layer[..]).entries().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            let through = links.iter().any(|link: &std::path::PathBuf| {
                path.starts_with(link) && path != *link
            });
            prop_assert!(!through, "{} passes a link", path.display());
            if entry.header().entry_type() == tar::EntryType::Symlink {
                links.push(path);
            } else {
                links.retain(|link| *link != path);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_layer_or_told(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_index(&bytes[..]);
        let _ = unpacking::is_archive(&bytes[..]);
        let mut packed = gzip(Vec::new(), 1);
        std::io::Write::write_all(&mut packed, &bytes).unwrap();
        let _ = unpacking::is_archive(&packed.finish().unwrap()[..]);
    }
}

#[test]
fn an_archive_with_more_entries_than_it_may_have_is_refused() {
    let entries: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
    let entries: Vec<_> =
        entries.iter().map(|name| edk_testkit::TarEntry::File(name, 0o644, b"")).collect();
    let folder = tempfile::tempdir().unwrap();
    let (store, root) = (Store::open(folder.path()).unwrap(), Root::open(folder.path()).unwrap());
    let monitor = Monitor::silent();
    let contents = Contents { store: &store, context: &root, monitor: &monitor };
    let place = Place { path: "/in", into_folder: true, owner: None, mode: None };
    let writer = LayerWriter::new(&store, Compression::Gzip).unwrap();
    let mut composer = Composer::new(contents, Tree::default(), place, writer).unwrap();
    let limits = Bounds { bytes: 1 << 20, entries: 19, names: 1 << 20 };
    let tar = edk_testkit::tar(&entries);
    let Err(Fault::Step(told)) = composer.unpack(&tar[..], "in", limits) else { panic!() };
    assert!(told.contains("more than 19 entries"), "{told}");
}
