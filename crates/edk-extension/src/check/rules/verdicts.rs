//! What those say who would take a chart: Helm's linter, the schema of its values, Kubernetes.

use edk_chart::Refused;
use edk_model::{Finding, Severity::Error};

use super::render::{installed, owner};
use crate::check::{
    facts::chart::ChartFacts,
    model::Model,
    profile::Profile,
    rule::{Example, Finds, Rule},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "C44",
        severity: Error,
        title: "Helm's linter lets the chart pass",
        why: "Helm and its repositories refuse such a chart, or a later version of Kubernetes does; an error here is one of `helm lint` too",
        fix: "see the message",
        bad: Example::application(&[("notes-chart/templates/more.json", "{}\n")]),
        says: "a template can't end in `.json`",
        good: Example::application(&[("notes-chart/templates/more.tpl", "{}\n")]),
        check: linted,
    },
    Rule {
        id: "C45",
        severity: Error,
        title: "the values are as values.schema.json wants them",
        why: "Helm checks them together with those of the platform before it renders, and refuses the installation",
        fix: "correct the value, or the schema",
        bad: Example::application(&[(
            "notes-chart/values.schema.json",
            "{\"properties\": {\"global\": {\"properties\": {\"registry_url\": {\"type\": \"integer\"}}}}}\n",
        )]),
        says: "`global.registry_url`: \"registry.example/platform\" is not of type \"integer\" (values.schema.json of notes-chart)",
        good: Example::application(&[(
            "notes-chart/values.schema.json",
            "{\"properties\": {\"global\": {\"properties\": {\"registry_url\": {\"type\": \"string\"}}}}}\n",
        )]),
        check: values,
    },
    Rule {
        id: "C46",
        severity: Error,
        title: "objects have the fields and values that Kubernetes takes",
        why: "the cluster validates what a chart renders to at its upload, and refuses all of it for one unknown field or wrong value",
        fix: "correct the field in the template",
        bad: Example::application(&[(
            "notes-chart/templates/more.yaml",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  ports:\n    - port: 80\n      targetport: http\n",
        )]),
        says: "`spec.ports[0].targetport` is no field; did you mean `targetPort`?",
        good: Example::application(&[(
            "notes-chart/templates/more.yaml",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  ports:\n    - port: 80\n      targetPort: http\n",
        )]),
        check: objects,
    },
];

/// What the linter says and a rule here says as well, with more of its context: C11 what can't be read,
/// C03 that there are no values, C45 what the schema refuses, C10 what can't be rendered, C46 what is no
/// object, C06 what is missing. That there is no icon matters to nobody: a platform shows none.
const TOLD: [&str; 9] = [
    "lint/values-missing",
    "lint/values",
    "lint/schema",
    "lint/render",
    "lint/yaml",
    "lint/object-name",
    "lint/selector",
    "lint/dependency-missing",
    "lint/icon-missing",
];
/// What L02 and L03 say of the charts of extensions.
const NAMED: [&str; 2] = ["lint/name", "lint/version"];

fn linted(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in &m.charts {
        let named = chart.is_extension();
        for found in &rendered.lint {
            let rule = found.rule.as_str();
            // A chart without a name or version is refused as a whole, for that reason.
            let same = found.message.contains("no name") || found.message.contains("no version");
            let told = TOLD.contains(&rule)
                || named && (NAMED.contains(&rule) || rule == "lint/load" && same);
            if !told && let Some(file) = own_file(m, chart, found) {
                f.told(&file, found);
            }
        }
    }
}

fn values(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in &m.charts {
        for found in &rendered.schema {
            if let Some(file) = own_file(m, chart, found) {
                f.told(&file, found);
            }
        }
    }
}

fn objects(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in installed(m) {
        let crds = brings_kinds(chart);
        for (source, Refused { pointer, finding }) in &rendered.refused {
            let Some(file) = owner(m, chart, source) else { continue };
            // C11 is about names, and about what has no apiVersion or kind.
            let told = matches!(pointer.as_str(), "/metadata/name" | "/apiVersion")
                || pointer == "/metadata" && finding.message.ends_with("has no name")
                || pointer == "/kind" && (crds || finding.message.starts_with(' '));
            if !told {
                f.told(&file, finding);
            }
        }
    }
}

/// Says whether a chart may bring kinds of its own.
fn brings_kinds(chart: &ChartFacts) -> bool {
    let is_crd = |text: &str| text.contains("CustomResourceDefinition");
    chart.files.keys().any(|it| it.starts_with("crds/"))
        || chart.template_files().any(|(_, text)| is_crd(text))
}

/// The file of the tree that a finding is about, when it is the user's: not of a chart of the platform
/// that lies in a package. Of values that only the platform gives, it is the schema.
fn own_file(m: &Model<'_>, chart: &ChartFacts, found: &Finding) -> Option<String> {
    let file = found.file.as_deref()?;
    let inner = file.strip_prefix(chart.path("charts/").as_str());
    let inner = inner.and_then(|it| it.split('/').next());
    if inner.is_some_and(|it| Profile::has(&m.profile.charts, it) && m.chart(it).is_none()) {
        return None;
    }
    if m.tree.has(file) {
        return Some(file.to_owned());
    }
    let own = chart.path("values.schema.json");
    m.tree.get(&own).filter(|_| file == chart.path("values.yaml")).map(|_| own)
}
