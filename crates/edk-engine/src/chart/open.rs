use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use edk_chart::{Chart, Sources, resolve};
use edk_extension::Project;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// A chart that a command works on, and where the charts it needs are looked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ChartArg {
    /// The folder of a chart, a packaged chart, or the folder of an extension with one chart.
    pub chart: PathBuf,
    /// Folders below which the charts it needs are looked for by name; without any, those beside
    /// it, or all of its extension.
    #[serde(default)]
    pub workspace: Vec<PathBuf>,
    /// A version for it and all charts in it, as `edk package` stamps it.
    #[serde(default)]
    pub version: Option<String>,
}

/// Folders of charts by name.
type Named = Vec<(String, PathBuf)>;

impl Engine {
    /// Opens a chart with the charts it needs in it.
    pub(super) fn open_chart(&self, arg: &ChartArg) -> Result<Chart, EngineError> {
        let (chart, beside) = self.read_chart(&arg.chart)?;
        let chart = resolve(&chart, &self.sources(arg, beside)?)?;
        Ok(match &arg.version {
            Some(version) => chart.stamp(version),
            None => chart,
        })
    }

    /// Reads a chart as it lies there; with it, the charts beside it by name.
    pub(super) fn read_chart(&self, path: &Path) -> Result<(Chart, Named), EngineError> {
        if path.is_file() {
            let file = File::open(path).map_err(|source| EngineError::io(path, source))?;
            let origin = path.display().to_string();
            return Ok((Chart::read(BufReader::new(file), &origin)?, Vec::new()));
        }
        let (folder, beside) = self.chart_folder(path)?;
        Ok((Chart::load(&folder)?, beside))
    }

    /// Returns where the charts are that another one may need; without a workspace, the ones
    /// `beside` it.
    pub(super) fn sources(&self, arg: &ChartArg, beside: Named) -> Result<Sources, EngineError> {
        if arg.workspace.is_empty() {
            return Ok(Sources::new(beside));
        }
        let mut workspace = Vec::new();
        for folder in &arg.workspace {
            workspace.extend(charts_of(&self.project(folder)?));
        }
        Ok(Sources::new(workspace))
    }

    /// Returns the folder of the chart at `path`, and the charts beside it.
    pub(super) fn chart_folder(&self, path: &Path) -> Result<(PathBuf, Named), EngineError> {
        if path.join("Chart.yaml").is_file() || !path.is_dir() {
            return Ok((path.to_owned(), beside(path)));
        }
        let project = self.project(path)?;
        Ok((project.chart(None)?.folder.clone(), charts_of(&project)))
    }
}

pub(super) fn charts_of(project: &Project) -> Named {
    project.charts.iter().map(|chart| (chart.name.clone(), chart.folder.clone())).collect()
}

/// The charts in the folders beside the chart in `folder`. What can't be read there is somebody
/// else's.
fn beside(folder: &Path) -> Named {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let entries = folder.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    let folders = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> =
        folders.filter(|it| *it != folder && it.join("Chart.yaml").is_file()).collect();
    folders.sort();
    let named = |folder: PathBuf| Some((Chart::load(&folder).ok()?.name().to_owned(), folder));
    folders.into_iter().filter_map(named).collect()
}
