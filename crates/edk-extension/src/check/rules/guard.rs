//! Patient data and secrets in what would enter an image or a chart.

use std::collections::BTreeMap;

use edk_model::Severity::{Error, Warning};

use crate::check::{
    content::{At, Found, What},
    facts::text::Place,
    model::Model,
    rule::{Example, Finds, Rule},
    tree::File,
};

const DATA: &str = "processing-containers/lung-segment/files/example";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "G01",
        severity: Error,
        title: "no DICOM file gets into an image or a chart",
        why: "images and charts are copied to registries and platforms, and nobody can take patient data back from there",
        fix: "keep the file outside of the build context, or name it in .dockerignore or .helmignore",
        bad: Example::workflow(&[(DATA, "!dicom")]),
        says: "this is a DICOM file, and it gets into the image `lung-segment`",
        good: Example::workflow(&[
            (DATA, "!dicom"),
            ("processing-containers/lung-segment/.dockerignore", "files/example\n"),
        ]),
        check: told,
    },
    Rule {
        id: "G02",
        severity: Error,
        title: "no NIfTI file gets into an image or a chart",
        why: "a NIfTI image shows a patient as its DICOM source does; images and charts are copied to registries and platforms",
        fix: "keep the file outside of the build context, or name it in .dockerignore or .helmignore; allow an atlas with `--allow G02`",
        bad: Example::workflow(&[(DATA, "!nifti")]),
        says: "this is a NIfTI file, and it gets into the image `lung-segment`",
        good: Example::workflow(&[
            (DATA, "!nifti"),
            ("processing-containers/lung-segment/.dockerignore", "files/example\n"),
        ]),
        check: told,
    },
    Rule {
        id: "G03",
        severity: Warning,
        title: "model weights are not built in",
        why: "every build, push and pull moves them, and licences of models often forbid to give them on",
        fix: "download them at installation with a model installer, or mount them from /models",
        bad: Example::workflow(&[(
            "processing-containers/lung-segment/files/lung.pth",
            "!size 80000000",
        )]),
        says: "model weights of 80 MB get into the image `lung-segment`",
        good: Example::workflow(&[(
            "processing-containers/lung-segment/files/lung.pth",
            "!size 8000000",
        )]),
        check: told,
    },
    Rule {
        id: "G04",
        severity: Error,
        title: "no private key gets into an image or a chart",
        why: "everybody who can pull the image or download the chart has the key, also after it was removed in a later layer",
        fix: "take the key out, and replace it where it is used: it counts as known",
        bad: Example::workflow(&[(DATA, "!key")]),
        says: "this is a private key, and it gets into the image `lung-segment`",
        good: Example::workflow(&[
            (DATA, "!key"),
            ("processing-containers/lung-segment/.dockerignore", "files/example\n"),
        ]),
        check: told,
    },
    Rule {
        id: "G05",
        severity: Error,
        title: "no token gets into an image or a chart",
        why: "everybody who can pull the image or download the chart can use the token",
        fix: "take the token out and revoke it; pass it when the container runs",
        bad: Example::workflow(&[(DATA, "!token")]),
        says: "this is a token of GitLab, and it gets into the image `lung-segment`",
        good: Example::workflow(&[(DATA, "no token\n")]),
        check: told,
    },
    Rule {
        id: "G06",
        severity: Warning,
        title: "what gets into an image or a chart can be looked into",
        why: "patient data and secrets are found in files and archives (zip, tar, gzip, bzip2, xz, zstd), but not in what is encrypted, damaged, in other formats, or packed too deep or too large",
        fix: "put it in unpacked, or keep it out; when you know what it holds, allow it with `--allow G06`",
        bad: Example::workflow(&[(DATA, "!7z")]),
        says: "this can't be looked into, as it is a 7z archive, and it gets into the image `lung-segment`",
        good: Example::workflow(&[(DATA, "!zip notes.txt")]),
        check: told,
    },
];

/// Every file that gets into an image or a chart, with the first of them in words.
pub(crate) fn given_away(m: &Model<'_>) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for docker in &m.dockers {
        let name = docker.name.as_deref().unwrap_or(&docker.path);
        for it in m.copied(docker) {
            files.entry(it.file.path.clone()).or_insert_with(|| format!("the image `{name}`"));
        }
    }
    for (chart, _) in &m.charts {
        for file in chart.files.keys() {
            files
                .entry(chart.path(file))
                .or_insert_with(|| format!("the chart `{}`", chart.name()));
        }
    }
    files
}

