use std::path::PathBuf;

use edk_model::{Monitor, Outcome};
use edk_target::Client;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, deploy::PATIENCE};

/// Remove an extension from a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct UninstallRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the target.
    pub target: String,
    /// Name of the chart, when the extension has several.
    pub chart: Option<String>,
    /// Whether to leave the release's own clean-up jobs out, when they hang.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub no_hooks: bool,
}

/// What is gone.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UninstallOutcome {
    /// Name of the release.
    pub release: String,
    /// Name of the target.
    pub target: String,
    /// Whether it was installed at all.
    pub was_installed: bool,
}

impl Engine {
    /// Removes the release of an extension and waits until it is gone, its clean-up job included.
    ///
    /// # Errors
    /// [`EngineError::Target`] if the target can't be reached or the release does not go.
    pub fn uninstall(
        &self,
        request: &UninstallRequest,
        monitor: &Monitor,
    ) -> Result<UninstallOutcome, EngineError> {
        let project = self.project(&request.project)?;
        let chart = project.chart(request.chart.as_deref())?;
        let monitor = monitor.stage("uninstall");
        self.with_target(&request.target, &monitor, async |client: Client| {
            monitor.started(&chart.name);
            let target = client.target().name.clone();
            let release = chart.name.clone();
            let listed = client.extensions(&monitor).await?;
            let row = listed.iter().find(|row| row.deployment(&release).is_some());
            let Some(row) = row else {
                monitor.finished(&release, Outcome::Reused, "it was not installed");
                return Ok(UninstallOutcome { release, target, was_installed: false });
            };
            let version = row.deployment(&release).map(|it| it.version.clone()).unwrap_or_default();
            client.uninstall(&release, &version, request.no_hooks, &monitor).await?;
            client.wait_gone(&release, PATIENCE, &monitor).await?;
            let memory = self.memory(&target);
            memory.update(|record| drop(record.releases.remove(&release)))?;
            memory.end(&release)?;
            monitor.finished(&release, Outcome::Done, "gone");
            Ok(UninstallOutcome { release, target, was_installed: true })
        })
    }
}
