//! Between JSON, which charts are made of, and the values of templates.

use std::{collections::BTreeMap, sync::Arc};

use gotmpl::Value;
use serde_json::{Number, Value as Json};

use crate::number;

/// A map of a template.
pub(super) type Map = BTreeMap<Arc<str>, Value>;

/// Returns `json` for a template. Helm reads all numbers of values as floating-point numbers.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::String(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(map) => {
            map_of(map.iter().map(|(key, value)| (key.as_str(), from_json(value))))
        }
    }
}

/// Returns a map of `entries`.
pub(super) fn map_of<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    let map: Map = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Value::Map(Arc::new(map))
}

/// Returns a text.
pub(super) fn string(text: impl Into<Arc<str>>) -> Value {
    Value::String(text.into())
}

/// Returns a list of `items`.
pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::List(items.into_iter().collect())
}

/// Returns `value` as JSON; whole floating-point numbers become whole numbers, as Go writes them.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => (*number).into(),
        Value::Uint(number) => (*number).into(),
        Value::Float(float) => match number::whole(*float) {
            Some(whole) => whole.into(),
            None => Number::from_f64(*float).map_or(Json::Null, Json::Number),
        },
        Value::String(text) => Json::String(text.to_string()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect())
        }
        _ => Json::Null,
    }
}

/// Returns `value` as Go prints it with `%v`; `nil` is written as `absent`.
pub(super) fn text_or(value: &Value, absent: &str) -> String {
    match value {
        Value::Nil => absent.to_owned(),
        Value::Float(float) => number::general(*float),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", text(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

/// Returns `value` as Go prints it with `%v`.
pub(super) fn text(value: &Value) -> String {
    text_or(value, "<nil>")
}

/// Returns the name which Go has for the type of `value`.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        _ => "func",
    }
}

/// Returns the name which Go has for the kind of `value`.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        other => type_of(other),
    }
}
