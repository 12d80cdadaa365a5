//! What Helm's linter, the schema of values and Kubernetes say of a chart: each once, and by one rule.
#![allow(clippy::unwrap_used, clippy::panic)]

use edk_archive::pack;
use edk_extension::check::{Example, File, Options, Report, Tree, check, example_project};
use edk_model::Monitor;

const MORE: &str = "notes-chart/templates/more.yaml";
const CHART: &str = "notes-chart/Chart.yaml";

fn project(files: &[(&str, &str)]) -> Tree {
    let base = example_project(&Example::application(&[]));
    files.iter().fold(base, |tree, (path, text)| tree.with(path, text.as_bytes()))
}

/// Rules with the places of their findings, errors and warnings.
fn told(report: &Report) -> Vec<String> {
    let place = |it: &edk_model::Finding| match it.span {
        Some(span) => format!("{} {}:{}", it.rule, span.line, span.column),
        None => it.rule.clone(),
    };
    report.findings.iter().filter(|it| it.severity > edk_model::Severity::Hint).map(place).collect()
}

#[track_caller]
fn expect(files: &[(&str, &str)], rules: &[&str]) {
    let report = check(&project(files), &Options::default());
    assert_eq!(told(&report), rules, "{:#?}", report.findings);
}

fn service(rest: &str) -> String {
    let head = "apiVersion: v1\nkind: Service\nmetadata:\n  namespace: {{ .Values.global.services_namespace }}\n";
    format!("{head}{rest}")
}

fn chart(rest: &str) -> String {
    let tree = project(&[]);
    format!("{}{rest}", tree.text(CHART).unwrap())
}

#[test]
fn a_chart_that_is_in_order_is_so_to_all_of_them() {
    expect(&[], &[]);
    let good = service(
        "  name: {{ .Release.Name }}-more\nspec:\n  ports: [{port: 80, targetPort: http}]\n",
    );
    expect(&[(MORE, &good)], &[]);
}

#[test]
fn what_the_linter_says_is_told_once() {
    expect(&[(CHART, &chart("maintainers: [{name: a, email: nobody}]\n"))], &["C44 13:1"]);
    expect(&[(CHART, &chart("icon: somewhere\n"))], &["C44 13:1"]);
    expect(&[(CHART, &chart("type: application\n"))], &["C44 13:1"]);
    let old = "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\n";
    expect(&[(MORE, old)], &["C44", "C46 2:1"]);
    expect(&[(MORE, "# {{ .Release.Time }}\n")], &["C44 1:1"]);
    expect(&[("notes-chart/templates/sub/more.json", "")], &["C44"]);
    // What the version is, is told by L03 alone.
    let chart = chart("");
    expect(&[(CHART, &chart.replace("version: \"0.1.0\"", "version: 1.5"))], &["L03 3:1"]);
}

#[test]
fn what_can_not_be_rendered_is_told_at_its_place_by_one_rule() {
    let fails = "a: b\nc: {{ .Values.x.y.z }}\n";
    expect(&[(MORE, fails)], &["C10 2:14"]);
    expect(&[(MORE, "a: {{ nothing }}\n")], &["C10 1:7"]);
    expect(&[(MORE, "a: [\n")], &["C11"]);
    let map = |rest: &str| service(rest).replace("Service", "ConfigMap");
    expect(&[(MORE, &map("  name: Ä{{ .Release.Name }}\n"))], &["C11 2:1"]);
    expect(&[(MORE, &map("  labels: {}\n"))], &["C11"]);
}

#[test]
fn what_the_schema_refuses_is_told_where_the_value_stands() {
    let schema = |text: &str| format!("{{\"properties\": {{\"global\": {{{text}}}}}}}");
    let path = "notes-chart/values.schema.json";
    let number = schema("\"properties\": {\"display_name\": {\"type\": \"number\"}}");
    expect(&[(path, &number)], &["C45 2:3"]);
    // What only the platform gives stands nowhere.
    expect(&[(path, &schema("\"additionalProperties\": false"))], &["C45 1:1"]);
    expect(&[(path, "{")], &["C45"]);
    expect(&[(path, &schema("\"required\": [\"display_name\"]"))], &[]);
}

#[test]
fn what_kubernetes_refuses_is_told_unless_somebody_else_may_take_it() {
    let wrong = service("  name: {{ .Release.Name }}-more\nspec:\n  ports:\n    - port: many\n");
    expect(&[(MORE, &wrong)], &["C46 8:1"]);
    let named = "metadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\n";
    let own = format!("apiVersion: example.org/v1\nkind: Thing\n{named}");
    expect(&[(MORE, &own)], &["C46 2:1"]);
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n";
    expect(&[(MORE, &own), ("notes-chart/crds/thing.yaml", crd)], &[]);
    // With a stand-in for a chart that nobody has, objects need not be what they will be.
    let needs = "dependencies: [{name: nowhere, version: 1.0.0}]\n";
    expect(&[(MORE, &wrong), ("notes-chart/requirements.yaml", needs)], &["C06 1:1"]);
}

#[test]
fn a_package_is_looked_at_as_its_folder_is() {
    let wrong = service("  name: {{ .Release.Name }}-more\nspec:\n  ports:\n    - port: many\n");
    let schema = "{\"properties\": {\"global\": {\"required\": [\"nickname\"]}}}";
    let files = [(MORE, wrong.as_str()), ("notes-chart/values.schema.json", schema)];
    let tree = project(&files);
    let files: Vec<(String, Vec<u8>, u32)> = tree
        .files()
        .filter(|it| it.path.starts_with("notes-chart/"))
        .map(|it| (it.path.clone(), it.data.to_vec(), 0o644))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes-chart-0.1.0.tgz");
    std::fs::write(&path, pack(&files).unwrap()).unwrap();
    let report = check(&Tree::open(&path, None).unwrap(), &Options::default());
    assert_eq!(told(&report), ["C45 1:1"], "{:#?}", report.findings);
    let tree = Tree::open(&path, None).unwrap().with("notes-chart/values.schema.json", b"{}");
    let report = check(&tree, &Options::default());
    assert_eq!(told(&report), ["C46 8:1"], "{:#?}", report.findings);
}

#[test]
fn findings_of_a_chart_go_when_it_is_mended() {
    let wrong = service("  name: {{ .Release.Name }}-more\nspec:\n  ports:\n    - port: many\n");
    let checker = edk_extension::check::Checker::default();
    let of =
        |tree: &Tree| told(&checker.check(tree, &Options::default(), &Monitor::silent()).unwrap());
    let (bad, good) = (project(&[(MORE, &wrong)]), project(&[]));
    assert_eq!((of(&good), of(&bad)), (vec![], vec!["C46 8:1".to_owned()]));
    assert_eq!((of(&bad), of(&good)), (vec!["C46 8:1".to_owned()], vec![]));
    let file = File::new(MORE, wrong.replace("many", "80").as_bytes());
    assert_eq!(of(&bad.with_file(file)), [] as [&str; 0]);
}
