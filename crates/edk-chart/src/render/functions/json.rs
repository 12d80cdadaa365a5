//! Sprig's and Helm's functions for JSON (Go: "encoding/json").

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value as Json;

use super::{Table, args, def, times};
use crate::render::{
    format,
    thing::Thing,
    value::{Value, floats, from_json},
};

/// How deep values may be nested to be written.
const MAX_DEPTH: usize = 1000;

pub(super) const TABLE: Table = &[
    def("toJson", "a", |_, args| Ok(Value::text(written(args, &HTML).unwrap_or_default()))),
    def("mustToJson", "a", |_, args| Ok(Value::text(written(args, &HTML)?))),
    def("toPrettyJson", "a", |_, args| Ok(Value::text(written(args, &PRETTY).unwrap_or_default()))),
    def("mustToPrettyJson", "a", |_, args| Ok(Value::text(written(args, &PRETTY)?))),
    def("toRawJson", "a", |_, args| Ok(Value::text(written(args, &RAW)?))),
    def("mustToRawJson", "a", |_, args| Ok(Value::text(written(args, &RAW)?))),
    def("fromJson", "s", |_, args| {
        Ok(match read(args) {
            Ok(map @ (Value::Map(_) | Value::Invalid | Value::Null)) => match map {
                Value::Map(map) => Value::Map(map),
                _ => Value::nil_map(crate::render::value::ANY_MAP),
            },
            Ok(other) => fault(&unlike(&other, "map[string]interface {}")),
            Err(message) => fault(&message),
        })
    }),
    def("fromJsonArray", "s", |_, args| {
        Ok(match read(args) {
            Ok(list @ Value::List(_)) => list,
            Ok(Value::Null | Value::Invalid) => Value::nil_list(crate::render::value::ANY_LIST),
            Ok(other) => Value::list(vec![Value::text(unlike(&other, "[]interface {}"))]),
            Err(message) => Value::list(vec![Value::text(message)]),
        })
    }),
    def("mustFromJson", "s", |_, args| Ok(read(args)?)),
];

/// A map that says what is wrong, as Helm returns it.
pub(super) fn fault(message: &str) -> Value {
    Value::map_of([("Error", Value::text(message))])
}

pub(super) fn unlike(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::Text(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

fn read(args: &[Value]) -> Result<Value, String> {
    let text = args::text(args, 0);
    if text.trim().is_empty() {
        return Err("unexpected end of JSON input".to_owned());
    }
    let mut json: Json = serde_json::from_str(&text).map_err(|error| match error.is_eof() {
        true => "unexpected end of JSON input".to_owned(),
        false => error.to_string(),
    })?;
    floats(&mut json);
    Ok(from_json(&json))
}

struct Style {
    escapes_html: bool,
    indent: Option<&'static str>,
}

const HTML: Style = Style { escapes_html: true, indent: None };
const PRETTY: Style = Style { escapes_html: true, indent: Some("  ") };
const RAW: Style = Style { escapes_html: false, indent: None };

fn written(args: &[Value], style: &Style) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, args::any(args, 0), style, 0)?;
    Ok(out)
}

/// Returns `value` as JSON, in one line.
pub(super) fn plain(value: &Value) -> Result<String, String> {
    written(std::slice::from_ref(value), &HTML)
}

fn write(out: &mut String, value: &Value, style: &Style, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("json: unsupported value: encountered a cycle".to_owned());
    }
    match value {
        Value::Invalid | Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(_, number) => out.push_str(&number.to_string()),
        Value::Uint(_, number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)?),
        Value::Text(text) => string(out, text, style),
        Value::Bytes(bytes) => string(out, STANDARD.encode(bytes).as_bytes(), style),
        Value::List(list) if list.nil => out.push_str("null"),
        Value::Map(map) if map.nil => out.push_str("null"),
        Value::List(list) => {
            let items = list.items.borrow();
            let write = |out: &mut String, item: &Value| write(out, item, style, depth + 1);
            around(out, ['[', ']'], items.iter(), style, depth, write)?;
        }
        Value::Map(map) => {
            let entries = map.entries.borrow();
            around(out, ['{', '}'], entries.iter(), style, depth, |out, (key, item)| {
                string(out, key, style);
                out.push_str(if style.indent.is_some() { ": " } else { ":" });
                write(out, item, style, depth + 1)
            })?;
        }
        Value::Thing(thing) => match &**thing {
            Thing::Struct { go, .. } => structure(out, thing, go, style, depth)?,
            Thing::KubeVersion { .. } => structure(out, thing, "", style, depth)?,
            other => write(out, &as_plain(other), style, depth + 1)?,
        },
    }
    Ok(())
}

/// Writes the fields of a structure in their order; charts leave empty ones out.
fn structure(
    out: &mut String,
    thing: &Thing,
    go: &str,
    style: &Style,
    depth: usize,
) -> Result<(), String> {
    let chart = go.contains("chart.");
    let mut fields = thing.fields();
    fields.retain(|(name, value)| {
        !chart || value.truth() || matches!(*name, "IsRoot" | "Repository")
    });
    around(out, ['{', '}'], fields.into_iter(), style, depth, |out, (name, value)| {
        let name = match go {
            "version.BuildInfo" => snake(name),
            _ if chart => tag(name),
            _ => name.to_owned(),
        };
        string(out, name.as_bytes(), style);
        out.push_str(if style.indent.is_some() { ": " } else { ":" });
        write(out, &value, style, depth + 1)
    })
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (at, c) in name.char_indices() {
        if at > 0 && c.is_uppercase() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Returns a value with a type of its own as one without.
fn as_plain(thing: &Thing) -> Value {
    match thing {
        Thing::Struct { .. } | Thing::KubeVersion { .. } => Value::map_of(thing.fields()),
        Thing::Files(files) => Value::map_of(
            files.iter().map(|(name, data)| (name, Value::Bytes(data.as_slice().into()))),
        ),
        Thing::Apis(apis) => Value::texts(apis),
        Thing::Time(time) => Value::text(times::rfc3339(time)),
        Thing::Semver(..) => Value::text(times::text_of(thing)),
    }
}

/// Returns the name which a field of a chart has in JSON.
fn tag(name: &str) -> String {
    match name {
        "IsRoot" => name.to_owned(),
        "APIVersion" => "apiVersion".to_owned(),
        "URL" => "url".to_owned(),
        "ImportValues" => "import-values".to_owned(),
        name => name[..1].to_lowercase() + &name[1..],
    }
}

fn around<'v, T: 'v>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl ExactSizeIterator<Item = T>,
    style: &Style,
    depth: usize,
    mut write: impl FnMut(&mut String, T) -> Result<(), String>,
) -> Result<(), String> {
    let empty = items.len() == 0;
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = style.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    out.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        line(out, depth + 1);
        write(out, item)?;
    }
    if !empty {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}

pub(super) fn float(number: f64) -> Result<String, String> {
    if !number.is_finite() {
        let shown = format::general(number, 'g', None);
        return Err(format!("json: unsupported value: {shown}"));
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format::general(number, 'e', None);
        return Ok(text.replace("e-0", "e-"));
    }
    Ok(format::general(number, 'f', None))
}

fn string(out: &mut String, text: &[u8], style: &Style) {
    out.push('"');
    for letter in format::letters(text) {
        let format::Letter::Char(c) = letter else {
            out.push_str("\\ufffd");
            continue;
        };
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if style.escapes_html => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns `value` as what JSON knows, for the other writers.
pub(super) fn to_json(value: &Value) -> Result<Json, String> {
    let text = plain(value)?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
