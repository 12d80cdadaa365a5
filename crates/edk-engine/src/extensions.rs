use std::collections::BTreeMap;

use edk_chart::platform::completed;
use edk_model::{Monitor, Outcome};
use edk_target::{Client, Extension, InstallOutcome, Pod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Engine, EngineError, UninstallOutcome,
    deploy::{Missing, PATIENCE, Release, pods, with_missing},
};

/// Name a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct TargetRequest {
    /// Name of the target.
    pub target: String,
}

/// A row of a target's list: a chart, or a launched instance of one.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct ExtensionView {
    /// Name of the chart.
    pub name: String,
    /// What it is called on the platform; the name when the chart says nothing else.
    pub display_name: String,
    /// What it is.
    pub description: String,
    /// `dag` for a workflow, `application`, or what else the platform says.
    pub kind: String,
    /// Versions on the target, newest first.
    pub versions: Vec<String>,
    /// Keywords of the chart.
    pub keywords: Vec<String>,
    /// Whether it calls itself experimental.
    pub experimental: bool,
    /// Whether it asks for a GPU.
    pub gpu: bool,
    /// Whether each install makes a release of its own.
    pub multi: bool,
    /// `extension_params` as the target gives them, `null` when there are none.
    pub params: Value,
    /// Whether there is a release.
    pub installed: bool,
    /// Name of the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Version of the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_version: Option<String>,
    /// Helm's status of the release, such as `deployed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm_status: Option<String>,
    /// Its pods.
    pub pods: Vec<PodView>,
    /// Whether all pods run or have completed.
    pub ready: bool,
    /// Paths and ports at which it can be reached.
    pub links: Vec<String>,
}

/// A pod of a release.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PodView {
    /// Its name.
    pub name: String,
    /// Its status in lower case, such as `running` or `errimagepull`.
    pub status: String,
    /// Why, when the target tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Install a chart that is on the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct InstallRequest {
    /// Name of the target.
    pub target: String,
    /// Name of the chart.
    pub name: String,
    /// Its version; empty for the newest.
    pub version: String,
    /// Values of extension parameters; lists as texts with commas or as lists.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(type = "Record<string, unknown>"))]
    pub params: Map<String, Value>,
    /// Whether it has to be a chart that is launched, each time as a release of its own; without a
    /// word it may be either.
    #[serde(default)]
    pub launch: Option<bool>,
    /// Whether images of this machine which the chart asks for, and which were never sent to the
    /// target, are sent as well.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub send_missing: bool,
}

/// A release that is ready, or was found ready.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Installed {
    /// Name of the release.
    pub release: String,
    /// Name of the target.
    pub target: String,
    /// Helm's status.
    pub helm_status: String,
    /// Status of its pods by name.
    pub pods: BTreeMap<String, String>,
}

/// Remove a release from a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RemoveRequest {
    /// Name of the target.
    pub target: String,
    /// Name of the release.
    pub release: String,
    /// Version of its chart; empty for the one that the target shows.
    pub version: String,
    /// Whether to leave the release's own clean-up jobs out, when they hang.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub no_hooks: bool,
}

impl Engine {
    /// Returns what is on a target, row by row as the target lists it.
    ///
    /// # Errors
    /// [`EngineError::Target`] if the target can't be reached.
    pub fn extensions(
        &self,
        target: &str,
        monitor: &Monitor,
    ) -> Result<Vec<ExtensionView>, EngineError> {
        let monitor = monitor.stage("status");
        self.with_target(target, &monitor, async |client: Client| {
            Ok(client.extensions(&monitor).await?.iter().map(view).collect())
        })
    }

    /// Installs a chart that is on the target, and follows it until it is ready. A chart that can
    /// be installed several times gets one more release; of any other, a release that is there is
    /// told as a conflict.
    ///
    /// # Errors
    /// [`EngineError::NotListed`], [`EngineError::Installed`], and [`EngineError::Target`] if it
    /// is refused or does not become ready.
    pub fn install_chart(
        &self,
        request: &InstallRequest,
        monitor: &Monitor,
    ) -> Result<Installed, EngineError> {
        let InstallRequest { target, name, params, launch, .. } = request;
        self.with_target(target, monitor, async |client: Client| {
            let install = monitor.stage("install");
            install.started(name);
            let row = self.installable(&client, request, &install).await?;
            let newest = row.versions.first().cloned().unwrap_or_default();
            let version = if request.version.is_empty() { &newest } else { &request.version };
            launchable(&client, &row, *launch)?;
            let params = completed(&row.raw["extension_params"], params);
            let missing = self.lacking(&client, request, version, &params, monitor).await?;
            let outcome = client.install(name, version, &row.keywords, &params, &install).await?;
            let release = outcome.release().to_owned();
            if matches!(outcome, InstallOutcome::AlreadyInstalled { .. }) {
                return Err(EngineError::Installed { target: target.clone(), release });
            }
            install.finished(name, Outcome::Done, &format!("release {release}"));
            let follow = monitor.stage("follow");
            follow.started(&release);
            let followed = client.follow(&release, PATIENCE, &follow).await;
            let followed = followed.map_err(|error| with_missing(error, &missing))?;
            let summary = format!("{}, pods ready", followed.helm_status);
            follow.finished(&release, Outcome::Done, &summary);
            self.remember_install(&client, (&release, name, version), params)?;
            let (helm_status, pods) = (followed.helm_status, pods(&followed.pods));
            Ok(Installed { release, target: target.clone(), helm_status, pods })
        })
    }

