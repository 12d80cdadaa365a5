//! Comparisons (Go: "text/template", "Functions").

use std::cmp::Ordering;

use super::{Outcome, Table, args, def};
use crate::render::{fault::Fault, format, value::Value};

pub(super) const TABLE: Table = &[
    def("eq", "v*v", |_, args| {
        let (first, others) = args.split_first().ok_or("missing argument for comparison")?;
        if others.is_empty() {
            return Err("missing argument for comparison".into());
        }
        for other in others {
            if equal(first, other)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    def("ne", "vv", |_, args| Ok(Value::Bool(!equal(args::any(args, 0), args::any(args, 1))?))),
    def("lt", "vv", |_, args| ordered(args, |order| order == Some(Ordering::Less))),
    def("le", "vv", |_, args| {
        let below = matches!(order(args)?, Some(Ordering::Less));
        Ok(Value::Bool(below || equal(args::any(args, 0), args::any(args, 1))?))
    }),
    def("gt", "vv", |_, args| {
        let below = matches!(order(args)?, Some(Ordering::Less));
        Ok(Value::Bool(!(below || equal(args::any(args, 0), args::any(args, 1))?)))
    }),
    def("ge", "vv", |_, args| ordered(args, |order| order != Some(Ordering::Less))),
];

/// The kinds of values that can be compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    Text,
    Other,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(..) => Basic::Int,
        Value::Uint(..) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Text(_) => Basic::Text,
        _ => Basic::Other,
    }
}

const MIXED: &str = "incompatible types for comparison";

fn equal(one: &Value, other: &Value) -> Result<bool, Fault> {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => Ok(one == other),
        (Value::Int(_, one), Value::Int(_, other)) => Ok(one == other),
        (Value::Uint(_, one), Value::Uint(_, other)) => Ok(one == other),
        (Value::Float(one), Value::Float(other)) => Ok(one == other),
        (Value::Text(one), Value::Text(other)) => Ok(one == other),
        (Value::Int(_, one), Value::Uint(_, other))
        | (Value::Uint(_, other), Value::Int(_, one)) => {
            Ok(u64::try_from(*one).is_ok_and(|one| one == *other))
        }
        _ if basic(one) != basic(other) => match one.is_nil() || other.is_nil() {
            true => Ok(false),
            false => Err(MIXED.into()),
        },
        _ if one.is_nil() || other.is_nil() => {
            let nil = |value: &Value| match value {
                Value::List(list) => list.nil,
                Value::Map(map) => map.nil,
                other => other.is_nil(),
            };
            Ok(nil(one) && nil(other))
        }
        _ => {
            if one.type_of() != other.type_of() || matches!(one, Value::Thing(_)) {
                return Ok(false);
            }
            let (shown, kind) = (format::under(other, 's'), other.type_of());
            Err(format!("non-comparable type {shown}: {kind}").into())
        }
    }
}

fn order(args: &[Value]) -> Result<Option<Ordering>, Fault> {
    let (one, other) = (args::any(args, 0), args::any(args, 1));
    if basic(one) == Basic::Other || basic(other) == Basic::Other {
        return Err("invalid type for comparison".into());
    }
    match (one, other) {
        (Value::Int(_, one), Value::Int(_, other)) => Ok(Some(one.cmp(other))),
        (Value::Uint(_, one), Value::Uint(_, other)) => Ok(Some(one.cmp(other))),
        (Value::Float(one), Value::Float(other)) => Ok(one.partial_cmp(other)),
        (Value::Text(one), Value::Text(other)) => Ok(Some(one.cmp(other))),
        (Value::Int(_, one), Value::Uint(_, other)) => {
            Ok(Some(i128::from(*one).cmp(&i128::from(*other))))
        }
        (Value::Uint(_, one), Value::Int(_, other)) => {
            Ok(Some(i128::from(*one).cmp(&i128::from(*other))))
        }
        (Value::Bool(_), Value::Bool(_)) => Err("invalid type for comparison".into()),
        _ => Err(MIXED.into()),
    }
}

fn ordered(args: &[Value], holds: fn(Option<Ordering>) -> bool) -> Outcome {
    Ok(Value::Bool(holds(order(args)?)))
}
