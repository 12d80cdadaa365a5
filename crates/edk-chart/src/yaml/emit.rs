use std::cmp::Ordering;

use libyaml_safer::{Emitter, Event, MappingStyle, ScalarStyle, SequenceStyle};
use serde_json::{Map, Value};

use super::scalar::needs_quotes;

/// Returns `value` as a YAML document, the way Helm writes it: keys sorted, long lines folded at
/// 80 columns, several lines as a literal block, a line end at the end.
pub fn emit(value: &Value) -> String {
    let mut bytes = Vec::new();
    // Writing to memory can't fail, and the events are well formed; if the writer ever disagrees,
    // JSON, which is YAML too, is what is left.
    if write(value, &mut bytes).is_err() {
        return format!("{value}\n");
    }
    let mut text = String::from_utf8(bytes).unwrap_or_else(|_| format!("{value}\n"));
    if text.contains(BACKSLASH) {
        text = text.replace(&format!("{BACKSLASH}U"), "\\U");
    }
    // Newer versions of libyaml end some documents with a marker; the one in Helm does not.
    if text.ends_with("\n...\n") {
        text.truncate(text.len() - "...\n".len());
    }
    text
}

/// Returns `value` as a YAML document with lists further in than their key, without folded lines,
/// and with large numbers as Go prints them: how `toYamlPretty` writes it.
pub(crate) fn emit_indented(value: &Value) -> String {
    let mut out = String::new();
    indented(&mut out, value, 0);
    out
}

fn indented(out: &mut String, value: &Value, depth: usize) {
    let blanks = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(one, _), (other, _)| natural(one, other));
            for (key, value) in entries {
                inner(out, &blanks, Some(key), value, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                inner(out, &blanks, None, item, depth);
            }
        }
        value => lines(out, &blanks, value),
    }
}

/// Writes an entry of a map, or an item of a list.
fn inner(out: &mut String, blanks: &str, key: Option<&str>, value: &Value, depth: usize) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    let alone = |value: Value| match key {
        Some(key) => Value::Object([(key.to_owned(), value)].into_iter().collect()),
        None => Value::Array(vec![value]),
    };
    if let Some(float) = value.as_f64().filter(|_| value.is_f64()) {
        lines(out, blanks, &alone(Value::Null));
        out.truncate(out.len() - "null\n".len());
        out.push_str(&crate::number::general(float));
        out.push('\n');
        return;
    }
    if !nested {
        return lines(out, blanks, &alone(value.clone()));
    }
    let mut below = String::new();
    indented(&mut below, value, depth + 1);
    match key {
        Some(_) => {
            lines(out, blanks, &alone(Value::Null));
            out.truncate(out.trim_end().len() - "null".len());
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&below);
        }
        None => {
            out.push_str(blanks);
            out.push_str("- ");
            out.push_str(below.trim_start_matches(' '));
        }
    }
}

fn lines(out: &mut String, blanks: &str, value: &Value) {
    let mut bytes = Vec::new();
    let text = match write_wide(value, &mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).replace(&format!("{BACKSLASH}U"), "\\U"),
        Err(_) => value.to_string(),
    };
    for line in text.trim_end_matches("...\n").lines() {
        if !line.is_empty() {
            out.push_str(blanks);
        }
        out.push_str(line);
        out.push('\n');
    }
}

fn write_wide(value: &Value, bytes: &mut Vec<u8>) -> Result<(), libyaml_safer::Error> {
    let mut emitter = Emitter::new();
    emitter.set_output_string(bytes);
    emitter.set_unicode(true);
    emitter.set_width(-1);
    document(&mut emitter, value)
}

fn write(value: &Value, bytes: &mut Vec<u8>) -> Result<(), libyaml_safer::Error> {
    let mut emitter = Emitter::new();
    emitter.set_output_string(bytes);
    emitter.set_unicode(true);
    emitter.set_width(80);
    document(&mut emitter, value)
}

fn document(emitter: &mut Emitter<'_>, value: &Value) -> Result<(), libyaml_safer::Error> {
    emitter.emit(Event::stream_start(libyaml_safer::Encoding::Utf8))?;
    emitter.emit(Event::document_start(None, &[], true))?;
    node(emitter, value)?;
    emitter.emit(Event::document_end(true))?;
    emitter.emit(Event::stream_end())?;
    emitter.flush()
}

fn node(emitter: &mut Emitter<'_>, value: &Value) -> Result<(), libyaml_safer::Error> {
    match value {
        Value::Null => plain(emitter, "null"),
        Value::Bool(flag) => plain(emitter, if *flag { "true" } else { "false" }),
        Value::Number(number) => plain(emitter, &number_text(number)),
        Value::String(text) => string(emitter, text),
        Value::Array(items) => {
            let style = if items.is_empty() { SequenceStyle::Flow } else { SequenceStyle::Block };
            emitter.emit(Event::sequence_start(None, None, true, style))?;
            for item in items {
                node(emitter, item)?;
            }
            emitter.emit(Event::sequence_end())
        }
        Value::Object(map) => mapping(emitter, map),
    }
}