    /// Returns the images of a chart which was sent from here that its target lacks, after they were
    /// sent if that is wanted. Of another's chart nothing is known.
    async fn lacking(
        &self,
        client: &Client,
        request: &InstallRequest,
        version: &str,
        params: &Map<String, Value>,
        monitor: &Monitor,
    ) -> Result<Vec<Missing>, EngineError> {
        let (target, memory) = (client.target(), self.memory(&client.target().name));
        let chart = self.sent_chart(&memory, &request.name, version)?;
        let Some(chart) = chart.filter(|_| !target.registry_url.is_empty()) else {
            return Ok(Vec::new());
        };
        let route = self.route(target, (None, false), &request.name, monitor)?;
        let ways = (&route, &memory);
        let missing = self.never_sent(&chart, params, ways, &target.name)?;
        if !request.send_missing || missing.is_empty() {
            return Ok(missing);
        }
        self.send_missing(client, &missing, ways, monitor).await?;
        self.never_sent(&chart, params, ways, &target.name)
    }

    /// Returns the row of the chart that is to be installed.
    async fn installable(
        &self,
        client: &Client,
        request: &InstallRequest,
        monitor: &Monitor,
    ) -> Result<Extension, EngineError> {
        let InstallRequest { target, name, version, .. } = request;
        let listed = client.extensions(monitor).await?;
        let has = |row: &&Extension| {
            row.name == *name && (version.is_empty() || row.versions.contains(version))
        };
        let row = listed.iter().find(has).cloned();
        row.ok_or_else(|| EngineError::NotListed {
            target: target.clone(),
            chart: format!("{name} {version}").trim_end().to_owned(),
        })
    }

    /// Remembers what was installed, so that it can be put back one day.
    fn remember_install(
        &self,
        client: &Client,
        (release, chart, version): (&str, &str, &str),
        params: Map<String, Value>,
    ) -> Result<(), EngineError> {
        let at = self.timestamp();
        self.memory(&client.target().name).update(|record| {
            let sent = record.charts.get(&format!("{chart}-{version}.tgz"));
            let digest = sent.map(|sent| sent.digest);
            let (chart, version) = (chart.to_owned(), version.to_owned());
            let installed = Release { chart, version, params, digest, dag: None, at };
            record.releases.insert(release.to_owned(), installed);
        })
    }

    /// Removes a release and waits until it is gone.
    ///
    /// # Errors
    /// [`EngineError::Target`] if the target can't be reached or the release does not go.
    pub fn remove_release(
        &self,
        request: &RemoveRequest,
        monitor: &Monitor,
    ) -> Result<UninstallOutcome, EngineError> {
        let RemoveRequest { target, release, version, no_hooks } = request;
        let monitor = monitor.stage("uninstall");
        self.with_target(target, &monitor, async |client: Client| {
            monitor.started(release);
            let listed = client.extensions(&monitor).await?;
            let there = listed.iter().find_map(|row| row.deployment(release));
            let (release, target) = (release.clone(), target.clone());
            let Some(there) = there else {
                monitor.finished(&release, Outcome::Reused, "it was not installed");
                return Ok(UninstallOutcome { release, target, was_installed: false });
            };
            let version = if version.is_empty() { &there.version } else { version };
            client.uninstall(&release, version, *no_hooks, &monitor).await?;
            client.wait_gone(&release, PATIENCE, &monitor).await?;
            self.memory(&target).update(|record| drop(record.releases.remove(&release)))?;
            monitor.finished(&release, Outcome::Done, "gone");
            Ok(UninstallOutcome { release, target, was_installed: true })
        })
    }
}

/// Refuses to launch what is installed once, and to install what is launched; and to launch
/// without a project, whose data a launched chart gets.
fn launchable(client: &Client, row: &Extension, launch: Option<bool>) -> Result<(), EngineError> {
    let multi = row.is_multi_installable();
    if launch.is_some_and(|launch| launch != multi) {
        return Err(EngineError::Launch { chart: row.name.clone(), multi });
    }
    let target = client.target();
    let sandbox = target.registry_url == crate::target::sandbox_registry();
    if multi && target.project.is_none() && !sandbox {
        return Err(edk_target::TargetError::NoProject { target: target.name.clone() }.into());
    }
    Ok(())
}

pub(crate) fn view(row: &Extension) -> ExtensionView {
    let text = |key: &str| row.raw.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let deployment = row.deployment(&row.release);
    let links = row.raw.get("links").and_then(Value::as_array).into_iter().flatten();
    let display_name = match text("display_name") {
        name if name.is_empty() => row.release.clone(),
        name => name,
    };
    ExtensionView {
        name: row.name.clone(),
        display_name,
        description: text("description"),
        kind: text("kind"),
        versions: row.versions.clone(),
        keywords: row.keywords.clone(),
        experimental: text("experimental") == "yes",
        gpu: text("resourceRequirement") == "gpu",
        multi: row.is_multi_installable(),
        params: row.raw.get("extension_params").cloned().unwrap_or(Value::Null),
        installed: deployment.is_some(),
        release: deployment.map(|it| it.release.clone()),
        installed_version: deployment.map(|it| it.version.clone()),
        helm_status: deployment.map(|it| it.helm_status.clone()),
        pods: deployment.map(|it| it.pods.iter().map(pod).collect()).unwrap_or_default(),
        ready: deployment.is_some_and(|it| it.ready),
        links: links.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

pub(crate) fn pod(pod: &Pod) -> PodView {
    PodView { name: pod.name.clone(), status: pod.status.clone(), reason: pod.reason.clone() }
}
