use edk_chart::{HelmVersion, LintOptions, LintSubject, lint};
use edk_model::{Finding, Severity};
use serde::{Deserialize, Serialize};

use super::{ChartArg, ChartValues};
use crate::{Engine, EngineError};

/// Lint a chart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartLintRequest {
    /// The chart.
    pub chart: ChartArg,
    /// Whether the charts it needs count only when they are in it, as for `helm lint`.
    #[serde(default)]
    pub as_is: bool,
    /// Values over its own.
    #[serde(default)]
    pub values: ChartValues,
    /// Namespace of the release that templates see; without one, `default`.
    pub namespace: Option<String>,
    /// Version of Kubernetes, which decides what is deprecated; without one, the newest that Helm
    /// knows.
    pub kube_version: Option<String>,
    /// Whether warnings count as errors.
    #[serde(default)]
    pub strict: bool,
    /// Whether the rules of Helm 4 hold.
    #[serde(default)]
    pub helm4: bool,
}

/// What is wrong with a chart.
#[derive(Debug, Clone, Serialize)]
pub struct ChartLinted {
    /// The chart, as it was named.
    pub chart: String,
    /// Whether it passes, as it would pass `helm lint`.
    pub passed: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Engine {
    /// Lints a chart with the charts it needs, as far as they are found.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if there is no chart, [`EngineError::Io`] if it or a file of values
    /// can't be read.
    pub fn chart_lint(&self, request: &ChartLintRequest) -> Result<ChartLinted, EngineError> {
        let subject = self.subject(&request.chart, request.as_is)?;
        let helm = if request.helm4 { HelmVersion::Four } else { HelmVersion::Three };
        let mut options = LintOptions::of(helm);
        options.values = request.values.read()?;
        options.texts = request.values.texts()?;
        options.namespace = request.namespace.clone().unwrap_or(options.namespace);
        options.kube_version = request.kube_version.clone().unwrap_or(options.kube_version);
        let findings = lint(&subject, &options);
        let limit = if request.strict { Severity::Warning } else { Severity::Error };
        Ok(ChartLinted {
            chart: request.chart.chart.display().to_string(),
            passed: findings.iter().all(|finding| finding.severity < limit),
            findings,
        })
    }

    fn subject(&self, arg: &ChartArg, as_is: bool) -> Result<LintSubject, EngineError> {
        let path = &arg.chart;
        let (subject, beside) = if path.is_file() {
            let bytes = std::fs::read(path).map_err(|source| EngineError::io(path, source))?;
            (LintSubject::archive(&bytes, &path.display().to_string())?, Vec::new())
        } else {
            let (folder, beside) = self.chart_folder(path)?;
            (LintSubject::folder(&folder)?, beside)
        };
        if as_is {
            return Ok(subject);
        }
        Ok(subject.with(&self.sources(arg, beside)?))
    }
}
