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

use edk_model::Finding;
use serde_json::Value;

use crate::{Chart, Manifest, origin::placed};

/// What is wrong with an object: a JSON pointer and a sentence.
pub(crate) type Misfit = (String, String);

/// Groups of kinds which every platform has beside those of Kubernetes.
const OWN_GROUPS: [&str; 2] = ["traefik.io", "traefik.containo.us"];

/// Something that Kubernetes refuses of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// JSON pointer to the value in the object.
    pub pointer: String,
    /// What is wrong, at the line of the template that looks most like the value. The rule is
    /// `kube/object`, or `kube/kind` for a kind that neither Kubernetes nor a platform has.
    pub finding: Finding,
}

/// Returns what Kubernetes refuses of an object that `chart` rendered to, as far as it can be told
/// without a cluster.
pub fn refused(chart: &Chart, manifest: &Manifest) -> Vec<Refused> {
    let Manifest { api_version, kind, .. } = manifest;
    if !is_of_a_platform(api_version, kind) {
        let message = no_kind(api_version, kind);
        let finding = placed(chart, manifest, "/kind", Finding::warning("kube/kind", message));
        return vec![Refused { pointer: "/kind".to_owned(), finding }];
    }
    let tell = |(pointer, message): Misfit| {
        let finding = Finding::error("kube/object", message);
        Refused { finding: placed(chart, manifest, &pointer, finding), pointer }
    };
    check(&manifest.object).into_iter().map(tell).collect()
}

/// Says whether every platform has a kind.
pub(crate) fn is_of_a_platform(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    is_known(api_version, kind) || OWN_GROUPS.contains(&group)
}

/// What is told of another kind.
pub(crate) fn no_kind(api_version: &str, kind: &str) -> String {
    format!("{api_version} {kind} is no kind of Kubernetes or of the platform")
}

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
