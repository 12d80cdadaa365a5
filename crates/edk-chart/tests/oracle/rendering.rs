//! `helm template` of every chart of the theme `render`: the same documents in the same order.

use edk_chart::{Capabilities, Release, Rendered, render, yaml};
use serde_json::{Value, json};

use crate::{
    corpus::{self, Case},
    each, expect_none,
    helm::Helm,
};

/// A document of a rendering: the template it comes from, and what it says.
type Document = (String, Value);

#[test]
fn charts_render_to_the_documents_of_helm() {
    let cases = corpus::read("render", 1);
    let complaints = each(&cases, |case| compare(case, Helm::Three));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

/// Helm 4 merges nulls and finds unknown keys in another way; charts that show it say so with
/// `@helm4`, whose text is the reason.
#[test]
fn helm_4_agrees_where_it_should() {
    let mut cases = corpus::read("render", 1);
    cases.retain(|case| case.setting("helm4").is_none());
    let complaints = each(&cases, |case| compare(case, Helm::Four));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

fn compare(case: &Case, helm: Helm) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    case.write(dir.path());
    let mut args = vec!["template", "r", "c", "--namespace", "ns"];
    if case.setting("values.yaml").is_some() {
        args.extend(["--values", "values.yaml"]);
    }
    args.extend(case.args());
    let done = helm.run(dir.path(), &args);
    if let Some(cause) = case.setting("fails") {
        return failure(case, &done, cause.trim());
    }
    let name = &case.name;
    if !done.ok {
        return Some(format!("{name}: Helm fails: {}", done.stderr));
    }
    let theirs = documents(&done.stdout);
    match ours(case) {
        Err(error) => Some(format!("{name}: we fail: {error}")),
        Ok(rendered) => {
            let ours: Vec<Document> = rendered
                .manifests
                .into_iter()
                .map(|manifest| (manifest.source, manifest.object))
                .collect();
            (ours != theirs).then(|| format!("{name}: ours {ours:#?}\ntheirs {theirs:#?}"))
        }
    }
}

fn failure(case: &Case, done: &crate::helm::Done, cause: &str) -> Option<String> {
    let name = &case.name;
    if done.ok || !done.stderr.contains(cause) {
        return Some(format!("{name}: Helm does not fail with `{cause}`: {}", done.stderr));
    }
    match ours(case) {
        Ok(_) => Some(format!("{name}: we do not fail, Helm does: {}", done.stderr)),
        Err(error) if error.to_string().contains(cause) => None,
        Err(error) => Some(format!("{name}: we say {error}\nHelm says {}", done.stderr)),
    }
}

fn ours(case: &Case) -> edk_chart::Result<Rendered> {
    let values =
        case.setting("values.yaml").map_or(json!({}), |text| yaml::parse(text, "v").unwrap());
    let release =
        Release { name: "r".to_owned(), namespace: "ns".to_owned(), revision: 1, is_install: true };
    render(&case.chart()?, &release, &values, &Capabilities::default())
}

/// Returns the documents of an output of `helm template`.
fn documents(stdout: &str) -> Vec<Document> {
    let parts = stdout.strip_prefix("---\n").unwrap_or(stdout).split("\n---\n# Source: ");
    let parts = parts.map(|part| part.strip_prefix("# Source: ").unwrap_or(part));
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts
        .map(|part| {
            let (source, text) = part.split_once('\n').unwrap_or((part, ""));
            (source.to_owned(), yaml::parse(text, source).unwrap())
        })
        .collect()
}
