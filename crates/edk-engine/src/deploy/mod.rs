mod images;
mod memory;
mod missing;
mod redeploy;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use edk_chart::platform::answers;
use edk_extension::{ChartDir, Project, Role};
use edk_image::EngineChoice;
use edk_model::{Digest, Monitor};
use edk_target::{Client, Pod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::images::ImageWay;
pub(crate) use self::{
    images::{Route, there},
    memory::{Archive, Journal, LastList, Memory, Record, Release, Sent},
    missing::{Missing, with_missing},
    redeploy::{Before, cut_off},
};
use self::{
    memory::{Claim, Stage},
    redeploy::Delivery,
};
use crate::{
    BuildOutcome, Engine, EngineError, Pushed,
    build::BuiltImages,
    engine::version_of,
    package::{ReadyChart, preflight_about},
    target::SANDBOX,
};

/// How long a release may take to become ready, or to go.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Build, push, package, upload and install an extension, and follow it until it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct DeployRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the target.
    pub target: String,
    /// Version of the extension; without one, its chart's.
    pub version: Option<String>,
    /// Values of extension parameters.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub params: BTreeMap<String, String>,
    /// Values for `ARG`s.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub args: BTreeMap<String, String>,
    /// Who builds; without one, as the settings of the extension or the machine say.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
    /// Name of the chart to deploy, when the extension has several.
    pub chart: Option<String>,
    /// Rules of the guard (such as `G02`) whose findings may go into images and charts.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub allow: Vec<String>,
    /// Ids of rules of the preflight that may be broken.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub force: Vec<String>,
    /// Whether to leave out the clean-up jobs of the release that is replaced, when they hang.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub no_hooks: bool,
    /// Where the platform reaches the registry of this machine, such as `192.168.1.5:5577`, when it
    /// is to pull images from here.
    pub pull_from: Option<String>,
    /// Whether images go in archives, which the platform imports, and not to its registry.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub archives: bool,
    /// Whether images of this machine which the chart asks for, and which were never sent to the
    /// target, are sent as well.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub send_missing: bool,
}

/// A release that is ready.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeployOutcome {
    /// Name of the release.
    pub release: String,
    /// Name of the chart.
    pub chart: String,
    /// Version of chart and images.
    pub version: String,
    /// Name of the target.
    pub target: String,
    /// Helm's status of the release.
    pub helm_status: String,
    /// Status of its pods by name.
    pub pods: BTreeMap<String, String>,
    /// Whether a release of the same name was removed first.
    pub replaced: bool,
    /// Digest of the chart's archive.
    pub chart_digest: Digest,
    /// How the images were built.
    pub build: BuildOutcome,
    /// The names they have in the registry.
    pub pushed: Vec<Pushed>,
    /// Wall time of each stage, in seconds, in order.
    pub stages: Vec<(&'static str, f64)>,
    /// In the sandbox: the folder in which the DAG files are now.
    pub dags: Option<PathBuf>,
    /// DAGs which the project of the target may not use yet: they have to be allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub to_allow: Vec<String>,
}

/// Times the stages of a job.
pub(crate) struct Clock {
    started: Instant,
    stages: Vec<(&'static str, f64)>,
}

impl Clock {
    pub(crate) fn lap(&mut self, stage: &'static str) {
        self.stages.push((stage, self.started.elapsed().as_secs_f64()));
        self.started = Instant::now();
    }
}

impl Engine {
    /// Deploys an extension.
    ///
    /// # Errors
    /// Those of every stage. Everything that can be checked is checked before the first image is
    /// built, and the target is asked whether it is there.
    pub fn deploy(
        &self,
        request: &DeployRequest,
        monitor: &Monitor,
    ) -> Result<DeployOutcome, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        let version = version_of(&project, request.version.as_deref())?;
        let chart_dir = project.chart(request.chart.as_deref())?;
        let about = preflight_about(&request.force)?;
        let check = monitor.stage("package");
        let ready = self.ready_chart(&project, chart_dir, &version, &about, &check)?;
        let mut params = answers(&ready.chart, &request.params)
            .map_err(|(name, reason)| EngineError::Parameter { name, reason })?;
        ready.findings.iter().for_each(|finding| check.found(finding));
        let chosen = self.chosen(request.engine.as_ref(), &project.root)?;
        let mut clock = Clock { started: Instant::now(), stages: Vec::new() };
        self.with_target(&request.target, monitor, async |client: Client| {
            client.health(&monitor.stage("upload")).await?;
            let how = (request.pull_from.as_deref(), request.archives);
            let route = self.route(client.target(), how, first_image(&project), monitor)?;
            route.complete(&mut params);
            let plan = Planned { request, chart_dir, ready: &ready, params: &params, route };
            let mut delivery = self.begin(&client, plan, &project, monitor).await?;
            clock.lap("check");
            let built = tokio::task::block_in_place(|| {
                let built = self.build_images(&project, &request.args, &chosen, monitor)?;
                clock.lap("build");
                delivery.journal.tags = self.tags_before(&built, &version, &delivery.route)?;
                delivery.dag = dag_image(chart_dir, &built);
                delivery.enter(Stage::Sending)?;
                Ok::<_, EngineError>(built)
            })?;
            let ways = (&delivery.route, &delivery.memory);
            let mut pushed = match self.bring(&client, &built, &version, ways, monitor).await {
                Ok(pushed) => pushed,
                Err(error) => return Err(delivery.not_sent(error).await),
            };
            let target = &client.target().name;
            let mut missing = self.never_sent(&ready.chart, &params, ways, target)?;
            if request.send_missing && !missing.is_empty() {
                match self.send_missing(&client, &missing, ways, monitor).await {
                    Ok(sent) => pushed.extend(sent),
                    Err(error) => return Err(delivery.not_sent(error).await),
                }
                missing = self.never_sent(&ready.chart, &params, ways, target)?;
            }
            delivery.never_sent = missing;
            clock.lap("push");
            let build = built.outcome;
            let delivered = delivery.run(&mut clock).await?;
            let to_allow = self.not_allowed(&client, &project, &monitor.stage("allow")).await;
            Ok(DeployOutcome {
                release: delivered.release,
                chart: ready.chart.name().to_owned(),
                version: version.clone(),
                target: client.target().name.clone(),
                helm_status: delivered.helm_status,
                pods: pods(&delivered.pods),
                replaced: delivered.replaced,
                chart_digest: ready.packaged.digest,
                build,
                pushed,
                stages: std::mem::take(&mut clock.stages),
                dags: (request.target == SANDBOX)
                    .then(|| self.sandbox_folder().join("workflows/dags")),
                to_allow,
            })
        })
    }

