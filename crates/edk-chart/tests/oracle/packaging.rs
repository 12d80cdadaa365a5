//! `helm package` of every chart of the theme `package`: the same members with the same content.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use edk_chart::{Chart, Error, File};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use crate::{
    corpus::{self, Case},
    each, expect_none,
    helm::Helm,
};

/// Members of an archive by name: mode and content.
type Members = BTreeMap<String, (u32, Vec<u8>)>;

#[test]
fn packages_hold_what_helm_packs() {
    let cases = corpus::read("package", 120);
    let complaints = each(&cases, |case| compare(case, Helm::Three));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

/// A second opinion on what is packed and not refused; charts on which the two differ say why with
/// `@helm4`.
#[test]
fn helm_4_packs_the_same() {
    let mut cases = corpus::read("package", 120);
    let other = ["fails", "stricter", "helm4"];
    cases.retain(|case| other.iter().all(|setting| case.setting(setting).is_none()));
    let complaints = each(&cases, |case| compare(case, Helm::Four));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

fn compare(case: &Case, helm: Helm) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let folder = case.write(dir.path());
    let name = &case.name;
    let done = helm.run(dir.path(), &["package", "c", "--destination", "out"]);
    let ours = Chart::load(&folder).and_then(|chart| chart.package());
    if case.setting("stricter").is_some() {
        return match (done.ok, ours) {
            (true, Err(_)) => None,
            (ok, ours) => Some(format!("{name}: Helm takes it: {ok}; ours: {ours:?}")),
        };
    }
    if let Some(cause) = case.setting("fails") {
        return match ours {
            Err(_) if !done.ok && done.stderr.contains(cause.trim()) => None,
            ours => Some(format!("{name}: Helm says {}; ours: {ours:?}", done.stderr)),
        };
    }
    match ours {
        Ok(packaged) if done.ok => {
            let theirs = only_file(&dir.path().join("out"));
            let file_name = theirs.file_name().unwrap().to_str().unwrap().to_owned();
            let (ours, theirs) = (members(&packaged.bytes), members(&fs::read(theirs).unwrap()));
            let same = ours == theirs && file_name == packaged.file_name;
            (!same).then(|| difference(name, &ours, &theirs))
        }
        ours => Some(format!("{name}: Helm says {}; ours: {ours:?}", done.stderr)),
    }
}

fn difference(name: &str, ours: &Members, theirs: &Members) -> String {
    let mut text = format!("{name}:");
    for key in ours.keys().chain(theirs.keys()) {
        let show = |of: &Members| {
            of.get(key).map(|(mode, it)| (*mode, String::from_utf8_lossy(it).into_owned()))
        };
        if ours.get(key) != theirs.get(key) {
            text += &format!("\n  {key}\n  ours {:?}\n  Helm {:?}", show(ours), show(theirs));
        }
    }
    text
}

fn only_file(dir: &Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(dir).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

pub(crate) fn members(bytes: &[u8]) -> Members {
    let mut members = Members::new();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(bytes));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert!(entry.header().entry_type().is_file());
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mode = entry.header().mode().unwrap();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        assert!(members.insert(name.clone(), (mode, data)).is_none(), "{name} twice");
    }
    members
}

/// Links can't be in a text file.
#[test]
fn links_are_followed_as_in_helm() {
    use std::os::unix::fs::symlink;
    let case = Case::parse("links", "-- files/a --\nx\n-- templates/t.yaml --\nt: 1\n");
    let dir = tempfile::tempdir().unwrap();
    let folder = case.write(dir.path());
    fs::write(dir.path().join("outside"), "secret of nobody\n").unwrap();
    fs::create_dir_all(dir.path().join("d/templates")).unwrap();
    fs::write(dir.path().join("d/Chart.yaml"), "name: d\nversion: 1.0.0\n").unwrap();
    fs::create_dir(folder.join("charts")).unwrap();
    symlink("../outside", folder.join("inside")).unwrap();
    symlink("files", folder.join("more")).unwrap();
    symlink("../../d", folder.join("charts/d")).unwrap();
    let done = Helm::Three.run(dir.path(), &["package", "c", "--destination", "out"]);
    assert!(done.ok, "{}", done.stderr);
    let theirs = members(&fs::read(only_file(&dir.path().join("out"))).unwrap());
    let ours = members(&Chart::load(&folder).unwrap().package().unwrap().bytes);
    assert_eq!(ours, theirs, "{}", difference("links", &ours, &theirs));
}

