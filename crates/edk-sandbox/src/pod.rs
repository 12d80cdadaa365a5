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
}

/// Runs the containers of a pod, one after the other. Returns `None` when it was cancelled.
pub(crate) fn run(
    plan: &PodPlan,
    runtime: &dyn Runtime,
    output: &mut dyn FnMut(&str),
    monitor: &Monitor,
) -> Option<Ended> {
    let failed = |status, reason: String| Some(Ended { status, reason });
    if let Err(error) = prepare(plan) {
        return failed(PodStatus::CreateContainerConfigError, format!("its volumes: {error}"));
    }
    for container in &plan.containers {
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
                return failed(PodStatus::Error, reason);
            }
            Err(Fault::Image(reason)) => return failed(PodStatus::ErrImagePull, reason),
            Err(Fault::Setup(reason)) => {
                return failed(PodStatus::CreateContainerConfigError, reason);
            }
            Err(Fault::Cancelled) => return None,
        }
    }
    Some(Ended { status: PodStatus::Completed, reason: String::new() })
}

fn prepare(plan: &PodPlan) -> std::io::Result<()> {
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
