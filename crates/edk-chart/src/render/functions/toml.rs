//! Helm's functions for TOML.

use std::fmt::Write as _;

use super::{Table, args, def, json};
use crate::render::{
    format,
    value::{Entries, Value},
};

pub(super) const TABLE: Table = &[def("toToml", "a", |_, args| {
    let mut out = String::new();
    Ok(Value::text(match args::any(args, 0) {
        Value::Map(map) => {
            let entries = map.entries.borrow().clone();
            match table(&mut out, &entries, "") {
                Ok(()) => out,
                Err(message) => message,
            }
        }
        _ => "toml: top-level values must be Go maps or structs".to_owned(),
    }))
})];

fn key(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !text.is_empty() && text.chars().all(bare) {
        true => text.into_owned(),
        false => string(&text),
    }
}

fn string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Says whether `value` is a list of maps, which gets a section for each.
fn is_sections(value: &Value) -> bool {
    args::items(value)
        .is_some_and(|items| !items.is_empty() && items.iter().all(|it| matches!(it, Value::Map(_))))
}

/// Writes the entries of a map: the simple ones first, then those that are maps.
fn table(out: &mut String, entries: &Entries, path: &str) -> Result<(), String> {
    let depth = path.split('.').filter(|part| !part.is_empty()).count();
    let blanks = "  ".repeat(depth);
    for (name, value) in entries {
        if value.is_nil() || matches!(value, Value::Map(_)) || is_sections(value) {
            continue;
        }
        let _ = writeln!(out, "{blanks}{} = {}", key(name), inline(value)?);
    }
    for (name, value) in entries {
        let path = match path.is_empty() {
            true => key(name),
            false => format!("{path}.{}", key(name)),
        };
        let blanks = "  ".repeat(depth);
        match value {
            Value::Map(map) => {
                if depth == 0 && !out.is_empty() {
                    out.push('\n');
                }
                let _ = writeln!(out, "{blanks}[{path}]");
                table(out, &map.entries.borrow(), &path)?;
            }
            value if is_sections(value) => {
                for item in args::items(value).unwrap_or_default() {
                    let Value::Map(map) = item else { continue };
                    if !out.is_empty() {
                        out.push('\n');
                    }
                    let _ = writeln!(out, "{blanks}[[{path}]]");
                    table(out, &map.entries.borrow(), &path)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn inline(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::Text(text) => string(&String::from_utf8_lossy(text)),
        Value::Float(number) => {
            let text = format::general(*number, 'g', None);
            let text = if number.fract() == 0.0 && number.abs() < 1e21 {
                format!("{number:.1}")
            } else {
                text
            };
            text
        }
        Value::List(_) => {
            let items = args::items(value).unwrap_or_default();
            if items.iter().any(Value::is_nil) {
                return Err("toml: cannot encode array with nil element".to_owned());
            }
            let items: Result<Vec<String>, String> = items.iter().map(inline).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(map) => {
            let entries = map.entries.borrow();
            let entries: Result<Vec<String>, String> = entries
                .iter()
                .map(|(name, value)| Ok(format!("{} = {}", key(name), inline(value)?)))
                .collect();
            format!("{{{}}}", entries?.join(", "))
        }
        other => json::plain(other)?,
    })
}
