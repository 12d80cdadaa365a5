//! Values for the form of a workflow: whether they fit it, and how a platform passes them on.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Dag;

/// A value which a form does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The name it was given for.
    pub name: String,
    /// Why, as in "`name` is no number".
    pub reason: String,
    /// The name that was probably meant.
    pub meant: Option<String>,
}

/// Returns the values a container gets: `given`, and the defaults of what was not given, each as the
/// platform writes it into the environment, which is Python's way: `True`, `['a', 'b']`. A name that
/// several DAGs ask for is taken as any of them has it; without a form all values pass as they are.
///
/// # Errors
/// All that does not fit.
pub fn form_values(
    dags: &[Dag],
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<Misfit>> {
    let asked: Vec<(&String, &Value)> = dags.iter().flat_map(Dag::questions).collect();
    if asked.is_empty() {
        return Ok(given.clone());
    }
    let (mut values, mut misfits) = (BTreeMap::new(), Vec::new());
    for (name, text) in given {
        let misfit = |reason, meant| Misfit { name: name.clone(), reason, meant };
        let fits = asked.iter().filter(|(known, _)| *known == name);
        let mut read = fits.map(|(_, property)| typed(property, text)).peekable();
        if read.peek().is_none() {
            let known = asked.iter().map(|(known, _)| known.as_str());
            misfits.push(misfit("is not in the form".to_owned(), nearest(name, known)));
        } else {
            match read.reduce(Result::or) {
                Some(Ok(value)) => _ = values.insert(name.clone(), python(&value)),
                Some(Err(reason)) => misfits.push(misfit(reason, None)),
                None => {}
            }
        }
    }
    for (name, property) in asked {
        if !given.contains_key(name) && property.get("default").is_some() {
            values.entry(name.clone()).or_insert_with(|| python(&property["default"]));
        }
    }
    if misfits.is_empty() { Ok(values) } else { Err(misfits) }
}

/// Returns `text` as the value which a property asks for.
fn typed(property: &Value, text: &str) -> Result<Value, String> {
    let value = match property["type"].as_str() {
        Some("boolean") => match text.to_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err("is neither true nor false".to_owned()),
        },
        Some("integer") => match text.trim().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => return Err("is no whole number".to_owned()),
        },
        Some("number") => match text.trim().parse::<f64>().ok().filter(|it| it.is_finite()) {
            Some(number) => text.trim().parse::<i64>().map_or(number.into(), Value::from),
            None => return Err("is no number".to_owned()),
        },
        Some("array") => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            return items.map(|item| typed(&property["items"], item)).collect();
        }
        _ => text.into(),
    };
    bounds(property, &value)?;
    Ok(value)
}

fn bounds(property: &Value, value: &Value) -> Result<(), String> {
    let named = |it: &Value| it.get("const").cloned();
    let titled = || property["oneOf"].as_array()?.iter().map(named).collect();
    let choices: Option<Vec<Value>> = property["enum"].as_array().cloned().or_else(titled);
    if let Some(choices) = choices.filter(|choices| !choices.contains(value)) {
        let known: Vec<String> = choices.iter().map(python).collect();
        return Err(format!("is none of {}", known.join(", ")));
    }
    let Some(number) = value.as_f64() else { return Ok(()) };
    match (property["minimum"].as_f64(), property["maximum"].as_f64()) {
        (Some(least), _) if number < least => Err(format!("is less than {least}")),
        (_, Some(most)) if number > most => Err(format!("is more than {most}")),
        _ => Ok(()),
    }
}

/// Python's `str` of a value.
fn python(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => repr(value),
    }
}

fn repr(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let escaped = text.replace('\\', r"\\").replace('\n', r"\n");
            // As Python does: double quotes where that saves an escape.
            if escaped.contains('\'') && !escaped.contains('"') {
                format!("\"{escaped}\"")
            } else {
                format!("'{}'", escaped.replace('\'', r"\'"))
            }
        }
        Value::Array(items) => format!("[{}]", joined(items.iter().map(repr).collect())),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", repr(&key.as_str().into()), repr(value))
            };
            format!("{{{}}}", joined(map.iter().map(entry).collect()))
        }
    }
}

