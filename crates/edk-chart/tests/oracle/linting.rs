//! `helm lint` of every chart of the theme `lint`: the same verdict, for the same reasons.

use std::collections::BTreeSet;

use edk_chart::{HelmVersion, LINT_RULES, LintOptions, LintSubject, lint, yaml};
use edk_model::Severity;

use crate::{
    corpus::{self, Case},
    each, expect_none,
    helm::Helm,
};

/// Which rule a message of Helm belongs to: a part of the message, and the rule.
const MESSAGES: &[(&str, &str)] = &[
    ("unable to load chart", "lint/load"),
    ("templates/: cannot load ", "lint/load"),
    ("icon is recommended", "lint/icon-missing"),
    ("values.yaml: file does not exist", "lint/values-missing"),
    ("don't meet the specifications of the schema", "lint/schema"),
    ("values.yaml: unable to parse YAML", "lint/values"),
    ("values.yaml: ", "lint/schema"),
    ("failed to strictly parse", "lint/chart-yaml-strict"),
    ("is not a valid SemVerV2", "lint/version-strict"),
    ("Chart.yaml: unable to parse YAML", "lint/chart-yaml"),
    ("chart name \"", "lint/name"),
    ("Chart.yaml: name is required", "lint/name"),
    ("Chart.yaml: version", "lint/version"),
    ("appVersion should be", "lint/app-version"),
    ("Chart.yaml: apiVersion", "lint/api-version"),
    ("maintainer", "lint/maintainer"),
    ("invalid source URL", "lint/source"),
    ("invalid icon URL", "lint/icon"),
    ("chart type is not valid", "lint/type"),
    ("dependencies are not valid in the Chart file", "lint/dependencies-v1"),
    ("validation: ", "lint/load"),
    ("error unpacking subchart", "lint/load"),
    ("double-star", "lint/load"),
    ("templates/: Chart.yaml file is missing", "lint/load"),
    ("templates/: syntax error in pattern", "lint/load"),
    ("directory does not exist", "lint/templates-missing"),
    ("file extension", "lint/template-extension"),
    ("crd-install hook", "lint/crd-hook"),
    (".Release.Time", "lint/release-time"),
    ("illegal indent", "lint/indent"),
    ("] crds/", "lint/crd"),
    ("unable to parse YAML", "lint/yaml"),
    ("object name does not conform", "lint/object-name"),
    ("is deprecated in", "lint/deprecated-api"),
    ("must contain matchLabels", "lint/selector"),
    ("within List objects", "lint/list-annotation"),
    ("chart metadata is missing these", "lint/dependency-undeclared"),
    ("chart directory is missing these", "lint/dependency-missing"),
    ("templates/: ", "lint/render"),
];

/// Helm 3 crashes on a maintainer that is null; such a chart fails in both.
const CRASH: &str = "panic: ";

