mod memory;
mod parameters;
mod redeploy;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use edk_extension::{ChartDir, Project};
use edk_model::{Digest, Monitor};
use edk_target::{Client, Pod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::{
    memory::{Journal, OldTag, Stage},
    parameters::parameters,
    redeploy::{Before, Delivery, cut_off},
};
use crate::{
    BuildOutcome, Engine, EngineError, Pushed,
    build::BuiltImages,
    engine::version_of,
    package::{ReadyChart, ready_chart},
    target::{SANDBOX, SANDBOX_BUILD_VERSION},
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
    /// Name of the chart to deploy, when the extension has several.
    pub chart: Option<String>,
    /// Whether to leave out the clean-up jobs of the release that is replaced, when they hang.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub no_hooks: bool,
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
        let version = version_of(&project, request.version.as_deref())?;
        let chart_dir = project.chart(request.chart.as_deref())?;
        let ready = ready_chart(&project, chart_dir, &version)?;
        let params = parameters(&ready.chart, &request.params)?;
        let mut clock = Clock { started: Instant::now(), stages: Vec::new() };
        self.with_target(&request.target, monitor, async |client: Client| {
            client.health(&monitor.stage("upload")).await?;
            let plan =
                Planned { request, project: &project, chart_dir, ready: &ready, params: &params };
            let mut delivery = self.begin(&client, &plan, monitor).await?;
            clock.lap("check");
            let (build, pushed) = tokio::task::block_in_place(|| {
                let built = self.build_images(&project, &request.args, monitor)?;
                clock.lap("build");
                delivery.journal.tags = self.tags(&built, &version)?;
                delivery.enter(Stage::Sending)?;
                let pushed = self.push_images(&built, &version, SANDBOX_BUILD_VERSION, monitor)?;
                clock.lap("push");
                Ok::<_, EngineError>((built.outcome, pushed))
            })?;
            let delivered = delivery.run(&mut clock).await?;
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
            })
        })
    }

    /// Looks at the target and tells what the user should know; nothing is changed yet.
    async fn begin<'a>(
        &'a self,
        client: &'a Client,
        plan: &Planned<'a>,
        monitor: &'a Monitor,
    ) -> Result<Delivery<'a>, EngineError> {
        let Planned { request, chart_dir, ready, params, .. } = *plan;
        let memory = self.memory(&client.target().name);
        let (release, version) = (ready.chart.name(), ready.chart.version());
        let claim = memory.claim(release)?;
        let check = monitor.stage("check");
        let earlier = memory.journal(release)?;
        earlier.iter().for_each(|journal| check.found(&cut_off(journal)));
        let new = (version, &ready.packaged.digest);
        let before = Before::look(client, &memory, release, new, earlier.as_ref(), &check).await?;
        let declared = &ready.chart.values["extension_params"];
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
            no_hooks: request.no_hooks,
            monitor,
            never_sent: Vec::new(),
            before,
            journal,
            _claim: claim,
        })
    }

    /// Returns what the names of an extension's images stand for before they are pushed.
    fn tags(&self, built: &BuiltImages, version: &str) -> Result<Vec<OldTag>, EngineError> {
        let mut tags = Vec::new();
        for (name, _, new) in &built.images {
            for tag in [version, SANDBOX_BUILD_VERSION] {
                let old = self.store()?.resolve(name, tag)?;
                if let Some(image) = old.filter(|old| old.digest != new.descriptor.digest) {
                    tags.push(OldTag { repository: name.clone(), tag: tag.to_owned(), image });
                }
            }
        }
        Ok(tags)
    }
}

/// What is to be deployed, before the target is looked at.
struct Planned<'a> {
    request: &'a DeployRequest,
    project: &'a Project,
    chart_dir: &'a ChartDir,
    ready: &'a ReadyChart,
    params: &'a Map<String, Value>,
}

pub(crate) fn pods(pods: &[Pod]) -> BTreeMap<String, String> {
    pods.iter().map(|pod| (pod.name.clone(), pod.status.clone())).collect()
}
