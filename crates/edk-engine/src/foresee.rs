use std::{collections::BTreeSet, path::PathBuf};

use edk_extension::{ChartDir, Project, Role};
use edk_image::{EngineChoice, Foreseen, Image};
use edk_model::{Descriptor, Digest, Finding, Monitor, Severity, media};
use edk_target::Client;
use serde::{Deserialize, Serialize};

use crate::{
    Engine, EngineError, ImageView, ImageWay,
    deploy::{Archive, Before, Journal, Memory, Route, cut_off, first_image},
    engine::version_of,
    image::Chosen,
    package::{ReadyChart, preflight_about},
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
    /// Ids of rules of the preflight that may be broken.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub force: Vec<String>,
    /// Who builds; without one, as the settings of the extension or the machine say.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
    /// Where the platform reaches the registry of this machine, when it is to pull from here.
    pub pull_from: Option<String>,
    /// Whether images go in archives, which the platform imports, and not to its registry.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub archives: bool,
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
    /// How each image gets there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub images: Vec<ImagePlan>,
    /// What to know before: a deploy that was cut off, a release that could not be put back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub warnings: Vec<Finding>,
}

/// What a plan is made of beside the extension.
struct Looked {
    target: String,
    route: Route,
    memory: Memory,
    before: Before,
    earlier: Option<Journal>,
}

