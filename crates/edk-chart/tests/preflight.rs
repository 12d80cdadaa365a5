//! The rules of the preflight: each is broken by one chart and kept by another, and the page says
//! what the rules say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, path::Path};

use edk_chart::{
    Chart, File,
    platform::{
        Class, PREFLIGHT_RULES, Platform, Preflight, preflight, preflight_archive, preflight_page,
        rule,
    },
};
use edk_model::{Finding, Severity};

const META: &str = "apiVersion: v1\nname: my-chart\nversion: 0.1.0\ndescription: Words.\n\
                    keywords: [kaapanaapplication]\n";
const VALUES: &str = "global: {}\n";
const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-config\n  \
                      namespace: {{ .Values.global.services_namespace }}\n";

/// What is different from a good chart.
#[derive(Clone, Copy)]
struct Case {
    rule: &'static str,
    meta: &'static str,
    values: Option<&'static str>,
    /// A second template.
    template: &'static str,
    /// Whether the first template is left out.
    alone: bool,
}

const GOOD: Case = Case { rule: "", meta: META, values: Some(VALUES), template: "", alone: false };

const fn meta(rule: &'static str, meta: &'static str) -> Case {
    Case { rule, meta, ..GOOD }
}

const fn values(rule: &'static str, values: &'static str) -> Case {
    Case { rule, values: Some(values), ..GOOD }
}

const fn template(rule: &'static str, template: &'static str) -> Case {
    Case { rule, template, ..GOOD }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: services}\n\
    spec:\n  selector: {matchLabels: {app.kubernetes.io/name: d}}\n  template:\n    metadata: {labels: {app.kubernetes.io/name: d}}\n    \
    spec:\n      containers:\n      - name: c\n        image: i\n";

/// One chart for each rule; what holds of files and lists has tests of its own below.
const CASES: &[Case] = &[
    meta(
        "platform/chart-name",
        "name: My_Chart\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow]\n",
    ),
    meta(
        "platform/version",
        "name: a\nversion: '1.2'\ndescription: W.\nkeywords: [kaapanaworkflow]\n",
    ),
    meta(
        "platform/version-plain",
        "name: a\nversion: 0.1.0-rc.1\ndescription: W.\nkeywords: [kaapanaworkflow]\n",
    ),
    meta("platform/description", "name: a\nversion: 0.1.0\nkeywords: [kaapanaworkflow]\n"),
    meta(
        "platform/keywords",
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow-v2]\n",
    ),
    meta(
        "platform/keyword-label",
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow, two words]\n",
    ),
    meta(
        "platform/experimental",
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow, kaapanaexperimental]\n",
    ),
    meta(
        "platform/launch-name",
        "name: a-name-that-is-longer-than-thirty-two\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow, kaapanamultiinstallable]\n",
    ),
    meta(
        "platform/launch-twice",
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow, kaapanamultiinstallable]\n",
    ),
    Case { rule: "platform/global", values: None, ..GOOD },
    values("platform/global", ""),
    values("platform/global", "a: 1\n"),
    values("platform/global", "global:\n"),
    values("platform/parameters-shape", "global: {}\nextension_params:\n"),
    values("platform/parameters-shape", "global: {}\nextension_params: []\n"),
    values("platform/parameters-shape", "global: {}\nextension_params: {a: b}\n"),
    values(
        "platform/parameter-shadowed",
        "global: {a: x}\nextension_params: {a: {type: string, default: w}}\n",
    ),
    values(
        "platform/parameter-type",
        "global: {}\nextension_params: {a: {type: number, default: 1}}\n",
    ),
    values(
        "platform/parameter-default",
        "global: {}\nextension_params: {a: {type: list_single, default: z, value: [x]}}\n",
    ),
    values(
        "platform/parameter-empty",
        "global: {}\nextension_params: {a: {type: string, default: ''}}\n",
    ),
    values(
        "platform/parameter-namespace",
        "global: {}\nextension_params: {helm_namespace: {type: string, default: x}}\n",
    ),
    values(
        "platform/parameter-key",
        "global: {}\nextension_params: {'a;b': {type: string, default: x}}\n",
    ),
    values(
        "platform/parameter-dots",
        "global: {}\nextension_params: {a.b: {type: string, default: x}}\n",
    ),
    values(
        "platform/parameter-unsendable",
        "global: {}\nextension_params: {a: {type: number, default: {x: 1}}}\n",
    ),
    values(
        "platform/parameter-dropped",
        "global: {}\nextension_params: {a: {type: string, default: x & y}}\n",
    ),
    values(
        "platform/parameter-changed",
        "global: {}\nextension_params: {a: {type: string, default: two words}}\n",
    ),
    values(
        "platform/parameter-global",
        "global: {}\nextension_params: {hostname: {type: string, default: x}}\n",
    ),
    values("platform/global-changed", "global: {title: two words}\n"),
    template("platform/render", "a: {{ required \"say a\" .Values.global.a }}\n"),
    template("platform/render", "a: {{ .Values.global.a.b }}\n"),
    Case { rule: "platform/no-object", alone: true, ..GOOD },
    Case {
        rule: "platform/no-object",
        template: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h, namespace: services, annotations: {helm.sh/hook: pre-install}}\n",
        alone: true,
        ..GOOD
    },
    template(
        "platform/object",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: services}\ndata: {a: 1}\n",
    ),
    template(
        "platform/object-twice",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: my-config, namespace: services}\n",
    ),
    template(
        "platform/kind",
        "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: b, namespace: services}\n",
    ),
    template(
        "platform/admin-namespace",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: \"{{ .Values.global.admin_namespace }}\"}\n",
    ),
    template(
        "platform/admin-hook",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: admin, annotations: {helm.sh/hook: pre-install}}\n",
    ),
    template("platform/no-namespace", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
    template(
        "platform/status-label",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: services}\nspec:\n  selector: {matchLabels: {a: d}}\n  template:\n    metadata: {labels: {a: d}}\n    spec: {containers: [{name: c, image: i}]}\n",
    ),
    template(
        "platform/pull-always",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: services}\nspec: {containers: [{name: c, image: i, imagePullPolicy: Always}]}\n",
    ),
    template(
        "platform/privileged",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: services}\nspec: {containers: [{name: c, image: i, securityContext: {privileged: true}}]}\n",
    ),
];

