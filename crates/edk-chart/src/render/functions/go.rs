//! Go's own functions (`text/template`, "Functions"); `and` and `or` are part of the execution.

use std::cmp::Ordering;

use gotmpl::{Template, Value};

use super::{Outcome, Table, args};
use crate::render::{
    fault::Fault,
    value::{list, string, text, type_of},
};

pub(super) const TABLE: Table = &[
    ("eq", |_, args| {
        let first = args::any(args, 0)?;
        args::any(args, 1)?;
        for other in &args[1..] {
            if equal(first, other)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    ("ne", |_, args| Ok(Value::Bool(!equal(args::any(args, 0)?, args::any(args, 1)?)?))),
    ("lt", |_, args| Ok(Value::Bool(order(args)? == Ordering::Less))),
    ("le", |_, args| Ok(Value::Bool(order(args)? != Ordering::Greater))),
    ("gt", |_, args| Ok(Value::Bool(order(args)? == Ordering::Greater))),
    ("ge", |_, args| Ok(Value::Bool(order(args)? != Ordering::Less))),
    ("not", |_, args| Ok(Value::Bool(!args::any(args, 0)?.is_truthy()))),
    ("len", |_, args| {
        let value = args::any(args, 0)?;
        let length = value.len().ok_or_else(|| format!("len of type {}", type_of(value)))?;
        Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
    }),
    ("index", |_, args| index(args)),
    ("slice", |_, args| {
        let bound = |at: usize| match args.get(at) {
            Some(_) => args::int(args, at).map(Some),
            None => Ok(None),
        };
        let sliced = args::any(args, 0)?.slice(bound(1)?, bound(2)?);
        sliced.map_err(|error| error.to_string().into())
    }),
    ("print", |_, args| Ok(string(printed(args)))),
    ("println", |_, args| {
        let texts: Vec<String> = args.iter().map(text).collect();
        Ok(string(texts.join(" ") + "\n"))
    }),
    ("printf", |_, args| formatted(args)),
    ("html", |_, args| Ok(string(gotmpl::html_escape(&printed(args))))),
    ("js", |_, args| Ok(string(gotmpl::js_escape(&printed(args))))),
    ("urlquery", |_, args| Ok(string(gotmpl::url_encode(&printed(args))))),
];

fn equal(one: &Value, other: &Value) -> Result<bool, Fault> {
    match (one, other) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a), Value::Int(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::List(_) | Value::Map(_), _) => {
            Err(format!("non-comparable type {}: {}", text(one), type_of(one)).into())
        }
        _ => Err("incompatible types for comparison".into()),
    }
}

fn order(args: &[Value]) -> Result<Ordering, Fault> {
    match (args::any(args, 0)?, args::any(args, 1)?) {
        (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => Ok(a.total_cmp(b)),
        (Value::Bool(_) | Value::List(_) | Value::Map(_), _) => {
            Err("invalid type for comparison".into())
        }
        _ => Err("incompatible types for comparison".into()),
    }
}

fn index(args: &[Value]) -> Outcome {
    let mut value = args::any(args, 0)?.clone();
    for key in &args[1..] {
        value = match (&value, key) {
            (Value::Nil, _) => return Err("index of untyped nil".into()),
            (Value::Map(map), Value::String(key)) => map.get(key).cloned().unwrap_or(Value::Nil),
            (Value::Map(_), other) => return Err(args::wrong("string", other)),
            (Value::List(items), key) => {
                let at = args::as_int(key);
                let found = usize::try_from(at).ok().and_then(|at| items.get(at));
                found.cloned().ok_or_else(|| format!("index out of range: {at}"))?
            }
            (other, _) => {
                return Err(format!("can't index item of type {}", type_of(other)).into());
            }
        };
    }
    Ok(value)
}

/// Joins arguments the way of `fmt.Sprint`: a blank between two that are no texts.
fn printed(args: &[Value]) -> String {
    let mut out = String::new();
    let is_text = |value: &Value| matches!(value, Value::String(_));
    for (at, value) in args.iter().enumerate() {
        if at > 0 && !is_text(value) && !is_text(&args[at - 1]) {
            out.push(' ');
        }
        out.push_str(&text(value));
    }
    out
}

/// Formats through the crate's own `printf`, which is reachable from a template only.
fn formatted(args: &[Value]) -> Outcome {
    args::string(args, 0)?;
    let names: String = (0..args.len()).map(|at| format!(" (index . {at})")).collect();
    let template = Template::new("printf").parse(&format!("{{{{printf{names}}}}}"));
    let values = list(args.iter().cloned());
    let out = template.and_then(|template| template.execute_to_string(&values));
    out.map(string).map_err(|error| error.to_string().into())
}
