use std::path::PathBuf;

use edk_extension::Project;
use edk_model::{Monitor, Outcome};
use edk_target::{AllowOutcome, Client};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Allow DAGs in the project of a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AllowRequest {
    /// Name of the target.
    pub target: String,
    /// Ids of the DAGs; without any, those of the extension in `project`.
    pub dags: Vec<String>,
    /// Folder of the extension.
    pub project: PathBuf,
}

/// A DAG, and whether the project may use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllowedDag {
    /// Its id.
    pub dag: String,
    /// How it came.
    pub state: AllowState,
}

/// How a DAG came to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowState {
    /// It is allowed now.
    Allowed,
    /// It was before.
    Already,
    /// The platform is older than 0.5.0: every project may use every DAG.
    NotNeeded,
}

impl Engine {
    /// Allows DAGs in the target's project: since 0.5.0 a new DAG is invisible until then.
    ///
    /// # Errors
    /// [`EngineError::NoDag`] for an extension without one, [`EngineError::Target`].
    pub fn ext_allow(
        &self,
        request: &AllowRequest,
        monitor: &Monitor,
    ) -> Result<Vec<AllowedDag>, EngineError> {
        let dags = match request.dags.as_slice() {
            [] => dag_ids(&self.project(&request.project)?),
            dags => dags.to_vec(),
        };
        if dags.is_empty() {
            return Err(EngineError::NoDag { folder: request.project.clone() });
        }
        let monitor = monitor.stage("allow");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let mut done = Vec::new();
            for dag in &dags {
                monitor.started(dag);
                let state = match client.allow_dag(dag, &monitor).await? {
                    AllowOutcome::Allowed => AllowState::Allowed,
                    AllowOutcome::Already => AllowState::Already,
                    AllowOutcome::NotNeeded => AllowState::NotNeeded,
                };
                let (outcome, summary) = match state {
                    AllowState::Allowed => (Outcome::Done, "allowed in the project"),
                    AllowState::Already => (Outcome::Reused, "it was allowed before"),
                    AllowState::NotNeeded => (Outcome::Reused, "the platform does not ask for it"),
                };
                monitor.finished(dag, outcome, summary);
                done.push(AllowedDag { dag: dag.clone(), state });
            }
            Ok(done)
        })
    }

    /// Returns the DAGs of an extension which the target's project may not use yet; none where
    /// there is no project, and none when the target does not tell.
    pub(crate) async fn not_allowed(
        &self,
        client: &Client,
        project: &Project,
        monitor: &Monitor,
    ) -> Vec<String> {
        let target = client.target();
        if target.project.is_none() || target.generation == edk_target::Generation::V0_4 {
            return Vec::new();
        }
        let allowed = client.allowed_dags(monitor).await;
        let Ok(allowed) = allowed else { return Vec::new() };
        dag_ids(project).into_iter().filter(|dag| !allowed.contains(dag)).collect()
    }
}

fn dag_ids(project: &Project) -> Vec<String> {
    project.dags().0.into_iter().filter_map(|dag| dag.id).collect()
}
