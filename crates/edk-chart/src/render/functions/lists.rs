//! Sprig: "Lists and List Functions".

use std::rc::Rc;

use super::{Outcome, Table, args, def, defaults::is_empty, types::same};
use crate::render::{
    fault::Fault,
    value::{ANY_LIST, List, Value},
};

pub(super) const TABLE: Table = &[
    def("list", "*a", |_, args| Ok(Value::list(args.to_vec()))),
    def("tuple", "*a", |_, args| Ok(Value::list(args.to_vec()))),
    def("append", "aa", |_, args| pushed(args)),
    def("push", "aa", |_, args| pushed(args)),
    def("mustAppend", "aa", |_, args| pushed(args)),
    def("mustPush", "aa", |_, args| pushed(args)),
    def("prepend", "aa", |_, args| prepended(args)),
    def("mustPrepend", "aa", |_, args| prepended(args)),
    def("first", "a", |_, args| end(args, "first", <[Value]>::first)),
    def("mustFirst", "a", |_, args| end(args, "first", <[Value]>::first)),
    def("last", "a", |_, args| end(args, "last", <[Value]>::last)),
    def("mustLast", "a", |_, args| end(args, "last", <[Value]>::last)),
    def("rest", "a", |_, args| rest(args)),
    def("mustRest", "a", |_, args| rest(args)),
    def("initial", "a", |_, args| initial(args)),
    def("mustInitial", "a", |_, args| initial(args)),
    def("reverse", "a", |_, args| {
        let mut items = items(args, 0, "Cannot find reverse on type")?;
        items.reverse();
        Ok(Value::list(items))
    }),
    def("mustReverse", "a", |_, args| {
        let mut items = items(args, 0, "Cannot find reverse on type")?;
        items.reverse();
        Ok(Value::list(items))
    }),
];

/// More of them, where the must-form does the same.
pub(super) const MORE: Table = &[
    def("uniq", "a", |_, args| uniq(args)),
    def("mustUniq", "a", |_, args| uniq(args)),
    def("compact", "a", |_, args| compact(args)),
    def("mustCompact", "a", |_, args| compact(args)),
    def("without", "a*a", |_, args| without(args)),
    def("mustWithout", "a*a", |_, args| without(args)),
    def("has", "aa", |_, args| has(args)),
    def("mustHas", "aa", |_, args| has(args)),
    def("slice", "a*a", |_, args| sliced(args)),
    def("mustSlice", "a*a", |_, args| sliced(args)),
    def("concat", "*a", |_, args| {
        let mut all = Vec::new();
        for value in args {
            if value.is_nil() {
                return Err(NO_POINTER.into());
            }
            let items = args::items(value);
            all.extend(items.ok_or_else(|| {
                format!("Cannot concat type {} as list", kind(value))
            })?);
            if all.len() > crate::render::engine::MAX_ITEMS {
                break;
            }
        }
        Ok(if all.is_empty() { Value::nil_list(ANY_LIST) } else { Value::list(all) })
    }),
    def("chunk", "ia", |_, args| chunk(args)),
    def("mustChunk", "ia", |_, args| chunk(args)),
];

/// What Go says of a list that is nil.
const NO_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

fn kind(value: &Value) -> &'static str {
    value.kind_of()
}

/// Returns the items of the list `at`; `refusal` and its kind are said of what is none.
fn items(args: &[Value], at: usize, refusal: &str) -> Result<Vec<Value>, Fault> {
    let value = args::any(args, at);
    if value.is_nil() {
        return Err(NO_POINTER.into());
    }
    args::items(value).ok_or_else(|| format!("{refusal} {}", kind(value)).into())
}

fn pushed(args: &[Value]) -> Outcome {
    let mut items = items(args, 0, "Cannot push on type")?;
    items.push(args::any(args, 1).clone());
    Ok(Value::list(items))
}

fn prepended(args: &[Value]) -> Outcome {
    let mut items = items(args, 0, "Cannot prepend on type")?;
    items.insert(0, args::any(args, 1).clone());
    Ok(Value::list(items))
}

fn end(args: &[Value], name: &str, which: fn(&[Value]) -> Option<&Value>) -> Outcome {
    let items = items(args, 0, &format!("Cannot find {name} on type"))?;
    Ok(which(&items).cloned().unwrap_or(Value::Invalid))
}

fn rest(args: &[Value]) -> Outcome {
    let items = items(args, 0, "Cannot find rest on type")?;
    Ok(match items.split_first() {
        Some((_, rest)) => Value::list(rest.to_vec()),
        None => Value::nil_list(ANY_LIST),
    })
}

fn initial(args: &[Value]) -> Outcome {
    let items = items(args, 0, "Cannot find initial on type")?;
    Ok(match items.split_last() {
        Some((_, initial)) => Value::list(initial.to_vec()),
        None => Value::nil_list(ANY_LIST),
    })
}

fn uniq(args: &[Value]) -> Outcome {
    let mut kept: Vec<Value> = Vec::new();
    let items = items(args, 0, "Cannot find uniq on type")?;
    if items.len() > 20_000 {
        return Err("a list of more than 20000 items can't be searched".into());
    }
    for item in items {
        if !kept.iter().any(|known| same(known, &item)) {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn compact(args: &[Value]) -> Outcome {
    let mut items = items(args, 0, "Cannot compact on type")?;
    items.retain(|item| !is_empty(item));
    Ok(Value::list(items))
}

fn without(args: &[Value]) -> Outcome {
    let mut items = items(args, 0, "Cannot find without on type")?;
    items.retain(|item| !args[1..].iter().any(|omitted| same(omitted, item)));
    Ok(Value::list(items))
}

fn has(args: &[Value]) -> Outcome {
    if args::any(args, 1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let items = items(args, 1, "Cannot find has on type")?;
    Ok(Value::Bool(items.iter().any(|item| same(args::any(args, 0), item))))
}

fn sliced(args: &[Value]) -> Outcome {
    let value = args::any(args, 0);
    let items = items(args, 0, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Invalid);
    }
    let place = |at: usize| args.get(at).map(args::as_int);
    let start = place(1).unwrap_or(0);
    let end = place(2).unwrap_or(i64::try_from(items.len()).unwrap_or(i64::MAX));
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some(inner) = range.and_then(|(start, end)| items.get(start..end)) else {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    };
    let go = match value {
        Value::List(list) => list.go,
        _ => ANY_LIST,
    };
    Ok(Value::List(Rc::new(List::new(go, inner.to_vec()))))
}

fn chunk(args: &[Value]) -> Outcome {
    let items = items(args, 1, "Cannot chunk type")?;
    let size = usize::try_from(args::int(args, 0)).unwrap_or(0);
    if size == 0 {
        return Err("runtime error: makeslice: len out of range".into());
    }
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec()));
    let chunks: Vec<Value> = chunks.collect();
    let go = "[][]interface {}";
    Ok(Value::List(Rc::new(List::new(go, chunks))))
}