type Verdict = (bool, BTreeSet<(Severity, &'static str)>);

#[test]
fn charts_are_linted_as_helm_3_lints_them() {
    check(Helm::Three, HelmVersion::Three);
}

#[test]
fn charts_are_linted_as_helm_4_lints_them() {
    check(Helm::Four, HelmVersion::Four);
}

/// Charts that were written for something else: most are in order, some can't be loaded or rendered.
#[test]
fn charts_of_other_themes_get_the_verdict_of_helm_3() {
    for (theme, least) in [("render", 70), ("package", 20), ("install", 5)] {
        let mut cases = corpus::read(theme, least);
        // Options that `helm lint` has not.
        let only = ["--set", "--values", "--namespace", "--kube-version"];
        cases.retain(|case| {
            case.args().iter().all(|arg| !arg.starts_with('-') || only.contains(arg))
        });
        assert!(cases.len() >= least, "{theme}: only {} charts are left", cases.len());
        // What we refuse and Helm does not, and a folder of templates that is a file.
        let stricter =
            |name: &str| name.starts_with("package/stricter-") || name == "package/templates-file";
        cases.retain(|case| !stricter(&case.name));
        let results = each(&cases, |case| compare(case, Helm::Three, HelmVersion::Three).0);
        expect_none(&results.into_iter().flatten().collect::<Vec<_>>());
    }
}

fn check(helm: Helm, version: HelmVersion) {
    let cases = corpus::read("lint", 120);
    let results = each(&cases, |case| compare(case, helm, version));
    let (complaints, seen): (Vec<_>, Vec<_>) = results.into_iter().unzip();
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
    // Every rule that speaks in this version is broken by a chart of the corpus.
    let seen: BTreeSet<&str> = seen.into_iter().flatten().collect();
    let other = match version {
        HelmVersion::Three => {
            &["lint/version-strict", "lint/chart-yaml-strict", "lint/crd", "lint/templates-missing"]
                [..]
        }
        HelmVersion::Four => &["lint/crd-hook", "lint/release-time"],
    };
    let unseen = LINT_RULES.iter().map(|(rule, ..)| *rule);
    let unseen: Vec<_> = unseen.filter(|it| !seen.contains(it) && !other.contains(it)).collect();
    assert_eq!(unseen, Vec::<&str>::new(), "rules that no chart breaks");
}

fn compare(case: &Case, helm: Helm, version: HelmVersion) -> (Option<String>, Vec<&'static str>) {
    let dir = tempfile::tempdir().unwrap();
    case.write(dir.path());
    let mut args = vec!["lint", "c"];
    if case.setting("values.yaml").is_some() {
        args.extend(["--values", "values.yaml"]);
    }
    args.extend(case.args());
    let done = helm.run(dir.path(), &args);
    let said = done.stdout + &done.stderr;
    let ours = ours(case, &dir.path().join("c"), version);
    let rules = ours.1.iter().map(|(_, rule)| *rule).collect();
    let name = &case.name;
    if said.contains(CRASH) {
        let wrong = ours.0.then(|| format!("{name}: Helm crashes, we find nothing"));
        return (wrong, rules);
    }
    let theirs = (done.ok, theirs(&said));
    let wrong =
        (ours != theirs).then(|| format!("{name}: ours {ours:?}\ntheirs {theirs:?}\n{said}"));
    (wrong, rules)
}

fn theirs(said: &str) -> BTreeSet<(Severity, &'static str)> {
    let tags = [
        ("[ERROR] ", Severity::Error),
        ("[WARNING] ", Severity::Warning),
        ("[INFO] ", Severity::Hint),
    ];
    let message = |line: &str| {
        let (_, severity) = tags.iter().find(|(tag, _)| line.starts_with(tag))?;
        let known = MESSAGES.iter().find(|(part, _)| line.contains(part));
        let (_, rule) = known.unwrap_or_else(|| panic!("no rule for {line}"));
        Some((*severity, *rule))
    };
    said.lines().filter_map(message).collect()
}

fn ours(case: &Case, dir: &std::path::Path, helm: HelmVersion) -> Verdict {
    let args = case.args();
    let after = |option: &str| {
        let at = args.iter().position(|arg| *arg == option)?;
        args.get(at + 1).map(|value| (*value).to_owned())
    };
    let mut options = LintOptions::of(helm);
    if let Some(text) = case.setting("values.yaml") {
        options.values = yaml::parse(text, "values.yaml").unwrap();
    }
    options.kube_version = after("--kube-version").unwrap_or(options.kube_version);
    options.namespace = after("--namespace").unwrap_or(options.namespace);
    let limit = if args.contains(&"--strict") { Severity::Warning } else { Severity::Error };
    let findings = lint(&LintSubject::folder(dir).unwrap(), &options);
    let ok = findings.iter().all(|finding| finding.severity < limit);
    let known = |rule: &str| {
        let known = LINT_RULES.iter().find(|(id, ..)| *id == rule);
        known.unwrap_or_else(|| panic!("{rule} is in no table")).0
    };
    (ok, findings.iter().map(|finding| (finding.severity, known(&finding.rule))).collect())
}
