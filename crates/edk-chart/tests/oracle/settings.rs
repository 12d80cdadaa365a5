//! `--set` and its like: the same values, or the same refusal.

use std::fs;

use edk_chart::{Options, Release, Setting, render_with, user_values};
use serde_json::Value;

use crate::{corpus::Case, each, expect_none, helm::Helm};

const CHART: &str = "
-- values.yaml --
old: {a: 1, b: two}
list: [x, y]
text: t
-- templates/a.yaml --
v: {{ .Values | toJson }}
k: {{ range $k, $v := .Values }}{{ $k }}={{ kindOf $v }},{{ end }}
";

/// Options of `helm template`, one a line; the option is before the first blank.
const LINES: &str = include_str!("settings.txt");

#[test]
fn settings_are_read_as_helm_reads_them() {
    let lines: Vec<&str> =
        LINES.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).collect();
    assert!(lines.len() > 50, "only {} settings are found", lines.len());
    let complaints = each(&lines, |line| compare(line));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

fn compare(line: &str) -> Option<String> {
    let case = Case::parse("settings", CHART);
    let dir = tempfile::tempdir().unwrap();
    case.write(dir.path());
    fs::write(dir.path().join("file.txt"), "con,tent\n").unwrap();
    let (option, text) = line.split_once(' ').unwrap();
    let done = Helm::Three.run(dir.path(), &["template", "r", "c", option, text]);
    match (ours(&case, option, text), done.ok) {
        (Ok(ours), true) if ours == done.stdout => None,
        (Err(_), false) => None,
        (ours, _) => {
            Some(format!("{line}\n  ours:   {ours:?}\n  theirs: {}{}", done.stdout, done.stderr))
        }
    }
}

fn ours(case: &Case, option: &str, text: &str) -> edk_chart::Result<String> {
    let text = text.to_owned();
    let setting = match option {
        "--set" => Setting::Typed(text),
        "--set-string" => Setting::Text(text),
        "--set-json" => Setting::Json(text),
        "--set-literal" => Setting::Literal(text),
        _ => Setting::File(text),
    };
    let read = |name: &str| match name {
        "file.txt" => Ok(b"con,tent\n".to_vec()),
        _ => Err(std::io::Error::other("no such file")),
    };
    let values: Value = user_values(&[], &[setting], &read)?;
    let release = Release {
        name: "r".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_install: true,
    };
    render_with(&case.chart()?, &Options::new(release), &values)?.text(&Default::default())
}
