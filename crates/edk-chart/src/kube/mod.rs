//! What Kubernetes asks of objects, as far as it can be told without a cluster.
//!
//! The shapes are a table of our own (`kinds.txt`): the types of all of Kubernetes as Rust cost
//! more time to build than everything else in this room, and know neither quantities nor names.

pub(crate) mod names;
mod relations;
mod shapes;
mod table;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// What is wrong with an object: a JSON pointer and a sentence.
pub(crate) type Misfit = (String, String);

/// Says whether there is a kind of that name, in Kubernetes or on every platform.
pub(crate) fn is_known(api_version: &str, kind: &str) -> bool {
    table::get().kind(api_version, kind).is_some()
}

/// Says whether objects of a kind that is known are in a namespace.
pub(crate) fn is_namespaced(api_version: &str, kind: &str) -> bool {
    table::get().kind(api_version, kind).is_some_and(|kind| kind.in_namespace)
}

/// Returns what is wrong with the shape of `object`; of a kind that is not in the table, only what
/// holds for all objects.
pub(crate) fn check(object: &Value) -> Vec<Misfit> {
    let mut misfits = shapes::check(object);
    misfits.extend(relations::check(object));
    misfits
}
