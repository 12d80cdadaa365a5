//! The functions of templates: Go's, Sprig's and Helm's own (Helm: "Template Function List").
//!
//! One file per family, each with one table. A function gets arguments of the types its table
//! names, so that what it says about them is in Go's words.

mod args;
mod builtins;
mod calls;
mod cases;
mod casts;
mod certificates;
mod compare;
pub(super) mod cost;
mod dates;
mod defaults;
mod dicts;
mod digests;
mod encoding;
mod files;
mod json;
mod layouts;
mod lists;
mod maths;
pub(super) mod methods;
mod passwords;
mod paths;
pub(super) mod random;
mod regexes;
mod strings;
pub(super) mod times;
mod toml;
mod types;
mod urls;
mod versions;
mod yaml;

use std::{collections::BTreeMap, rc::Rc, sync::LazyLock};

pub(super) use calls::without_no_value;

use super::{
    engine::Machine,
    fault::Fault,
    thing::Thing,
    value::{self, Value},
};

type Outcome = Result<Value, Fault>;

/// A function, with the types of its parameters.
pub(super) struct Definition {
    name: &'static str,
    /// One letter for each parameter: `a` anything, `v` anything as it is, `s` text, `i` int, `l`
    /// int64, `f` float64, `b` bool, `u` uint32, `m` map, `A` list, `t` time, `c` certificate, `B`
    /// bytes. After `*` comes the type of any number of further ones.
    types: &'static str,
    pub(super) function: fn(&Machine<'_>, &[Value]) -> Outcome,
}

/// A table of functions.
type Table = &'static [Definition];

/// Returns a line of a table.
const fn def(
    name: &'static str,
    types: &'static str,
    function: fn(&Machine<'_>, &[Value]) -> Outcome,
) -> Definition {
    Definition { name, types, function }
}

impl Definition {
    /// Returns the types of the parameters there must be, and of those there may be.
    pub(super) fn parameters(&self) -> (Vec<char>, Option<char>) {
        match self.types.split_once('*') {
            Some((fixed, more)) => (fixed.chars().collect(), more.chars().next()),
            None => (self.types.chars().collect(), None),
        }
    }
}

static TABLES: [Table; 25] = [
    builtins::TABLE,
    calls::TABLE,
    casts::TABLE,
    cases::TABLE,
    certificates::TABLE,
    compare::TABLE,
    dates::TABLE,
    defaults::TABLE,
    dicts::TABLE,
    digests::TABLE,
    encoding::TABLE,
    json::TABLE,
    lists::TABLE,
    lists::MORE,
    maths::TABLE,
    passwords::TABLE,
    paths::TABLE,
    random::TABLE,
    regexes::TABLE,
    strings::TABLE,
    toml::TABLE,
    types::TABLE,
    urls::TABLE,
    versions::TABLE,
    yaml::TABLE,
];

static OURS: LazyLock<BTreeMap<&'static str, &'static Definition>> = LazyLock::new(|| {
    let all = TABLES.iter().flat_map(|table| table.iter());
    all.map(|definition| (definition.name, definition)).collect()
});

/// Returns the function `name`.
pub(super) fn find(name: &str) -> Option<&'static Definition> {
    OURS.get(name).copied()
}

/// Says whether there is a function `name`.
pub(super) fn exists(name: &str) -> bool {
    OURS.contains_key(name) || matches!(name, "and" | "or")
}

/// Returns the name which Go has for a type of a parameter.
pub(super) fn type_of(kind: char) -> &'static str {
    match kind {
        's' => "string",
        'i' => "int",
        'l' => "int64",
        'f' => "float64",
        'b' => "bool",
        'u' => "uint32",
        'm' => value::ANY_MAP,
        'A' => value::ANY_LIST,
        't' => "time.Time",
        'c' => "sprig.certificate",
        'B' => "[]uint8",
        _ => "interface {}",
    }
}

/// Returns what nil is as a parameter; `None` if it can't be nil.
pub(super) fn nil_of(kind: char) -> Option<Value> {
    match kind {
        'a' | 'v' => Some(Value::Invalid),
        'm' => Some(Value::nil_map(value::ANY_MAP)),
        'A' => Some(Value::nil_list(value::ANY_LIST)),
        'B' => Some(Value::Bytes(Rc::from(&[][..]))),
        _ => None,
    }
}

/// Says whether `value` may be given for a parameter.
pub(super) fn fits(value: &Value, kind: char) -> bool {
    match kind {
        'a' | 'v' => true,
        'm' => matches!(value, Value::Map(map) if matches!(map.go, value::ANY_MAP | value::VALUES)),
        'c' => matches!(value, Value::Thing(thing) if thing.go() == "sprig.certificate"),
        't' => matches!(value, Value::Thing(thing) if matches!(**thing, Thing::Time(_))),
        'B' => matches!(value, Value::Bytes(_)),
        kind => value.type_of() == type_of(kind),
    }
}