/// The name that starts alike or has the same letters; good enough to catch a slip.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let sorted = |text: &str| {
        let mut letters: Vec<char> =
            text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        letters.sort_unstable();
        letters
    };
    let differ = |other: &str| {
        let (a, b) = (sorted(name), sorted(other));
        let shared = a.iter().filter(|letter| b.contains(letter)).count();
        a.len().max(b.len()) - shared.min(b.len())
    };
    known
        .map(|other| (differ(other), other))
        .filter(|(by, _)| *by <= 2)
        .min()
        .map(|(_, it)| it.to_owned())
}

/// Makes a form of a platform JSON Schema of draft 7: `required` of a property, which its dialect
/// has as yes or no, becomes the list of its object.
pub(crate) fn normalise(form: &mut Value) {
    let Some(schema) = form.as_object_mut() else { return };
    let mut required: Vec<Value> = match schema.remove("required") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties.iter_mut() {
            let name = Value::from(name.as_str());
            if property["required"] == true && !required.contains(&name) {
                required.push(name);
            }
            normalise(property);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        normalise(items);
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dag() -> Dag {
        let form = json!({"properties": {
            "classes": {"type": "array", "items": {"type": "string", "enum": ["shape", "glcm"]}, "default": ["shape"]},
            "bin_width": {"type": "number", "minimum": 1, "default": 25},
            "count": {"type": "integer"},
            "single": {"type": "boolean", "default": false},
            "title": {"type": "string", "default": "it's"},
            "task": {"type": "string", "oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]},
            "free": {"type": "string", "oneOf": [{"pattern": "x"}]},
        }});
        let forms = [("workflow_form".to_owned(), form)].into_iter().collect();
        Dag { id: Some("x".to_owned()), file: "dag_x.py".to_owned(), forms }
    }

    fn values(given: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<Misfit>> {
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        form_values(&[dag()], &given.collect())
    }

    #[test]
    fn values_reach_a_container_as_python_writes_them() {
        let values =
            values(&[("classes", "glcm, shape"), ("bin_width", "12.5"), ("single", "true")])
                .unwrap();
        let written: Vec<_> = values.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(
            written,
            ["bin_width=12.5", "classes=['glcm', 'shape']", "single=True", "title=it's"]
        );
    }

    #[test]
    fn what_does_not_fit_is_told_at_once() {
        let misfits = values(&[
            ("bin_widht", "1"),
            ("bin_width", "0"),
            ("classes", "taste"),
            ("count", "1.5"),
            ("single", "perhaps"),
            ("task", "A"),
            ("free", "y"),
            ("zzz", ""),
        ]);
        let said: Vec<_> =
            misfits.unwrap_err().into_iter().map(|it| (it.name, it.reason, it.meant)).collect();
        let said: Vec<_> =
            said.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_deref())).collect();
        assert_eq!(
            said,
            [
                ("bin_widht", "is not in the form", Some("bin_width")),
                ("bin_width", "is less than 1", None),
                ("classes", "is none of shape, glcm", None),
                ("count", "is no whole number", None),
                ("single", "is neither true nor false", None),
                ("task", "is none of a, b", None),
                ("zzz", "is not in the form", None),
            ]
        );
    }

    #[test]
    fn without_a_form_values_pass_as_they_are() {
        let given = BTreeMap::from([("a".to_owned(), "1,2".to_owned())]);
        assert_eq!(form_values(&[], &given).unwrap(), given);
    }

    #[test]
    fn lists_are_written_as_python_does() {
        let text = repr(&json!([null, true, 1, 2.5, "it's", "a\"b'", {"k": "v"}]));
        assert_eq!(text, r#"[None, True, 1, 2.5, "it's", 'a"b\'', {'k': 'v'}]"#);
    }
}
