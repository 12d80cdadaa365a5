use std::{fs, os::unix::fs::PermissionsExt as _};

use edk_archive::{Readers, write_whole};
use edk_model::Monitor;

use crate::{ContainerPlan, PodPlan, release::PodStatus};

/// Runs the containers of pods; the seam behind which a test may put something else.
pub trait Runtime: Send + Sync {
    /// Runs one container to its end and returns its exit code; `output` gets its lines. Blocks.
    ///
    /// # Errors
    /// Why it did not run.
    fn run(
        &self,
        container: &ContainerPlan,
        output: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<i32, Fault>;
}

/// Why a container did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its image is not to be had; says why.
    Image(String),
    /// It could not be set up; says why.
    Setup(String),
    /// The sandbox is being closed, or the release removed.
    Cancelled,
}

/// How a pod ended.
pub(crate) struct Ended {
    pub(crate) status: PodStatus,
    pub(crate) reason: String,
    pub(crate) exit_code: Option<i32>,
}

impl Ended {
    pub(crate) fn badly(status: PodStatus, reason: String) -> Self {
        Self { status, reason, exit_code: None }
    }
}

/// Runs the containers of a pod, one after the other. Returns `None` when it was cancelled.
pub(crate) fn run(
    plan: &PodPlan,
    runtime: &dyn Runtime,
    output: &mut dyn FnMut(&str),
    monitor: &Monitor,
) -> Option<Ended> {
    if let Err(error) = prepare(plan) {
        let reason = format!("its volumes: {error}");
        return Some(Ended::badly(PodStatus::CreateContainerConfigError, reason));
    }
    run_containers(&plan.containers, runtime, output, monitor)
}

/// As [`run`], without preparing anything.
pub(crate) fn run_containers(
    containers: &[ContainerPlan],
    runtime: &dyn Runtime,
    output: &mut dyn FnMut(&str),
    monitor: &Monitor,
) -> Option<Ended> {
    let failed = |status, reason: String| Some(Ended::badly(status, reason));
    for container in containers {
        let mut last = String::new();
        let mut tee = |line: &str| {
            if !line.trim().is_empty() {
                last = line.trim().chars().take(300).collect();
            }
            output(line);
        };
        match runtime.run(container, &mut tee, monitor) {
            Ok(0) => {}
            Ok(code) => {
                let name = &container.name;
                let said = if last.is_empty() { String::new() } else { format!(": {last}") };
                let reason = format!("container `{name}` ended with exit code {code}{said}");
                let exit_code = Some(code);
                return Some(Ended { status: PodStatus::Error, reason, exit_code });
            }
            Err(Fault::Image(reason)) => return failed(PodStatus::ErrImagePull, reason),
            Err(Fault::Setup(reason)) => {
                return failed(PodStatus::CreateContainerConfigError, reason);
            }
            Err(Fault::Cancelled) => return None,
        }
    }
    let (status, reason) = (PodStatus::Completed, String::new());
    Some(Ended { status, reason, exit_code: Some(0) })
}

pub(crate) fn prepare(plan: &PodPlan) -> std::io::Result<()> {
    for folder in &plan.folders {
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            // A container's user is often an ordinary one, and another one than the sandbox's.
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777))?;
        }
    }
    for (path, content) in &plan.files {
        // As Kubernetes shows them: whoever runs inside may read them.
        write_whole(path, content.as_bytes(), Readers::Everybody)?;
    }
    Ok(())
}
