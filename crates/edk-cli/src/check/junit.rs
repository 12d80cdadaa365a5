//! JUnit XML: each file is a suite, each finding a test that failed; a file without findings is not
//! named, and a check without findings is one test that passed.

use std::{collections::BTreeMap, fmt::Write as _};

use edk_api::CheckOutcome;
use edk_model::{Finding, Severity};

use super::sarif::sentence;

pub(super) fn report(outcome: &CheckOutcome) -> String {
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &outcome.findings {
        files.entry(finding.file.as_deref().unwrap_or(".")).or_default().push(finding);
    }
    let failures = failing(&outcome.findings.iter().collect::<Vec<_>>());
    let tests = outcome.findings.len().max(1);
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    // Writing to a string can't fail.
    let _ =
        writeln!(text, "<testsuites name=\"edk check\" tests=\"{tests}\" failures=\"{failures}\">");
    if files.is_empty() {
        text.push_str("  <testsuite name=\".\" tests=\"1\" failures=\"0\"><testcase classname=\"edk.check\" name=\"all rules\"/></testsuite>\n");
    }
    for (file, findings) in files {
        let (file, tests, failures) = (escaped(file), findings.len(), failing(&findings));
        let _ = writeln!(
            text,
            "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\">"
        );
        for finding in findings {
            let _ = writeln!(text, "    {}", case(&file, finding));
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>");
    text
}

fn failing(findings: &[&Finding]) -> usize {
    findings.iter().filter(|it| it.severity != Severity::Hint).count()
}

fn case(file: &str, finding: &Finding) -> String {
    let line = finding.span.map(|it| format!(" line=\"{}\"", it.line)).unwrap_or_default();
    let name = escaped(&format!("{}: {}", finding.rule, finding.message));
    let head = format!(
        "<testcase classname=\"edk.check.{}\" name=\"{name}\" file=\"{file}\"{line}",
        finding.rule
    );
    let (message, more) = (escaped(&finding.message), escaped(&sentence(finding)));
    match finding.severity {
        // A hint is no failure; it is told all the same.
        Severity::Hint => format!("{head}><system-out>{more}</system-out></testcase>"),
        severity => {
            let kind = if severity == Severity::Error { "error" } else { "warning" };
            format!(
                "{head}><failure type=\"{kind}\" message=\"{message}\">{more}</failure></testcase>"
            )
        }
    }
}

/// A text in XML 1.0; control characters can't stand in it and become `?`.
fn escaped(text: &str) -> String {
    let letter = |it: char| match it {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\t' => it.to_string(),
        it if it.is_control() || matches!(it, '\u{fffe}' | '\u{ffff}') => "?".to_owned(),
        it => it.to_string(),
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_xml_is_escaped() {
        assert_eq!(escaped("a<b & \"c\"\u{1}\n"), "a&lt;b &amp; &quot;c&quot;?\n");
    }
}
