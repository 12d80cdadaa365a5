//! Sprig: "Dictionaries and Dict Functions". Maps don't change: `set` and its like return another.

use std::sync::Arc;

use gotmpl::Value;

use super::{Outcome, Table, args};
use crate::render::{
    fault::Fault,
    value::{Map, list, string, text},
};

pub(super) const TABLE: Table = &[
    ("dict", |_, args| {
        let pairs = args.chunks(2);
        let value = |pair: &[Value]| pair.get(1).cloned().unwrap_or_else(|| string(""));
        Ok(wrapped(pairs.map(|pair| (text(&pair[0]).into(), value(pair))).collect()))
    }),
    ("get", |_, args| {
        let found = args::map(args, 0)?.get(args::string(args, 1)?).cloned();
        Ok(found.unwrap_or_else(|| string("")))
    }),
    ("set", |_, args| {
        let (key, value) = (args::string(args, 1)?, args::any(args, 2)?.clone());
        changed(args, |map| {
            map.insert(key.into(), value);
        })
    }),
    ("unset", |_, args| {
        let key = args::string(args, 1)?;
        changed(args, |map| {
            map.remove(key);
        })
    }),
    ("hasKey", |_, args| Ok(Value::Bool(args::map(args, 0)?.contains_key(args::string(args, 1)?)))),
    ("keys", |_, args| {
        let mut keys = Vec::new();
        for at in 0..args.len() {
            keys.extend(args::map(args, at)?.keys().map(|key| Value::String(key.clone())));
        }
        Ok(list(keys))
    }),
    ("values", |_, args| Ok(list(args::map(args, 0)?.values().cloned()))),
    ("pluck", |_, args| {
        let key = args::string(args, 0)?;
        let mut found = Vec::new();
        for at in 1..args.len() {
            found.extend(args::map(args, at)?.get(key).cloned());
        }
        Ok(list(found))
    }),
    ("pick", |_, args| {
        let keys = keys(args)?;
        changed(args, |map| map.retain(|key, _| keys.iter().any(|kept| **kept == **key)))
    }),
    ("omit", |_, args| {
        let keys = keys(args)?;
        changed(args, |map| map.retain(|key, _| !keys.iter().any(|gone| **gone == **key)))
    }),
    ("merge", |_, args| merged(args, false)),
    ("mustMerge", |_, args| merged(args, false)),
    ("mergeOverwrite", |_, args| merged(args, true)),
    ("mustMergeOverwrite", |_, args| merged(args, true)),
    ("deepCopy", |_, args| Ok(args::any(args, 0)?.clone())),
    ("mustDeepCopy", |_, args| Ok(args::any(args, 0)?.clone())),
    ("dig", |_, args| dig(args)),
];

fn wrapped(map: Map) -> Value {
    Value::Map(Arc::new(map))
}

/// Returns the map that `change` makes of the first argument.
fn changed(args: &[Value], change: impl FnOnce(&mut Map)) -> Outcome {
    let mut map = (**args::map(args, 0)?).clone();
    change(&mut map);
    Ok(wrapped(map))
}

fn keys(args: &[Value]) -> Result<Vec<&str>, Fault> {
    (1..args.len()).map(|at| args::string(args, at)).collect()
}

/// Merges the later maps into the first; `over` lets them win.
fn merged(args: &[Value], over: bool) -> Outcome {
    let mut map = (**args::map(args, 0)?).clone();
    for at in 1..args.len() {
        merge(&mut map, args::map(args, at)?, over);
    }
    Ok(wrapped(map))
}

fn merge(map: &mut Map, other: &Map, over: bool) {
    for (key, value) in other {
        match (map.get_mut(key), value) {
            (Some(Value::Map(inner)), Value::Map(value)) => {
                merge(Arc::make_mut(inner), value, over);
            }
            (Some(found), value) => {
                // An empty value is no value to the library behind it.
                if if over { value.is_truthy() } else { !found.is_truthy() } {
                    *found = value.clone();
                }
            }
            (None, value) => {
                map.insert(key.clone(), value.clone());
            }
        }
    }
}

/// `dig "key" … default map`: the value behind the keys, or the default.
fn dig(args: &[Value]) -> Outcome {
    let Some((Value::Map(map), [keys @ .., default])) = args.split_last() else {
        return Err("dig needs at least three arguments, the last of them a map".into());
    };
    let mut value = Value::Map(map.clone());
    for at in 0..keys.len() {
        let key = args::string(keys, at)?;
        match &value {
            Value::Map(map) if map.contains_key(key) => value = map[key].clone(),
            Value::Map(_) => return Ok(default.clone()),
            other => return Err(args::wrong("map[string]interface {}", other)),
        }
    }
    Ok(value)
}
