//! Patient data and secrets in what would enter an image or a chart.

use std::{
    collections::BTreeMap,
    io::Read as _,
    sync::{Arc, OnceLock},
};

use edk_model::Severity::{Error, Warning};
use regex::bytes::{Regex, RegexSet};

use crate::check::{
    facts::text::{Place, place_of},
    model::Model,
    rule::{Example, Finds, Rule},
    tree::File,
};

/// Model weights up to this size may lie in an image.
const WEIGHTS: u64 = 50_000_000;
const WEIGHT_ENDINGS: [&str; 9] =
    [".pt", ".pth", ".onnx", ".h5", ".ckpt", ".safetensors", ".pb", ".tflite", ".joblib"];

/// What tokens look like, by who gives them out.
const TOKENS: [(&str, &str); 9] = [
    ("an access key of AWS", r"\bAKIA[0-9A-Z]{16}\b"),
    ("a token of GitHub", r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})\b"),
    ("a token of GitLab", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a token of Hugging Face", r"\bhf_[A-Za-z0-9]{34,}\b"),
    ("a token of Slack", r"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    ("a key of Google", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("a token for uploading Python packages", r"\bpypi-AgEI[A-Za-z0-9_-]{40,}"),
    ("a login of npm", r"_authToken\s*=\s*[A-Za-z0-9._-]{20,}"),
    ("a login of a registry", r#""auth"\s*:\s*"[A-Za-z0-9+/=]{16,}""#),
];

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
        check: by_content,
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
        check: by_content,
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
        check: by_content,
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
        check: by_content,
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
        check: by_content,
    },
];

/// The content of files is looked at by [`check`], which knows what was looked at before.
fn by_content(_: &Model<'_>, _: &mut Finds) {}

/// What a file holds that must not be given away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    dicom: bool,
    nifti: bool,
    /// What, and where.
    keys: Vec<(usize, usize)>,
    tokens: Vec<(&'static str, (usize, usize))>,
}

impl Secrets {
    /// Looks into a file.
    pub(crate) fn of(file: &File) -> Self {
        if file.link {
            return Self::default();
        }
        let data = &file.data;
        let unpacked = gunzipped(data);
        let start = unpacked.as_deref().unwrap_or(data);
        let mut secrets =
            Self { dicom: is_dicom(start), nifti: is_nifti(start), ..Self::default() };
        let place = |at: usize| {
            let before = String::from_utf8_lossy(&data[..at]);
            place_of(&before, before.len())
        };
        if data.windows(11).any(|it| it == b"PRIVATE KEY") {
            secrets.keys = key()
                .into_iter()
                .flat_map(|it| it.find_iter(data))
                .map(|it| place(it.start()))
                .collect();
        }
        if let Some((set, each)) = tokens()
            && set.is_match(data)
        {
            for at in set.matches(data).iter() {
                secrets
                    .tokens
                    .extend(each[at].find_iter(data).map(|it| (TOKENS[at].0, place(it.start()))));
            }
        }
        secrets
    }
}

fn key() -> Option<&'static Regex> {
    static KEY: OnceLock<Option<Regex>> = OnceLock::new();
    // With a line of the key itself, so that a text about keys is none.
    let pattern = r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----\s+(\w+:.*\s+)*[A-Za-z0-9+/=]{16}";
    KEY.get_or_init(|| Regex::new(pattern).ok()).as_ref()
}

fn tokens() -> Option<&'static (RegexSet, Vec<Regex>)> {
    static TOKEN: OnceLock<Option<(RegexSet, Vec<Regex>)>> = OnceLock::new();
    let made = TOKEN.get_or_init(|| {
        let patterns = TOKENS.map(|(_, pattern)| pattern);
        let each = patterns.iter().map(|it| Regex::new(it)).collect::<Result<_, _>>().ok()?;
        Some((RegexSet::new(patterns).ok()?, each))
    });
    made.as_ref()
}

/// The beginning of what a gzip stream holds.
fn gunzipped(data: &[u8]) -> Option<Vec<u8>> {
    if !data.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut start = Vec::new();
    // A beginning that was cut off still gives what it holds.
    let _ = flate2::read::GzDecoder::new(data).take(1024).read_to_end(&mut start);
    Some(start)
}

