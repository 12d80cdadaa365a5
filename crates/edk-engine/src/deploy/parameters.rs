//! The values of extension parameters: what the user gave, else what the chart says.

use std::collections::BTreeMap;

use edk_chart::Chart;
use edk_target::preflight::join_choices;
use serde_json::{Map, Value};

use crate::EngineError;

/// The values of all extension parameters of a chart: what the user gave, else the default.
///
/// Types are those of the platform's form: `string`, `bool` or `boolean`, `list_single`,
/// `list_multi` (values with commas between them); `doc` and `group_name` take no value.
pub(crate) fn parameters(
    chart: &Chart,
    given: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, EngineError> {
    let none = Map::new();
    let declared = chart.values["extension_params"].as_object().unwrap_or(&none);
    let error =
        |name: &str, reason: String| EngineError::Parameter { name: name.to_owned(), reason };
    for name in given.keys() {
        if !declared.contains_key(name) {
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
            return Err(error(name, format!("is none of chart `{}`: {known}", chart.name())));
        }
    }
    let mut values = Map::new();
    for (name, parameter) in declared {
        let default = parameter.get("default").cloned().unwrap_or(Value::Null);
        let kind = parameter["type"].as_str().unwrap_or("string");
        if matches!(kind, "doc" | "group_name") {
            continue;
        }
        let value = match given.get(name) {
            None => default,
            Some(text) => {
                read_value(parameter, kind, text).map_err(|reason| error(name, reason))?
            }
        };
        let value = match value {
            Value::Array(items) => {
                let items: Vec<String> =
                    items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect();
                join_choices(&items)
            }
            other => other,
        };
        if !value.is_null() {
            values.insert(name.clone(), value);
        }
    }
    Ok(values)
}

fn read_value(parameter: &Value, kind: &str, text: &str) -> Result<Value, String> {
    let choices: Vec<&str> =
        parameter["value"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let check = |text: &str| match choices.contains(&text) {
        true => Ok(Value::from(text)),
        false => Err(format!("can't be `{text}`; choose from {}", choices.join(", "))),
    };
    match kind {
        "bool" | "boolean" => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("can't be `{text}`; it is true or false")),
        },
        "list_single" => check(text),
        "list_multi" => text
            .split(',')
            .map(|item| check(item.trim()))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        _ if text.is_empty() => Err("can't be empty".to_owned()),
        _ => Ok(Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let file =
            |name: &str, text: &str| edk_chart::File { name: name.to_owned(), data: text.into() };
        let values = "global: {}\nextension_params:\n  s: {type: string, default: x}\n  b: {type: bool, default: false}\n  \
                      m: {type: list_multi, default: [a], value: [a, b, c]}\n  d: {type: doc, title: t}\n";
        let files =
            vec![file("Chart.yaml", "name: x\nversion: 0.1.0\n"), file("values.yaml", values)];
        Chart::from_files("x", files).unwrap()
    }

    fn values(given: &[(&str, &str)]) -> Result<String, String> {
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        parameters(&chart(), &given)
            .map(|map| Value::Object(map).to_string())
            .map_err(|error| error.to_string())
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
            ("x", "1", "parameter `x` is none of chart `x`: s, b, m, d"),
            ("b", "yes", "parameter `b` can't be `yes`; it is true or false"),
            ("m", "a,z", "parameter `m` can't be `z`; choose from a, b, c"),
            ("s", "", "parameter `s` can't be empty"),
        ] {
            assert_eq!(values(&[(name, value)]).unwrap_err(), expected);
        }
    }
}