fn mapping(
    emitter: &mut Emitter<'_>,
    map: &Map<String, Value>,
) -> Result<(), libyaml_safer::Error> {
    let style = if map.is_empty() { MappingStyle::Flow } else { MappingStyle::Block };
    emitter.emit(Event::mapping_start(None, None, true, style))?;
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|(one, _), (other, _)| natural(one, other));
    for (key, value) in entries {
        key_text(emitter, key)?;
        node(emitter, value)?;
    }
    emitter.emit(Event::mapping_end())
}

fn plain(emitter: &mut Emitter<'_>, text: &str) -> Result<(), libyaml_safer::Error> {
    emitter.emit(Event::scalar(None, None, text, true, true, ScalarStyle::Plain))
}

/// Stands for the backslash of an escape that the writer does not know of.
const BACKSLASH: char = '\u{f8fe}';

fn string(emitter: &mut Emitter<'_>, text: &str) -> Result<(), libyaml_safer::Error> {
    if text.chars().any(|c| c > '\u{ffff}') {
        // The library in Helm takes such letters for unprintable.
        let escaped = text.chars().fold(String::new(), |mut out, c| {
            match c > '\u{ffff}' {
                true => out.push_str(&format!("{BACKSLASH}U{:08X}", u32::from(c))),
                false => out.push(c),
            }
            out
        });
        let style = ScalarStyle::DoubleQuoted;
        return emitter.emit(Event::scalar(None, None, &escaped, true, true, style));
    }
    let style = if needs_quotes(text) {
        ScalarStyle::DoubleQuoted
    } else if text.contains('\n') {
        ScalarStyle::Literal
    } else {
        ScalarStyle::Plain
    };
    emitter.emit(Event::scalar(None, None, text, true, true, style))
}

/// A key `<<` is quoted, or it would be read as a merge.
fn key_text(emitter: &mut Emitter<'_>, key: &str) -> Result<(), libyaml_safer::Error> {
    if key == "<<" {
        return emitter.emit(Event::scalar(None, None, key, true, true, ScalarStyle::DoubleQuoted));
    }
    string(emitter, key)
}

/// Whole numbers are written whole, though they may come as floating-point numbers: JSON, which
/// Helm goes through, does not tell them apart.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => crate::number::whole(float)
            .map_or_else(|| crate::number::general(float), |whole| whole.to_string()),
        _ => number.to_string(),
    }
}

/// The order of keys: numbers inside of names count as numbers, other signs come before letters.
fn natural(one: &str, other: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let Some(at) = (0..a.len().min(b.len())).find(|&at| a[at] != b[at]) else {
        return a.len().cmp(&b.len());
    };
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => return a[at].cmp(&b[at]),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero behind another digit is part of a longer number, not a leading zero.
    let inside = (a[at] == '0' || b[at] == '0')
        && a[..at].iter().rev().take_while(|c| c.is_ascii_digit()).any(|&c| c != '0');
    let (run_a, run_b) = (digits(&a[at..]), digits(&b[at..]));
    let number = |run: &[char]| {
        let start = i64::from(inside);
        run.iter().fold(start, |sum, digit| {
            sum.wrapping_mul(10).wrapping_add(i64::from(digit.to_digit(10).unwrap_or(0)))
        })
    };
    number(run_a).cmp(&number(run_b)).then(run_a.len().cmp(&run_b.len())).then(a[at].cmp(&b[at]))
}

fn digits(text: &[char]) -> &[char] {
    let length = text.iter().take_while(|c| c.is_ascii_digit()).count();
    &text[..length]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_helm_writes_them() {
        let long = "word ".repeat(20).trim().to_owned();
        let table = [
            (json!({"b": 1, "a": [1, {"x": "y"}]}), "a:\n- 1\n- x: \"y\"\nb: 1\n"),
            (json!({"a": {}, "b": [], "c": null}), "a: {}\nb: []\nc: null\n"),
            (
                json!(["yes", "0644", "1.5", "~", "", "2024-01-02", "1:30"]),
                "- \"yes\"\n- \"0644\"\n- \"1.5\"\n- \"~\"\n- \"\"\n- \"2024-01-02\"\n- \"1:30\"\n",
            ),
            (json!({"a": "x: y", "b": "# c", "c": "it's"}), "a: 'x: y'\nb: '# c'\nc: it's\n"),
            (
                json!({"a": "one\ntwo\n", "b": "one\ntwo"}),
                "a: |\n  one\n  two\nb: |-\n  one\n  two\n",
            ),
            (json!({"x10": 1, "x9": 2, "x": 3, "x-1": 4}), "x: 3\nx-1: 4\nx9: 2\nx10: 1\n"),
            (json!([1.5, 1e6, 1e21]), "- 1.5\n- 1000000\n- 1e+21\n"),
            (
                json!({ "a": long }),
                "a: word word word word word word word word word word word word word word word word\n  word word word word\n",
            ),
        ];
        for (value, expected) in table {
            assert_eq!(emit(&value), expected);
        }
    }
}
