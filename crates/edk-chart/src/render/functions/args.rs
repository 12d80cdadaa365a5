//! What functions take.

use std::sync::Arc;

use gotmpl::Value;

use crate::render::{
    fault::Fault,
    value::{Map, text, type_of},
};

/// Returns argument `at`.
pub(super) fn any(args: &[Value], at: usize) -> Result<&Value, Fault> {
    let message = || format!("wrong number of args: want at least {} got {}", at + 1, args.len());
    args.get(at).ok_or_else(|| message().into())
}

/// Returns argument `at` as it is printed.
pub(super) fn printed(args: &[Value], at: usize) -> Result<String, Fault> {
    any(args, at).map(text)
}

/// Returns argument `at`, which must be a text.
pub(super) fn string(args: &[Value], at: usize) -> Result<&str, Fault> {
    match any(args, at)? {
        Value::String(text) => Ok(text),
        other => Err(wrong("string", other)),
    }
}

/// Returns argument `at`, which must be a list.
pub(super) fn list(args: &[Value], at: usize) -> Result<&[Value], Fault> {
    match any(args, at)? {
        Value::List(items) => Ok(items),
        other => Err(wrong("list", other)),
    }
}

/// Returns argument `at`, which must be a map.
pub(super) fn map(args: &[Value], at: usize) -> Result<&Arc<Map>, Fault> {
    match any(args, at)? {
        Value::Map(map) => Ok(map),
        other => Err(wrong("map[string]interface {}", other)),
    }
}

/// Returns argument `at`, which must be a whole number.
pub(super) fn int(args: &[Value], at: usize) -> Result<i64, Fault> {
    match any(args, at)? {
        Value::Int(number) => Ok(*number),
        other => Err(wrong("int", other)),
    }
}

/// Returns argument `at`, which must be a length or a count.
pub(super) fn count(args: &[Value], at: usize) -> Result<usize, Fault> {
    Ok(usize::try_from(as_int(any(args, at)?)).unwrap_or(0))
}

/// Returns `value` as a whole number, 0 if it is none (Sprig: `toInt64`).
#[allow(clippy::cast_possible_truncation)]
pub(super) fn as_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Uint(number) => i64::try_from(*number).unwrap_or(i64::MAX),
        Value::Float(float) => *float as i64,
        Value::Bool(flag) => i64::from(*flag),
        Value::String(text) => {
            let number = crate::yaml::parse(text, "").ok().filter(|value| value.is_i64());
            number.and_then(|number| number.as_i64()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// Returns `value` as a number, 0 if it is none (Sprig: `toFloat64`).
#[allow(clippy::cast_precision_loss)]
pub(super) fn as_float(value: &Value) -> f64 {
    match value {
        Value::Float(float) => *float,
        Value::String(text) => text.parse().unwrap_or(0.0),
        other => as_int(other) as f64,
    }
}

/// Returns the texts in `value`: of a list its items, otherwise itself (Sprig: `strslice`).
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Nil => Vec::new(),
        Value::List(items) => {
            items.iter().filter(|item| !matches!(item, Value::Nil)).map(text).collect()
        }
        other => vec![text(other)],
    }
}

/// Says that `value` should have been a `wanted`.
pub(super) fn wrong(wanted: &str, value: &Value) -> Fault {
    match value {
        Value::Nil => format!("invalid value; expected {wanted}").into(),
        other => format!("wrong type for value; expected {wanted}; got {}", type_of(other)).into(),
    }
}
