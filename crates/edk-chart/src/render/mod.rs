//! From a chart and values to the objects that Kubernetes gets.

mod coalesce;
mod engine;
mod exec;
mod fault;
mod functions;
mod manifest;
mod scope;
mod value;

use std::{collections::BTreeMap, rc::Rc};

use engine::{Engine, Machine, Set};
pub use manifest::{Hook, Manifest};
use serde_json::Value;

use crate::{Chart, Error, Result};

/// What a rendering is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Number of the revision, from 1.
    pub revision: u64,
    /// Whether it is installed, not upgraded.
    pub is_install: bool,
}

/// What the cluster can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Version of Kubernetes, such as `v1.32.0`.
    pub kube_version: String,
    /// Versions of APIs, such as `batch/v1` or `batch/v1/Job`.
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    /// Returns a Kubernetes 1.32, which Helm 3.17 assumes when it renders without a cluster.
    fn default() -> Self {
        let groups = [
            "v1",
            "admissionregistration.k8s.io/v1",
            "apiextensions.k8s.io/v1",
            "apiregistration.k8s.io/v1",
            "apps/v1",
            "authentication.k8s.io/v1",
            "authorization.k8s.io/v1",
            "autoscaling/v1",
            "autoscaling/v2",
            "batch/v1",
            "certificates.k8s.io/v1",
            "coordination.k8s.io/v1",
            "discovery.k8s.io/v1",
            "events.k8s.io/v1",
            "networking.k8s.io/v1",
            "node.k8s.io/v1",
            "policy/v1",
            "rbac.authorization.k8s.io/v1",
            "scheduling.k8s.io/v1",
            "storage.k8s.io/v1",
        ];
        Self {
            kube_version: "v1.32.0".to_owned(),
            api_versions: groups.map(str::to_owned).to_vec(),
        }
    }
}

/// What a chart renders to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The objects without hooks in the order of installation, then the hooks.
    pub manifests: Vec<Manifest>,
    /// The text of `templates/NOTES.txt`, if there is one.
    pub notes: Option<String>,
}

/// Renders `chart` with the values of the user over its own.
///
/// The chart must hold the charts it needs (see [`crate::resolve`]). Random functions give the
/// same texts for the same release, and `now` is [`edk_model::SOURCE_DATE_EPOCH`], so that
/// rendering twice gives the same; `lookup` finds nothing.
///
/// # Errors
/// [`Error::Template`] with the place of what can't be parsed or executed, [`Error::Output`] for a
/// template that renders to something which is not YAML.
pub fn render(
    chart: &Chart,
    release: &Release,
    user_values: &Value,
    capabilities: &Capabilities,
) -> Result<Rendered> {
    let chart = coalesce::enabled(chart, user_values);
    let values = coalesce::coalesced(&chart, user_values);
    let texts = execute(&chart, release, &values, capabilities)?;
    let notes_name = format!("{}/templates/NOTES.txt", chart.name());
    let notes = texts.get(&notes_name).cloned();
    let mut manifests = Vec::new();
    for (name, text) in &texts {
        if !name.ends_with("NOTES.txt") {
            manifests.extend(manifest::objects(name, text)?);
        }
    }
    manifest::sort(&mut manifests);
    manifests.sort_by_key(|manifest| manifest.hook.is_some());
    Ok(Rendered { manifests, notes })
}

/// Returns the text of every template that is executed, by name.
fn execute(
    chart: &Chart,
    release: &Release,
    values: &Value,
    capabilities: &Capabilities,
) -> Result<BTreeMap<String, String>> {
    let seed = format!("{}/{}/{}", release.namespace, release.name, release.revision);
    let engine = Engine::new(&seed);
    let scopes = scope::all(&engine, chart, release, values, capabilities);
    let mut set = Set::new();
    for template in scope::in_parse_order(&scopes) {
        let text = String::from_utf8_lossy(&template.data);
        engine::parse(&mut set, &template.name, &text).map_err(Error::from)?;
    }
    functions::check(&set).map_err(Error::from)?;
    let machine = Machine { engine: &engine, set: Rc::new(set) };
    let mut texts = BTreeMap::new();
    for scope in &scopes {
        for template in scope.executed() {
            let dot = scope.dot(&template.name);
            let text = machine.execute(&template.name, &dot).map_err(|fault| match fault {
                fault::Fault::There(located) => Error::from(*located),
                fault::Fault::Here(message) => {
                    Error::Template { template: template.name.clone(), line: 1, column: 1, message }
                }
            })?;
            texts.insert(template.name.clone(), text.replace("<no value>", ""));
        }
    }
    Ok(texts)
}
