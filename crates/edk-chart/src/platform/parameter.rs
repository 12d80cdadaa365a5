//! Extension parameters: what a chart asks at installation.

use std::collections::BTreeMap;

use edk_model::Finding;
use serde::Serialize;
use serde_json::{Map, Value};

use super::rules::found;
use crate::Chart;

/// The kind of a parameter, as the form of a platform shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A text field.
    String,
    /// A check box.
    Bool,
    /// One of several choices.
    ListSingle,
    /// Some of several choices; they arrive as one text with commas.
    ListMulti,
    /// A heading; it takes no value.
    GroupName,
    /// A piece of HTML; it takes no value.
    Doc,
}

impl Kind {
    /// Returns the kind that `type` names.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "bool" | "boolean" => Self::Bool,
            "list_single" => Self::ListSingle,
            "list_multi" => Self::ListMulti,
            "group_name" => Self::GroupName,
            "doc" => Self::Doc,
            _ => return None,
        })
    }

    /// Says whether it takes a value.
    pub fn asks(self) -> bool {
        !matches!(self, Self::GroupName | Self::Doc)
    }
}

/// A parameter that a chart declares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its key, under which the value arrives in `global`.
    pub key: String,
    /// What the form shows; none if the type is none the platform knows.
    pub kind: Option<Kind>,
    /// Its value unless the user gives another.
    pub default: Value,
    /// Its label.
    pub definition: String,
    /// The choices of a list.
    pub choices: Vec<String>,
    /// What the form tells about it; HTML.
    pub help: String,
}

/// Returns the parameters of `chart` that can be read, in their order.
pub fn parameters(chart: &Chart) -> Vec<Parameter> {
    let declared = chart.values.get("extension_params").and_then(Value::as_object);
    declared.into_iter().flatten().filter_map(|(key, it)| read(key, it)).collect()
}