/// Tells what the rule of `f` is about.
fn told(m: &Model<'_>, f: &mut Finds) {
    let rule = f.rule();
    for given in &m.given {
        for found in given.secrets.found.iter().filter(|it| it.what.rule() == rule) {
            let place = match found.at {
                At::Line(line, column) if found.member.is_empty() => {
                    Some(Place { start: (line, column), end: (line, column) })
                }
                _ => None,
            };
            f.at(&given.path, place, words(found, &given.into));
        }
    }
}

fn words(found: &Found, into: &str) -> String {
    let member = found.member.iter().rev().map(|it| format!("`{it}`")).collect::<Vec<_>>();
    let member = member.join(" of ");
    let subject = match (member.is_empty(), found.at) {
        (true, At::Byte(at)) => format!("byte {at} begins what"),
        (true, _) => "this".to_owned(),
        (false, At::Whole) => format!("{member} in it"),
        (false, At::Line(line, _)) => format!("line {line} of {member} in it"),
        (false, At::Byte(at)) => format!("byte {at} of {member} in it begins what"),
    };
    let more = match found.more {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let what = match &found.what {
        What::Weights(size) => {
            let megabytes = size / 1_000_000;
            let place =
                if member.is_empty() { String::new() } else { format!(" ({member} in it)") };
            return format!("model weights of {megabytes} MB{place}{more} get into {into}");
        }
        What::Dicom => "is a DICOM file",
        What::Nifti => "is a NIfTI file",
        What::Key => "is a private key",
        What::Token(what) => return format!("{subject} is {what}{more}, and it gets into {into}"),
        What::Unseen(why) => {
            return format!(
                "{subject} can't be looked into, as {why}{more}, and it gets into {into}"
            );
        }
    };
    format!("{subject} {what}{more}, and it gets into {into}")
}

/// Returns a file of an example. A text that begins with `!` says what it stands for, because there
/// is no patient data and no key in this repository, not even a made-up one.
pub(crate) fn example_file(path: &str, text: &str) -> File {
    let data = match text.split_once(' ').unwrap_or((text, "")) {
        ("!size", size) => return File::beginning(path, b"", size.parse().unwrap_or(0)),
        ("!dicom", _) => [&[0; 128], b"DICM\x02\0\0\0UL\x04\0".as_slice()].concat(),
        ("!dicom-bare", _) => b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x08\0\x16\0UI\x02\0".to_vec(),
        ("!nifti", _) => [&348_u32.to_le_bytes(), [0; 340].as_slice(), b"n+1\0"].concat(),
        ("!key", _) => {
            let word = "PRIVATE KEY";
            format!("-----BEGIN {word}-----\n{}\n-----END {word}-----\n", "A".repeat(64))
                .into_bytes()
        }
        ("!7z", _) => b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(),
        ("!zip", name) => zip_of(name),
        ("!token", _) => format!("token = {}-{}\n", "glpat", "x".repeat(20)).into_bytes(),
        _ => text.as_bytes().to_vec(),
    };
    File::new(path, &data)
}

/// A zip with one empty member (APPNOTE.TXT, 4.3): a local header, its twin in the directory, the end.
fn zip_of(name: &str) -> Vec<u8> {
    let length = [u8::try_from(name.len()).unwrap_or(0), 0];
    let (local, central, end) = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06");
    // Version, flags, method, time, date, check sum, two sizes: all nothing but the first.
    let about = [&[10, 0], [0; 20].as_slice()].concat();
    let header = [local.as_slice(), &about, &length, &[0; 2], name.as_bytes()].concat();
    let twin = [central.as_slice(), &[10, 0], &about, &length, &[0; 14], &[0; 2], name.as_bytes()]
        .concat();
    let sizes = [twin.len(), header.len()].map(|it| u32::try_from(it).unwrap_or(0).to_le_bytes());
    let end = [end.as_slice(), &[0; 4], &[1, 0, 1, 0], &sizes[0], &sizes[1], &[0; 2]].concat();
    [header, twin, end].concat()
}
