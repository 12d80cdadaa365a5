//! Charts, and what they render to, in words.

use edk_engine::{ChartLinted, ChartRendered, ChartShown, DependencyView};
use edk_model::{Finding, Severity};
use serde_json::Value;

use crate::text::size;

/// The documents as Helm prints them, so that other programs can read them.
pub(crate) fn rendered(rendered: &ChartRendered) -> Vec<String> {
    let mut lines = Vec::new();
    for manifest in &rendered.manifests {
        lines.push("---".to_owned());
        lines.push(format!("# Source: {}", manifest.source));
        lines.extend(manifest.text.lines().map(str::to_owned));
    }
    lines
}

pub(crate) fn linted(linted: &ChartLinted) -> Vec<String> {
    let mut lines: Vec<String> = linted.findings.iter().flat_map(finding).collect();
    let verdict = if linted.passed { "passes" } else { "does not pass" };
    lines.push(format!("{} {verdict}", linted.chart));
    lines
}

/// A finding with how bad it is, and what to do on a line of its own.
fn finding(finding: &Finding) -> Vec<String> {
    let severity = match finding.severity {
        Severity::Hint => "hint",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut lines = vec![format!("{severity:>7}  {finding}")];
    lines.extend(finding.fix.as_ref().map(|fix| format!("         {fix}")));
    lines
}

/// A part alone is shown as it is; several get headings.
pub(crate) fn shown(shown: &ChartShown) -> Vec<String> {
    let parts = parts(shown);
    if let [(_, lines)] = parts.as_slice() {
        return lines.clone();
    }
    let mut all = vec![format!("{} {}", shown.chart, shown.version)];
    for (title, lines) in parts {
        all.push(String::new());
        all.push(format!("{title}:"));
        if lines.is_empty() {
            all.push("  none".to_owned());
        }
        all.extend(lines.into_iter().map(|line| match line.is_empty() {
            true => line,
            false => format!("  {line}"),
        }));
    }
    all
}

fn parts(shown: &ChartShown) -> Vec<(&'static str, Vec<String>)> {
    let mut parts = Vec::new();
    if let Some(metadata) = &shown.metadata {
        let value = serde_json::to_value(metadata).unwrap_or_default();
        parts.push(("metadata", text_lines(&edk_engine::yaml_text(&value))));
    }
    if let Some(values) = &shown.values {
        let text = shown.values_text.clone();
        let text = text.unwrap_or_else(|| match values.as_object() {
            Some(map) if map.is_empty() => String::new(),
            _ => edk_engine::yaml_text(values),
        });
        parts.push(("values", text_lines(&text)));
    }
    if let Some(all) = &shown.dependencies {
        parts.push(("dependencies", all.iter().map(dependency).collect()));
    }
    if let Some(all) = &shown.templates {
        let line = |it: &edk_engine::ChartFileView| format!("{:>9}  {}", size(it.size), it.name);
        parts.push(("templates", all.iter().map(line).collect()));
    }
    if let Some(all) = &shown.parameters {
        parts.push(("parameters", all.iter().map(|(name, it)| parameter(name, it)).collect()));
    }
    if let Some(notes) = &shown.notes {
        parts.push(("notes", notes.as_deref().map(text_lines).unwrap_or_default()));
    }
    parts
}

fn text_lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn dependency(it: &DependencyView) -> String {
    let alias = it.alias.as_ref().map_or(String::new(), |alias| format!(" as {alias}"));
    let wanted = if it.wanted.is_empty() { "any version" } else { &it.wanted };
    let found = match (&it.version, &it.origin) {
        (Some(version), Some(origin)) => format!("{version} of {origin}"),
        _ => "not found".to_owned(),
    };
    format!("{}{alias}  {wanted}: {found}", it.name)
}

fn parameter(name: &str, it: &Value) -> String {
    let text = |key: &str| it.get(key).and_then(Value::as_str).unwrap_or_default();
    let default = it.get("default").map_or(String::new(), |value| format!(" = {value}"));
    format!("{name}  {}{default}  {}", text("type"), text("definition"))
}
