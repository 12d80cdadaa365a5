//! The values of templates, as Go has them: strings are bytes, maps and lists are shared and
//! change in place, and each whole number has a type.

use std::{cell::Cell, cell::RefCell, collections::BTreeMap, rc::Rc};

use serde_json::Value as Json;

use super::thing::Thing;

/// Text, which may hold any bytes.
pub(super) type Bytes = Rc<[u8]>;
/// What a map holds, in the order in which Go prints it.
pub(super) type Entries = BTreeMap<Bytes, Value>;

/// A value of a template.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing at all: what a pipeline makes of nil.
    Invalid,
    /// Nil in an `interface {}`, such as a key that is not there.
    Null,
    Bool(bool),
    Int(Int, i64),
    Uint(Uint, u64),
    Float(f64),
    Text(Bytes),
    /// `[]uint8`.
    Bytes(Bytes),
    List(Rc<List>),
    Map(Rc<Map>),
    Thing(Rc<Thing>),
}

/// The types of whole numbers with a sign, by their names in Go.
#[allow(clippy::enum_variant_names, reason = "int is a type of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Int {
    Int,
    Int64,
    Duration,
    Month,
    Weekday,
}

/// The types of whole numbers without a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uint {
    Uint8,
    Uint32,
    Uint64,
}

/// A list.
#[derive(Debug)]
pub(super) struct List {
    /// Name of the Go type, such as `[]string`.
    pub(super) go: &'static str,
    /// Whether it is nil rather than empty; JSON tells them apart.
    pub(super) nil: bool,
    pub(super) items: RefCell<Vec<Value>>,
    depth: usize,
}

/// A map from texts.
#[derive(Debug)]
pub(super) struct Map {
    /// Name of the Go type, such as `map[string]interface {}`.
    pub(super) go: &'static str,
    /// Whether it is nil: nothing can be put into it.
    pub(super) nil: bool,
    /// Shared with the same map under another type.
    pub(super) entries: Rc<RefCell<Entries>>,
    depth: Cell<usize>,
}

pub(super) const ANY_LIST: &str = "[]interface {}";
pub(super) const TEXTS: &str = "[]string";
pub(super) const ANY_MAP: &str = "map[string]interface {}";
pub(super) const TEXT_MAP: &str = "map[string]string";
/// The type of `.Values`.
pub(super) const VALUES: &str = "chartutil.Values";

impl List {
    pub(super) fn new(go: &'static str, items: Vec<Value>) -> Self {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        Self { go, nil: false, items: RefCell::new(items), depth }
    }
}

impl Map {
    pub(super) fn new(go: &'static str, entries: Entries) -> Self {
        let depth = 1 + entries.values().map(Value::depth).max().unwrap_or(0);
        let entries = Rc::new(RefCell::new(entries));
        Self { go, nil: false, entries, depth: Cell::new(depth) }
    }

    /// Returns the same map under another type.
    pub(super) fn typed(&self, go: &'static str) -> Self {
        let (entries, depth) = (self.entries.clone(), self.depth.clone());
        Self { go, nil: self.nil, entries, depth }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    pub(super) fn put(&self, key: &[u8], value: Value) {
        self.depth.set(self.depth.get().max(value.depth() + 1));
        self.entries.borrow_mut().insert(key.into(), value);
    }
}

impl Value {
    pub(super) fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub(super) fn int(number: i64) -> Self {
        Self::Int(Int::Int, number)
    }

    pub(super) fn int64(number: i64) -> Self {
        Self::Int(Int::Int64, number)
    }

    /// Returns a number of items.
    pub(super) fn count(number: usize) -> Self {
        Self::int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Returns a `[]interface {}`.
    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List::new(ANY_LIST, items)))
    }

    /// Returns a `[]interface {}` that is nil.
    pub(super) fn nil_list(go: &'static str) -> Self {
        Self::List(Rc::new(List { nil: true, ..List::new(go, Vec::new()) }))
    }

    pub(super) fn nil_map(go: &'static str) -> Self {
        Self::Map(Rc::new(Map { nil: true, ..Map::new(go, Entries::new()) }))
    }

    /// Returns a `[]string`.
    pub(super) fn texts<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Self::text).collect();
        Self::List(Rc::new(List::new(TEXTS, items)))
    }

    pub(super) fn map(entries: Entries) -> Self {
        Self::Map(Rc::new(Map::new(ANY_MAP, entries)))
    }

    pub(super) fn map_of<K: AsRef<[u8]>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::map(entries.into_iter().map(|(key, value)| (key.as_ref().into(), value)).collect())
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Null | Self::Invalid)
    }

    /// Says how deep values are nested in it, itself included.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth.get(),
            _ => 0,
        }
    }

    /// Says whether `if` takes it for true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Invalid | Self::Null => false,
            Self::Bool(flag) => *flag,
            Self::Int(_, number) => *number != 0,
            Self::Uint(_, number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) | Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.items.borrow().is_empty(),
            Self::Map(map) => !map.entries.borrow().is_empty(),
            Self::Thing(thing) => thing.truth(),
        }
    }

    /// Returns the name which Go has for its type.
    pub(super) fn type_of(&self) -> &'static str {
        match self {
            Self::Invalid => "<nil>",
            Self::Null => "interface {}",
            Self::Bool(_) => "bool",
            Self::Int(kind, _) => kind.go(),
            Self::Uint(kind, _) => kind.go(),
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.go,
            Self::Map(map) => map.go,
            Self::Thing(thing) => thing.go(),
        }
    }

    /// Returns the name which Go has for its kind.
    pub(super) fn kind_of(&self) -> &'static str {
        match self {
            Self::Invalid | Self::Null => "invalid",
            Self::Int(kind, _) => kind.kind(),
            Self::List(_) | Self::Bytes(_) => "slice",
            Self::Map(_) => "map",
            Self::Thing(thing) => thing.kind(),
            other => other.type_of(),
        }
    }
}

impl Int {
    pub(super) fn go(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Int64 | Self::Duration => "int64",
            Self::Int | Self::Month | Self::Weekday => "int",
        }
    }
}

impl Uint {
    pub(super) fn go(self) -> &'static str {
        match self {
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}

/// Returns `json` for a template. Whole numbers become `int64`, as `--set` makes them; what comes
/// from a file has floating-point numbers only (see [`floats`]).
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::int64(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(from_json).collect()),
        Json::Object(map) => Value::map_of(map.iter().map(|(key, value)| (key, from_json(value)))),
    }
}

/// Makes all numbers floating-point numbers: Helm reads files through JSON.
pub(crate) fn floats(json: &mut Json) {
    match json {
        Json::Number(number) => {
            if let Some(float) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(floats),
        Json::Object(map) => map.values_mut().for_each(floats),
        _ => {}
    }
}
