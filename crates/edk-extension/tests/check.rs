//! The rules against their own examples, and the page that is made of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeSet, fs, path::Path};

use edk_extension::check::{
    Base, Example, Options, Report, Rule, Tree, check, example_project, example_target, fix, page,
    rules,
};
use edk_model::{Monitor, Severity};

fn options(example: &Example) -> Options {
    Options { target: example_target(example), ..Options::default() }
}

fn report(example: &Example) -> Report {
    check(&example_project(example), &options(example))
}

fn shown(report: &Report) -> String {
    report.findings.iter().map(|it| format!("  {it}\n")).collect()
}

/// Checks one rule against its examples; returns what is wrong with it.
fn judge(rule: &Rule) -> Vec<String> {
    let mut wrong = Vec::new();
    let bad = report(&rule.bad);
    let of_rule: Vec<_> = bad.findings.iter().filter(|it| it.rule == rule.id).collect();
    if !of_rule.iter().any(|it| it.message == rule.says) {
        wrong.push(format!("{} does not say `{}`:\n{}", rule.id, rule.says, shown(&bad)));
    }
    for finding in &of_rule {
        if finding.why.is_none() || finding.fix.is_none() {
            wrong.push(format!("{}: a finding without why and fix", rule.id));
        }
    }
    let good = report(&rule.good);
    if good.findings.iter().any(|it| it.rule == rule.id) {
        wrong.push(format!("{} finds something in its good example:\n{}", rule.id, shown(&good)));
    }
    // What can be mended is mended, and stays so.
    let edited: Vec<_> =
        of_rule.iter().filter(|it| !it.edits.is_empty()).map(|it| (*it).clone()).collect();
    if !edited.is_empty() {
        let tree = example_project(&rule.bad);
        let fixed = fix::plan(&tree, &edited);
        let mended = fix::applied(tree, &fixed);
        let again = check(&mended, &options(&rule.bad));
        let left = again
            .findings
            .iter()
            .filter(|it| it.rule == rule.id && edited.iter().any(|was| was.message == it.message));
        if left.count() > 0 || fixed.is_empty() {
            let diffs: String = fixed.iter().map(|it| it.diff.clone()).collect();
            wrong.push(format!("{} is not mended by\n{diffs}\n{}", rule.id, shown(&again)));
        }
        let errors = |report: &Report| {
            report.findings.iter().filter(|it| it.severity == Severity::Error).count()
        };
        if errors(&again) > errors(&bad) {
            wrong.push(format!("mending {} breaks something:\n{}", rule.id, shown(&again)));
        }
    }
    wrong
}

#[test]
fn every_rule_finds_its_bad_example_and_not_its_good_one_and_mends_it() {
    let wrong: Vec<String> = rules::all().flat_map(judge).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_projects_that_examples_differ_from_are_in_order() {
    for base in [Base::Workflow, Base::Application, Base::Tasks] {
        let report = report(&Example { base, files: &[] });
        // A workflow of the Task API can't be removed by anybody: that is always told. Its helpers
        // come with the platform only.
        let left: Vec<_> = report
            .findings
            .iter()
            .filter(|it| !(base == Base::Tasks && matches!(it.rule.as_str(), "T14" | "C06")))
            .collect();
        assert!(left.is_empty(), "{base:?}: {left:#?}");
        assert!(report.files > 5, "{base:?}");
    }
}

#[test]
fn ids_are_there_once_and_begin_with_their_family() {
    let mut seen = BTreeSet::new();
    for family in rules::FAMILIES {
        for rule in family.rules {
            assert!(seen.insert(rule.id), "{} is there twice", rule.id);
            assert!(rule.id.starts_with(family.letter), "{}", rule.id);
            assert!(!rule.says.is_empty() && !rule.why.ends_with('.'), "{}", rule.id);
        }
    }
    assert!(seen.len() > 120, "{}", seen.len());
    assert_eq!(rules::find("d06").unwrap().id, "D06");
}

#[test]
fn the_page_says_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check.md");
    let text = page::page();
    if std::env::var_os("EDK_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    let hint = "docs/check.md is not what the rules say; write it again: \
                EDK_BLESS=1 cargo test -p edk-extension --test check page";
    assert!(written == text, "{hint}");
}

#[test]
fn rules_are_chosen_by_id_and_family() {
    let example =
        Example::workflow(&[("processing-containers/lung-segment/Dockerfile", "FROM python\n")]);
    let found = |only: &[&str], allow: &[&str]| {
        let list = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        let options = Options { only: list(only), allow: list(allow), target: None };
        let report = check(&example_project(&example), &options);
        report.findings.into_iter().map(|it| it.rule).collect::<BTreeSet<_>>()
    };
    assert!(found(&[], &[]).len() > 2);
    assert_eq!(found(&["d02"], &[]), BTreeSet::from(["D02".to_owned()]));
    assert!(found(&["D"], &["D02"]).iter().all(|it| it.starts_with('D') && it != "D02"));
}

#[test]
fn what_a_file_allows_is_not_told_and_counted() {
    let example = Example::workflow(&[(
        "processing-containers/lung-segment/Dockerfile",
        "# edk: allow D06 no other tag is published\nFROM python:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
    )]);
    let report = report(&example);
    assert_eq!((report.findings.len(), report.suppressed), (0, 1), "{}", shown(&report));
}

#[test]
fn a_change_is_seen_and_the_rest_is_kept() {
    let example = Example::workflow(&[]);
    let checker = edk_extension::check::Checker::default();
    let findings = |tree: &Tree| {
        checker.check(tree, &Options::default(), &Monitor::silent()).unwrap().findings
    };
    let tree = example_project(&example);
    assert!(findings(&tree).is_empty());
    let path = "extension/docker/files/dag_lung.py";
    let text =
        tree.text(path).unwrap().replace("schedule_interval=None", "schedule_interval=\"@daily\"");
    let changed = findings(&tree.clone().with(path, text.as_bytes()));
    assert_eq!(changed.iter().map(|it| it.rule.as_str()).collect::<Vec<_>>(), ["P05"]);
    assert!(findings(&tree).is_empty());
}

#[test]
fn an_empty_tree_has_no_chart() {
    let report = check(&Tree::default(), &Options::default());
    let rules: Vec<_> = report.findings.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["L01"]);
}
