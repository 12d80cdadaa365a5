//! `values.yaml` and its schema.

use serde_json::Value;

use super::{LintOptions, Report};
use crate::{Chart, File, Metadata, load::text_of, render, schema, yaml};

const FILE: &str = "values.yaml";

pub(super) fn check(report: &mut Report<'_>, options: &LintOptions) {
    let Some(text) = report.subject.values_yaml.clone() else {
        report.add("lint/values-missing", FILE, "there is no values.yaml");
        return;
    };
    let name = report.subject.path_of(FILE);
    let parsed = text_of(&text, &name).and_then(|text| yaml::parse(text, &name));
    let values = match parsed {
        Ok(values @ (Value::Object(_) | Value::Null)) => values,
        Ok(_) => return report.add_at("lint/values", FILE, Some(1), "the values are not a map"),
        Err(finding) => {
            let mut own = super::found("lint/values", finding.message);
            (own.file, own.span) = (finding.file, finding.span);
            return report.findings.push(own);
        }
    };
    // The chart alone, without those in it: they are looked at with the templates.
    let chart = Chart {
        metadata: Metadata::default(),
        metadata_file: File { name: "Chart.yaml".to_owned(), data: Vec::new() },
        lock: None,
        values,
        values_file: Some(File { name: FILE.to_owned(), data: text }),
        schema: report.subject.schema.clone(),
        templates: Vec::new(),
        files: Vec::new(),
        subcharts: Vec::new(),
        origin: report.subject.path_of(""),
        folder: None,
    };
    // Of one chart alone, values can always be put together.
    let Ok((chart, values)) = render::seen(&chart, &options.values) else { return };
    let texts: Vec<_> = options.texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    for finding in schema::own(&chart, &values, &texts, "") {
        report.findings.push(edk_model::Finding { rule: "lint/schema".to_owned(), ..finding });
    }
}