fn read(key: &str, declared: &Value) -> Option<Parameter> {
    let declared = declared.as_object()?;
    let text = |name: &str| declared.get(name).and_then(Value::as_str).unwrap_or_default();
    let choices = declared.get("value").and_then(Value::as_array).into_iter().flatten();
    Some(Parameter {
        key: key.to_owned(),
        kind: Kind::of(text("type")),
        default: declared.get("default").cloned().unwrap_or(Value::Null),
        definition: text("definition").to_owned(),
        choices: choices.map(plain).collect(),
        help: text("help").to_owned(),
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Parameter {
    /// Reads an answer of the command line.
    ///
    /// # Errors
    /// Why it is none, as the end of a sentence that starts with the name.
    fn read(&self, text: &str) -> Result<Value, String> {
        let check = |text: &str| match self.choices.iter().any(|choice| choice == text) {
            true => Ok(Value::from(text)),
            false => Err(format!("can't be `{text}`; choose from {}", self.choices.join(", "))),
        };
        match self.kind {
            Some(Kind::Bool) => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(format!("can't be `{text}`; it is true or false")),
            },
            Some(Kind::ListSingle) => check(text),
            Some(Kind::ListMulti) => {
                let items = text.split(',').map(|item| check(item.trim()));
                items.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            _ if text.is_empty() => Err("can't be empty".to_owned()),
            _ => Ok(Value::from(text)),
        }
    }

    /// Returns what is wrong with the declaration itself.
    fn faults(&self) -> Vec<Finding> {
        let Self { key, kind, default, choices, .. } = self;
        let Some(kind) = kind else {
            let message =
                format!("the parameter `{key}` has no type the form knows; it asks nothing");
            let fix = "string, bool, list_single, list_multi, group_name or doc";
            return vec![found("platform/parameter-type", message).fix(fix)];
        };
        let known = |item: &Value| choices.contains(&plain(item));
        let wrong = match kind {
            Kind::GroupName | Kind::Doc => return Vec::new(),
            _ if default.is_null() => {
                let message = format!("the parameter `{key}` has no default");
                return vec![found("platform/parameter-default", message).fix("add one")];
            }
            Kind::String if default == "" => {
                let message =
                    format!("the default of `{key}` is empty; the form takes no empty text");
                return vec![found("platform/parameter-empty", message).fix("give it a value")];
            }
            Kind::String => (!default.is_string()).then(|| "is no text".to_owned()),
            Kind::Bool => (!default.is_boolean()).then(|| "is neither true nor false".to_owned()),
            Kind::ListSingle => {
                (!known(default)).then(|| format!("is none of {}", choices.join(", ")))
            }
            Kind::ListMulti => match default.as_array() {
                None => Some("is no list".to_owned()),
                Some(items) if items.is_empty() => {
                    Some("is empty; the form takes no empty list".to_owned())
                }
                Some(items) if !items.iter().all(known) => {
                    Some(format!("has others than {}", choices.join(", ")))
                }
                Some(_) => None,
            },
        };
        let message =
            |wrong: String| format!("the default {default} of the parameter `{key}` {wrong}");
        wrong.map(|wrong| found("platform/parameter-default", message(wrong))).into_iter().collect()
    }
}

/// Returns what is wrong with the parameters of `chart`, each with the key it is about.
pub(super) fn faults(chart: &Chart) -> Vec<(String, Finding)> {
    let mut all = Vec::new();
    for parameter in parameters(chart) {
        all.extend(parameter.faults().into_iter().map(|it| (parameter.key.clone(), it)));
    }
    all
}

/// Returns the values that a client sends for the parameters of a chart: what the user gave, else
/// the default. Choices of a `list_multi` become one text; headings and HTML are left out.
///
/// # Errors
/// Name and reason, when an answer is for none of them or not one it takes.
pub fn answers(
    chart: &Chart,
    given: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, (String, String)> {
    let declared = parameters(chart);
    for name in given.keys() {
        if !declared.iter().any(|it| it.key == *name) {
            let known: Vec<&str> = declared.iter().map(|it| it.key.as_str()).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
            return Err((name.clone(), format!("is none of chart `{}`: {known}", chart.name())));
        }
    }
    let mut values = Map::new();
    for parameter in declared.iter().filter(|it| it.kind.is_none_or(Kind::asks)) {
        let value = match given.get(&parameter.key) {
            None => parameter.default.clone(),
            Some(text) => parameter.read(text).map_err(|reason| (parameter.key.clone(), reason))?,
        };
        if !value.is_null() {
            values.insert(parameter.key.clone(), joined(value));
        }
    }
    Ok(values)
}

/// Returns the values that a client sends when `given` are known as values: with the defaults of
/// the rest of `declared`, which is what a platform lists as `extension_params`.
pub fn completed(declared: &Value, given: &Map<String, Value>) -> Map<String, Value> {
    let mut values = given.clone();
    for parameter in
        declared.as_object().into_iter().flatten().filter_map(|(key, it)| read(key, it))
    {
        let asks = parameter.kind.is_none_or(Kind::asks);
        if asks && !values.contains_key(&parameter.key) && !parameter.default.is_null() {
            values.insert(parameter.key, parameter.default);
        }
    }
    values.into_iter().map(|(key, value)| (key, joined(value))).collect()
}

fn joined(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
            join_choices(&items)
        }
        value => value,
    }
}

/// Returns the choices of a `list_multi` parameter as the platform expects them: one text.
pub fn join_choices(choices: &[String]) -> Value {
    Value::String(choices.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::File;

    fn chart(params: &str) -> Chart {
        let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
        let values = format!("global: {{}}\nextension_params:\n{params}");
        let files =
            vec![file("Chart.yaml", "name: x\nversion: 0.1.0\n"), file("values.yaml", &values)];
        Chart::from_files("x", files).unwrap()
    }

    const ASKED: &str = "  s: {type: string, default: x}\n  b: {type: bool, default: false}\n  \
                         m: {type: list_multi, default: [a], value: [a, b, c]}\n  \
                         d: {type: doc, title: t}\n  g: {type: group_name, default: Group}\n";

    fn values(given: &[(&str, &str)]) -> Result<String, String> {
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        answers(&chart(ASKED), &given)
            .map(|map| Value::Object(map).to_string())
            .map_err(|(name, reason)| format!("`{name}` {reason}"))
    }

    #[test]
    fn parameters_have_their_defaults_and_types() {
        assert_eq!(values(&[]).unwrap(), r#"{"s":"x","b":false,"m":"a"}"#);
        let given = [("s", "y"), ("b", "true"), ("m", "a, c")];
        assert_eq!(values(&given).unwrap(), r#"{"s":"y","b":true,"m":"a,c"}"#);
    }

    #[test]
    fn a_refused_value_says_which_parameter_and_why() {
        for (name, value, expected) in [
            ("x", "1", "`x` is none of chart `x`: s, b, m, d, g"),
            ("b", "yes", "`b` can't be `yes`; it is true or false"),
            ("m", "a,z", "`m` can't be `z`; choose from a, b, c"),
            ("s", "", "`s` can't be empty"),
        ] {
            assert_eq!(values(&[(name, value)]).unwrap_err(), expected);
        }
    }

    #[test]
    fn parameters_that_were_not_given_have_their_defaults() {
        let declared = json!({
            "a": {"type": "string", "default": "x"},
            "b": {"type": "list_multi", "default": ["p", "q"]},
            "c": {"type": "doc", "default": "text"},
            "d": {"type": "bool", "default": false},
            "e": {"type": "string"},
        });
        let given = json!({"d": true, "f": ["r"]});
        let values = completed(&declared, given.as_object().unwrap());
        assert_eq!(Value::from(values), json!({"d": true, "f": "r", "a": "x", "b": "p,q"}));
        assert!(completed(&Value::Null, &Map::new()).is_empty());
    }

    #[test]
    fn declarations_that_a_form_can_not_show_are_told() {
        let check = |declaration: &str, rule: Option<&str>| {
            let found = faults(&chart(&format!("  k: {{{declaration}}}\n")));
            let rules: Vec<_> = found.iter().map(|(_, it)| it.rule.as_str()).collect();
            assert_eq!(rules, rule.into_iter().collect::<Vec<_>>(), "{declaration}");
        };
        check("type: string, default: x", None);
        check("type: boolean, default: yes", None);
        check("type: list_single, default: a, value: [a, b]", None);
        check("type: list_single, default: 1, value: [1, 2]", None);
        check("type: doc, html: <b>x</b>", None);
        check("type: group_name", None);
        let default = Some("platform/parameter-default");
        check("type: string", default);
        check("type: string, default: 1", default);
        check("type: bool, default: 'true'", default);
        check("type: list_single, default: c, value: [a, b]", default);
        check("type: list_multi, default: a, value: [a, b]", default);
        check("type: list_multi, default: [], value: [a, b]", default);
        check("type: list_multi, default: [c], value: [a, b]", default);
        check("type: string, default: ''", Some("platform/parameter-empty"));
        check("type: int, default: 1", Some("platform/parameter-type"));
        check("default: 1", Some("platform/parameter-type"));
    }
}
