use edk_chart::{ObjectDiff, diff};
use edk_model::Monitor;
use edk_sandbox::Release;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ChartRenderRequest;
use crate::{Engine, EngineError, target::SANDBOX};

/// Tell what differs between two renderings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartDiffRequest {
    /// What is there.
    pub from: ChartDiffSide,
    /// What would be. Against a release, the chart gets its name, namespace and values.
    pub to: ChartRenderRequest,
    /// Whether a difference counts as failure.
    #[serde(default)]
    pub exit_code: bool,
}

/// One side of a [`ChartDiffRequest`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartDiffSide {
    /// A chart.
    Chart(Box<ChartRenderRequest>),
    /// An installed release.
    Release {
        /// Name of the target.
        target: String,
        /// Name of the release.
        name: String,
    },
}

/// What differs between two renderings.
#[derive(Debug, Clone, Serialize)]
pub struct ChartDiffed {
    /// The first side.
    pub from: String,
    /// The second side.
    pub to: String,
    /// The objects that differ.
    pub objects: Vec<ObjectDiff>,
    /// Whether a difference counts as failure.
    #[serde(skip)]
    pub exit_code: bool,
}

impl Engine {
    /// Tells what differs between two charts, a chart under other values, or a release and a chart.
    ///
    /// The API of a platform does not tell what a release consists of, so releases can only be
    /// compared on the sandbox of this machine, which keeps what it installed.
    ///
    /// # Errors
    /// As [`Engine::chart_render`]; [`EngineError::NoManifest`] for a release of another target,
    /// [`EngineError::NoRelease`] if there is none.
    pub fn chart_diff(
        &self,
        request: &ChartDiffRequest,
        monitor: &Monitor,
    ) -> Result<ChartDiffed, EngineError> {
        let mut to = request.to.clone();
        let (from, old) = match &request.from {
            ChartDiffSide::Chart(side) => {
                let (chart, objects) = self.objects(side, None, monitor)?;
                (chart, objects)
            }
            ChartDiffSide::Release { target, name } => {
                let release = self.kept_release(target, name)?;
                to.name = Some(release.name.clone());
                to.namespace = Some(release.namespace.clone());
                let objects =
                    release.objects.into_iter().map(|object| object.content).collect::<Vec<_>>();
                let (to, new) = self.objects(&to, Some(release.values), monitor)?;
                let from = format!("release {name} of {target}");
                return Ok(diffed(from, to, &objects, &new, request.exit_code));
            }
        };
        let (to, new) = self.objects(&to, None, monitor)?;
        Ok(diffed(from, to, &old, &new, request.exit_code))
    }

    /// Renders a side: its name, and the objects with their hooks.
    fn objects(
        &self,
        request: &ChartRenderRequest,
        values: Option<Value>,
        monitor: &Monitor,
    ) -> Result<(String, Vec<Value>), EngineError> {
        let (chart, rendered) = self.rendered_over(request, values, monitor)?;
        let objects = rendered.manifests.into_iter().map(|manifest| manifest.object);
        Ok((format!("{} {}", chart.name(), chart.version()), objects.collect()))
    }

    fn kept_release(&self, target: &str, name: &str) -> Result<Release, EngineError> {
        if target != SANDBOX {
            return Err(EngineError::NoManifest { target: target.to_owned() });
        }
        let found = Release::kept(&self.sandbox_folder(), name)?;
        found.ok_or_else(|| EngineError::NoRelease { name: name.to_owned(), known: String::new() })
    }
}

fn diffed(from: String, to: String, old: &[Value], new: &[Value], exit_code: bool) -> ChartDiffed {
    ChartDiffed { from, to, objects: diff(old, new), exit_code }
}
