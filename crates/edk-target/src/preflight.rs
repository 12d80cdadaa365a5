//! What must not be sent to a platform, and what would not arrive there as it was sent.
//!
//! A platform puts names into shell commands without quoting, takes its list down for all users
//! when it meets two versions it can't compare, and drops or changes parameter values. Findings of
//! severity error stop a call; warnings are for the user to judge.

use edk_model::{Finding, Severity, names};
use serde_json::{Map, Value};

/// Characters which the platform escapes for HTML; the escape contains `;`, and a value with `;` is
/// dropped.
const DROPPED: [char; 6] = ['&', '<', '>', '"', '\'', ';'];

/// Checks the name and version of a chart before it is uploaded or installed.
pub fn chart(name: &str, version: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(reason) = names::dns_label(name, names::MAX_CHART_NAME) {
        let finding = Finding::error("target/chart-name", format!("chart name `{name}` {reason}"));
        findings.push(finding.fix("rename the chart"));
    }
    if let Err(reason) = names::plain_version(version) {
        let message = format!("chart version `{version}` {reason}");
        let finding = Finding::error("target/chart-version", message);
        findings.push(finding.fix("use a version such as 0.1.0"));
    }
    findings
}

/// Checks that `file_name` is `<name>-<version>.tgz`; returns name and version when it is.
///
/// # Errors
/// The finding, when it is not.
pub fn chart_file(file_name: &str) -> Result<(&str, &str), Box<Finding>> {
    let split = || {
        let (name, version) = file_name.strip_suffix(".tgz")?.rsplit_once('-')?;
        chart(name, version).is_empty().then_some((name, version))
    };
    split().ok_or_else(|| {
        let message = format!("`{file_name}` is not <name>-<version>.tgz of a plain version");
        let finding = Finding::error("target/chart-file", message);
        Box::new(finding.fix("package the chart again under its own name and version"))
    })
}

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

/// Checks that `version` can be sorted among the versions already `listed`.
///
/// A platform that meets two versions which it can't compare answers its list with an error for
/// every user, and no call can take one of the two away.
///
/// # Errors
/// The finding that names the first version which can't be compared.
pub fn comparable(version: &str, listed: &[String]) -> Result<(), Box<Finding>> {
    let parts = loose(version);
    let clash = |other: &&String| {
        parts.iter().zip(&loose(other)).find(|(a, b)| a != b).is_some_and(|(a, b)| {
            matches!(
                (a, b),
                (Loose::Number(_), Loose::Text(_)) | (Loose::Text(_), Loose::Number(_))
            )
        })
    };
    match listed.iter().find(clash) {
        None => Ok(()),
        Some(other) => {
            let message =
                format!("the platform can't compare version `{version}` with its `{other}`");
            let finding = Finding::error("target/incomparable-version", message);
            Err(Box::new(finding.fix("use a version of three plain numbers")))
        }
    }
}

/// One part of a version as the platform compares them: Python's LooseVersion.
#[derive(Debug, PartialEq, Eq)]
enum Loose {
    Number(u64),
    Text(String),
}

/// Splits into numbers, runs of lower-case letters and the rest; dots are dropped.
fn loose(version: &str) -> Vec<Loose> {
    let class = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut parts: Vec<(i32, String)> = Vec::new();
    for c in version.chars() {
        match parts.last_mut() {
            Some((last, text)) if *last == class(c) => text.push(c),
            _ => parts.push((class(c), c.to_string())),
        }
    }
    parts.retain(|(class, _)| *class != 2);
    let part = |(class, text): (i32, String)| match text.parse() {
        Ok(number) if class == 0 => Loose::Number(number),
        _ => Loose::Text(text),
    };
    parts.into_iter().map(part).collect()
}

/// Checks the values of extension parameters before an install.
pub fn params(params: &Map<String, Value>) -> Vec<Finding> {
    params.iter().flat_map(|(key, value)| param(key, value)).collect()
}

/// Says whether one of the findings forbids to send.
pub fn blocks(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn param(key: &str, value: &Value) -> Vec<Finding> {
    let mut findings: Vec<_> = param_key(key).into_iter().collect();
    findings.extend(match value {
        Value::Null => Some(Finding::error(
            "target/param-null",
            format!(
                "parameter `{key}` has no value; the platform would make the text `None` of it"
            ),
        )),
        Value::String(text) => param_text(key, text),
        Value::Array(items) => param_list(key, items),
        Value::Object(_) => Some(Finding::error(
            "target/param-object",
            format!("parameter `{key}` is a mapping, which the platform can't pass on"),
        )),
        Value::Number(number) if number.is_f64() => Some(Finding::warning(
            "target/param-number",
            format!("parameter `{key}` arrives as the text `{number}`, not as a number"),
        )),
        Value::Bool(_) | Value::Number(_) => None,
    });
    findings
}

fn param_key(key: &str) -> Option<Finding> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if key == "helm_namespace" {
        let message = "parameter `helm_namespace` would move the release to another namespace";
        return Some(Finding::error("target/param-key", message).fix("rename the parameter"));
    }
    if key.is_empty() || !key.chars().all(word) {
        let message = format!("parameter name `{key}` would be dropped, or run by a shell");
        let finding = Finding::error("target/param-key", message);
        return Some(finding.fix("use letters, digits and _"));
    }
    key.contains('.').then(|| {
        let message = format!("parameter `{key}` arrives as a mapping, one level for each dot");
        Finding::warning("target/param-key", message)
    })
}

