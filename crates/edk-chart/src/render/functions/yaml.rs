//! Helm's functions for YAML.

use serde_json::{Number, Value as Json};

use super::{Table, args, def, json};
use crate::{
    render::value::{ANY_LIST, ANY_MAP, Value, floats, from_json},
    yaml,
};

pub(super) const TABLE: Table = &[
    def("toYaml", "a", |_, args| Ok(Value::text(written(args, false).unwrap_or_default()))),
    def("toYamlPretty", "a", |_, args| Ok(Value::text(written(args, true).unwrap_or_default()))),
    def("fromYaml", "s", |_, args| {
        Ok(match read(args) {
            Ok(Value::Map(map)) => Value::Map(map),
            Ok(Value::Null | Value::Invalid) => Value::map(Default::default()),
            Ok(other) => json::fault(&unlike(&other, ANY_MAP)),
            Err(message) => json::fault(&message),
        })
    }),
    def("fromYamlArray", "s", |_, args| {
        Ok(match read(args) {
            Ok(list @ Value::List(_)) => list,
            Ok(Value::Null | Value::Invalid) => Value::list(Vec::new()),
            Ok(other) => Value::list(vec![Value::text(unlike(&other, ANY_LIST))]),
            Err(message) => Value::list(vec![Value::text(message)]),
        })
    }),
];

fn unlike(value: &Value, wanted: &str) -> String {
    format!("error unmarshaling JSON: while decoding JSON: {}", json::unlike(value, wanted))
}

fn written(args: &[Value], pretty: bool) -> Result<String, String> {
    let mut value = json::to_json(args::any(args, 0))?;
    if pretty {
        keep_floats(&mut value, args::any(args, 0));
    }
    let text = if pretty { yaml::emit_indented(&value) } else { yaml::emit(&value) };
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Makes what was a floating-point number one again: JSON does not tell whole ones apart.
fn keep_floats(json: &mut Json, value: &Value) {
    match (json, value) {
        (Json::Number(number), Value::Float(float)) => {
            if let Some(float) = Number::from_f64(*float) {
                *number = float;
            }
        }
        (Json::Array(items), Value::List(list)) => {
            let values = list.items.borrow();
            items.iter_mut().zip(values.iter()).for_each(|(item, value)| keep_floats(item, value));
        }
        (Json::Object(entries), Value::Map(map)) => {
            for (key, value) in map.entries.borrow().iter() {
                if let Some(json) = entries.get_mut(&*String::from_utf8_lossy(key)) {
                    keep_floats(json, value);
                }
            }
        }
        _ => {}
    }
}

fn read(args: &[Value]) -> Result<Value, String> {
    let mut json = yaml::parse(&args::text(args, 0), "text")
        .map_err(|finding| format!("error converting YAML to JSON: yaml: {}", finding.message))?;
    floats(&mut json);
    Ok(from_json(&json))
}
