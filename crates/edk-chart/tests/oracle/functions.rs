//! Every function and every construct with edge values, one by one: `tests/corpus/functions`.
//!
//! A file has one template a line; what is expected is what Helm makes of it. All that we render
//! are given to Helm in one chart; all that we refuse are given to it alone, and it has to refuse
//! them with the same words.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use edk_chart::{Capabilities, Error, Release, render, yaml};
use serde_json::json;

use crate::{corpus::Case, each, expect_none, helm::Helm};

/// What all templates see.
const CHART: &str = r##"
-- Chart.yaml --
apiVersion: v2
name: c
version: 1.2.3
appVersion: "4.5"
description: A chart
keywords: [one, two]
maintainers: [{name: me, email: me@example.org}]
annotations: {a: b, c: d}
-- values.yaml --
s: text
empty: ""
uni: "äöü€😀"
int: 3
neg: -7
big: 1000000
huge: 12345678901234567890
f: 1.5
small: 0.00001
yes: true
no: false
nil: null
list: [a, b, c]
nums: [3, 1, 2]
mixed: [1, two, null, 3.5, true, [x], {k: v}]
none: []
map: {x: 1, z: two, a: {b: {c: deep}}}
void: {}
date: "2024-02-29T12:34:56Z"
multi: |
  one
  two
yaml: "a: 1\nb: [x, y]\n"
json: "{\"a\": [1, 2.5], \"b\": null}"
-- conf/a.conf --
one
two
-- bare:conf/deep/b.conf --
three
-- base64:conf/bin --
/wCAAQ==
"##;

struct Line {
    place: String,
    text: String,
}

fn lines() -> Vec<Line> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/functions");
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for (at, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                let text = line.replace("⏎", "\n");
                lines.push(Line { place: format!("{file}:{}", at + 1), text });
            }
        }
    }
    lines
}

/// Returns a chart that has each of `lines` as a named template, and their results as one map.
fn chart(lines: &[(usize, &Line)]) -> Case {
    let mut text = CHART.to_owned();
    let mut calls = String::new();
    for (at, line) in lines {
        text += &format!("-- bare:templates/_e{at}.tpl --\n");
        text += &format!("{{{{ define \"e{at}\" }}}}{}{{{{ end }}}}\n", line.text);
        calls += &format!("e{at}: {{{{ include \"e{at}\" . | b64enc | quote }}}}\n");
    }
    text += &format!("-- templates/t.yaml --\n{calls}");
    Case::parse("functions", &text)
}

fn ours(case: &Case) -> Result<BTreeMap<String, String>, Error> {
    let release =
        Release { name: "r".to_owned(), namespace: "ns".to_owned(), revision: 1, is_install: true };
    let rendered = render(&case.chart()?, &release, &json!({}), &Capabilities::default())?;
    Ok(decoded(&rendered.manifests[0].text))
}

/// Returns the results in the document `text`.
fn decoded(text: &str) -> BTreeMap<String, String> {
    let map = yaml::parse(text, "t").unwrap();
    let entries = map.as_object().unwrap().iter();
    let plain = |text: &str| {
        let bytes = STANDARD.decode(text).unwrap();
        bytes.utf8_chunks().fold(String::new(), |all, chunk| {
            let broken: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
            all + chunk.valid() + &broken
        })
    };
    entries.map(|(key, value)| (key.clone(), plain(value.as_str().unwrap()))).collect()
}

fn theirs(case: &Case) -> Result<BTreeMap<String, String>, String> {
    let dir = tempfile::tempdir().unwrap();
    case.write(dir.path());
    let done = Helm::Three.run(dir.path(), &["template", "r", "c", "--namespace", "ns"]);
    match done.ok {
        true => Ok(decoded(&done.stdout)),
        false => {
            let text = done.stderr.replace("\n\nUse --debug flag to render out invalid YAML", "");
            Err(text.trim().trim_start_matches("Error: ").to_owned())
        }
    }
}

#[test]
fn every_function_gives_what_helm_gives() {
    let lines = lines();
    assert!(lines.len() > 1, "only {} templates are found", lines.len());
    let numbered: Vec<(usize, &Line)> = lines.iter().enumerate().collect();
    let alone = each(&numbered, |line| { let t=std::time::Instant::now(); let r=ours(&chart(std::slice::from_ref(line))); if t.elapsed().as_millis()>100 { eprintln!("SLOW {} {:?}", line.1.text, t.elapsed()); } r});
    eprintln!("ALONE");
    let mut complaints = Vec::new();
    let (mut fine, mut refused, mut ours) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (line, result) in numbered.into_iter().zip(alone) {
        match result {
            Ok(result) => {
                ours.extend(result);
                fine.push(line);
            }
            Err(error) => refused.push((line, error)),
        }
    }
    let checked = each(&refused, |(line, error)| refusal(line, error));
    complaints.extend(checked.into_iter().flatten());
    together(fine, &ours, &mut complaints);
    expect_none(&complaints);
}

/// Says what is wrong when we refuse a template with `error`.
fn refusal(line: &(usize, &Line), error: &Error) -> Option<String> {
    let Line { place, text } = line.1;
    let said = match error {
        Error::Template { helm, .. } => helm.trim().to_owned(),
        other => other.to_string(),
    };
    match theirs(&chart(std::slice::from_ref(line))) {
        Ok(result) => Some(format!("{place}: {text}\n  we fail:    {said}\n  Helm gives: {result:?}")),
        Err(theirs) if theirs == said => None,
        Err(theirs) => Some(format!("{place}: {text}\n  we say:    {said}\n  Helm says: {theirs}")),
    }
}

/// Compares what both sides render; a template that only Helm refuses is told and left out.
fn together(
    mut fine: Vec<(usize, &Line)>,
    ours: &BTreeMap<String, String>,
    complaints: &mut Vec<String>,
) {
    while !fine.is_empty() {
        let case = chart(&fine);
        let results = match theirs(&case) {
            Ok(results) => results,
            Err(theirs) => {
                let before = fine.len();
                fine.retain(|(at, line)| {
                    let fails = theirs.contains(&format!("_e{at}.tpl:"));
                    if fails {
                        complaints.push(format!("{}: {}\n  Helm fails: {theirs}", line.place, line.text));
                    }
                    !fails
                });
                assert!(fine.len() < before, "Helm says of all templates: {theirs}");
                continue;
            }
        };
        for (at, line) in &fine {
            let (ours, theirs) = (&ours[&format!("e{at}")], &results[&format!("e{at}")]);
            if ours != theirs {
                let Line { place, text } = line;
                complaints.push(format!("{place}: {text}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
            }
        }
        return;
    }
}