/// Rules of files, archives and lists, which have tests of their own.
const OTHERS: [&str; 5] = [
    "platform/file-name",
    "platform/archive",
    "platform/requirements-v2",
    "platform/version-comparable",
    "platform/notes",
];

impl Case {
    fn chart(&self) -> Chart {
        let mut files = vec![file("Chart.yaml", self.meta)];
        files.extend(self.values.map(|text| file("values.yaml", text)));
        if !self.alone {
            files.push(file("templates/a.yaml", OBJECT));
        }
        files.push(file("templates/b.yaml", self.template));
        Chart::from_files("c", files).unwrap()
    }
}

fn file(name: &str, text: &str) -> File {
    File { name: name.into(), data: text.into() }
}

fn rules(findings: &[Finding]) -> BTreeSet<&str> {
    findings.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn a_good_chart_breaks_no_rule_on_any_platform() {
    for platform in Platform::ALL {
        let about = Preflight { platform, ..Preflight::default() };
        assert_eq!(preflight(&GOOD.chart(), &about), [], "{platform}");
        // Except for the label, which has another name there.
        if platform > Platform::V0_4 {
            let chart = template("", DEPLOYMENT).chart();
            assert_eq!(preflight(&chart, &about), [], "{platform}");
        }
    }
}

#[test]
fn every_rule_is_broken_by_a_chart_of_its_own() {
    for case in CASES {
        let findings = preflight(&case.chart(), &Preflight::default());
        assert!(rules(&findings).contains(case.rule), "{}: {findings:#?}", case.rule);
        let known = findings.iter().find(|it| it.rule == case.rule).unwrap();
        let severity = rule(case.rule).unwrap().on(Platform::default());
        assert_eq!(Some(known.severity), severity, "{}", case.rule);
        // Nothing else is held against it that forbids the delivery.
        let twin = ["platform/parameter-type", "platform/no-object"];
        let errors = findings.iter().filter(|it| it.severity == Severity::Error);
        let others: Vec<_> =
            errors.filter(|it| it.rule != case.rule && !twin.contains(&it.rule.as_str())).collect();
        assert!(others.is_empty(), "{}: {others:#?}", case.rule);
    }
    let tested: BTreeSet<&str> = CASES.iter().map(|case| case.rule).chain(OTHERS).collect();
    let all: BTreeSet<&str> = PREFLIGHT_RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(tested, all);
}

#[test]
fn findings_stand_where_the_user_can_correct_them() {
    let place = |case: Case, expected: &str| {
        let findings = preflight(&case.chart(), &Preflight::default());
        let text = findings.iter().find(|it| it.rule == case.rule).unwrap().to_string();
        assert!(text.starts_with(expected), "{text}");
    };
    let shadowed = "global: {a: x}\nextension_params:\n  a: {type: string, default: w}\n";
    place(values("platform/parameter-shadowed", shadowed), "c/values.yaml:3:3: ");
    let text = "# x\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  \
                namespace: \"{{ .Values.global.admin_namespace }}\"\n";
    place(template("platform/admin-namespace", text), "c/templates/b.yaml:6:1: ");
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: services}\n\
                data:\n  port: {{ 1 }}\n";
    place(template("platform/object", text), "c/templates/b.yaml:5:1: `data.port` is the number 1");
    let label =
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords:\n- kaapanaworkflow\n- two words\n";
    place(meta("platform/keyword-label", label), "c/Chart.yaml:6:3: ");
    let version = "name: a\nversion: 0.1.0-rc.1\ndescription: W.\nkeywords: [kaapanaworkflow]\n";
    place(meta("platform/version-plain", version), "c/Chart.yaml:2:1: ");
    let none = "name: a\nversion: 0.1.0\nkeywords: [kaapanaworkflow]\n";
    place(meta("platform/description", none), "c/Chart.yaml:1:1: ");
    let text = "a: b\nc: {{ .Values.global.x.y }}\n";
    place(template("platform/render", text), "c/templates/b.yaml:2:");
}

