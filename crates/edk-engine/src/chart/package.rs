use std::path::PathBuf;

use edk_chart::{Plan, Resolver, Stamps, Subcharts};
use edk_model::{Digest, Monitor, Outcome};
use serde::{Deserialize, Serialize};

use super::ChartSources;
use crate::{Engine, EngineError};

/// Package one chart with the charts it needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartPackageRequest {
    /// The folder of a chart, a packaged chart, or the folder of an extension with one chart.
    pub chart: PathBuf,
    /// Where the charts it needs come from.
    #[serde(default)]
    pub sources: ChartSources,
    /// A version for the package.
    #[serde(default)]
    pub version: Option<String>,
    /// An application version for the package.
    #[serde(default)]
    pub app_version: Option<String>,
    /// Names of charts in it that get the same versions.
    #[serde(default)]
    pub stamp: Vec<String>,
    /// Whether all charts in it get the same versions.
    #[serde(default)]
    pub stamp_all: bool,
    /// Folder for the archive.
    pub output: PathBuf,
    /// Whether to tell the plan and write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A packaged chart, or the plan for one.
#[derive(Debug, Clone, Serialize)]
pub struct ChartPackaged {
    /// Name of the chart.
    pub chart: String,
    /// Version in the package.
    pub version: String,
    /// From where the charts come that it needs.
    pub plan: Plan,
    /// What was written; nothing in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<ChartPackageFile>,
}

/// The archive of a chart.
#[derive(Debug, Clone, Serialize)]
pub struct ChartPackageFile {
    /// The file.
    pub path: PathBuf,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Names of its members.
    pub members: Vec<String>,
}

impl Engine {
    /// Packages one chart as `helm package` does, with the charts it needs; the user's files stay as
    /// they are.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if it can't be read or packaged, or a chart it needs is not found.
    pub fn chart_package(
        &self,
        request: &ChartPackageRequest,
        monitor: &Monitor,
    ) -> Result<ChartPackaged, EngineError> {
        let monitor = monitor.stage("package");
        let (chart, beside) = self.read_chart(&request.chart)?;
        let sources = self.chart_sources(&request.sources, beside, &monitor)?;
        let remote = self.chart_remote(&request.sources)?;
        let resolver = Resolver { sources: &sources, remote: Some(&remote), monitor: &monitor };
        let plan = resolver.plan(&chart)?;
        for finding in &plan.findings {
            monitor.found(finding);
        }
        let stamps = stamps(request);
        let name = chart.name().to_owned();
        if request.dry_run {
            let version = stamps.version.unwrap_or_else(|| chart.version().to_owned());
            return Ok(ChartPackaged { chart: name, version, plan, package: None });
        }
        let complete = resolver.complete(&chart, &plan)?.stamped(&stamps);
        let packaged = complete.package()?;
        let path = packaged.write(&request.output)?;
        monitor.finished(&name, Outcome::Done, &packaged.file_name);
        let package = ChartPackageFile {
            path,
            digest: packaged.digest,
            size: packaged.bytes.len() as u64,
            members: packaged.entries,
        };
        let version = complete.version().to_owned();
        Ok(ChartPackaged { chart: name, version, plan, package: Some(package) })
    }
}

fn stamps(request: &ChartPackageRequest) -> Stamps {
    let subcharts = match (request.stamp_all, request.stamp.is_empty()) {
        (true, _) => Subcharts::All,
        (false, true) => Subcharts::Untouched,
        (false, false) => Subcharts::Named(request.stamp.clone()),
    };
    let (version, app_version) = (request.version.clone(), request.app_version.clone());
    Stamps { version, app_version, subcharts }
}
