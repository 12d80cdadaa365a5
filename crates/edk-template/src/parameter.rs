use edk_model::names;
use serde::{Deserialize, Serialize};

use crate::Answer;

/// One question of a template.
///
/// It serialises as it is written in `template.toml`, so that an interface can build a form of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Parameter {
    /// Name of the answer in the template's files.
    pub id: String,
    /// What kind of answer it takes.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What it is called in a form.
    pub label: String,
    /// What a user should know to answer.
    #[serde(default)]
    pub help: String,
    /// The answer if none is given; without a default an answer is required. A text may hold
    /// `{{ id }}` of questions asked earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub default: Option<Preset>,
    /// What there is to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub choices: Vec<String>,
    /// What a text must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub rule: Option<Rule>,
    /// The most characters a text may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub max: Option<usize>,
}

/// What kind of answer a [`Parameter`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Type {
    /// A text of one line.
    String,
    /// Yes or no, given as `true` or `false`.
    Bool,
    /// One of the choices.
    Choice,
    /// One or more of the choices, given with commas between them.
    MultiChoice,
}

/// What a text must look like. Rules have names, so that what is allowed is said in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Rule {
    /// A DNS label: the name of a chart, a DAG image or a Kubernetes object.
    DnsLabel,
    /// The name of an image, without registry and tag.
    ImageName,
    /// The id of a DAG.
    DagId,
    /// One line with something in it.
    Text,
    /// A version `MAJOR.MINOR.PATCH` of plain numbers.
    Version,
    /// A number greater than zero, such as `25` or `0.5`.
    Number,
}

/// The answer to a [`Parameter`] if none is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Preset {
    /// Yes or no.
    Bool(bool),
    /// A text or a choice; it may hold `{{ id }}`.
    Text(String),
    /// Choices.
    List(Vec<String>),
}

/// The longest text, unless the parameter says otherwise.
const MAX_TEXT: usize = 200;

impl Parameter {
    /// Returns the answer that `text` means.
    ///
    /// # Errors
    /// The end of a sentence that says why it is none.
    pub(crate) fn read(&self, text: &str) -> Result<Answer, String> {
        match self.kind {
            Type::String => self.check_text(text).map(|()| Answer::Text(text.to_owned())),
            Type::Bool => {
                text.parse().map(Answer::Bool).map_err(|_| "is neither true nor false".to_owned())
            }
            Type::Choice => self.check_choice(text).map(|()| Answer::Text(text.to_owned())),
            Type::MultiChoice => {
                let given: Vec<&str> =
                    text.split(',').map(str::trim).filter(|choice| !choice.is_empty()).collect();
                if given.is_empty() {
                    return Err(format!("chooses nothing of {}", self.choices.join(", ")));
                }
                given.iter().try_for_each(|choice| self.check_choice(choice))?;
                // In the order of the choices, once each: the same choice gives the same files.
                let chosen = self.choices.iter().filter(|known| given.contains(&known.as_str()));
                Ok(Answer::List(chosen.cloned().collect()))
            }
        }
    }

    fn check_choice(&self, choice: &str) -> Result<(), String> {
        if self.choices.iter().any(|known| known == choice) {
            return Ok(());
        }
        Err(format!("is not one of {}", self.choices.join(", ")))
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        let max = self.max.unwrap_or(MAX_TEXT);
        match self.rule.unwrap_or(Rule::Text) {
            Rule::DnsLabel => names::dns_label(text, max.min(63)),
            Rule::DagId => names::dns_label(text, max.min(names::MAX_DAG_ID)),
            Rule::ImageName => names::image_name(text).and_then(|()| check_length(text, max)),
            Rule::Version => names::plain_version(text),
            Rule::Number => check_number(text),
            Rule::Text => check_line(text).and_then(|()| check_length(text, max)),
        }
    }
}

fn check_length(text: &str, max: usize) -> Result<(), String> {
    let length = text.chars().count();
    if length <= max {
        return Ok(());
    }
    Err(format!("has {length} characters; at most {max} are allowed"))
}

fn check_line(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    // U+2028 and U+2029 end a line in JavaScript and in YAML 1.1.
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(ends) {
        return Err("contains a line break or a control character".to_owned());
    }
    Ok(())
}

fn check_number(text: &str) -> Result<(), String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let edges = text.starts_with('.') || text.ends_with('.');
    // Python takes no leading zero in a whole number.
    let padded = text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
    let positive = text.parse::<f64>().is_ok_and(|number| number > 0.0);
    if plain && !edges && !padded && positive && text.len() <= 12 {
        return Ok(());
    }
    Err("is not a number greater than zero, such as 25 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(kind: Type, rule: Option<Rule>, max: Option<usize>) -> Parameter {
        let (id, label, help) = ("x".to_owned(), "X".to_owned(), String::new());
        let choices = match kind {
            Type::Choice | Type::MultiChoice => vec!["a".to_owned(), "b".to_owned()],
            Type::String | Type::Bool => Vec::new(),
        };
        Parameter { id, kind, label, help, default: None, choices, rule, max }
    }

    fn check(rule: Rule, max: Option<usize>, good: &[&str], bad: &[&str]) {
        let parameter = parameter(Type::String, Some(rule), max);
        for text in good {
            assert_eq!(parameter.read(text), Ok(Answer::Text((*text).to_owned())), "{rule:?}");
        }
        for text in bad {
            assert!(parameter.read(text).is_err(), "{rule:?}: {text}");
        }
    }

    #[test]
    fn each_rule_takes_what_its_target_takes() {
        check(Rule::DnsLabel, Some(5), &["a", "a-1"], &["", "abcdef", "A", "a_b", "a.b"]);
        check(Rule::DagId, None, &[&"a".repeat(44)], &[&"a".repeat(45), "a_b"]);
        check(Rule::ImageName, Some(4), &["a.b", "a_b"], &["a/b", "a:1", "abcde", ""]);
        check(Rule::Version, None, &["0.1.0"], &["1", "v1.0.0", "1.0.0-rc1"]);
        check(Rule::Text, Some(3), &["é c", "\"'\\"], &["", "  ", "a\nb", "abcd", "a\u{2028}"]);
        check(
            Rule::Number,
            None,
            &["25", "0.5", "10"],
            &["0", "-1", "1e3", ".5", "5.", "007", "inf"],
        );
    }

    #[test]
    fn yes_and_no_are_spelled_true_and_false() {
        let parameter = parameter(Type::Bool, None, None);
        assert_eq!(parameter.read("true"), Ok(Answer::Bool(true)));
        for bad in ["", "yes", "True", "1"] {
            assert!(parameter.read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn several_choices_come_in_the_order_of_the_template() {
        let parameter = parameter(Type::MultiChoice, None, None);
        let list = |items: &[&str]| Answer::List(items.iter().map(|&s| s.to_owned()).collect());
        for (text, expected) in [("b, a", &["a", "b"][..]), ("b,b", &["b"]), (",a,", &["a"])] {
            assert_eq!(parameter.read(text), Ok(list(expected)), "{text}");
        }
        for bad in ["", ",", "c", "a,c"] {
            assert!(parameter.read(bad).is_err(), "{bad}");
        }
    }
}