#[test]
fn notes_that_are_no_yaml_are_told() {
    let check = |notes: &str, told: bool| {
        let mut chart = GOOD.chart();
        chart.templates.push(file("templates/NOTES.txt", notes));
        let findings = preflight(&chart, &Preflight::default());
        assert_eq!(rules(&findings).contains("platform/notes"), told, "{notes}");
    };
    check("- read: this\n", false);
    check("Look at: this: page\n", true);
    check("Thank you for installing.\n", true);
}

#[test]
fn a_version_is_held_against_those_that_are_listed() {
    let about =
        |listed: &str| Preflight { listed: vec![listed.to_owned()], ..Preflight::default() };
    assert_eq!(preflight(&GOOD.chart(), &about("0.0.9")), []);
    let findings = preflight(&GOOD.chart(), &about("0.1.x"));
    assert_eq!(rules(&findings), ["platform/version-comparable"].into());
}

#[test]
fn archives_are_looked_at_as_they_are() {
    let package = GOOD.chart().package().unwrap();
    let check = |bytes: &[u8], name: &str, platform: Platform, expected: &[(&str, Severity)]| {
        let about = Preflight { platform, ..Preflight::default() };
        let findings = preflight_archive(bytes, name, &about);
        let found: Vec<_> = findings.iter().map(|it| (it.rule.as_str(), it.severity)).collect();
        assert_eq!(found, expected, "{name} {findings:?}");
    };
    let newest = Platform::default();
    check(&package.bytes, "my-chart-0.1.0.tgz", newest, &[]);
    let name = [("platform/file-name", Severity::Error)];
    check(&package.bytes, "my-chart.tgz", newest, &name);
    check(&package.bytes, "my-chart-0.1.0.TGZ", newest, &name);
    check(b"no archive", "a-0.1.0.tgz", newest, &[("platform/archive", Severity::Error)]);
    // What Helm drops when it packages, but an archive made by hand has.
    let mut chart = meta("", "apiVersion: v2\nname: my-chart\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow]\n").chart();
    chart.files.push(file("requirements.yaml", "dependencies: []\n"));
    let bytes = chart.package().unwrap().bytes;
    for (platform, severity) in [
        (Platform::V0_4, Severity::Error),
        (Platform::V0_5_0, Severity::Error),
        (Platform::V0_5_1, Severity::Warning),
        (Platform::V0_6, Severity::Warning),
    ] {
        let expected = [("platform/requirements-v2", severity)];
        check(&bytes, "my-chart-0.1.0.tgz", platform, &expected);
    }
}

#[test]
fn rules_differ_between_platforms() {
    let errors = |case: Case, platform: Platform| {
        let about = Preflight { platform, ..Preflight::default() };
        preflight(&case.chart(), &about).len()
    };
    let keyword = meta(
        "",
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow, two words]\n",
    );
    assert_eq!((errors(keyword, Platform::V0_4), errors(keyword, Platform::V0_5_0)), (0, 1));
    let list = values("", "global: {a: [x]}\nextension_params: {a: {type: string, default: w}}\n");
    assert_eq!((errors(list, Platform::V0_4), errors(list, Platform::V0_6)), (0, 1));
    let label = template("", DEPLOYMENT);
    assert_eq!((errors(label, Platform::V0_4), errors(label, Platform::V0_5_0)), (1, 0));
}

#[test]
fn one_rule_may_be_forced_and_no_other() {
    let case = meta("", "name: a\nversion: 0.1.0\n");
    let severities = |forced: &[&str]| {
        let forced = forced.iter().map(|&it| it.to_owned()).collect();
        let about = Preflight { forced, ..Preflight::default() };
        let findings = preflight(&case.chart(), &about);
        findings.into_iter().map(|it| (it.rule, it.severity)).collect::<Vec<_>>()
    };
    let of = |one: Severity, other: Severity| {
        vec![("platform/description".to_owned(), one), ("platform/keywords".to_owned(), other)]
    };
    assert_eq!(severities(&[]), of(Severity::Error, Severity::Error));
    assert_eq!(severities(&["platform/keywords"]), of(Severity::Error, Severity::Warning));
    // What a shell would read stays an error.
    let bad = meta("", "name: a;b\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow]\n");
    let forced = vec!["platform/chart-name".to_owned()];
    let findings = preflight(&bad.chart(), &Preflight { forced, ..Preflight::default() });
    assert!(findings.iter().any(|it| it.severity == Severity::Error), "{findings:?}");
}

#[test]
fn the_page_says_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/preflight.md");
    if std::env::var_os("EDK_BLESS").is_some() {
        std::fs::write(&path, preflight_page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = "EDK_BLESS=1 cargo test -p edk-chart --test preflight makes docs/preflight.md anew";
    assert_eq!(written, preflight_page(), "{hint}");
    for class in [Class::Rejected, Class::BreaksList, Class::Invisible, Class::AdminNamespace] {
        assert!(PREFLIGHT_RULES.iter().any(|rule| rule.class == class), "{class:?}");
    }
}
