//! SARIF 2.1.0 (OASIS standard).

use edk_api::{CheckOutcome, check::rules};
use edk_model::{Finding, Severity};
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Returns the report: one run, the rules that were broken, and a result for each finding.
pub(super) fn report(outcome: &CheckOutcome) -> Value {
    let broken = rules::all().filter(|rule| outcome.findings.iter().any(|it| it.rule == rule.id));
    let described: Vec<Value> = broken
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.fix},
                "defaultConfiguration": {"level": level(rule.severity)},
            })
        })
        .collect();
    let results: Vec<Value> = outcome.findings.iter().map(result).collect();
    let driver = json!({
        "name": "edk check",
        "version": env!("CARGO_PKG_VERSION"),
        "informationUri": "https://github.com/kaapana/kaapana",
        "rules": described,
    });
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}]})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn result(finding: &Finding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": sentence(finding)},
    });
    if let Some(file) = &finding.file {
        let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
        if let Some(span) = finding.span {
            let mut region = json!({"startLine": span.line, "startColumn": span.column});
            if let Some(end) = finding.end {
                region["endLine"] = json!(end.line);
                region["endColumn"] = json!(end.column);
            }
            if let Some(line) = &finding.excerpt {
                region["snippet"] = json!({"text": line});
            }
            physical["region"] = region;
        }
        result["locations"] = json!([{"physicalLocation": physical}]);
    }
    if !finding.edits.is_empty() {
        result["fixes"] = json!([fix(finding)]);
    }
    result
}

fn fix(finding: &Finding) -> Value {
    let change = |edit: &edk_model::Edit| {
        json!({
            "artifactLocation": {"uri": uri(&edit.file)},
            "replacements": [{
                "deletedRegion": {
                    "startLine": edit.start.line, "startColumn": edit.start.column,
                    "endLine": edit.end.line, "endColumn": edit.end.column,
                },
                "insertedContent": {"text": edit.text},
            }],
        })
    };
    let changes: Vec<Value> = finding.edits.iter().map(change).collect();
    json!({"description": {"text": finding.fix.as_deref().unwrap_or_default()}, "artifactChanges": changes})
}

/// A finding in one text, for readers that show no more.
pub(super) fn sentence(finding: &Finding) -> String {
    let part = |word: &str, text: &Option<String>| {
        text.as_ref().map(|it| format!(". {word}: {it}")).unwrap_or_default()
    };
    format!("{}{}{}", finding.message, part("Why", &finding.why), part("Fix", &finding.fix))
}

/// A relative reference (RFC 3986): what has a meaning there is escaped.
fn uri(path: &str) -> String {
    let plain = |it: &u8| it.is_ascii_alphanumeric() || b"-._~/".contains(it);
    path.bytes()
        .map(|it| if plain(&it) { char::from(it).to_string() } else { format!("%{it:02X}") })
        .collect()
}
