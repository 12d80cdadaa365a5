//! Charts: templates, values, whole charts and their archives.

use std::{collections::BTreeMap, io};

use edk_chart::{
    Chart, File, Ignore, LintOptions, LintSubject, Options, Release, Setting, lint,
    platform::{self, Platform, Preflight},
    render_with, yaml,
};
use serde_json::{Map, Value, json};

use crate::{tars, text};

const CHART_YAML: &str = "apiVersion: v2\nname: c\nversion: 1.0.0\n";
const VALUES: &str = "s: text\nn: 3\nf: 1.5\nt: 2024-02-29\nl: [a, b]\nm: {x: 1, y: {z: null}}\n";

fn options() -> Options {
    Options::new(Release {
        name: "r".to_owned(),
        namespace: "ns".to_owned(),
        revision: 1,
        is_install: true,
    })
}

fn file(name: &str, data: &[u8]) -> File {
    File { name: name.to_owned(), data: data.to_vec() }
}

/// A template in a chart of its own.
pub(super) fn template(data: &[u8]) {
    let files = vec![
        file("Chart.yaml", CHART_YAML.as_bytes()),
        file("values.yaml", VALUES.as_bytes()),
        file("note.txt", b"one\ntwo\n"),
        file("templates/a.yaml", data),
        file("templates/_h.tpl", b"{{ define \"h\" }}{{ . }}{{ end }}"),
    ];
    let chart = Chart::from_files("c", files).unwrap();
    let _ = render_with(&chart, &options(), &json!({ "m": { "x": 2 } }));
}

/// Whatever is done with a chart.
pub(super) fn chart(data: &[u8]) {
    let files: BTreeMap<String, Vec<u8>> = text::files(data).into_iter().collect();
    let files = files.into_iter().map(|(name, data)| File { name, data });
    if let Ok(chart) = Chart::from_files("c", files.collect()) {
        all_of(&chart);
    }
}

fn all_of(chart: &Chart) {
    let rendered = render_with(chart, &options(), &json!({}));
    if let Ok(rendered) = &rendered {
        assert_eq!(
            render_with(chart, &options(), &json!({})).unwrap(),
            *rendered,
            "the same chart renders differently"
        );
    }
    let _ = edk_chart::check_values(chart, &json!({ "n": "x" }), &[]);
    for platform in Platform::ALL {
        let about = Preflight { platform, ..Preflight::default() };
        let _ = platform::preflight(chart, &about);
    }
    let given = platform::parameters(chart).into_iter().map(|it| (it.key, "1".to_owned()));
    let given: BTreeMap<String, String> = given.collect();
    if let Ok(answers) = platform::answers(chart, &given) {
        let own = chart.values.get("global").and_then(Value::as_object);
        let _ = platform::pass(&Map::new(), &answers, own, Platform::default());
    }
    let Ok(packaged) = chart.package() else { return };
    // Readers take a backslash for a separator, as Helm does, which packs it all the same.
    if packaged.entries.iter().any(|name| name.contains('\\')) {
        return;
    }
    let again = Chart::read(&packaged.bytes[..], "c");
    assert!(again.is_ok(), "what was packaged can't be read: {again:?}");
    if let Ok(subject) = LintSubject::archive(&packaged.bytes, "c") {
        let _ = lint(&subject, &LintOptions::default());
    }
}

/// YAML: what is written can be read, and is the same.
pub(super) fn values(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(values) = yaml::parse_all(&text, "v") else { return };
    for value in values {
        let written = yaml::emit(&value);
        match yaml::parse(&written, "w") {
            Ok(again) => assert!(same(&again, &value), "{value} is read as {again}"),
            Err(finding) => panic!("{finding:?} in {written:?}"),
        }
    }
}

/// Says whether both are the same to a chart: whole numbers are written without a point, as Helm
/// does.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let both = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(both)
        }
        _ => one == other,
    }
}

/// `--set` and its like, a line each.
pub(super) fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let kinds: [fn(String) -> Setting; 5] =
        [Setting::Typed, Setting::Text, Setting::Json, Setting::File, Setting::Literal];
    let settings = text.lines().map(|line| {
        let kind = line.bytes().next().map_or(0, |byte| usize::from(byte) % kinds.len());
        kinds[kind](line.get(1..).unwrap_or_default().to_owned())
    });
    let settings: Vec<_> = settings.collect();
    let read = |_: &str| -> io::Result<Vec<u8>> { Ok(b"a file".to_vec()) };
    let files = [json!({ "a": { "b": [1, 2, { "c": null }] }, "l": [] })];
    for setting in &settings {
        let _ = edk_chart::user_values(&files, std::slice::from_ref(setting), &read);
    }
    let _ = edk_chart::user_values(&files, &settings, &read);
}

/// A packaged chart.
pub(super) fn archive(data: &[u8]) {
    for bytes in [data, &tars::mended(data)] {
        let _ = platform::preflight_archive(bytes, "c-1.0.0.tgz", &Preflight::default());
        if let Ok(subject) = LintSubject::archive(bytes, "c") {
            let _ = lint(&subject, &LintOptions::default());
        }
        if let Ok(chart) = Chart::read(bytes, "c") {
            assert!(!names(&chart).any(escapes), "a file lies outside of the chart");
            let _ = chart.package();
        }
    }
}

fn names(chart: &Chart) -> impl Iterator<Item = &str> {
    chart.files.iter().chain(&chart.templates).map(|file| file.name.as_str())
}

fn escapes(name: &str) -> bool {
    name.starts_with('/') || name.split('/').any(|part| part == "..")
}

/// The first line is a path, the rest a `.helmignore`.
pub(super) fn helmignore(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, rules) = text.split_once('\n').unwrap_or(("a/b.txt", &text));
    if let Ok(ignore) = Ignore::parse(rules, "i") {
        let _ = (ignore.ignores(path, false), ignore.ignores(path, true));
    }
}
