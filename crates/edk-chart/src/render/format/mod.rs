//! Texts of values, as Go prints them (Go: "fmt").

mod float;
mod print;
mod quote;
mod verbs;

pub(super) use float::general;
pub(super) use quote::{Letter, letters, quoted};
pub(super) use verbs::sprintf;

use super::value::Value;

/// Returns `value` as `%v` prints it.
pub(super) fn text(value: &Value) -> Vec<u8> {
    let mut printer = print::Printer::default();
    printer.value(value, 'v', 0);
    printer.out
}

/// Returns `value` as `verb` prints it.
pub(super) fn under(value: &Value, verb: char) -> String {
    let mut printer = print::Printer::default();
    printer.value(value, verb, 0);
    String::from_utf8_lossy(&printer.out).into_owned()
}

/// Returns `value` as `%v` prints it, for messages.
pub(super) fn shown(value: &Value) -> String {
    String::from_utf8_lossy(&text(value)).into_owned()
}

/// Returns the values one after another, with blanks between those that are no texts (Go:
/// `Sprint`).
pub(super) fn sprint(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    for (at, value) in values.iter().enumerate() {
        if at > 0 && !is_text(value) && !is_text(&values[at - 1]) {
            out.push(b' ');
        }
        out.extend(text(value));
    }
    out
}

/// Returns the values with blanks between them and a line end (Go: `Sprintln`).
pub(super) fn sprintln(values: &[Value]) -> Vec<u8> {
    let texts: Vec<Vec<u8>> = values.iter().map(text).collect();
    let mut out = texts.join(&b' ');
    out.push(b'\n');
    out
}
