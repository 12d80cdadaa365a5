use std::{
    fs,
    path::{Path, PathBuf},
};

use edk_container::{Bind, Containers, Network, RunSpec};
use edk_image::Image;
use edk_model::{Monitor, Unit};
use edk_store::Store;
use serde::Serialize;
use serde_json::json;

use crate::{
    Plan, RunnerError,
    plan::{BATCH_NAME, DATA_FOLDER},
};

/// The exit code by which a container says that there was nothing to do (v1 contract).
const SKIPPED: i32 = 126;

/// Carries plans out.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// Where the image's layers are.
    pub store: &'a Store,
    /// Where the container runs.
    pub containers: &'a Containers,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Report {
    /// Id of the run.
    pub run_id: String,
    /// `success`, `skipped` (exit code 126) or `failed`, as the platform would show it.
    pub state: &'static str,
    /// Exit code of the container.
    pub exit_code: i32,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Peak resident memory in bytes of the largest process.
    pub peak_memory: u64,
    /// How many series the batch had.
    pub series: usize,
    /// The workflow folder with input and output.
    pub folder: PathBuf,
    /// Files the container wrote, sorted by path.
    pub outputs: Vec<Output>,
}

/// A file a container wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Output {
    /// Its path relative to the workflow folder.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Runner<'_> {
    /// Lays the workflow folder out and runs the container; its output goes to `monitor` line by
    /// line. A container that fails is a report, not an error.
    ///
    /// # Errors
    /// [`RunnerError::Io`], [`RunnerError::Image`], [`RunnerError::Container`],
    /// [`RunnerError::Cancelled`]; then the workflow folder is removed.
    pub fn run(
        &self,
        plan: &Plan,
        image: &Image,
        monitor: &Monitor,
    ) -> Result<Report, RunnerError> {
        let folder = plan.data.join(&plan.run_id);
        let result = self.run_in(plan, image, &folder, monitor);
        if result.is_err() {
            // Half a batch is of no use; what can't be removed is only rubbish of our own.
            let _ = fs::remove_dir_all(&folder);
        }
        result
    }

    fn run_in(
        &self,
        plan: &Plan,
        image: &Image,
        folder: &Path,
        monitor: &Monitor,
    ) -> Result<Report, RunnerError> {
        lay_out(plan, folder, monitor)?;
        let data = plan.data.canonicalize().map_err(|e| RunnerError::io(&plan.data, e))?;
        let spec = RunSpec {
            layers: image.prepare(self.store, self.containers, monitor)?,
            argv: plan.argv.clone(),
            env: plan.env.clone(),
            cwd: plan.cwd.clone(),
            user: plan.user.clone(),
            binds: vec![Bind { source: data, target: DATA_FOLDER.into(), read_only: false }],
            mounts: Vec::new(),
            network: Network::Host,
        };
        let exit = self.containers.run(&spec, &mut |line| monitor.line(line), monitor)?;
        let state = match exit.code {
            0 => "success",
            SKIPPED => "skipped",
            _ => "failed",
        };
        Ok(Report {
            run_id: plan.run_id.clone(),
            state,
            exit_code: exit.code,
            seconds: exit.duration.as_secs_f64(),
            peak_memory: exit.peak_memory,
            series: plan.series.len(),
            folder: folder.to_owned(),
            outputs: outputs(plan, folder)?,
        })
    }
}

/// Copies the input to where the platform would have put it.
fn lay_out(plan: &Plan, folder: &Path, monitor: &Monitor) -> Result<(), RunnerError> {
    let make = |path: &Path| fs::create_dir_all(path).map_err(|e| RunnerError::io(path, e));
    let conf = folder.join("conf");
    make(&conf)?;
    make(&folder.join(&plan.out_dir))?;
    let text = json!({"workflow_form": plan.form}).to_string();
    let file = conf.join("conf.json");
    fs::write(&file, text).map_err(|e| RunnerError::io(&file, e))?;
    let total = plan.series.iter().map(|series| series.files.len() as u64).sum();
    let mut done = 0;
    for series in &plan.series {
        let target = folder.join(BATCH_NAME).join(&series.name).join(&plan.in_dir);
        make(&target)?;
        for (number, file) in series.files.iter().enumerate() {
            monitor.check()?;
            let name = file.file_name().unwrap_or_default();
            let mut to = target.join(name);
            if to.exists() {
                // Files of one series may lie in several folders under the same name.
                to = target.join(format!("{number}-{}", name.to_string_lossy()));
            }
            fs::copy(file, &to).map_err(|e| RunnerError::io(file, e))?;
            done += 1;
            monitor.progress("batch", done, Some(total), Unit::Files, 0);
        }
    }
    Ok(())
}

/// Files in the output folders of the series and of the run.
fn outputs(plan: &Plan, folder: &Path) -> Result<Vec<Output>, RunnerError> {
    let mut stack = vec![folder.join(&plan.out_dir)];
    for series in &plan.series {
        stack.push(folder.join(BATCH_NAME).join(&series.name).join(&plan.out_dir));
    }
    let mut found = Vec::new();
    while let Some(current) = stack.pop() {
        let Ok(entries) = fs::read_dir(&current) else { continue };
        for entry in entries {
            let path = entry.map_err(|e| RunnerError::io(&current, e))?.path();
            if path.is_dir() {
                stack.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                // A link that leads nowhere is an output too.
                let size = fs::metadata(&path).map_or(0, |it| it.len());
                found.push(Output { path: relative.display().to_string(), size });
            }
        }
    }
    found.sort();
    Ok(found)
}
