//! Sprig: "Default Functions".

use super::{Table, args, def};
use crate::render::{thing::Thing, value::Value};

pub(super) const TABLE: Table = &[
    def("default", "a*a", |_, args| Ok(match args.get(1) {
        Some(given) if !is_empty(given) => given.clone(),
        _ => args::any(args, 0).clone(),
    })),
    def("empty", "a", |_, args| Ok(Value::Bool(is_empty(args::any(args, 0))))),
    def("coalesce", "*a", |_, args| {
        Ok(args.iter().find(|value| !is_empty(value)).cloned().unwrap_or(Value::Invalid))
    }),
    def("all", "*a", |_, args| Ok(Value::Bool(!args.iter().any(is_empty)))),
    def("any", "*a", |_, args| Ok(Value::Bool(args.iter().any(|value| !is_empty(value))))),
    def("ternary", "aab", |_, args| {
        Ok(args::any(args, usize::from(!args::flag(args, 2))).clone())
    }),
];

/// Says whether Sprig takes `value` for empty.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Thing(thing) => match &**thing {
            Thing::Files(_) | Thing::Apis(_) => !thing.truth(),
            _ => false,
        },
        other => !other.truth(),
    }
}
