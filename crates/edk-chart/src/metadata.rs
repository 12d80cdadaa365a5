use std::collections::BTreeMap;

use edk_model::Finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

    /// Returns the metadata of the `Chart.yaml` with the content `value`.
    ///
    /// # Errors
    /// A finding of rule `chart/metadata` if a key has a value of the wrong type.
    pub(crate) fn from_value(value: &Value, text: &str, file: &str) -> Result<Self, Finding> {
        let mut value = value.clone();
        drop_nulls(&mut value);
        scalars_to_text(&mut value);
        let mut metadata: Self =
            typed(value.clone()).map_err(|message| place(&value, text, file, &message))?;
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_owned();
        }
        metadata.clean();
        Ok(metadata)
    }

    /// Cleans the texts that Helm cleans: any space becomes a blank, what can't be printed goes.
    fn clean(&mut self) {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = cleaned(text);
        }
        for text in self.keywords.iter_mut().chain(&mut self.sources) {
            *text = cleaned(text);
        }
    }
}

fn cleaned(text: &str) -> String {
    let blank = |c: char| if c.is_whitespace() { ' ' } else { c };
    text.chars().map(blank).filter(|c| !c.is_control()).collect()
}

/// Returns `value` as a `T`, or what is wrong with it.
pub(crate) fn typed<T: serde::de::DeserializeOwned + Default>(value: Value) -> Result<T, String> {
    match value {
        Value::Null => Ok(T::default()),
        value => serde_json::from_value(value).map_err(|error| error.to_string()),
    }
}

/// Drops what is null: Go leaves such a field as it is.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Turns numbers and booleans into texts, as Helm does where it expects a text: `version: 1.10`
/// is the version `1.1`.
pub(crate) fn scalars_to_text(value: &mut Value) {
    match value {
        Value::Object(map) => map
            .iter_mut()
            .filter(|(key, _)| !matches!(key.as_str(), "deprecated" | "enabled"))
            .for_each(|(_, value)| scalars_to_text(value)),
        Value::Array(items) => items.iter_mut().for_each(scalars_to_text),
        Value::Number(number) => {
            let text = match number.as_f64() {
                Some(float) if number.is_f64() => crate::number::general(float),
                _ => number.to_string(),
            };
            *value = Value::String(text);
        }
        Value::Bool(flag) => *value = Value::String(flag.to_string()),
        Value::Null | Value::String(_) => {}
    }
}

/// Returns a finding at the key whose value has the wrong type.
fn place(value: &Value, text: &str, file: &str, message: &str) -> Finding {
    let finding = Finding::error("chart/metadata", message).in_file(file);
    let wrong = value.as_object().into_iter().flatten().find(|(key, value)| {
        let alone = Value::Object([((*key).clone(), (*value).clone())].into_iter().collect());
        serde_json::from_value::<Metadata>(alone).is_err()
    });
    let Some((key, _)) = wrong else { return finding };
    let finding = Finding::error("chart/metadata", format!("`{key}`: {message}")).in_file(file);
    match line_of(text, key) {
        Some(line) => finding.at(line, 1),
        None => finding,
    }
}

/// Returns the line, from 1, on which the key `key` of the outermost map stands.
pub(crate) fn line_of(text: &str, key: &str) -> Option<usize> {
    let starts =
        |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    text.lines().position(starts).map(|line| line + 1)
}
