use std::path::PathBuf;

use edk_chart::{Listed, Resolver, Update, Written};
use edk_model::{Monitor, Outcome};
use serde::{Deserialize, Serialize};

use super::ChartSources;
use crate::{Engine, EngineError};

/// List what a chart needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartDepsListRequest {
    /// The folder of a chart, a packaged chart, or the folder of an extension with one chart.
    pub chart: PathBuf,
}

/// What a chart needs, and what of it lies in its `charts/`.
#[derive(Debug, Clone, Serialize)]
pub struct ChartDependencies {
    /// Name of the chart.
    pub chart: String,
    /// What it declares.
    pub dependencies: Vec<Listed>,
    /// Names of the charts in `charts/` that it does not declare.
    pub undeclared: Vec<String>,
}

/// Put the charts that a chart needs into its folder `charts/`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartDepsRequest {
    /// The folder of the chart, or of an extension with one chart.
    pub chart: PathBuf,
    /// Where they come from.
    #[serde(default)]
    pub sources: ChartSources,
    /// Whether versions are those of the lock file, rather than chosen anew.
    #[serde(default)]
    pub locked: bool,
    /// Whether to tell the plan and write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was planned, and what was done of it.
#[derive(Debug, Clone, Serialize)]
pub struct ChartDepsOutcome {
    /// From where each chart comes, what is locked, and what is not needed any more.
    #[serde(flatten)]
    pub update: Update,
    /// What was written; nothing in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

impl Engine {
    /// Lists what a chart declares to need, and what of it lies in its `charts/`.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if the chart can't be read.
    pub fn chart_deps_list(
        &self,
        request: &ChartDepsListRequest,
    ) -> Result<ChartDependencies, EngineError> {
        let (chart, _) = self.read_chart(&request.chart)?;
        let undeclared = chart.undeclared().iter().map(|it| it.name().to_owned()).collect();
        let dependencies = chart.dependencies();
        Ok(ChartDependencies { chart: chart.name().to_owned(), dependencies, undeclared })
    }

    /// Puts the charts that a chart needs into its folder `charts/`, and writes its lock file.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if one is not found, can't be fetched, or the lock does not fit;
    /// nothing is written then.
    pub fn chart_deps(
        &self,
        request: &ChartDepsRequest,
        monitor: &Monitor,
    ) -> Result<ChartDepsOutcome, EngineError> {
        let monitor = monitor.stage("deps");
        let (chart, beside) = self.read_chart(&request.chart)?;
        monitor.started(chart.name());
        let sources = self.chart_sources(&request.sources, beside, &monitor)?;
        let remote = self.chart_remote(&request.sources)?;
        let resolver = Resolver { sources: &sources, remote: Some(&remote), monitor: &monitor };
        let update = match request.locked {
            true => resolver.build(&chart, self.now())?,
            false => resolver.update(&chart, self.now())?,
        };
        for finding in &update.plan.findings {
            monitor.found(finding);
        }
        if request.dry_run {
            return Ok(ChartDepsOutcome { update, written: None });
        }
        let written = resolver.write(&update)?;
        let summary = format!("{} in charts/", update.plan.dependencies.len());
        monitor.finished(chart.name(), Outcome::Done, &summary);
        Ok(ChartDepsOutcome { update, written: Some(written) })
    }
}
