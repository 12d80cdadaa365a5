use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use edk_image::Image;
use edk_model::{Monitor, Outcome};
use edk_runner::{Report, Runner, plan};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Run a processing container of an extension on local data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct RunRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the processing container, when the extension has several.
    pub container: Option<String>,
    /// Folder with DICOM, NIfTI or NRRD files.
    pub input: PathBuf,
    /// Folder in which the run's folder is made; without one, `runs` in the engine's data folder.
    pub output: Option<PathBuf>,
    /// Values of the workflow's form.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub form: BTreeMap<String, String>,
}

/// How a run went.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RunOutcome {
    /// Name of the processing container.
    pub container: String,
    /// The rest.
    #[serde(flatten)]
    pub report: Report,
}

impl Engine {
    /// Builds a processing container if need be and runs it.
    ///
    /// # Errors
    /// As [`Engine::build`], and [`EngineError::Runner`]. A container that fails is an outcome.
    pub fn run(&self, request: &RunRequest, monitor: &Monitor) -> Result<RunOutcome, EngineError> {
        let project = self.project(&request.project)?;
        let name = project.container(request.container.as_deref())?.name.clone();
        let built = self.build_images(&project, &BTreeMap::new(), monitor)?;
        let image = built.image(&name)?.clone();
        self.run_image(&name, &image, request, monitor)
    }

    fn run_image(
        &self,
        name: &str,
        image: &Image,
        request: &RunRequest,
        monitor: &Monitor,
    ) -> Result<RunOutcome, EngineError> {
        let monitor = monitor.stage("run");
        monitor.started(name);
        let output = request.output.clone().unwrap_or_else(|| self.setup.data.join("runs"));
        std::fs::create_dir_all(&output).map_err(|source| EngineError::io(&output, source))?;
        let run_id = run_id(name, (self.setup.now)());
        let plan = plan(&edk_runner::RunRequest {
            name,
            image,
            input: &request.input,
            output: &output,
            run_id: &run_id,
            form: &request.form,
        })?;
        let runner = Runner { store: self.store()?, containers: self.containers()? };
        let report = runner.run(&plan, image, &monitor)?;
        let summary = format!("{}, {} outputs", report.state, report.outputs.len());
        monitor.finished(name, Outcome::Done, &summary);
        Ok(RunOutcome { container: name.to_owned(), report })
    }
}

/// As on the platform: the name and 18 digits of the time.
fn run_id(name: &str, now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("{name}-{:018}", since.as_micros())
}
