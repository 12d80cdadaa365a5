//! `helm template` of every chart of the theme `render`: the same text, byte for byte.

use edk_chart::{
    Capabilities, Error, Options, Release, Result, Selection, Setting, render_with, user_values,
    yaml,
};

use crate::{
    corpus::{self, Case},
    each, expect_none,
    helm::{Done, Helm},
};

#[test]
fn charts_render_to_the_documents_of_helm() {
    let cases = corpus::read("render", 80);
    let complaints = each(&cases, |case| compare(case, Helm::Three));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

/// Helm 4 differs in some things, and so do we then; such a chart says so with `@helm4`, whose text
/// is the reason.
#[test]
fn helm_4_agrees_where_it_should() {
    let mut cases = corpus::read("render", 80);
    cases.retain(|case| case.setting("helm4").is_none() && case.setting("fails").is_none());
    assert!(cases.len() > 50, "only {} charts are left", cases.len());
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
    let name = &case.name;
    let ours = ours(case);
    if let Some(cause) = case.setting("fails") {
        return failure(case, &done, cause.trim(), ours);
    }
    if !done.ok {
        return Some(format!("{name}: Helm fails: {}", done.stderr));
    }
    match ours {
        Err(error) => Some(format!("{name}: we fail: {error}\nHelm gives\n{}", done.stdout)),
        Ok(text) if text == done.stdout => None,
        Ok(text) => Some(format!("{name}:\n--- ours\n{text}\n--- theirs\n{}", done.stdout)),
    }
}

/// Says what is wrong with a chart that is meant to fail with `cause`.
fn failure(case: &Case, done: &Done, cause: &str, ours: Result<String>) -> Option<String> {
    let name = &case.name;
    if done.ok || !done.stderr.contains(cause) {
        return Some(format!("{name}: Helm does not fail with `{cause}`: {}", done.stderr));
    }
    let theirs = done.stderr.replace("\n\nUse --debug flag to render out invalid YAML", "");
    let theirs = theirs.trim().trim_start_matches("Error: ");
    match ours {
        Ok(_) => Some(format!("{name}: we do not fail, Helm says: {theirs}")),
        Err(Error::Template { helm, .. }) if helm.trim() == theirs => None,
        Err(Error::Template { helm, .. }) => {
            Some(format!("{name}:\n  we say:    {helm}\n  Helm says: {theirs}"))
        }
        Err(error) if error.to_string().contains(cause) || case.setting("words").is_some() => None,
        Err(error) => Some(format!("{name}:\n  we say:    {error}\n  Helm says: {theirs}")),
    }
}

/// Returns what we print for the chart with the options of `@args`.
fn ours(case: &Case) -> Result<String> {
    let release =
        Release { name: "r".to_owned(), namespace: "ns".to_owned(), revision: 1, is_install: true };
    let mut options = Options::new(release);
    let mut selection = Selection::default();
    let mut settings = Vec::new();
    let read = |text: &str| yaml::parse(text, "values.yaml").unwrap();
    let mut files: Vec<_> = case.setting("values.yaml").map(read).into_iter().collect();
    let args = case.args();
    let mut args = args.into_iter();
    while let Some(option) = args.next() {
        let mut word = || args.next().unwrap().to_owned();
        match option {
            "--set" => settings.push(Setting::Typed(word())),
            "--set-string" => settings.push(Setting::Text(word())),
            "--set-json" => settings.push(Setting::Json(word())),
            "--set-file" => settings.push(Setting::File(word())),
            "--set-literal" => settings.push(Setting::Literal(word())),
            "--values" => files.push(read(case.setting(&word()).unwrap())),
            "--namespace" => options.release.namespace = word(),
            "--is-upgrade" => options.release.is_install = false,
            "--kube-version" => {
                let cluster = Capabilities::default().with_kube_version(&word());
                options.capabilities = cluster.unwrap();
            }
            "--api-versions" => {
                options.capabilities = options.capabilities.with_api_versions([word()]);
            }
            "--show-only" => selection.show_only.push(word()),
            "--no-hooks" => selection.hooks = false,
            "--skip-tests" => selection.tests = false,
            "--include-crds" => selection.crds = true,
            other => panic!("{}: @args has {other}", case.name),
        }
    }
    let beside = |name: &str| Ok(case.setting(name).unwrap_or_default().as_bytes().to_vec());
    let values = user_values(&files, &settings, &beside)?;
    render_with(&case.chart()?, &options, &values)?.text(&selection)
}