    /// Waits until no other deploy of the release is under way.
    async fn claim(
        &self,
        client: &Client,
        memory: &Memory,
        release: &str,
        monitor: &Monitor,
    ) -> Result<Claim, EngineError> {
        let started = Instant::now();
        loop {
            if let Some(claim) = memory.claim(release)? {
                return Ok(claim);
            }
            if started.elapsed() > PATIENCE {
                return Err(EngineError::Busy { release: release.to_owned() });
            }
            monitor.line(&format!("waiting for another deploy of {release} to end"));
            client.pause(client.target().pace.poll, monitor).await?;
        }
    }

    /// Looks at the target and tells what the user should know; nothing is changed yet.
    async fn begin<'a>(
        &'a self,
        client: &'a Client,
        plan: Planned<'a>,
        project: &Project,
        monitor: &'a Monitor,
    ) -> Result<Delivery<'a>, EngineError> {
        let Planned { request, chart_dir, ready, params, route } = plan;
        let memory = self.memory(&client.target().name);
        let (release, version) = (ready.chart.name(), ready.chart.version());
        let check = monitor.stage("check");
        let claim = self.claim(client, &memory, release, &check).await?;
        let earlier = memory.journal(release)?;
        earlier.iter().for_each(|journal| check.found(&cut_off(journal)));
        let new = (version, &ready.packaged.digest);
        let before = Before::look(client, &memory, release, new, earlier.as_ref(), &check).await?;
        let declared = &ready.chart.values["extension_params"];
        let roles: Vec<Role> = project.images.iter().map(|image| image.role).collect();
        route.warnings(&roles, &ready.chart.values).iter().for_each(|finding| check.found(finding));
        before.warnings(release, declared).iter().for_each(|finding| check.found(finding));
        let journal = Journal {
            release: release.to_owned(),
            version: version.to_owned(),
            stage: Stage::Sending,
            old: before.old.clone(),
            tags: Vec::new(),
            at: self.timestamp(),
        };
        Ok(Delivery {
            engine: self,
            client,
            memory,
            ready,
            keywords: &chart_dir.keywords,
            params,
            route,
            dag: None,
            no_hooks: request.no_hooks,
            monitor,
            never_sent: Vec::new(),
            before,
            journal,
            _claim: claim,
        })
    }
}

/// What is to be deployed, before the target is looked at.
struct Planned<'a> {
    request: &'a DeployRequest,
    chart_dir: &'a ChartDir,
    ready: &'a ReadyChart,
    params: &'a Map<String, Value>,
    route: Route,
}

/// The name of an image that is sent to a registry, to ask there whether that can be done.
pub(crate) fn first_image(project: &Project) -> &str {
    let mut sent = project.images.iter().filter(|image| image.role != Role::Base);
    sent.next().map_or("image", |image| &image.name)
}

/// The DAG image which the chart installs, as it was built.
fn dag_image(chart: &ChartDir, built: &BuiltImages) -> Option<Digest> {
    let name = chart.dag_image.as_ref()?;
    let image = built.images.iter().find(|(built, _, _)| built == name)?;
    Some(image.2.descriptor.digest)
}

pub(crate) fn pods(pods: &[Pod]) -> BTreeMap<String, String> {
    pods.iter().map(|pod| (pod.name.clone(), pod.status.clone())).collect()
}