fn param_text(key: &str, text: &str) -> Option<Finding> {
    let bad = |c: &char| DROPPED.contains(c);
    if let Some(bad) = text.chars().find(bad) {
        let message = format!("the value of `{key}` contains `{bad}`; the platform drops it whole");
        let finding = Finding::warning("target/param-dropped", message);
        return Some(finding.fix("encode the value, for example as base64"));
    }
    let lost = if text.contains(' ') {
        "spaces"
    } else if text.contains('\\') {
        "backslashes"
    } else {
        return None;
    };
    let message = format!("the value of `{key}` loses its {lost} on the platform");
    Some(Finding::warning("target/param-changed", message))
}

fn param_list(key: &str, items: &[Value]) -> Option<Finding> {
    if items.iter().any(|item| !item.is_string()) {
        let message = format!("the list `{key}` holds something else than texts; installing fails");
        return Some(Finding::error("target/param-list", message));
    }
    if items.is_empty() {
        let message = format!("the empty list `{key}` arrives as a list of one empty text");
        return Some(Finding::warning("target/param-list", message));
    }
    items.iter().filter_map(Value::as_str).find_map(|item| param_text(key, item))
}

/// Returns the choices of a `list_multi` parameter as the platform expects them: one text.
pub fn join_choices(choices: &[String]) -> Value {
    Value::String(choices.join(","))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_a_shell_takes_as_one_word_are_sent() {
        assert_eq!(chart_file("my-workflow-0.1.0.tgz"), Ok(("my-workflow", "0.1.0")));
        for bad in ["a.tgz", "a-0.1.0.TGZ", "a b-0.1.0.tgz", "a;b-0.1.0.tgz", "a-0.1.0-rc1.tgz"] {
            assert!(chart_file(bad).is_err(), "{bad}");
        }
        assert_eq!(image_file("delta_1.2.tar"), Ok(()));
        for bad in [".tar", "a.tgz", "../a.tar", "a&b.tar", "-a.tar", "a b.tar", "a/b.tar"] {
            assert!(image_file(bad).is_err(), "{bad}");
        }
        assert!(release("a; rm -rf /").is_err());
        assert_eq!(listed_version("0.1.0-rc.1+x"), Ok(()));
        assert!(listed_version("0.1.0 $(x)").is_err());
        assert_eq!(chart("Bad_Name", "1.0").len(), 2);
    }

    #[test]
    fn two_versions_that_would_take_the_list_down_are_told_apart() {
        let check = |version: &str, listed: &str, good: bool| {
            let listed = [listed.to_owned()];
            assert_eq!(comparable(version, &listed).is_ok(), good, "{version} {listed:?}");
        };
        check("0.1.0", "0.2.0", true);
        check("0.1.0", "0.1.0-alpha.1", true);
        check("0.1.0-1", "0.1.0-alpha.1", false);
        check("0.1.0", "03-22", true);
        check("0.1.1", "0.1.a", false);
        check("0.2.1", "0.1.a", true);
    }

    #[test]
    fn each_parameter_that_would_not_arrive_is_named() {
        let check = |key: &str, value: Value, rule: &str| {
            let findings = params(&Map::from_iter([(key.to_owned(), value.clone())]));
            let rules: Vec<_> = findings.iter().map(|finding| finding.rule.as_str()).collect();
            let expected: Vec<_> = Some(rule).filter(|rule| !rule.is_empty()).into_iter().collect();
            assert_eq!(rules, expected, "{key} = {value}");
        };
        for good in [json!("a,b"), json!("007"), json!(true), json!(7), json!(""), json!(["a"])] {
            check("key", good, "");
        }
        for text in ["a&b", "a<b", "a>b", "a\"b", "it's", "a;b"] {
            check("key", json!(text), "target/param-dropped");
        }
        check("key", json!("hello world"), "target/param-changed");
        check("key", json!("back\\slash"), "target/param-changed");
        check("key", json!(null), "target/param-null");
        check("key", json!([1]), "target/param-list");
        check("key", json!([]), "target/param-list");
        check("key", json!({}), "target/param-object");
        check("key", json!(1.5), "target/param-number");
        check("a.b", json!("x"), "target/param-key");
        check("helm_namespace", json!("x"), "target/param-key");
        check("a;b", json!("x"), "target/param-key");
    }

    #[test]
    fn several_choices_are_sent_as_one_text() {
        assert_eq!(join_choices(&["a".into(), "b".into()]), json!("a,b"));
    }

    proptest! {
        #[test]
        fn a_file_name_that_passes_holds_nothing_a_shell_acts_on(name in "[ -~]{0,20}") {
            let shell = |c: char| " ;&|$`<>(){}'\"\\*?#~=%!/".contains(c);
            for text in [format!("{name}.tar"), format!("{name}-0.1.0.tgz")] {
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
