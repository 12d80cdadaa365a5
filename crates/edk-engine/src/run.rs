use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use edk_extension::{Project, form_values};
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
    /// Values of the workflow's form; what is not given has the form's default.
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
    /// Builds a processing container if need be and runs it. The values are those of the forms of the
    /// extension's DAGs: they are checked before anything is built, and reach the container as a
    /// platform writes them.
    ///
    /// # Errors
    /// As [`Engine::build`], [`EngineError::Form`] and [`EngineError::Runner`]. A container that
    /// fails is an outcome.
    pub fn run(&self, request: &RunRequest, monitor: &Monitor) -> Result<RunOutcome, EngineError> {
        let project = self.project(&request.project)?;
        let name = project.container(request.container.as_deref())?.name.clone();
        let form = values(&project, &request.form)?;
        let chosen = self.chosen(None, &project.root)?;
        let built = self.build_images(&project, &BTreeMap::new(), &chosen, monitor)?;
        let image = built.image(&name)?.clone();
        self.run_image(&name, &image, request, &form, monitor)
    }

    fn run_image(
        &self,
        name: &str,
        image: &Image,
        request: &RunRequest,
        form: &BTreeMap<String, String>,
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
            form,
        })?;
        let runner = Runner { store: self.store()?, containers: self.containers()? };
        let report = runner.run(&plan, image, &monitor)?;
        let summary = format!("{}, {} outputs", report.state, report.outputs.len());
        monitor.finished(name, Outcome::Done, &summary);
        Ok(RunOutcome { container: name.to_owned(), report })
    }
}

/// The values a container gets, of those that were given and of the forms' defaults.
fn values(
    project: &Project,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, EngineError> {
    let (dags, _) = project.dags();
    form_values(&dags, given).map_err(|misfits| {
        let known = dags.iter().flat_map(edk_extension::Dag::questions);
        let known = known.map(|(name, property)| match property["type"].as_str() {
            Some(kind) => format!("{name} ({kind})"),
            None => name.clone(),
        });
        EngineError::Form { misfits, known: known.collect() }
    })
}

/// As on the platform: the name and 18 digits of the time.
fn run_id(name: &str, now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("{name}-{:018}", since.as_micros())
}
