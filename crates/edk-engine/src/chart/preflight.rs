use edk_chart::platform::{Class, Platform, preflight, preflight_archive, rule};
use edk_model::{Finding, Severity};
use serde::{Deserialize, Serialize};

use super::ChartArg;
use crate::{Engine, EngineError, package::preflight_about};

/// Tell what a platform would do with a chart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartPreflightRequest {
    /// The chart.
    pub chart: ChartArg,
    /// Version of the platform, such as `0.6`; without one, the newest.
    pub platform: Option<String>,
    /// Versions of the chart that are listed on the platform already.
    #[serde(default)]
    pub listed: Vec<String>,
    /// Ids of rules that may be broken.
    #[serde(default)]
    pub force: Vec<String>,
}

/// What a platform would do with a chart.
#[derive(Debug, Clone, Serialize)]
pub struct ChartPreflighted {
    /// The chart, as it was named.
    pub chart: String,
    /// The releases of the platform.
    pub platform: String,
    /// Whether it may be delivered.
    pub passed: bool,
    /// What would happen.
    pub findings: Vec<PreflightView>,
}

/// A finding of the preflight.
#[derive(Debug, Clone, Serialize)]
pub struct PreflightView {
    /// What a platform does; none where the cause is told, not the effect.
    pub class: Option<Class>,
    /// What is wrong.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Engine {
    /// Tells what a platform would do with a chart; nothing is sent.
    ///
    /// # Errors
    /// [`EngineError::Parameter`] for a version of no platform, [`EngineError::Force`] for a rule
    /// that can't be forced, [`EngineError::Chart`] if a folder holds no chart or a chart it needs
    /// is not found.
    pub fn chart_preflight(
        &self,
        request: &ChartPreflightRequest,
    ) -> Result<ChartPreflighted, EngineError> {
        let mut about = preflight_about(&request.force)?;
        about.platform = platform(request.platform.as_deref())?;
        about.listed.clone_from(&request.listed);
        let path = &request.chart.chart;
        let findings = if path.is_file() {
            let bytes = std::fs::read(path).map_err(|source| EngineError::io(path, source))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            preflight_archive(&bytes, &name, &about)
        } else {
            preflight(&self.open_chart(&request.chart)?, &about)
        };
        Ok(ChartPreflighted {
            chart: path.display().to_string(),
            platform: about.platform.name().to_owned(),
            passed: findings.iter().all(|finding| finding.severity < Severity::Error),
            findings: findings.into_iter().map(view).collect(),
        })
    }
}

fn view(finding: Finding) -> PreflightView {
    PreflightView { class: rule(&finding.rule).map(|rule| rule.class), finding }
}

pub(super) fn platform(version: Option<&str>) -> Result<Platform, EngineError> {
    let Some(version) = version else { return Ok(Platform::default()) };
    version
        .parse()
        .map_err(|reason| EngineError::Parameter { name: format!("--platform {version}"), reason })
}