/// Tells DICOM by its preamble (PS3.10, section 7.1), or by two data elements that can stand at the
/// beginning of a file without one.
fn is_dicom(data: &[u8]) -> bool {
    if data.get(128..132) == Some(b"DICM") {
        return true;
    }
    let number = |at: usize| Some(u16::from_le_bytes([*data.get(at)?, *data.get(at + 1)?]));
    let first = || -> Option<bool> {
        let (group, element) = (number(0)?, number(2)?);
        let starts =
            matches!((group, element), (2, 0..=2) | (8, 0 | 1 | 5 | 8 | 0x12 | 0x16 | 0x18));
        if !starts {
            return Some(false);
        }
        let vr = [*data.get(4)?, *data.get(5)?];
        let known = [b"UL", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM"].iter().any(|it| **it == vr);
        // Explicit VR: a length of two bytes; implicit VR: one of four.
        let length = match known {
            true => usize::from(number(6)?),
            false if number(6)? == 0 => usize::from(number(4)?),
            false => return Some(false),
        };
        let next = 8 + length;
        let (next_group, next_element) = (number(next)?, number(next + 2)?);
        let ascends = (next_group, next_element) > (group, element);
        Some(
            length % 2 == 0
                && length <= 256
                && next_group % 2 == 0
                && next_group <= 0x20
                && ascends,
        )
    };
    first().unwrap_or(false)
}

/// Tells NIfTI by the size of its header and its magic (NIfTI-1.1 and NIfTI-2, `nifti1.h`).
fn is_nifti(data: &[u8]) -> bool {
    let size = data.get(..4).map(|it| [it[0], it[1], it[2], it[3]]);
    let is = |wanted: u32| size == Some(wanted.to_le_bytes()) || size == Some(wanted.to_be_bytes());
    let first = is(348) && matches!(data.get(344..348), Some(b"n+1\0" | b"ni1\0"));
    first || is(540) && matches!(data.get(4..8), Some(b"n+2\0" | b"ni2\0"))
}

/// Every file that gets into an image or a chart, with the first of them in words.
fn given_away(m: &Model<'_>) -> BTreeMap<String, String> {
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

/// Applies one rule of this family; `secrets` looks into a file.
pub(crate) fn check(m: &Model<'_>, secrets: &dyn Fn(&str) -> Option<Arc<Secrets>>, f: &mut Finds) {
    for (path, into) in given_away(m) {
        let Some(file) = m.tree.get(&path) else { continue };
        if f.rule() == "G03" {
            let is_model = WEIGHT_ENDINGS.iter().any(|it| path.ends_with(it));
            if is_model && file.size > WEIGHTS {
                let megabytes = file.size / 1_000_000;
                f.file(&path, format!("model weights of {megabytes} MB get into {into}"));
            }
            continue;
        }
        let Some(found) = secrets(&path) else { continue };
        let told: Vec<(&str, Option<(usize, usize)>)> = match f.rule() {
            "G01" if found.dicom => vec![("a DICOM file", None)],
            "G02" if found.nifti => vec![("a NIfTI file", None)],
            "G04" => found.keys.iter().map(|at| ("a private key", Some(*at))).collect(),
            "G05" => found.tokens.iter().map(|(what, at)| (*what, Some(*at))).collect(),
            _ => continue,
        };
        for (what, at) in told {
            let place = at.map(|at| Place { start: at, end: at });
            f.at(&path, place, format!("this is {what}, and it gets into {into}"));
        }
    }
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
        ("!token", _) => format!("token = {}-{}\n", "glpat", "x".repeat(20)).into_bytes(),
        _ => text.as_bytes().to_vec(),
    };
    File::new(path, &data)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of(data: &[u8]) -> Secrets {
        Secrets::of(&File::new("f", data))
    }

    #[test]
    fn patient_data_is_told_by_its_content() {
        for name in ["!dicom", "!dicom-bare"] {
            assert!(Secrets::of(&example_file("f", name)).dicom, "{name}");
        }
        let nifti = example_file("f", "!nifti");
        assert!(Secrets::of(&nifti).nifti);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&[nifti.data.to_vec(), vec![0; 5000]].concat()).unwrap();
        let packed = packed.finish().unwrap();
        assert!(of(&packed).nifti, "{}", packed.len());
        assert!(of(&packed[..packed.len() - 9]).nifti, "also when it was cut off");
        for other in [
            b"import os\n".as_slice(),
            b"",
            &[8, 0],
            b"\x7fELF\x02\x01\x01\0",
            b"\x89PNG\r\n\x1a\n",
            &[0; 400],
        ] {
            assert_eq!(of(other), Secrets::default(), "{other:?}");
        }
    }

    #[test]
    fn keys_and_tokens_are_told_with_their_place_and_texts_about_them_are_not() {
        let key = example_file("f", "!key");
        let text = [b"x\n  ".as_slice(), &key.data].concat();
        assert_eq!(of(&text).keys, [(2, 3)]);
        let about = format!("write -----BEGIN {} KEY----- first", "PRIVATE");
        assert_eq!(of(about.as_bytes()), Secrets::default());
        let token = example_file("f", "!token");
        assert_eq!(of(&token.data).tokens, [("a token of GitLab", (1, 9))]);
        assert_eq!(of(b"glpat-short"), Secrets::default());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_harm(data: Vec<u8>) {
            let _ = of(&data);
            let _ = of(&[vec![8, 0, 5, 0], data.clone()].concat());
            let _ = of(&[vec![0x1f, 0x8b, 8, 0], data].concat());
        }
    }
}
