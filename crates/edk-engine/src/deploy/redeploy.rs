//! Delivering a chart where a platform knows no update: the old release is remembered, removed,
//! and put back by itself when the new one does not become ready.
//!
//! What is under way is in a [`Journal`] on the disk, so that a deploy that was cut off is told by
//! the next one, which goes on from there.

use edk_chart::platform::completed;
use edk_model::{Digest, Explain as _, Finding, Monitor, Outcome};
use edk_target::{
    Client, Followed, Health, InstallOutcome, Pod, TargetError, health_of, preflight,
};
use serde_json::{Map, Value};

use super::images::Route;
use super::{
    Clock, Missing, PATIENCE,
    memory::{Archive, Claim, Journal, Memory, Old, Release, Sent, Stage},
    with_missing,
};
use crate::{Engine, EngineError, package::ReadyChart};

/// A chart on its way to a target.
pub(crate) struct Delivery<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) client: &'a Client,
    pub(crate) memory: Memory,
    pub(crate) ready: &'a ReadyChart,
    pub(crate) keywords: &'a [String],
    pub(crate) params: &'a Map<String, Value>,
    pub(crate) route: Route,
    /// The DAG image that the chart installs.
    pub(crate) dag: Option<Digest>,
    /// Whether to leave out the clean-up jobs of the release that is removed.
    pub(crate) no_hooks: bool,
    pub(crate) monitor: &'a Monitor,
    /// Images which the chart asks for and the target was never sent.
    pub(crate) never_sent: Vec<Missing>,
    /// What is there, and whether it worked.
    pub(crate) before: Before,
    pub(crate) journal: Journal,
    /// Held so that nobody else deploys the same release.
    pub(crate) _claim: Claim,
}

/// What came of a delivery.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) release: String,
    pub(crate) helm_status: String,
    pub(crate) pods: Vec<Pod>,
    pub(crate) replaced: bool,
}

/// What a target has before a deploy.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Before {
    /// The version of the release; empty when it is there and its version is not known.
    pub(crate) present: Option<String>,
    /// What would be put back.
    pub(crate) old: Option<Old>,
}

impl Before {
    /// Looks at the release `release`, and at what is remembered of it.
    ///
    /// What is there and works is what will be put back. What is there and does not work is not
    /// worth it: then it is what `earlier`, a deploy that was cut off, had found.
    pub(crate) async fn look(
        client: &Client,
        memory: &Memory,
        release: &str,
        (new, digest): (&str, &Digest),
        earlier: Option<&Journal>,
        monitor: &Monitor,
    ) -> Result<Self, EngineError> {
        let listed = client.extensions(monitor).await?;
        let row = listed.iter().find(|row| row.deployment(release).is_some());
        let there = row.and_then(|row| row.deployment(release));
        let status = client.helm_status(release, monitor).await?;
        let present = match (there, &status) {
            (Some(there), _) => Some(there.version.clone()),
            (None, Some(_)) => Some(String::new()),
            (None, None) => None,
        };
        let works = |status: Option<&str>| health_of(status, there) == Health::Ready;
        let old = match (there, row) {
            (Some(there), Some(row)) if works(status.as_deref()) => {
                let record = memory.record()?.releases.get(release).cloned();
                let record = record.filter(|it| it.version == there.version);
                let kept = record.as_ref().and_then(|it| it.digest);
                let archive = match kept {
                    _ if there.version != new => Archive::Stays,
                    Some(kept) if kept == *digest => Archive::Stays,
                    Some(kept) if memory.chart(&kept).is_some() => Archive::Kept(kept),
                    _ => Archive::Lost,
                };
                let (version, keywords) = (there.version.clone(), row.keywords.clone());
                Some(Old { version, keywords, params: record.map(|it| it.params), archive })
            }
            _ => earlier.and_then(|journal| journal.old.clone()),
        };
        Ok(Self { present, old })
    }

    /// Returns what the user should know before the release is removed.
    pub(crate) fn warnings(&self, release: &str, declared: &Value) -> Vec<Finding> {
        let has_params = declared.as_object().is_some_and(|params| !params.is_empty());
        let mut findings = Vec::new();
        match (&self.present, &self.old) {
            (_, Some(Old { archive: Archive::Lost, version, .. })) => {
                let message = format!(
                    "release `{release}` {version} was not installed from here and has the same \
                     version: it can't be put back if this deploy fails"
                );
                let finding = Finding::warning("deploy/no-way-back", message);
                findings.push(finding.fix("give the chart a new version"));
            }
            (_, Some(Old { params: None, version, .. })) if has_params => {
                let message = format!(
                    "the parameters of release `{release}` {version} are not known here: if it \
                     has to be put back, it gets the defaults"
                );
                findings.push(Finding::warning("deploy/unknown-parameters", message));
            }
            (Some(_), None) => {
                let message =
                    format!("release `{release}` is there and does not work; it is replaced");
                findings.push(Finding::warning("deploy/replaces-broken", message));
            }
            _ => {}
        }
        findings
    }
}

