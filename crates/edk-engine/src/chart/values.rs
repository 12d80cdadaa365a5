use std::path::{Path, PathBuf};

use edk_chart::yaml;
use edk_model::Finding;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::EngineError;

/// Values over those of a chart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ChartValues {
    /// Files of values; a later one wins.
    #[serde(default)]
    pub files: Vec<PathBuf>,
}

impl ChartValues {
    /// Reads and joins all values.
    ///
    /// # Errors
    /// [`EngineError::Io`] for a file that can't be read, [`EngineError::Chart`] for one that is no
    /// map.
    pub(super) fn read(&self) -> Result<Value, EngineError> {
        let mut values = Map::new();
        for file in &self.files {
            join(&mut values, read(file)?);
        }
        Ok(Value::Object(values))
    }

    /// Reads the files of values: name and text.
    ///
    /// # Errors
    /// [`EngineError::Io`] for a file that can't be read.
    pub(super) fn texts(&self) -> Result<Vec<(String, String)>, EngineError> {
        let read = |path: &PathBuf| {
            let text = std::fs::read(path).map_err(|source| EngineError::io(path, source))?;
            Ok((path.display().to_string(), String::from_utf8_lossy(&text).into_owned()))
        };
        self.files.iter().map(read).collect()
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, EngineError> {
    let text = std::fs::read(path).map_err(|source| EngineError::io(path, source))?;
    let name = path.display().to_string();
    let broken = |finding: Finding| edk_chart::Error::Broken {
        origin: name.clone(),
        findings: vec![finding],
    };
    match yaml::parse(&String::from_utf8_lossy(&text), &name).map_err(broken)? {
        Value::Object(values) => Ok(values),
        Value::Null => Ok(Map::new()),
        _ => {
            let finding = Finding::error("chart/values", "the values are not a map").in_file(&name);
            Err(broken(finding.at(1, 1)).into())
        }
    }
}

/// Puts `upper` over `values`; null stays, because it takes the chart's own value away.
fn join(values: &mut Map<String, Value>, upper: Map<String, Value>) {
    for (key, value) in upper {
        match (values.get_mut(&key), value) {
            (Some(Value::Object(lower)), Value::Object(upper)) => join(lower, upper),
            (_, value) => {
                values.insert(key, value);
            }
        }
    }
}
