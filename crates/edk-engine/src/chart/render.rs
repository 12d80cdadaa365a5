use std::collections::BTreeMap;

use edk_chart::{
    Capabilities, Chart, Manifest, Options, Release, Rendered, Selection, check_values,
    platform::{ADMIN_NAMESPACE, Platform, answers, pass, platform_globals},
    render_with,
};
use edk_model::Monitor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChartArg, ChartValues};
use crate::{
    Engine, EngineError,
    target::{SANDBOX_BUILD_VERSION, sandbox_registry},
};

/// Render a chart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartRenderRequest {
    /// The chart.
    pub chart: ChartArg,
    /// Values over its own.
    pub values: ChartValues,
    /// Name of the release; without one `release-name`, on a platform the chart's.
    pub name: Option<String>,
    /// Namespace of the release; without one `default`, on a platform that of the administrator.
    pub namespace: Option<String>,
    /// Version of Kubernetes; without one, the one which Helm 3.17 assumes.
    pub kube_version: Option<String>,
    /// Further versions of APIs.
    pub api_versions: Vec<String>,
    /// Only what these templates give; `*` stands for any part of a name.
    pub show_only: Vec<String>,
    /// Whether hooks are left out.
    pub no_hooks: bool,
    /// Whether what lies in `crds/` is shown as well.
    pub include_crds: bool,
    /// Whether it is an upgrade, not an installation.
    pub is_upgrade: bool,
    /// Whether it gets the values that a platform gives, below those of the user.
    pub as_platform: bool,
    /// Answers to its extension parameters, on a platform.
    pub params: BTreeMap<String, String>,
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
    /// What is odd about the values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The documents as `helm template` prints them.
    #[serde(skip)]
    pub text: String,
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
    /// values don't fit a schema, or a template fails, with the place;
    /// [`EngineError::Parameter`] for an answer it does not take.
    pub fn chart_render(
        &self,
        request: &ChartRenderRequest,
        monitor: &Monitor,
    ) -> Result<ChartRendered, EngineError> {
        let (chart, rendered) = self.rendered(request, monitor)?;
        let selection = Selection {
            show_only: request.show_only.clone(),
            hooks: !request.no_hooks,
            tests: true,
            crds: request.include_crds,
        };
        let manifests = rendered.selected(&selection)?.into_iter().cloned();
        Ok(ChartRendered {
            chart: chart.name().to_owned(),
            version: chart.version().to_owned(),
            manifests: manifests.map(ManifestView::from).collect(),
            text: rendered.text(&selection)?,
            notes: rendered.notes,
            warnings: rendered.warnings,
        })
    }

    fn rendered(
        &self,
        request: &ChartRenderRequest,
        monitor: &Monitor,
    ) -> Result<(Chart, Rendered), EngineError> {
        self.rendered_over(request, None, monitor)
    }

    /// Renders a chart with the values `below` under those of the request.
    pub(super) fn rendered_over(
        &self,
        request: &ChartRenderRequest,
        below: Option<Value>,
        monitor: &Monitor,
    ) -> Result<(Chart, Rendered), EngineError> {
        let chart = self.open_chart(&request.chart)?;
        let below = match request.as_platform {
            true => Some(on_platform(&chart, &request.params)?),
            false => below,
        };
        let values = request.values.read_over(below)?;
        monitor.check()?;
        let findings = check_values(&chart, &values, &request.values.texts()?)?;
        if !findings.is_empty() {
            let chart = chart.name().to_owned();
            return Err(edk_chart::Error::Values { chart, findings }.into());
        }
        let options = options(request, &chart)?;
        let rendered = render_with(&chart, &options, &values)?;
        Ok((chart, rendered))
    }
}

/// The values a platform gives, with the answers as they arrive there.
fn on_platform(chart: &Chart, params: &BTreeMap<String, String>) -> Result<Value, EngineError> {
    let sent =
        answers(chart, params).map_err(|(name, reason)| EngineError::Parameter { name, reason })?;
    let globals = platform_globals(&sandbox_registry(), SANDBOX_BUILD_VERSION);
    let own = chart.values.get("global").and_then(Value::as_object);
    Ok(pass(&globals, &sent, own, Platform::default()).values)
}

fn options(request: &ChartRenderRequest, chart: &Chart) -> Result<Options, EngineError> {
    let (name, namespace) = match request.as_platform {
        true => (chart.name(), ADMIN_NAMESPACE),
        false => ("release-name", "default"),
    };
    let mut options = Options::new(Release {
        name: request.name.clone().unwrap_or_else(|| name.to_owned()),
        namespace: request.namespace.clone().unwrap_or_else(|| namespace.to_owned()),
        revision: 1,
        is_install: !request.is_upgrade,
    });
    let mut capabilities = Capabilities::default();
    if let Some(version) = &request.kube_version {
        let known = capabilities.with_kube_version(version);
        capabilities = known.ok_or_else(|| EngineError::Parameter {
            name: format!("--kube-version {version}"),
            reason: "is no version, such as 1.29".to_owned(),
        })?;
    }
    options.capabilities = capabilities.with_api_versions(request.api_versions.iter().cloned());
    Ok(options)
}
