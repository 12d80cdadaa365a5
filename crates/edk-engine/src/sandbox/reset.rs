use std::fs;

use edk_model::Monitor;
use serde::Serialize;

use crate::{Engine, EngineError};

/// What stays in the folder: locks, which others may hold at this moment.
const KEPT: [&str; 2] = ["lock", "guests"];

/// Empty the sandbox.
#[derive(Debug, Clone, Copy, Default)]
pub struct SandboxResetRequest {
    /// Whether to do it; else only what would be removed is told.
    pub confirmed: bool,
}

/// What an emptied sandbox has lost.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxResetOutcome {
    /// Whether it was removed, or would be.
    pub removed: bool,
    /// Files of charts and archives.
    pub charts: Vec<String>,
    /// Names of releases. Their removal hooks are not run.
    pub releases: Vec<String>,
    /// Whatever else is in the folder: volumes, the folders of Airflow, uploads under way.
    pub others: Vec<String>,
}

impl Engine {
    /// Removes everything from the sandbox: charts, releases, volumes, the folders of Airflow. Images
    /// are in the store and stay.
    ///
    /// # Errors
    /// [`EngineError::SandboxRuns`] while it is served, [`EngineError::Io`].
    pub fn reset_sandbox(
        &self,
        request: SandboxResetRequest,
        monitor: &Monitor,
    ) -> Result<SandboxResetOutcome, EngineError> {
        let folder = self.sandbox_folder();
        let contents = edk_sandbox::contents(&folder)?;
        let mut outcome = SandboxResetOutcome {
            removed: request.confirmed,
            charts: contents.files,
            releases: contents.releases.into_iter().map(|release| release.name).collect(),
            others: Vec::new(),
        };
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(outcome) };
        let names = entries.filter_map(Result::ok).map(|it| it.file_name().display().to_string());
        let mut names: Vec<String> = names.filter(|it| !KEPT.contains(&it.as_str())).collect();
        names.sort();
        let told = |name: &&String| !matches!(name.as_str(), "extensions" | "releases");
        outcome.others = names.iter().filter(told).cloned().collect();
        if !request.confirmed {
            return Ok(outcome);
        }
        // Held while files go, so that nobody opens the sandbox in between.
        let path = folder.join("lock");
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|source| EngineError::io(&path, source))?;
        if lock.try_lock().is_err() {
            return Err(EngineError::SandboxRuns);
        }
        let containers = self.containers()?;
        for name in names {
            monitor.line(&format!("removes {name}"));
            let path = folder.join(name);
            match path.is_dir() {
                // Containers may have written as subordinate ids.
                true => containers.remove(&path)?,
                false => fs::remove_file(&path).map_err(|source| EngineError::io(&path, source))?,
            }
        }
        Ok(outcome)
    }
}