impl Delivery<'_> {
    fn release(&self) -> &str {
        self.ready.chart.name()
    }

    fn is_multi(&self) -> bool {
        self.keywords.iter().any(|keyword| keyword == "kaapanamultiinstallable")
    }

    /// Writes down how far the deploy is. A launch replaces nothing, so nothing is written.
    pub(crate) fn enter(&mut self, stage: Stage) -> Result<(), EngineError> {
        self.journal.stage = stage;
        if self.is_multi() { Ok(()) } else { self.memory.begin(&self.journal) }
    }

    /// Sends the chart, installs it and follows it until it is ready.
    pub(crate) async fn run(&mut self, clock: &mut Clock) -> Result<Delivered, EngineError> {
        if let Err(error) = self.upload().await {
            return Err(self.not_sent(error).await);
        }
        clock.lap("upload");
        let install = self.monitor.stage("install");
        install.started(self.release());
        let mut replaced = false;
        if let (Some(version), false) = (self.before.present.clone(), self.is_multi()) {
            install.line(&format!("{} is installed already; it is replaced", self.release()));
            self.remove(&version, &install).await?;
            replaced = true;
        }
        self.enter(Stage::Installing)?;
        let done = self.install_and_follow(&mut replaced, clock, &install).await;
        match done {
            Ok((release, followed)) => {
                self.ended_well(&release)?;
                let Followed { helm_status, pods, .. } = followed;
                Ok(Delivered { release, helm_status, pods, replaced })
            }
            Err(error) => Err(self.failed(error).await),
        }
    }

    async fn upload(&self) -> Result<(), EngineError> {
        let upload = self.monitor.stage("upload");
        let (name, packaged) = (self.release(), &self.ready.packaged);
        upload.started(name);
        self.client.upload_chart(&packaged.file_name, packaged.bytes.clone(), &upload).await?;
        self.client.wait_listed(name, self.ready.chart.version(), PATIENCE, &upload).await?;
        upload.finished(name, Outcome::Done, &format!("{} is listed", packaged.file_name));
        self.memory.keep_chart(&packaged.digest, &packaged.bytes)?;
        let sent = Sent { digest: packaged.digest, at: self.engine.timestamp(), confirmed: true };
        let file_name = packaged.file_name.clone();
        self.memory.update(|record| drop(record.charts.insert(file_name, sent)))
    }

    /// The old release runs on: only what was replaced on the way is put back.
    pub(crate) async fn not_sent(&self, error: EngineError) -> EngineError {
        if matches!(error.code(), edk_model::Code::Cancelled) {
            return error;
        }
        let back = async {
            self.restore_tags().await?;
            if let EngineError::Target(TargetError::ChartRejected { .. }) = &error {
                self.send_old_chart().await?;
            }
            self.memory.end(&self.journal.release)
        };
        if let Err(second) = back.await {
            let monitor = self.monitor.stage("upload");
            monitor.line(&format!("what was replaced could not be put back: {second}"));
        }
        error
    }

    async fn remove(&mut self, version: &str, monitor: &Monitor) -> Result<(), EngineError> {
        self.enter(Stage::Removing)?;
        let release = self.release().to_owned();
        self.client.uninstall(&release, version, self.no_hooks, monitor).await?;
        self.client.wait_gone(&release, PATIENCE, monitor).await?;
        Ok(())
    }

    async fn install_and_follow(
        &mut self,
        replaced: &mut bool,
        clock: &mut Clock,
        install: &Monitor,
    ) -> Result<(String, Followed), EngineError> {
        let mut outcome = self.install(install).await?;
        if let (InstallOutcome::AlreadyInstalled { release, .. }, false) =
            (&outcome, self.is_multi())
        {
            // It was neither in the list nor known to Helm a moment ago.
            install.line(&format!("{release} is installed already; it is replaced"));
            self.remove("", install).await?;
            self.enter(Stage::Installing)?;
            *replaced = true;
            outcome = self.install(install).await?;
        }
        let release = outcome.release().to_owned();
        if matches!(outcome, InstallOutcome::AlreadyInstalled { .. }) {
            let target = self.client.target().name.clone();
            return Err(EngineError::Installed { target, release });
        }
        install.finished(self.release(), Outcome::Done, &format!("release {release}"));
        clock.lap("install");
        let follow = self.monitor.stage("follow");
        follow.started(&release);
        let followed = self.client.follow(&release, PATIENCE, &follow).await;
        let followed = followed.map_err(|error| with_missing(error, &self.never_sent))?;
        follow.finished(&release, Outcome::Done, &format!("{}, pods ready", followed.helm_status));
        clock.lap("follow");
        Ok((release, followed))
    }

    async fn install(&self, monitor: &Monitor) -> Result<InstallOutcome, TargetError> {
        let (name, version) = (self.release(), self.ready.chart.version());
        self.client.install(name, version, self.keywords, self.params, monitor).await
    }

    fn ended_well(&self, release: &str) -> Result<(), EngineError> {
        let installed = Release {
            chart: self.release().to_owned(),
            version: self.ready.chart.version().to_owned(),
            params: self.params.clone(),
            digest: Some(self.ready.packaged.digest),
            dag: self.dag,
            at: self.engine.timestamp(),
        };
        let release = release.to_owned();
        self.memory.update(|record| drop(record.releases.insert(release, installed)))?;
        self.memory.end(&self.journal.release)?;
        self.memory.forget_charts()
    }

    /// Puts the old release back, if one worked, and tells both outcomes.
    async fn failed(&mut self, error: EngineError) -> EngineError {
        if matches!(error.code(), edk_model::Code::Cancelled) {
            // Whoever cancels wants an end now; the next deploy goes on from here.
            if !self.is_multi() {
                self.monitor.stage("put-back").found(&cut_off(&self.journal));
            }
            return error;
        }
        let Some(old) = self.before.old.clone().filter(|_| !self.is_multi()) else {
            // What failed stays to be looked at; the next deploy replaces it.
            let ended = self.memory.end(&self.journal.release);
            return ended.err().unwrap_or(error);
        };
        let (target, release) = (self.client.target().name.clone(), self.release().to_owned());
        let version = self.ready.chart.version().to_owned();
        let source = Box::new(error);
        match self.put_back(&old).await {
            Ok(()) => {
                let old = old.version;
                EngineError::PutBack { release, version, target, old, source }
            }
            Err(second) => {
                let (old, second) = (old.version, Box::new(second));
                EngineError::NotPutBack { release, version, target, old, source, second }
            }
        }
    }

    async fn put_back(&mut self, old: &Old) -> Result<(), EngineError> {
        let monitor = self.monitor.stage("put-back");
        let release = self.release().to_owned();
        let subject = format!("{release} {}", old.version);
        monitor.started(&subject);
        self.enter(Stage::PuttingBack)?;
        if old.archive == Archive::Lost {
            return Err(EngineError::NoArchive { chart: release, version: old.version.clone() });
        }
        // Also when nothing seems to be there: the platform takes that, and an install which came
        // to nothing may still be under way.
        let version = self.ready.chart.version();
        self.client.uninstall(&release, version, false, &monitor).await?;
        self.client.wait_gone(&release, PATIENCE, &monitor).await?;
        self.restore_tags().await?;
        self.send_old_chart().await?;
        let row = self.client.wait_listed(&release, &old.version, PATIENCE, &monitor).await?;
        let known = old.params.clone().unwrap_or_default();
        let params = completed(&row.raw["extension_params"], &known);
        let (version, keywords) = (&old.version, &old.keywords);
        let done = self.client.install(&release, version, keywords, &params, &monitor).await?;
        if matches!(done, InstallOutcome::AlreadyInstalled { .. }) {
            let target = self.client.target().name.clone();
            return Err(EngineError::Installed { target, release });
        }
        let followed = self.client.follow(&release, PATIENCE, &monitor).await?;
        monitor.finished(&subject, Outcome::Done, &format!("{}, ready", followed.helm_status));
        self.memory.end(&self.journal.release)
    }

    async fn restore_tags(&self) -> Result<(), EngineError> {
        let monitor = self.monitor.stage("put-back");
        let (tags, route) = (&self.journal.tags, &self.route);
        self.engine.restore_tags(self.client, tags, route, &monitor).await
    }

    /// Sends the old chart again, when the new one has taken the place of its file.
    async fn send_old_chart(&self) -> Result<(), EngineError> {
        let Some(Old { archive: Archive::Kept(digest), version, .. }) = &self.before.old else {
            return Ok(());
        };
        let name = self.release();
        let bytes = self.memory.chart(digest).ok_or_else(|| EngineError::NoArchive {
            chart: name.to_owned(),
            version: version.clone(),
        })?;
        let file_name = format!("{name}-{version}.tgz");
        debug_assert!(preflight::chart_file(&file_name).is_ok());
        let monitor = self.monitor.stage("put-back");
        self.client.upload_chart(&file_name, bytes, &monitor).await?;
        let sent = Sent { digest: *digest, at: self.engine.timestamp(), confirmed: true };
        self.memory.update(|record| drop(record.charts.insert(file_name, sent)))
    }
}

/// The warning about a deploy that was cut off.
pub(crate) fn cut_off(journal: &Journal) -> Finding {
    let Journal { release, version, stage, old, at, .. } = journal;
    let was = match old {
        Some(old) => format!("; before it, {} was installed and worked", old.version),
        None => String::new(),
    };
    let message = format!(
        "a deploy of `{release}` {version} was cut off while {} (it began at {at}){was}",
        stage.words()
    );
    let fix = "`edk deploy` goes on from here; if it fails, it puts back what worked before";
    Finding::warning("deploy/cut-off", message).fix(fix)
}