#[test]
fn a_broken_link_and_a_circle_of_links_are_refused_by_both() {
    use std::os::unix::fs::symlink;
    for (target, place) in [("nowhere", "l"), (".", "l"), ("..", "files/l")] {
        let case = Case::parse("links", "-- files/a --\nx\n");
        let dir = tempfile::tempdir().unwrap();
        let folder = case.write(dir.path());
        symlink(target, folder.join(place)).unwrap();
        let done = Helm::Three.run(dir.path(), &["package", "c", "--destination", "out"]);
        assert!(!done.ok, "{target}: {}", done.stdout);
        let error = Chart::load(&folder).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. } | Error::Io { .. }), "{error}");
        assert!(error.to_string().contains(place), "{error}");
    }
}

/// A name of a file, a pattern, a text of `Chart.yaml`: drawn from what once made a difference.
fn generated() -> impl Strategy<Value = Vec<File>> {
    let part = || prop::sample::select(vec!["a", "b.md", ".x", "ä", "t-1", "docs", "X y"]);
    let names = prop::collection::btree_set(
        (prop::sample::select(vec!["", "templates/", "crds/", "files/", "a0/"]), part(), part())
            .prop_map(|(top, one, two)| format!("{top}{one}.d/{two}")),
        0..6,
    );
    let patterns = prop::collection::vec(
        prop::sample::select(vec![
            "*.md",
            "docs",
            "*.d/",
            "/a.d",
            "templates/*",
            "?.d",
            "[a-b]*",
            "a.d/b.md",
            ".*",
            "# x",
            "",
            "!*",
            "files/*/X*",
            "[^c]?d",
            "*/*",
            "\\a",
        ]),
        0..4,
    );
    let text = "[ -~äß漢\n\t]{0,90}";
    (names, patterns, text, text, prop::bool::ANY).prop_map(|(names, patterns, one, two, v1)| {
        let mut files: Vec<File> =
            names.into_iter().map(|name| File { data: name.clone().into(), name }).collect();
        let chart = serde_json::json!({
            "apiVersion": if v1 { "v1" } else { "v2" }, "name": "c", "version": "1.2.3",
            "description": one, "appVersion": two, "keywords": [two, "k"],
            "annotations": { "a": one, "b": two }, "maintainers": [{ "name": one }],
        });
        files.push(File { name: "Chart.yaml".into(), data: chart.to_string().into() });
        files.push(File { name: ".helmignore".into(), data: patterns.join("\n").into() });
        files
    })
}

#[test]
fn generated_charts_are_packed_as_helm_packs_them() {
    let mut runner = TestRunner::deterministic();
    let charts: Vec<Vec<File>> =
        (0..60).map(|_| generated().new_tree(&mut runner).unwrap().current()).collect();
    let complaints = each(&charts, |files| {
        let shown =
            |file: &File| format!("-- {} --\n{}\n", file.name, String::from_utf8_lossy(&file.data));
        let mut case = Case::parse(&files.iter().map(shown).collect::<String>(), "");
        case.files.clone_from(files);
        let dir = tempfile::tempdir().unwrap();
        let folder = case.write(dir.path());
        let done = Helm::Three.run(dir.path(), &["package", "c", "--destination", "out"]);
        match (done.ok, Chart::load(&folder).and_then(|chart| chart.package())) {
            (true, Ok(packaged)) => {
                let theirs = members(&fs::read(only_file(&dir.path().join("out"))).unwrap());
                let ours = members(&packaged.bytes);
                (ours != theirs).then(|| difference(&case.name, &ours, &theirs))
            }
            (false, Err(_)) => None,
            (_, ours) => Some(format!("{}: Helm says {}; ours: {ours:?}", case.name, done.stderr)),
        }
    });
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}
