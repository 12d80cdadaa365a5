use edk_chart::{Capabilities, Manifest, Release, check_values, render};
use edk_model::Monitor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChartArg, ChartValues};
use crate::{Engine, EngineError};

/// Render a chart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartRenderRequest {
    /// The chart.
    pub chart: ChartArg,
    /// Values over its own.
    #[serde(default)]
    pub values: ChartValues,
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
}

/// What a chart renders to.
#[derive(Debug, Clone, Serialize)]
pub struct ChartRendered {
    /// Name of the chart.
    pub chart: String,
    /// Its version.
    pub version: String,
    /// The objects in the order of installation, then the hooks.
    pub manifests: Vec<ManifestView>,
    /// The text of its NOTES.txt, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// An object a chart renders to.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestView {
    /// The template it comes from.
    pub source: String,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, when it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// When it runs, if it is a hook.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<String>,
    /// The object.
    pub object: Value,
    /// The object as the template wrote it.
    pub text: String,
}

impl From<Manifest> for ManifestView {
    fn from(it: Manifest) -> Self {
        Self {
            source: it.source,
            api_version: it.api_version,
            kind: it.kind,
            name: it.name,
            namespace: it.namespace,
            hooks: it.hook.map(|hook| hook.events).unwrap_or_default(),
            object: it.object,
            text: it.text,
        }
    }
}

impl Engine {
    /// Renders a chart with the charts it needs; nothing is asked and nothing is written.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if the chart or a value can't be read, a chart it needs is not found,
    /// or a template fails, with the place.
    pub fn chart_render(
        &self,
        request: &ChartRenderRequest,
        monitor: &Monitor,
    ) -> Result<ChartRendered, EngineError> {
        let chart = self.open_chart(&request.chart)?;
        let values = request.values.read()?;
        monitor.check()?;
        let findings = check_values(&chart, &values, &request.values.texts()?)?;
        if !findings.is_empty() {
            let chart = chart.name().to_owned();
            return Err(edk_chart::Error::Values { chart, findings }.into());
        }
        let release = Release {
            name: request.name.clone(),
            namespace: request.namespace.clone(),
            revision: 1,
            is_install: true,
        };
        let rendered = render(&chart, &release, &values, &Capabilities::default())?;
        Ok(ChartRendered {
            chart: chart.name().to_owned(),
            version: chart.version().to_owned(),
            manifests: rendered.manifests.into_iter().map(ManifestView::from).collect(),
            notes: rendered.notes,
        })
    }
}
