use std::path::PathBuf;

use edk_extension::{ChartDir, Project, Role};
use edk_image::{EngineChoice, Foreseen};
use edk_model::{Monitor, Severity};
use edk_target::{Client, Extension};
use serde::{Deserialize, Serialize};

use crate::{
    Engine, EngineError, ImageView, engine::version_of, image::Chosen, package::ReadyChart,
    target::SANDBOX_BUILD_VERSION,
};

/// Tell what a deploy would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct DeployPlanRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the target.
    pub target: String,
    /// Version of the extension; without one, its chart's.
    pub version: Option<String>,
    /// Name of the chart, when the extension has several.
    pub chart: Option<String>,
    /// Who builds; without one, as the settings of the extension or the machine say.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
}

/// What a deploy would do; nothing was done.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct DeployPlan {
    /// The steps, in order.
    pub steps: Vec<PlanStep>,
    /// How many bytes would be sent to the target. Images are none of them where the target takes
    /// them from the store of this machine.
    pub bytes_to_send: u64,
    /// The release that would be removed first, with its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A step of a deploy to come.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PlanStep {
    /// The stage, as in the events of the deploy.
    pub stage: &'static str,
    /// What it works on.
    pub subject: String,
    /// What would be done.
    pub action: PlanAction,
    /// Why, or how much; one sentence without a full stop.
    pub detail: String,
}

/// What a [`PlanStep`] would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum PlanAction {
    /// Build an image.
    Build,
    /// Nothing: the result of earlier work is there.
    Reuse,
    /// Give an image a name in the registry.
    Push,
    /// Package a chart.
    Package,
    /// Send a chart to the target.
    Upload,
    /// Install a chart.
    Install,
    /// Remove a release, then install its chart anew.
    Replace,
}

impl Engine {
    /// Tells what a deploy would do: the first half of it alone. The target is asked what it has.
    ///
    /// # Errors
    /// As [`Engine::deploy`] before it builds.
    pub fn deploy_plan(
        &self,
        request: &DeployPlanRequest,
        monitor: &Monitor,
    ) -> Result<DeployPlan, EngineError> {
        let project = self.project(&request.project)?;
        let version = version_of(&project, request.version.as_deref())?;
        let chart_dir = project.chart(request.chart.as_deref())?;
        let ready = self.ready_chart(&project, chart_dir, &version, monitor)?;
        let mut findings = Vec::new();
        let (images, foreseen) = self.look_at_images(&project, &mut findings)?;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let path = project.root;
            return Err(edk_extension::ExtensionError::Findings { path, findings }.into());
        }
        let chosen = self.chosen(request.engine.as_ref(), &project.root)?;
        let mut steps: Vec<PlanStep> =
            images.iter().map(|image| build_step(image, &chosen)).collect();
        for (image, seen) in images.iter().zip(&foreseen) {
            self.push_steps(image, seen.as_ref(), &version, &mut steps)?;
        }
        let listed = self.with_target(&request.target, monitor, async |client: Client| {
            Ok(client.extensions(monitor).await?)
        })?;
        let replaces = delivery(&project, chart_dir, &ready, &listed, &mut steps);
        Ok(DeployPlan { steps, bytes_to_send: ready.packaged.bytes.len() as u64, replaces })
    }

    fn push_steps(
        &self,
        image: &ImageView,
        seen: Option<&Foreseen>,
        version: &str,
        steps: &mut Vec<PlanStep>,
    ) -> Result<(), EngineError> {
        let tags: &[&str] = match image.role {
            Role::Base => &[],
            Role::Dag => &[version],
            Role::Container => &[version, SANDBOX_BUILD_VERSION],
        };
        for tag in tags {
            let named = self.store()?.resolve(&image.name, tag)?.map(|it| it.digest);
            let same = named.is_some() && named == seen.and_then(|it| it.image);
            let (action, detail) = match (same, named) {
                (true, _) => (PlanAction::Reuse, "it is there already"),
                (false, Some(_)) => {
                    (PlanAction::Push, "the name moves to the new image; no bytes are copied")
                }
                (false, None) => {
                    (PlanAction::Push, "the name is new in the registry; no bytes are copied")
                }
            };
            let (stage, subject) = ("push", format!("{}:{tag}", image.name));
            steps.push(PlanStep { stage, subject, action, detail: detail.to_owned() });
        }
        Ok(())
    }
}

fn build_step(image: &ImageView, chosen: &Chosen) -> PlanStep {
    // What another builder would find done, only it knows.
    if let Some(detail) = chosen.words() {
        let (action, subject) = (PlanAction::Build, image.name.clone());
        return PlanStep { stage: "build", subject, action, detail };
    }
    let action = if image.stale { PlanAction::Build } else { PlanAction::Reuse };
    let detail = match image.stale {
        true if image.reused > 0 => {
            format!("{} of {} steps are there; {}", image.reused, image.steps, image.why)
        }
        _ => image.why.clone(),
    };
    PlanStep { stage: "build", subject: image.name.clone(), action, detail }
}

/// Adds what happens with the chart; returns the release that has to go first.
fn delivery(
    project: &Project,
    chart_dir: &ChartDir,
    ready: &ReadyChart,
    listed: &[Extension],
    steps: &mut Vec<PlanStep>,
) -> Option<String> {
    let (name, version) = (ready.chart.name().to_owned(), ready.chart.version().to_owned());
    let mut step = |stage, action, detail: String| {
        steps.push(PlanStep { stage, subject: name.clone(), action, detail });
    };
    let inside: Vec<&str> = ready.chart.subcharts.iter().map(|sub| sub.name()).collect();
    let with = match inside.as_slice() {
        [] => String::new(),
        names => format!(", with {}", names.join(", ")),
    };
    step("package", PlanAction::Package, format!("{}{with}", ready.packaged.file_name));
    let bytes = ready.packaged.bytes.len();
    step("upload", PlanAction::Upload, format!("{bytes} bytes"));
    let row = listed.iter().find(|row| row.name == name);
    let multi = chart_dir.keywords.iter().any(|keyword| keyword == "kaapanamultiinstallable");
    let old = row.and_then(|row| row.deployment(&name)).filter(|_| !multi);
    match old {
        Some(old) => {
            let detail = format!("release {} {} is removed first", old.release, old.version);
            step("install", PlanAction::Replace, detail);
            Some(format!("{} {}", old.release, old.version))
        }
        None => {
            let what = if project.charts.len() > 1 { "one of several charts, " } else { "" };
            step("install", PlanAction::Install, format!("{what}version {version}"));
            None
        }
    }
}
