//! What Helm's linter says of a chart.
//!
//! The rules and their severities are those of `helm lint`, so that a chart passes here exactly
//! when it passes there; the words are ours, and findings say where. As Helm does, the linter
//! stops looking at templates at the first one that gives no YAML.

mod chart_yaml;
mod crds;
mod dependencies;
mod deprecated;
mod subject;
mod templates;
mod values;
mod web;

use edk_model::{Finding, Severity};
use serde_json::Value;
pub use subject::LintSubject;

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HelmVersion {
    /// Those of Helm 3.17, which Kaapana ships.
    #[default]
    Three,
    /// Those of Helm 4.1.
    Four,
}

/// How a chart is linted.
#[derive(Debug, Clone)]
pub struct LintOptions {
    /// Whose rules hold.
    pub helm: HelmVersion,
    /// Version of Kubernetes, which decides what is deprecated.
    pub kube_version: String,
    /// Namespace of the release that templates see.
    pub namespace: String,
    /// Values of the user.
    pub values: Value,
    /// The files of those values, the weakest first: name and text.
    pub texts: Vec<(String, String)>,
}

impl Default for LintOptions {
    /// Returns what `helm lint` of Helm 3.17 takes without options.
    fn default() -> Self {
        Self::of(HelmVersion::Three)
    }
}

impl LintOptions {
    /// Returns what `helm lint` takes without options.
    pub fn of(helm: HelmVersion) -> Self {
        let kube_version = match helm {
            HelmVersion::Three => crate::Capabilities::default().kube_version,
            HelmVersion::Four => "v1.35.0".to_owned(),
        };
        Self {
            helm,
            kube_version,
            namespace: "default".to_owned(),
            values: Value::Object(serde_json::Map::new()),
            texts: Vec::new(),
        }
    }
}

/// A rule: its id, how bad it is to break it, and what it asks.
pub type LintRule = (&'static str, Severity, &'static str);

/// All rules of the linter.
pub const LINT_RULES: &[LintRule] = &[
    ("lint/chart-yaml", Severity::Error, "Chart.yaml is YAML with fields of the right types"),
    ("lint/name", Severity::Error, "the chart has a name, which is no path"),
    ("lint/version", Severity::Error, "the version is a text and a semantic version above 0.0.0-0"),
    ("lint/version-strict", Severity::Warning, "Helm 4: the version is a strict semantic version"),
    ("lint/chart-yaml-strict", Severity::Warning, "Helm 4: Chart.yaml has known keys, each once"),
    ("lint/app-version", Severity::Error, "the appVersion is a text"),
    ("lint/api-version", Severity::Error, "the apiVersion is v1 or v2"),
    ("lint/maintainer", Severity::Error, "maintainers have a name; their mail and page are some"),
    ("lint/source", Severity::Error, "sources are addresses"),
    ("lint/icon", Severity::Error, "the icon is an address"),
    ("lint/icon-missing", Severity::Hint, "the chart has an icon"),
    ("lint/type", Severity::Error, "only charts of apiVersion v2 have a type"),
    (
        "lint/dependencies-v1",
        Severity::Error,
        "only charts of v2 name what they need in Chart.yaml",
    ),
    ("lint/values-missing", Severity::Hint, "there is a values.yaml"),
    ("lint/values", Severity::Error, "values.yaml is YAML and a map"),
    ("lint/schema", Severity::Error, "the values are as their schemas want them"),
    ("lint/load", Severity::Error, "the chart can be loaded"),
    ("lint/templates-missing", Severity::Warning, "Helm 4: there is a folder of templates"),
    ("lint/render", Severity::Error, "the templates can be rendered"),
    ("lint/template-extension", Severity::Error, "templates end in .yaml, .yml, .tpl or .txt"),
    ("lint/crd-hook", Severity::Warning, "no hook is a crd-install, which Helm 3 does not know"),
    ("lint/release-time", Severity::Error, "no template uses .Release.Time, which is gone"),
    ("lint/indent", Severity::Warning, "no document starts with blanks"),
    ("lint/yaml", Severity::Error, "templates render to YAML, each document a map"),
    ("lint/object-name", Severity::Warning, "names are as Kubernetes takes them"),
    ("lint/deprecated-api", Severity::Warning, "no object is of a deprecated API"),
    ("lint/selector", Severity::Error, "workloads have matchLabels or matchExpressions"),
    ("lint/list-annotation", Severity::Error, "no object in a List has a resource-policy"),
    ("lint/dependency-undeclared", Severity::Error, "every chart in charts/ is declared"),
    ("lint/dependency-missing", Severity::Warning, "every declared chart is in charts/"),
    ("lint/crd", Severity::Error, "Helm 4: files in crds/ are definitions of resources"),
];

/// Returns what is wrong with a chart, in the order of Helm's report.
pub fn lint(subject: &LintSubject, options: &LintOptions) -> Vec<Finding> {
    let mut report = Report { subject, findings: Vec::new() };
    chart_yaml::check(&mut report, options);
    values::check(&mut report, options);
    templates::check(&mut report, options);
    if options.helm == HelmVersion::Four {
        crds::check(&mut report);
    }
    dependencies::check(&mut report);
    report.findings
}

/// The findings so far.
struct Report<'a> {
    subject: &'a LintSubject,
    findings: Vec<Finding>,
}

impl Report<'_> {
    /// Adds a finding of a rule of the table, in a file of the chart.
    fn add(&mut self, rule: &str, file: &str, message: impl Into<String>) {
        let finding = found(rule, message).in_file(self.subject.path_of(file));
        self.findings.push(finding);
    }

    /// The same, at a line, when it is known.
    fn add_at(&mut self, rule: &str, file: &str, line: Option<usize>, message: impl Into<String>) {
        let finding = found(rule, message).in_file(self.subject.path_of(file));
        self.findings.push(match line {
            Some(line) => finding.at(line, 1),
            None => finding,
        });
    }

    /// Adds what to do about the last finding.
    fn fix(&mut self, fix: &str) {
        if let Some(finding) = self.findings.pop() {
            self.findings.push(finding.fix(fix));
        }
    }
}

/// Returns a finding as bad as the table has it.
fn found(rule: &str, message: impl Into<String>) -> Finding {
    let known = LINT_RULES.iter().find(|(id, ..)| *id == rule);
    let mut finding = Finding::error(rule, message);
    finding.severity = known.map_or(Severity::Error, |(_, severity, _)| *severity);
    finding
}