/// How an image gets to the target.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct ImagePlan {
    /// Its full name there.
    pub name: String,
    /// The way it goes.
    pub way: ImageWay,
    /// How many bytes are sent; nothing while it has to be built first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why so, one sentence without a full stop.
    pub why: String,
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
        let about = preflight_about(&request.force)?;
        let ready = self.ready_chart(&project, chart_dir, &version, &about, monitor)?;
        ready.findings.iter().for_each(|finding| monitor.found(finding));
        let mut findings = Vec::new();
        let (images, foreseen) = self.look_at_images(&project, &mut findings)?;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let path = project.root;
            return Err(edk_extension::ExtensionError::Findings { path, findings }.into());
        }
        let chosen = self.chosen(request.engine.as_ref(), &project.root)?;
        let mut steps: Vec<PlanStep> =
            images.iter().map(|image| build_step(image, &chosen)).collect();
        let new = (version.as_str(), &ready.packaged.digest);
        let looked = self.with_target(&request.target, monitor, async |client: Client| {
            let how = (request.pull_from.as_deref(), request.archives);
            let route = self.route(client.target(), how, first_image(&project), monitor)?;
            let memory = self.memory(&client.target().name);
            let (release, multi) = (ready.chart.name(), is_multi(chart_dir));
            let earlier = if multi { None } else { memory.journal(release)? };
            let before =
                Before::look(&client, &memory, release, new, earlier.as_ref(), monitor).await?;
            let before = if multi { Before::default() } else { before };
            let target = client.target().name.clone();
            Ok(Looked { target, route, memory, before, earlier })
        })?;
        let mut plans = Vec::new();
        for (image, seen) in images.iter().zip(&foreseen) {
            self.push_steps(image, seen.as_ref(), &version, &looked, &mut steps)?;
            plans.extend(self.image_plans(image, seen.as_ref(), &version, &looked, monitor)?);
        }
        let replaces = delivery(&project, &ready, &looked.before, &mut steps);
        let images_to_send: u64 = plans.iter().filter_map(|plan| plan.bytes).sum();
        let chart = ready.packaged.bytes.len() as u64;
        let roles: Vec<Role> = images.iter().map(|image| image.role).collect();
        let mut warnings = looked.route.warnings(&roles, &ready.chart.values);
        let declared = &ready.chart.values["extension_params"];
        warnings.extend(looked.earlier.iter().map(cut_off));
        warnings.extend(looked.before.warnings(ready.chart.name(), declared));
        let bytes_to_send = chart + images_to_send;
        Ok(DeployPlan { steps, bytes_to_send, replaces, images: plans, warnings })
    }

    /// Tells how each name of an image would get to the target, and how many bytes that takes.
    fn image_plans(
        &self,
        image: &ImageView,
        seen: Option<&Foreseen>,
        version: &str,
        looked: &Looked,
        monitor: &Monitor,
    ) -> Result<Vec<ImagePlan>, EngineError> {
        let Looked { route, memory, .. } = looked;
        let mut plans = Vec::new();
        for (at, tag) in route.tags(image.role, version).into_iter().enumerate() {
            let built = seen.and_then(|seen| seen.image);
            let (bytes, why) = match (route.way, built) {
                (ImageWay::Push | ImageWay::Archive, None) => {
                    (None, "how many bytes is known when it is built".to_owned())
                }
                // The second name is given to what the first has brought.
                (ImageWay::Push | ImageWay::Archive, Some(_)) if at > 0 => {
                    (Some(0), route.why.clone())
                }
                (ImageWay::Push, Some(digest)) => {
                    let bytes = self.missing(&image.name, &digest, route, memory, monitor)?;
                    (Some(bytes), format!("{}; layers it has are not sent", route.why))
                }
                (ImageWay::Archive, Some(digest)) => {
                    let bytes = self.not_in_ledger(&digest, &looked.target)?;
                    (Some(bytes), format!("{}; layers it has are left out", route.why))
                }
                _ => (Some(0), route.why.clone()),
            };
            let (name, way) = (route.name(&image.name, tag), route.way);
            plans.push(ImagePlan { name, way, bytes, why });
        }
        Ok(plans)
    }

    /// Returns the bytes of the layers of an image which a target is not known to have.
    fn not_in_ledger(&self, digest: &Digest, target: &str) -> Result<u64, EngineError> {
        let (_, ledger) = self.target_ledger(target)?;
        let size = self.store()?.size(digest).unwrap_or_default();
        let image = Image::load(self.store()?, &Descriptor::new(media::MANIFEST, *digest, size))?;
        let layers = image.layers.iter().map(|layer| &layer.descriptor);
        Ok(layers.filter(|layer| !ledger.has(&layer.digest)).map(|layer| layer.size).sum())
    }

    /// Returns the bytes of an image which the registry of a platform does not have yet, judged by
    /// the images of that name which were sent from here. A registry that can't be asked has none.
    fn missing(
        &self,
        name: &str,
        digest: &Digest,
        route: &Route,
        memory: &Memory,
        monitor: &Monitor,
    ) -> Result<u64, EngineError> {
        let size = self.store()?.size(digest).unwrap_or_default();
        let descriptor = Descriptor::new(media::MANIFEST, *digest, size);
        let image = Image::load(self.store()?, &descriptor)?;
        let access = self.access(None);
        let mut there: BTreeSet<Digest> = BTreeSet::new();
        let prefix = format!("{}:", route.name(name, "").trim_end_matches(':'));
        for sent in memory.record()?.images.keys().filter(|sent| sent.starts_with(&prefix)) {
            let Ok(reference) = sent.parse() else { continue };
            if let Ok(shown) = edk_image::show(self.store()?, &reference, &access, monitor) {
                there.extend(shown.layers.iter().map(|layer| layer.descriptor.digest));
            }
        }
        let layers = image.layers.iter().map(|layer| &layer.descriptor);
        Ok(layers.filter(|layer| !there.contains(&layer.digest)).map(|layer| layer.size).sum())
    }

    fn push_steps(
        &self,
        image: &ImageView,
        seen: Option<&Foreseen>,
        version: &str,
        looked: &Looked,
        steps: &mut Vec<PlanStep>,
    ) -> Result<(), EngineError> {
        for tag in looked.route.tags(image.role, version) {
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

fn is_multi(chart: &ChartDir) -> bool {
    chart.keywords.iter().any(|keyword| keyword == "kaapanamultiinstallable")
}

/// Adds what happens with the chart; returns the release that has to go first.
fn delivery(
    project: &Project,
    ready: &ReadyChart,
    before: &Before,
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
    let Some(old) = &before.present else {
        let what = if project.charts.len() > 1 { "one of several charts, " } else { "" };
        step("install", PlanAction::Install, format!("{what}version {version}"));
        return None;
    };
    let back = match &before.old {
        Some(old) if old.archive != Archive::Lost => {
            format!(", and {} is put back if this fails", old.version)
        }
        _ => String::new(),
    };
    let subject = format!("{name} {old}").trim_end().to_owned();
    step("install", PlanAction::Replace, format!("release {subject} is removed first{back}"));
    Some(subject)
}
