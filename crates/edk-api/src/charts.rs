//! Charts, and what they render to, in words.

use edk_engine::{
    ChartDiffed, ChartLinted, ChartPreflighted, ChartRendered, ChartShown, DependencyView,
    ParameterView,
};
use edk_model::{Finding, Severity};
use serde_json::Value;

use crate::text::size;

/// The documents as Helm prints them, so that other programs can read them.
pub(crate) fn rendered(rendered: &ChartRendered) -> Vec<String> {
    text_lines(&rendered.text)
}

/// The unified form, which other programs read, and a summary above it.
pub(crate) fn diffed(diffed: &ChartDiffed) -> Vec<String> {
    let (from, to) = (&diffed.from, &diffed.to);
    if diffed.objects.is_empty() {
        return vec![format!("{from} and {to} render to the same")];
    }
    let mut lines = vec![format!("# {from} -> {to}")];
    for object in &diffed.objects {
        let (kind, name) = (&object.kind, &object.name);
        let change = format!("{:?}", object.change).to_lowercase();
        lines.push(format!("# {change}: {kind} {name}"));
        lines.extend(object.paths.iter().map(|it| {
            let shown = |value: &Option<Value>| {
                value.as_ref().map_or("nothing".to_owned(), Value::to_string)
            };
            format!("#   {}: {} -> {}", it.path, shown(&it.from), shown(&it.to))
        }));
    }
    lines.extend(diffed.objects.iter().flat_map(|object| text_lines(&object.text)));
    lines
}

pub(crate) fn linted(linted: &ChartLinted) -> Vec<String> {
    let mut lines: Vec<String> = linted.findings.iter().flat_map(finding).collect();
    let verdict = if linted.passed { "passes" } else { "does not pass" };
    lines.push(format!("{} {verdict}", linted.chart));
    lines
}

pub(crate) fn preflighted(outcome: &ChartPreflighted) -> Vec<String> {
    let mut lines = Vec::new();
    for view in &outcome.findings {
        lines.extend(view.class.map(|class| format!("{}:", class.words())));
        lines.extend(finding(&view.finding));
    }
    let verdict = if outcome.passed { "can be delivered to" } else { "must not be delivered to" };
    lines.push(format!("{} {verdict} a platform {}", outcome.chart, outcome.platform));
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
        let effects = shown.effects.iter().flat_map(finding);
        parts.push(("parameters", all.iter().flat_map(parameter).chain(effects).collect()));
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

fn parameter(view: &ParameterView) -> Vec<String> {
    let it = &view.parameter;
    let kind = it.kind.and_then(|kind| serde_json::to_value(kind).ok());
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or("unknown type");
    let choices = match it.choices.as_slice() {
        [] => String::new(),
        choices => format!(" [{}]", choices.join(", ")),
    };
    let mut lines = vec![format!("{}  {kind}{choices}  {}", it.key, it.definition)];
    let arrives = view.arrives.as_ref().map_or("nothing".to_owned(), Value::to_string);
    lines.extend(view.sent.as_ref().map(|sent| format!("  {sent} arrives as {arrives}")));
    lines
}
