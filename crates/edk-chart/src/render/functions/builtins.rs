//! Go's own functions (Go: "text/template", "Functions").

use super::{Outcome, Table, args, def};
use crate::render::{
    fault::Fault,
    format,
    thing::Thing,
    value::{Map, TEXT_MAP, Uint, Value},
};

pub(super) const TABLE: Table = &[
    def("not", "v", |_, args| Ok(Value::Bool(!args::any(args, 0).truth()))),
    def("print", "*a", |_, args| Ok(Value::text(format::sprint(args)))),
    def("println", "*a", |_, args| Ok(Value::text(format::sprintln(args)))),
    def("printf", "s*a", |_, args| {
        Ok(Value::text(format::sprintf(args::bytes(args, 0), &args[1..])))
    }),
    def("len", "v", |_, args| length(args::any(args, 0))),
    def("index", "v*v", |_, args| {
        let (first, indexes) = args.split_first().ok_or("index of untyped nil")?;
        if first.is_nil() {
            return Err("index of untyped nil".into());
        }
        indexes.iter().try_fold(first.clone(), |item, index| at_index(&item, index))
    }),
    def("html", "*a", |_, args| Ok(Value::text(html(&joined(args))))),
    def("js", "*a", |_, args| Ok(Value::text(js(&joined(args))))),
    def("urlquery", "*a", |_, args| Ok(Value::text(super::urls::escaped_query(&joined(args))))),
    // The text of the first argument comes before it.
    def("call", "v*v", |_, args| match args::any(args, 1) {
        Value::Invalid | Value::Null => Err("call of nil".into()),
        other => {
            let text = args::text(args, 0);
            Err(format!("non-function {text} of type {}", other.type_of()).into())
        }
    }),
];

fn joined(args: &[Value]) -> Vec<u8> {
    match args {
        [Value::Text(text)] => text.to_vec(),
        args => {
            let shown = |value: &Value| match value {
                Value::Invalid | Value::Null => Value::text("<no value>"),
                other => other.clone(),
            };
            format::sprint(&args.iter().map(shown).collect::<Vec<_>>())
        }
    }
}

/// What Go says when it asks nothing for its type.
pub(super) const NO_TYPE: &str = "reflect: call of reflect.Value.Type on zero Value";

fn length(value: &Value) -> Outcome {
    let length = match value {
        Value::Text(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.items.borrow().len(),
        Value::Map(map) => map.entries.borrow().len(),
        Value::Thing(thing) => match &**thing {
            Thing::Files(files) => files.len(),
            Thing::Apis(apis) => apis.len(),
            _ => return Err(format!("len of type {}", value.type_of()).into()),
        },
        Value::Null => return Err("len of nil pointer".into()),
        Value::Invalid => return Err(NO_TYPE.into()),
        other => return Err(format!("len of type {}", other.type_of()).into()),
    };
    Ok(Value::count(length))
}

/// Returns the place which `index` names among `length` ones.
fn place(index: &Value, length: usize) -> Result<usize, Fault> {
    let number = match index {
        Value::Int(_, number) => Some(*number),
        Value::Uint(_, number) => i64::try_from(*number).ok(),
        Value::Invalid | Value::Null => return Err("cannot index slice/array with nil".into()),
        other => {
            let kind = other.type_of();
            return Err(format!("cannot index slice/array with type {kind}").into());
        }
    };
    let place = number.and_then(|number| usize::try_from(number).ok());
    place.filter(|place| *place < length).ok_or_else(|| {
        format!("index out of range: {}", number.unwrap_or(i64::MAX)).into()
    })
}

fn at_index(item: &Value, index: &Value) -> Outcome {
    match item {
        Value::Invalid | Value::Null => Err("index of nil pointer".into()),
        Value::List(list) => {
            let items = list.items.borrow();
            Ok(items[place(index, items.len())?].clone())
        }
        Value::Text(bytes) | Value::Bytes(bytes) => {
            Ok(Value::Uint(Uint::Uint8, u64::from(bytes[place(index, bytes.len())?])))
        }
        Value::Map(map) => {
            let key = key(index)?;
            Ok(map.get(key).unwrap_or_else(|| zero(map)))
        }
        Value::Thing(thing) => match &**thing {
            Thing::Files(files) => {
                let key = key(index)?;
                let data = files.get(&*String::from_utf8_lossy(key));
                Ok(Value::Bytes(data.map_or(&[][..], Vec::as_slice).into()))
            }
            Thing::Apis(apis) => Ok(Value::text(&apis[place(index, apis.len())?])),
            _ => Err(format!("can't index item of type {}", item.type_of()).into()),
        },
        other => Err(format!("can't index item of type {}", other.type_of()).into()),
    }
}

fn key(index: &Value) -> Result<&[u8], Fault> {
    match index {
        Value::Text(key) => Ok(key),
        Value::Invalid | Value::Null => Err("value is nil; should be of type string".into()),
        other => Err(format!("value has type {}; should be string", other.type_of()).into()),
    }
}

/// Returns what a map gives for a key it does not have.
fn zero(map: &Map) -> Value {
    if map.go == TEXT_MAP { Value::text("") } else { Value::Invalid }
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in text {
        match byte {
            0 => out.extend("\u{fffd}".bytes()),
            b'"' => out.extend(b"&#34;"),
            b'\'' => out.extend(b"&#39;"),
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            other => out.push(*other),
        }
    }
    out
}

fn js(text: &[u8]) -> String {
    let mut out = String::new();
    for letter in String::from_utf8_lossy(text).chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c < ' ' || (c.is_control()) => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
