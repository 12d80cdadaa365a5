use std::path::{Path, PathBuf};

use edk_chart::{Setting, user_values, yaml};
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
    /// Single values, over those of the files.
    #[serde(default)]
    pub settings: Vec<ChartSetting>,
}

/// A single value, in the words of an option of Helm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartSetting {
    /// `--set a.b=1,c={x,y}`.
    Set(String),
    /// `--set-string a=1`.
    SetString(String),
    /// `--set-json 'a=[1]'`.
    SetJson(String),
    /// `--set-file a=path`.
    SetFile(String),
    /// `--set-literal a=text`.
    SetLiteral(String),
}

impl From<&ChartSetting> for Setting {
    fn from(it: &ChartSetting) -> Self {
        match it {
            ChartSetting::Set(text) => Self::Typed(text.clone()),
            ChartSetting::SetString(text) => Self::Text(text.clone()),
            ChartSetting::SetJson(text) => Self::Json(text.clone()),
            ChartSetting::SetFile(text) => Self::File(text.clone()),
            ChartSetting::SetLiteral(text) => Self::Literal(text.clone()),
        }
    }
}

impl ChartValues {
    /// Reads and joins all values.
    ///
    /// # Errors
    /// [`EngineError::Io`] for a file that can't be read, [`EngineError::Chart`] for one that is no
    /// map and for a setting that can't be understood.
    pub(super) fn read(&self) -> Result<Value, EngineError> {
        self.read_over(None)
    }

    /// The same, over the values `below`.
    pub(super) fn read_over(&self, below: Option<Value>) -> Result<Value, EngineError> {
        let files = self.files.iter().map(|file| read(file));
        let files: Vec<Value> =
            below.into_iter().map(Ok).chain(files).collect::<Result<_, EngineError>>()?;
        let settings: Vec<Setting> = self.settings.iter().map(Setting::from).collect();
        Ok(user_values(&files, &settings, &|path| std::fs::read(path))?)
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

fn read(path: &Path) -> Result<Value, EngineError> {
    let text = std::fs::read(path).map_err(|source| EngineError::io(path, source))?;
    let name = path.display().to_string();
    let broken = |finding: Finding| edk_chart::Error::Broken {
        origin: name.clone(),
        findings: vec![finding],
    };
    match yaml::parse(&String::from_utf8_lossy(&text), &name).map_err(broken)? {
        values @ Value::Object(_) => Ok(values),
        Value::Null => Ok(Value::Object(Map::new())),
        _ => {
            let finding = Finding::error("chart/values", "the values are not a map").in_file(&name);
            Err(broken(finding.at(1, 1)).into())
        }
    }
}
