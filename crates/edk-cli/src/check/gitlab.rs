//! GitLab's code quality report (GitLab documentation, "Code Quality report format").

use edk_api::CheckOutcome;
use edk_model::{Digest, Severity};
use serde_json::{Value, json};

pub(super) fn report(outcome: &CheckOutcome) -> Value {
    let issue = |it: &edk_model::Finding| {
        let file = it.file.as_deref().unwrap_or(".");
        // The same finding on another line is the same finding.
        let mark = format!(
            "{}\n{file}\n{}\n{}",
            it.rule,
            it.message,
            it.excerpt.as_deref().unwrap_or_default()
        );
        let severity = match it.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Hint => "info",
        };
        json!({
            "description": it.message,
            "check_name": it.rule,
            "fingerprint": Digest::of(mark.as_bytes()).hex(),
            "severity": severity,
            "location": {"path": file, "lines": {"begin": it.span.map_or(1, |it| it.line)}},
        })
    };
    outcome.findings.iter().map(issue).collect()
}
