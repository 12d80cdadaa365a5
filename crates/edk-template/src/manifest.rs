use std::collections::{BTreeMap, BTreeSet};

use edk_model::{Finding, names};
use serde::{Deserialize, Serialize};

use crate::{Parameter, Preset, Rule, Type};

/// What a template makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Kind {
    /// A workflow: DAGs and processing containers.
    Workflow,
    /// An application with a web interface.
    Application,
}

/// What the containers run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Hardware {
    /// Any machine.
    #[default]
    Cpu,
    /// A machine with an NVIDIA GPU.
    Gpu,
}

/// The file `template.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) hardware: Hardware,
    /// What comes of it, each a phrase.
    #[serde(default)]
    pub(crate) makes: Vec<String>,
    #[serde(default)]
    pub(crate) parameters: Vec<Parameter>,
    /// Names worked out of the answers, for files and their names.
    #[serde(default)]
    pub(crate) derived: BTreeMap<String, String>,
    /// Files to make executable, as named in `content/`.
    #[serde(default)]
    pub(crate) executable: BTreeSet<String>,
}

/// Name of the manifest in a template's folder.
pub(crate) const FILE: &str = "template.toml";

impl Manifest {
    /// Returns the manifest in `text`, which findings place in the file `file`.
    ///
    /// # Errors
    /// What is wrong with it: one finding if it is not TOML of the right shape, otherwise all.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let finding = Finding::error("template/syntax", error.message()).in_file(file);
            let place = error.span().map(|span| place(text, span.start));
            vec![place.map_or(finding.clone(), |(line, column)| finding.at(line, column))]
        })?;
        let findings: Vec<Finding> =
            manifest.check().map(|finding| finding.in_file(file)).collect();
        if findings.is_empty() { Ok(manifest) } else { Err(findings) }
    }

    fn check(&self) -> impl Iterator<Item = Finding> {
        let name = names::dns_label(&self.name, 63).err();
        let name = name.map(|why| error("name", format!("the name `{}` {why}", self.name)));
        let mut seen = BTreeSet::new();
        let twice =
            self.parameters.iter().map(|parameter| &parameter.id).chain(self.derived.keys());
        let twice = twice.filter(move |id| !seen.insert((*id).clone()));
        let twice = twice.map(|id| error("parameter", format!("`{id}` is there twice")));
        name.into_iter().chain(twice).chain(self.parameters.iter().flat_map(check_parameter))
    }
}

fn check_parameter(parameter: &Parameter) -> Vec<Finding> {
    let id = &parameter.id;
    let mut wrong = Vec::new();
    let mut say = |what: &str| wrong.push(error("parameter", format!("`{id}` {what}")));
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) || !id.chars().all(word) {
        say("is not an id: use lower-case letters, digits and _, starting with a letter");
    }
    let chooses = matches!(parameter.kind, Type::Choice | Type::MultiChoice);
    if chooses && parameter.choices.is_empty() {
        say("has no choices to choose from");
    }
    if !chooses && !parameter.choices.is_empty() {
        say("has choices, but its type is not choice or multi-choice");
    }
    if parameter.choices.iter().any(|choice| choice.contains(',') || choice.trim() != choice) {
        say("has a choice with a comma or a blank at its end");
    }
    if parameter.kind != Type::String && (parameter.rule.is_some() || parameter.max.is_some()) {
        say("has a rule or a maximum, but its type is not string");
    }
    if parameter.max.is_some() && matches!(parameter.rule, Some(Rule::Version | Rule::Number)) {
        say("has a maximum, which its rule does not take");
    }
    if let Some(Err(why)) =
        parameter.default.as_ref().map(|default| check_default(parameter, default))
    {
        say(&why);
    }
    wrong
}

fn check_default(parameter: &Parameter, default: &Preset) -> Result<(), String> {
    let text = match (parameter.kind, default) {
        (Type::Bool, Preset::Bool(_)) => return Ok(()),
        (Type::MultiChoice, Preset::List(list)) => list.join(","),
        // What a template gives is only known with the answers.
        (Type::String | Type::Choice, Preset::Text(text)) if text.contains('{') => return Ok(()),
        (Type::String | Type::Choice, Preset::Text(text)) => text.clone(),
        _ => return Err("has a default of another type".to_owned()),
    };
    parameter.read(&text).map(drop).map_err(|why| format!("has a default `{text}` which {why}"))
}

fn error(rule: &str, message: String) -> Finding {
    Finding::error(&format!("template/{rule}"), message)
}

/// Returns line and column, from 1, of the byte `at` in `text`.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name='t'\ntitle='T'\ndescription='d'\nkind='workflow'\n";

    fn check(parameter: &str, expected: &str) {
        let head = "\n[[parameters]]\nid='x'\nlabel='X'\n";
        let findings = Manifest::read("t/template.toml", &format!("{HEAD}{head}{parameter}"));
        let text = findings.unwrap_err().iter().map(ToString::to_string).collect::<String>();
        assert!(text.contains(expected), "{parameter}: {text}");
        assert!(text.starts_with("t/template.toml:"), "{text}");
    }

    #[test]
    fn mistakes_in_a_template_are_told_with_their_place() {
        check("type='strin'", "9:6:");
        check("type='string'\nrule='regex'", "unknown variant `regex`");
        check("type='string'\nsize=3", "unknown field `size`");
        check("type='choice'", "has no choices");
        check("type='string'\nchoices=['a']", "is not choice or multi-choice");
        check("type='choice'\nchoices=['a,b']", "with a comma");
        check("type='bool'\nmax=3", "is not string");
        check("type='string'\nrule='version'\nmax=3", "does not take");
        check("type='bool'\ndefault='true'", "of another type");
        check("type='choice'\nchoices=['a']\ndefault='b'", "is not one of a");
        check("type='string'\nrule='dns-label'\ndefault='A B'", "which contains");
        check("type='bool'\n[derived]\nx='1'", "`x` is there twice");
    }

    #[test]
    fn a_template_needs_a_name_that_can_be_typed() {
        assert!(Manifest::read("t", HEAD).is_ok());
        assert!(Manifest::read("t", &HEAD.replace("'t'", "'My Template'")).is_err());
        let bad_id = format!("{HEAD}[[parameters]]\nid='a-b'\nlabel='X'\ntype='bool'");
        assert!(Manifest::read("t", &bad_id).is_err());
    }
}
