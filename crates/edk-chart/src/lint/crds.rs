//! Helm 4: the files in `crds/`.

use serde_json::Value;

use super::Report;
use crate::yaml;

pub(super) fn check(report: &mut Report<'_>) {
    let Ok(chart) = report.subject.chart() else { return };
    let is_crd = |name: &str| {
        name.starts_with("crds/") && (name.ends_with(".yaml") || name.ends_with(".yml"))
    };
    for file in chart.files.iter().filter(|file| is_crd(&file.name)) {
        let text = String::from_utf8_lossy(&file.data);
        let objects = match yaml::parse_all(&text, &report.subject.path_of(&file.name)) {
            Ok(objects) => objects,
            Err(finding) => {
                let mut own = super::found("lint/crd", finding.message);
                (own.file, own.span) = (finding.file, finding.span);
                report.findings.push(own);
                return;
            }
        };
        for object in objects.iter().filter(|object| !object.is_null()) {
            one(report, &file.name, object);
        }
    }
}

fn one(report: &mut Report<'_>, file: &str, object: &Value) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    if !text("apiVersion").starts_with("apiextensions.k8s.io") {
        let message =
            format!("the apiVersion is `{}`, not apiextensions.k8s.io", text("apiVersion"));
        report.add("lint/crd", file, message);
    }
    if text("kind") != "CustomResourceDefinition" {
        let message = format!("the kind is `{}`, not CustomResourceDefinition", text("kind"));
        report.add("lint/crd", file, message);
    }
}
