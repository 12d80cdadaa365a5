//! What a check found, in words.

use std::fmt::Write as _;

use edk_engine::{CheckOutcome, check::severity};
use edk_model::{Finding, Severity};

/// The differences, the findings with their lines, and a sentence that counts them.
pub(crate) fn outcome(outcome: &CheckOutcome) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fixed in &outcome.fixed {
        lines.extend(fixed.diff.trim_end().lines().map(str::to_owned));
    }
    if !outcome.fixed.is_empty() {
        let (word, count) =
            (if outcome.written { "mended" } else { "would be mended" }, outcome.fixed.len());
        let files = if count == 1 { "file" } else { "files" };
        lines.push(format!("{count} {files} {word}"));
        lines.push(String::new());
    }
    for finding in &outcome.findings {
        lines.extend(in_words(finding).lines().map(str::to_owned));
        lines.push(String::new());
    }
    lines.push(summary(outcome));
    lines
}

fn summary(outcome: &CheckOutcome) -> String {
    let count = |severity| outcome.findings.iter().filter(|it| it.severity == severity).count();
    let words = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    };
    let (errors, warnings, hints) =
        (count(Severity::Error), count(Severity::Warning), count(Severity::Hint));
    let mut text = format!(
        "{}, {}, {}",
        words(errors, "error"),
        words(warnings, "warning"),
        words(hints, "hint")
    );
    let _ = write!(text, " in {}", words(outcome.files, "file"));
    if outcome.suppressed > 0 {
        let _ = write!(text, "; {} allowed in the files", outcome.suppressed);
    }
    let mendable = outcome.findings.iter().filter(|it| !it.edits.is_empty()).count();
    if mendable > 0 && outcome.fixed.is_empty() {
        let _ = write!(text, "; `--fix` mends {mendable} of them");
    }
    text
}

/// One finding: what, where, the line, why, and what to do.
fn in_words(finding: &Finding) -> String {
    let mut text =
        format!("{}[{}]: {}\n", severity(finding.severity), finding.rule, finding.message);
    // Writing to a string can't fail.
    if let Some(file) = &finding.file {
        let place =
            finding.span.map(|it| format!(":{}:{}", it.line, it.column)).unwrap_or_default();
        let _ = writeln!(text, "  --> {file}{place}");
    }
    if let (Some(span), Some(line)) = (finding.span, &finding.excerpt) {
        let number = span.line.to_string();
        let blank = " ".repeat(number.len());
        let line: String = line.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        let end = match finding.end {
            Some(end) if end.line == span.line => end.column,
            _ => line.trim_end().chars().count() + 1,
        };
        let shift = " ".repeat(span.column.saturating_sub(1));
        let marks = "^".repeat(end.saturating_sub(span.column).clamp(1, 200));
        let _ = writeln!(
            text,
            " {blank} |\n {number} | {}\n {blank} | {shift}{marks}",
            line.trim_end()
        );
    }
    if let Some(why) = &finding.why {
        let _ = writeln!(text, "  why: {why}");
    }
    if let Some(fix) = &finding.fix {
        let _ = writeln!(text, "  fix: {fix}");
    }
    text
}

#[cfg(test)]
mod tests {
    use edk_model::Span;

    use super::*;

    #[test]
    fn a_finding_is_shown_with_its_line() {
        let at = |column| Span { line: 12, column };
        let mut finding =
            Finding::error("D06", "it is not pinned").in_file("a/Dockerfile").over(at(6), at(19));
        finding.excerpt = Some("FROM python:latest".to_owned());
        finding.why = Some("it changes".to_owned());
        let expected = "error[D06]: it is not pinned\n  --> a/Dockerfile:12:6\n    |\n 12 | FROM python:latest\n    |      ^^^^^^^^^^^^^\n  why: it changes\n";
        assert_eq!(in_words(&finding), expected);
    }
}
