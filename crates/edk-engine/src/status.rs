use std::{collections::BTreeMap, path::PathBuf};

use edk_model::Monitor;
use edk_target::{Client, Deployment, Extension, Health, TroubleKind, health_of};
use serde::{Deserialize, Serialize};

use crate::{
    Engine, EngineError,
    deploy::{Missing, Route, cut_off, pods},
};

/// Look how an extension, or everything, is doing on a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct StatusRequest {
    /// Folder of the extension; without one, all extensions of the target.
    pub project: Option<PathBuf>,
    /// Name of the target.
    pub target: String,
}

/// How things are on a target.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct StatusOutcome {
    /// Name of the target.
    pub target: String,
    /// The charts, each with its releases.
    pub extensions: Vec<ReleaseStatus>,
}

/// A chart on a target, and how its release is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ReleaseStatus {
    /// Name of the chart.
    pub chart: String,
    /// The newest version on the target, when the chart is there.
    pub version: Option<String>,
    /// Name of the release, when it is installed.
    pub release: Option<String>,
    /// Helm's status: `deployed`, `failed`, ...
    pub helm_status: Option<String>,
    /// Status of its pods by name.
    pub pods: BTreeMap<String, String>,
    /// Whether all pods run or have completed.
    pub ready: bool,
    /// What keeps it from being ready, and does not go by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ReleaseVerdict>,
}

/// What is wrong with a release.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ReleaseVerdict {
    /// Its stable code, such as `follow/image-never-sent`.
    pub code: &'static str,
    /// One sentence without a full stop.
    pub sentence: String,
    /// What to do next.
    pub next: String,
    /// Images of this machine that would mend it, as `edk image send` takes them.
    pub images: Vec<String>,
}

impl Engine {
    /// Tells how extensions are doing.
    ///
    /// # Errors
    /// [`EngineError::Target`] if the target can't be reached.
    pub fn status(
        &self,
        request: &StatusRequest,
        monitor: &Monitor,
    ) -> Result<StatusOutcome, EngineError> {
        let wanted = match &request.project {
            Some(folder) => {
                let project = self.project(folder)?;
                Some(project.charts.into_iter().map(|chart| chart.name).collect::<Vec<_>>())
            }
            None => None,
        };
        let monitor = monitor.stage("status");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let listed = client.extensions(&monitor).await?;
            let cut = self.memory(&client.target().name).cut_off()?;
            cut.iter().for_each(|journal| monitor.found(&cut_off(journal)));
            let mut extensions = Vec::new();
            for row in &listed {
                if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&row.name)) {
                    continue;
                }
                let deployment = row.deployment(&row.release);
                extensions.push(ReleaseStatus {
                    chart: row.name.clone(),
                    version: row.versions.first().cloned(),
                    release: deployment.map(|d| d.release.clone()),
                    helm_status: deployment.map(|d| d.helm_status.clone()),
                    pods: deployment.map(|d| pods(&d.pods)).unwrap_or_default(),
                    ready: deployment.is_some_and(|d| d.ready),
                    verdict: deployment
                        .map(|it| self.verdict(&client, it, row))
                        .transpose()?
                        .flatten(),
                });
            }
            let absent =
                wanted.iter().flatten().filter(|name| listed.iter().all(|row| row.name != **name));
            extensions.extend(absent.map(|name| ReleaseStatus {
                chart: name.clone(),
                version: None,
                release: None,
                helm_status: None,
                pods: BTreeMap::new(),
                ready: false,
                verdict: None,
            }));
            Ok(StatusOutcome { target: client.target().name.clone(), extensions })
        })
    }

    /// Judges a release that is listed; `None` for one that is, or may become, ready.
    fn verdict(
        &self,
        client: &Client,
        deployment: &Deployment,
        row: &Extension,
    ) -> Result<Option<ReleaseVerdict>, EngineError> {
        let Health::Failed(trouble) = health_of(None, Some(deployment)) else { return Ok(None) };
        let (target, memory) = (client.target(), self.memory(&client.target().name));
        let chart = self.sent_chart(&memory, &row.name, &deployment.version)?;
        // What was sent is remembered whichever way it went.
        let route = Route::choose(target, None, false).ok();
        let missing = match (chart, route) {
            (Some(chart), Some(route)) => {
                let record = memory.record()?.releases.remove(&deployment.release);
                let params = record.map(|it| it.params).unwrap_or_default();
                self.never_sent(&chart, &params, (&route, &memory), &target.name)?
            }
            _ => Vec::new(),
        };
        let told: Vec<_> = missing.iter().map(|it| it.told.clone()).collect();
        let trouble = trouble.never_sent(&told);
        let offered = trouble.kind == TroubleKind::ImageNeverSent;
        let images = missing.iter().filter(|_| offered).filter_map(Missing::here).collect();
        let images: Vec<String> = images;
        let next = match images.as_slice() {
            [] => trouble.kind.next().to_owned(),
            images => format!("`edk image send {} --target {}`", images.join(" "), target.name),
        };
        let (code, sentence) = (trouble.kind.code(), trouble.sentence);
        Ok(Some(ReleaseVerdict { code, sentence, next, images }))
    }
}
