use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{Error, Parameter, Preset, nearest::nearest, render::Renderer};

/// One checked answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// A text or a choice.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// Choices, in the order of the template.
    List(Vec<String>),
}

/// Checked answers to all questions of a template, by parameter id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Answers(pub(crate) BTreeMap<String, Answer>);

impl Answers {
    /// Returns the answer to the parameter `id`, if the template asks for it.
    pub fn get(&self, id: &str) -> Option<&Answer> {
        self.0.get(id)
    }

    /// Returns all answers, by parameter id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.0.iter().map(|(id, answer)| (id.as_str(), answer))
    }
}

/// Why one answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The parameter, by its id.
    pub parameter: String,
    /// The answer, when there was one.
    pub value: Option<String>,
    /// What is wrong: the end of a sentence that starts with the parameter and the answer.
    pub reason: String,
    /// The parameter that was probably meant, if no parameter has this id.
    pub nearest: Option<String>,
}

impl Refusal {
    fn of(parameter: &str, value: Option<String>, reason: impl Into<String>) -> Self {
        Self { parameter: parameter.to_owned(), value, reason: reason.into(), nearest: None }
    }

    /// Returns what to do about it, if that is more than the reason says.
    pub(crate) fn hint(&self) -> Option<String> {
        self.nearest.as_ref().map(|nearest| format!("Did you mean the parameter `{nearest}`?"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: `{value}` {}", self.parameter, self.reason),
            None => write!(f, "{}: {}", self.parameter, self.reason),
        }
    }
}

/// Returns the answers to `parameters`: those `given`, and defaults for the others.
///
/// # Errors
/// [`Error::Answers`] with every refusal: answers that break a rule, missing ones, and ones that
/// nobody asked for.
pub(crate) fn answer(
    parameters: &[Parameter],
    given: &BTreeMap<String, String>,
) -> Result<Answers, Error> {
    let mut refusals = unknown(parameters, given);
    let mut answers = BTreeMap::new();
    for parameter in parameters {
        let (text, is_default) = match (given.get(&parameter.id), &parameter.default) {
            (Some(text), _) => (text.clone(), false),
            (None, None) => {
                refusals.push(Refusal::of(&parameter.id, None, "an answer is required"));
                continue;
            }
            (None, Some(default)) => match Renderer::new(&answers).default(default) {
                Ok(text) => (text, true),
                // It leans on an answer that was refused: there is nothing more to say.
                Err(_) if !refusals.is_empty() => continue,
                Err(error) => {
                    let reason = format!("its default can't be worked out: {error}");
                    refusals.push(Refusal::of(&parameter.id, None, reason));
                    continue;
                }
            },
        };
        match parameter.read(&text) {
            Ok(answer) => drop(answers.insert(parameter.id.clone(), answer)),
            Err(reason) => {
                let reason = if is_default { format!("(its default) {reason}") } else { reason };
                refusals.push(Refusal::of(&parameter.id, Some(text), reason));
            }
        }
    }
    if refusals.is_empty() { Ok(Answers(answers)) } else { Err(Error::Answers(refusals)) }
}

fn unknown(parameters: &[Parameter], given: &BTreeMap<String, String>) -> Vec<Refusal> {
    let known = || parameters.iter().map(|parameter| parameter.id.as_str());
    let unknown = given.iter().filter(|(id, _)| !known().any(|known| known == id.as_str()));
    unknown
        .map(|(id, value)| {
            let reason = "is for a parameter which the template does not have";
            let nearest = nearest(id, known()).map(str::to_owned);
            Refusal { nearest, ..Refusal::of(id, Some(value.clone()), reason) }
        })
        .collect()
}

impl Renderer {
    /// Returns `default` as the text a user would have given.
    fn default(&self, default: &Preset) -> Result<String, minijinja::Error> {
        match default {
            Preset::Bool(value) => Ok(value.to_string()),
            Preset::Text(text) => self.text("default", text),
            Preset::List(choices) => Ok(choices.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        name = "t"
        title = "T"
        description = "d"
        kind = "workflow"
        [[parameters]]
        id = "name"
        type = "string"
        label = "Name"
        rule = "dns-label"
        max = 10
        [[parameters]]
        id = "image"
        type = "string"
        label = "Image"
        rule = "image-name"
        max = 14
        default = "{{ name }}-image"
        [[parameters]]
        id = "parts"
        type = "multi-choice"
        label = "Parts"
        choices = ["a", "b"]
        default = ["a"]
        [[parameters]]
        id = "new"
        type = "bool"
        label = "New"
        default = true
    "#;

    fn given(given: &[(&str, &str)]) -> Result<Answers, Vec<(String, Option<String>)>> {
        let parameters = crate::manifest::Manifest::read("t", MANIFEST).unwrap().parameters;
        let given = given.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned()));
        match answer(&parameters, &given.collect()) {
            Ok(answers) => Ok(answers),
            Err(Error::Answers(refusals)) => {
                Err(refusals.into_iter().map(|r| (r.parameter, r.value)).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn defaults_follow_earlier_answers() {
        let answers = given(&[("name", "lungs")]).unwrap();
        let expected = r#"{"image":"lungs-image","name":"lungs","new":true,"parts":["a"]}"#;
        assert_eq!(serde_json::to_string(&answers).unwrap(), expected);
        let answers = given(&[("name", "x"), ("image", "y"), ("new", "false")]).unwrap();
        assert_eq!(answers.get("image"), Some(&Answer::Text("y".to_owned())));
        assert_eq!(answers.get("new"), Some(&Answer::Bool(false)));
    }

    #[test]
    fn every_refusal_is_told_at_once() {
        let refused = |pairs: &[(&str, &str)], expected: &[(&str, Option<&str>)]| {
            let expected: Vec<_> =
                expected.iter().map(|(id, v)| ((*id).to_owned(), v.map(str::to_owned))).collect();
            assert_eq!(given(pairs).unwrap_err(), expected);
        };
        refused(&[], &[("name", None)]);
        refused(
            &[("name", "UP"), ("new", "no"), ("nmae", "x")],
            &[("nmae", Some("x")), ("name", Some("UP")), ("new", Some("no"))],
        );
        refused(&[("name", "123456789")], &[("image", Some("123456789-image"))]);
        refused(&[("name", "a"), ("parts", "")], &[("parts", Some(""))]);
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_one_that_was_meant() {
        let parameters = crate::manifest::Manifest::read("t", MANIFEST).unwrap().parameters;
        let refusals = unknown(&parameters, &[("nmae".to_owned(), "x".to_owned())].into());
        assert_eq!(refusals[0].nearest.as_deref(), Some("name"));
    }
}
