//! The functions of templates: Go's, Sprig's and Helm's own (Helm: "Template Function List").
//!
//! One file per family, each with one table of names. A function takes its arguments as they were
//! given and says what is wrong with them in Go's words.

mod args;
mod calls;
mod check;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod files;
mod go;
mod lists;
mod maths;
mod paths;
pub(super) mod random;
mod regexes;
mod strings;
mod types;
mod versions;

use std::{collections::BTreeMap, sync::LazyLock};

pub(super) use check::check;
use gotmpl::Value;

use super::{engine::Machine, fault::Fault};

type Outcome = Result<Value, Fault>;
type Function = fn(&Machine<'_>, &[Value]) -> Outcome;
type Table = &'static [(&'static str, Function)];

/// The functions that change their first argument in Sprig.
pub(super) const CHANGE_THEIR_MAP: [&str; 6] =
    ["set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"];

static TABLES: [Table; 15] = [
    calls::TABLE,
    dates::TABLE,
    defaults::TABLE,
    dicts::TABLE,
    encoding::TABLE,
    go::TABLE,
    lists::TABLE,
    maths::TABLE,
    paths::TABLE,
    random::TABLE,
    regexes::TABLE,
    strings::TABLE,
    strings::CASES,
    types::TABLE,
    versions::TABLE,
];

static OURS: LazyLock<BTreeMap<&'static str, Function>> =
    LazyLock::new(|| TABLES.iter().flat_map(|table| table.iter().copied()).collect());

/// Calls the function `name`; `Err(None)` if there is none.
pub(super) fn call(
    machine: &Machine<'_>,
    name: &str,
    args: &[Value],
) -> Result<Value, Option<Fault>> {
    if let Some(function) = OURS.get(name) {
        return function(machine, args).map_err(Some);
    }
    Err(None)
}

/// Says whether there is a function `name`.
fn exists(name: &str) -> bool {
    OURS.contains_key(name) || matches!(name, "and" | "or")
}

/// Calls the method `name` of `receiver`; `None` if it has none.
pub(super) fn method(
    machine: &Machine<'_>,
    receiver: &Value,
    name: &str,
    args: &[Value],
) -> Option<Outcome> {
    match receiver {
        Value::Map(map) => {
            let files = machine.engine.files_of(map)?;
            files::method(machine, &files, name, args)
        }
        Value::List(items) if name == "Has" => {
            Some(args::any(args, 0).map(|wanted| Value::Bool(items.contains(wanted))))
        }
        _ => None,
    }
}
