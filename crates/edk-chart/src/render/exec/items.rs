//! What a range goes through.

use super::super::{thing::Thing, value::Value};

/// An index or key, and what is there.
pub(super) type Pair = (Value, Value);

/// Says whether Go knows no more of what is in `value` than that it is an `interface {}`.
pub(super) fn holds_anything(value: &Value) -> bool {
    match value {
        Value::List(list) => list.go == super::super::value::ANY_LIST,
        Value::Map(map) => map.go != super::super::value::TEXT_MAP,
        _ => false,
    }
}

/// Returns what a range goes through.
pub(super) fn pairs(value: &Value) -> Option<Box<dyn Iterator<Item = Pair>>> {
    let shown = |item: Value| if item.is_nil() { Value::Null } else { item };
    Some(match value {
        Value::Invalid | Value::Null => Box::new(std::iter::empty()),
        Value::List(list) => {
            let items = list.items.borrow().clone();
            let pairs = items.into_iter().enumerate();
            Box::new(pairs.map(move |(at, item)| (Value::count(at), shown(item))))
        }
        Value::Bytes(bytes) => {
            let bytes: Vec<u8> = bytes.to_vec();
            Box::new(bytes.into_iter().enumerate().map(|(at, byte)| {
                (Value::count(at), Value::Uint(super::super::value::Uint::Uint8, u64::from(byte)))
            }))
        }
        Value::Map(map) => {
            let entries = map.entries.borrow().clone();
            Box::new(entries.into_iter().map(move |(key, item)| (Value::Text(key), shown(item))))
        }
        Value::Thing(thing) => match &**thing {
            Thing::Files(files) => {
                let entries: Vec<Pair> = files
                    .iter()
                    .map(|(name, data)| (Value::text(name), Value::Bytes(data.as_slice().into())))
                    .collect();
                Box::new(entries.into_iter())
            }
            Thing::Apis(apis) => {
                let apis: Vec<Value> = apis.iter().map(Value::text).collect();
                Box::new(apis.into_iter().enumerate().map(|(at, api)| (Value::count(at), api)))
            }
            _ => return None,
        },
        _ => return None,
    })
}
