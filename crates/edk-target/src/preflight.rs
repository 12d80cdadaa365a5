//! What must not be sent to a platform, and what would not arrive there as it was sent.
//!
//! A platform puts names into shell commands without quoting, takes its list down for all users
//! when it meets two versions it can't compare, and drops or changes parameter values. The rules of
//! charts and parameters are those of [`edk_chart::platform`]; here are those of files and releases.
//! Findings of severity error stop a call; warnings are for the user to judge.

pub use edk_chart::platform::{chart_file, check_names, comparable, join_choices, sent_parameters};
use edk_model::{Finding, Severity, names};

/// Checks that `file_name` is a bare name ending in `.tar` which a shell takes as one word.
///
/// # Errors
/// The finding, when it is not.
pub fn image_file(file_name: &str) -> Result<(), Box<Finding>> {
    let stem = file_name.strip_suffix(".tar").unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if stem.starts_with(|c: char| c.is_ascii_alphanumeric()) && stem.chars().all(word) {
        return Ok(());
    }
    let message = format!("`{file_name}` can't be the name of an image archive");
    let finding = Finding::error("target/image-file", message);
    Err(Box::new(finding.fix("use letters, digits and . _ - and the ending .tar")))
}

/// Checks that `release` can be the name of a release read from the list.
///
/// # Errors
/// The finding, when it is not.
pub fn release(release: &str) -> Result<(), Box<Finding>> {
    names::dns_label(release, names::MAX_CHART_NAME).map_err(|reason| {
        let message = format!("release name `{release}` {reason}");
        Box::new(Finding::error("target/release-name", message))
    })
}

/// Checks that `version`, read from the list, is one word for a shell; it may be empty.
///
/// # Errors
/// The finding, when it is not.
pub fn listed_version(version: &str) -> Result<(), Box<Finding>> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
    if version.chars().all(word) {
        return Ok(());
    }
    let message = format!("version `{version}` holds a character that no version has");
    Err(Box::new(Finding::error("target/chart-version", message)))
}

/// Says whether one of the findings forbids to send.
pub fn blocks(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_a_shell_takes_as_one_word_are_sent() {
        assert_eq!(chart_file("my-workflow-0.1.0.tgz"), Ok(("my-workflow", "0.1.0")));
        assert_eq!(chart_file("a-1-0.1.0-rc.1.tgz"), Ok(("a-1", "0.1.0-rc.1")));
        for bad in ["a.tgz", "a-0.1.0.TGZ", "a b-0.1.0.tgz", "a;b-0.1.0.tgz", "a-0.1.tgz"] {
            assert!(chart_file(bad).is_err(), "{bad}");
        }
        assert_eq!(image_file("delta_1.2.tar"), Ok(()));
        for bad in [".tar", "a.tgz", "../a.tar", "a&b.tar", "-a.tar", "a b.tar", "a/b.tar"] {
            assert!(image_file(bad).is_err(), "{bad}");
        }
        assert!(release("a; rm -rf /").is_err());
        assert_eq!(listed_version("0.1.0-rc.1+x"), Ok(()));
        assert!(listed_version("0.1.0 $(x)").is_err());
        assert_eq!(check_names("Bad_Name", "1.0").len(), 2);
    }

    #[test]
    fn several_choices_are_sent_as_one_text() {
        assert_eq!(join_choices(&["a".into(), "b".into()]), json!("a,b"));
    }

    proptest! {
        #[test]
        fn a_file_name_that_passes_holds_nothing_a_shell_acts_on(name in "[ -~]{0,20}") {
            let shell = |c: char| " ;&|$`<>(){}'\"\\*?#~=%!/".contains(c);
            for text in [format!("{name}.tar"), format!("{name}-0.1.0.tgz"), format!("a-{name}.tgz")] {
                if image_file(&text).is_ok() || chart_file(&text).is_ok() {
                    prop_assert!(!text.contains(shell), "{}", text);
                }
            }
        }

        #[test]
        fn plain_versions_can_always_be_compared(a in "[0-9]\\.[0-9]\\.[0-9]", b in "[0-9]\\.[0-9]\\.[0-9]") {
            prop_assert_eq!(comparable(&a, &[b]), Ok(()));
        }
    }
}
