use std::path::PathBuf;

use serde_json::Value;

use crate::{Lock, Metadata};

/// A file of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name relative to the chart, parts separated by `/`.
    pub name: String,
    /// Content.
    pub data: Vec<u8>,
}

/// A Helm chart with the charts inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What `Chart.yaml` says, the dependencies of a `requirements.yaml` included.
    pub metadata: Metadata,
    /// `Chart.yaml` as it was read; nothing is packed of it. For the places of findings.
    pub metadata_file: File,
    /// The lock file of the dependencies, when there is one.
    pub lock: Option<Lock>,
    /// What `values.yaml` says: an object, empty without the file.
    pub values: Value,
    /// `values.yaml` as it is, when there is one.
    pub values_file: Option<File>,
    /// `values.schema.json` as it is, when there is one.
    pub schema: Option<Vec<u8>>,
    /// Everything below `templates/`, in the order of packing.
    pub templates: Vec<File>,
    /// All other files, in the order of packing.
    pub files: Vec<File>,
    /// The charts below `charts/`, sorted by name.
    pub subcharts: Vec<Chart>,
    /// The folder or archive it comes from, as the user would name it.
    pub origin: String,
    /// The folder it comes from, for dependencies with a relative path.
    pub folder: Option<PathBuf>,
}

impl Chart {
    /// Returns the chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Returns the chart's version.
    pub fn version(&self) -> &str {
        &self.metadata.version
    }

    /// Returns the subchart called `name`.
    pub fn subchart(&self, name: &str) -> Option<&Chart> {
        self.subcharts.iter().find(|chart| chart.name() == name)
    }

    /// Returns the names of the charts which it declares and does not hold.
    pub fn missing(&self) -> Vec<&str> {
        let declared = self.metadata.dependencies.iter().map(|it| it.name.as_str());
        declared.filter(|name| self.subchart(name).is_none()).collect()
    }

    /// Returns the content of the file `name` (templates are no files).
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|file| file.name == name).map(|file| file.data.as_slice())
    }

    /// Returns the name of `file` for a finding: below the chart's folder or archive.
    pub fn path_of(&self, file: &str) -> String {
        format!("{}/{file}", self.origin)
    }
}
