//! What functions take. Their types have been checked when they are called.

use std::{borrow::Cow, rc::Rc};

use crate::render::{
    format,
    template::{float as parse_float, whole},
    value::{Map, Value},
};

/// Returns the bytes of the text `at`.
pub(super) fn bytes(args: &[Value], at: usize) -> &[u8] {
    match args.get(at) {
        Some(Value::Text(text) | Value::Bytes(text)) => text,
        _ => &[],
    }
}

/// Returns the text `at`; bytes that are no text are replaced.
pub(super) fn text(args: &[Value], at: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes(args, at))
}

/// Returns the whole number `at`.
pub(super) fn int(args: &[Value], at: usize) -> i64 {
    match args.get(at) {
        Some(Value::Int(_, number)) => *number,
        Some(Value::Uint(_, number)) => i64::try_from(*number).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// Returns the truth `at`.
pub(super) fn flag(args: &[Value], at: usize) -> bool {
    matches!(args.get(at), Some(Value::Bool(true)))
}

/// Returns the map `at`.
pub(super) fn map(args: &[Value], at: usize) -> Rc<Map> {
    match args.get(at) {
        Some(Value::Map(map)) => map.clone(),
        _ => Rc::new(Map::new(crate::render::value::ANY_MAP, Default::default())),
    }
}

/// Returns the value `at`.
pub(super) fn any(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::Invalid)
}

/// Returns the items of a list of any kind; `None` if it is none.
pub(super) fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.items.borrow().clone()),
        Value::Bytes(bytes) => {
            let byte = |byte: &u8| Value::Uint(crate::render::value::Uint::Uint8, u64::from(*byte));
            Some(bytes.iter().map(byte).collect())
        }
        Value::Thing(thing) => match &**thing {
            crate::render::thing::Thing::Apis(apis) => Some(apis.iter().map(Value::text).collect()),
            _ => None,
        },
        _ => None,
    }
}

/// Returns `value` as a text (Sprig: "toString").
pub(super) fn printed(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) | Value::Bytes(text) => text.to_vec(),
        other => format::text(other),
    }
}

/// Returns `value` as texts (Sprig: "toStrings").
pub(super) fn printed_items(value: &Value) -> Vec<Vec<u8>> {
    match items(value) {
        Some(items) => items.iter().filter(|item| !item.is_nil()).map(printed).collect(),
        None if value.is_nil() => Vec::new(),
        None => vec![printed(value)],
    }
}

/// Returns `value` as a whole number; what is none is zero (Sprig: "int64").
#[allow(clippy::cast_possible_wrap, reason = "so does Go")]
pub(super) fn as_int(value: &Value) -> i64 {
    match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Int(kind, number) => match kind {
            crate::render::value::Int::Int
            | crate::render::value::Int::Int64
            | crate::render::value::Int::Month
            | crate::render::value::Int::Weekday => *number,
            crate::render::value::Int::Duration => 0,
        },
        Value::Uint(_, number) => *number as i64,
        Value::Float(number) => truncated(*number),
        Value::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let number = whole(without_zero_fraction(&text));
            number.and_then(|number| i64::try_from(number).ok()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// Returns `number` without its fraction; what does not fit is what a processor makes of it.
#[allow(clippy::cast_possible_truncation, reason = "checked")]
pub(super) fn truncated(number: f64) -> i64 {
    match number.is_finite() && number.abs() < 9.223_372_036_854_776e18 {
        true => number as i64,
        false => i64::MIN,
    }
}

/// Drops `.000` at the end.
fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

/// Returns `value` as a floating-point number; what is none is zero (Sprig: "float64").
#[allow(clippy::cast_precision_loss, reason = "so does Go")]
pub(super) fn as_float(value: &Value) -> f64 {
    match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Int(..) => as_int(value) as f64,
        Value::Uint(_, number) => *number as f64,
        Value::Float(number) => *number,
        Value::Text(text) => parse_float(&String::from_utf8_lossy(text)).unwrap_or(0.0),
        _ => 0.0,
    }
}
