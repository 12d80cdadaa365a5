//! What a `Chart.yaml` says, and what Helm accepts of it.

mod check;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use read::{KEYS, canonical, line_of, scalars, typed};

/// What a `Chart.yaml` says; keys which Helm does not know are dropped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Page of the project.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// Places of source code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Version of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One sentence about the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words to find the chart by; the platform reads them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// People.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// Place of a picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// `v1` or `v2`; empty means v1.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Condition of the chart as a dependency.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags of the chart as a dependency.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// Version of what the chart installs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether the chart should not be used any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Free texts by name; the platform reads some.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Range of Kubernetes versions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// Charts that this one needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// `application`, `library` or empty.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// A person in a [`Metadata`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintainer {
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that another one needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dependency {
    /// Name of the needed chart.
    pub name: String,
    /// Range of versions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it is; empty means by name.
    pub repository: String,
    /// Paths into the values, separated by commas; the first boolean switches the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Words which the values may switch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Set by Helm only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// Values of the needed chart that its user takes over.
    #[serde(rename = "import-values", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<Value>,
    /// Another name for this use of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

impl Dependency {
    /// Returns the name under which the chart's values and objects appear.
    pub fn effective_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

impl Metadata {
    /// Says whether it is a chart of Helm 2 (`apiVersion: v1`).
    pub fn is_v1(&self) -> bool {
        self.api_version != "v2"
    }

    /// Says whether the chart only lends templates to others.
    pub fn is_library(&self) -> bool {
        self.kind == "library"
    }
}
