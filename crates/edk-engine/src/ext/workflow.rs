use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use edk_model::{Monitor, Outcome};
use edk_target::{Client, Job, TaskLog, Workflow, WorkflowStart};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Engine, EngineError};

/// Start a workflow on a dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkflowStartRequest {
    /// Name of the target.
    pub target: String,
    /// Id of the DAG.
    pub dag: String,
    /// Name of the dataset.
    pub dataset: String,
    /// What the run is called; without one, as the DAG.
    pub name: Option<String>,
    /// At most so many series of the dataset.
    pub limit: Option<u64>,
    /// Values of the DAG's form; `true`, `false` and numbers are sent as such.
    pub form: BTreeMap<String, String>,
    /// How many seconds to follow it; 0 starts it and leaves.
    pub follow: u64,
}

/// A workflow that was started.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowStarted {
    /// Name of the target.
    pub target: String,
    /// The platform's name of the workflow.
    pub workflow: String,
    /// Its jobs when it was left.
    pub jobs: Vec<JobView>,
    /// How long it was followed, in seconds.
    pub seconds: f64,
}

/// List the workflows of a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkflowListRequest {
    /// Name of the target.
    pub target: String,
    /// A part of the name.
    pub search: Option<String>,
    /// How many, newest first.
    pub limit: u32,
}

/// A workflow of a target.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The DAG, when the target tells.
    pub dag: String,
    /// When it was started, as the target writes it.
    pub created_at: String,
}

/// Look at the jobs of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkflowJobsRequest {
    /// Name of the target.
    pub target: String,
    /// The platform's name of the workflow.
    pub workflow: String,
}

/// The jobs of a workflow.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowJobs {
    /// The workflow.
    pub workflow: String,
    /// Its jobs.
    pub jobs: Vec<JobView>,
}

/// A job of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobView {
    /// Its number.
    pub id: u64,
    /// The DAG.
    pub dag: String,
    /// The run in Airflow.
    pub run: String,
    /// `queued`, `pending`, `scheduled`, `running`, `finished`, `failed` or `deleted`.
    pub status: String,
    /// What the target says of it.
    pub description: String,
    /// Its tasks with their states.
    pub tasks: BTreeMap<String, String>,
}

/// Read the log of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskLogRequest {
    /// Name of the target.
    pub target: String,
    /// The platform's name of the workflow.
    pub workflow: String,
    /// The task; without one, the first that failed.
    pub task: Option<String>,
    /// Number of the job; without one, the first that failed, else the first.
    pub job: Option<u64>,
    /// Which try of the task, from 1.
    pub attempt: u32,
}

/// The log of a task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskLogView {
    /// Number of the job.
    pub job: u64,
    /// The task.
    pub task: String,
    /// Which try.
    pub attempt: u32,
    /// The log.
    pub log: String,
}

impl From<Workflow> for WorkflowView {
    fn from(it: Workflow) -> Self {
        Self { id: it.id, name: it.name, dag: it.dag, created_at: it.created_at }
    }
}

fn job_view(it: Job, tasks: BTreeMap<String, String>) -> JobView {
    let Job { id, dag, run, status, description } = it;
    JobView { id, dag, run, status, description, tasks }
}

/// A value of a form as the platform's page would send it.
fn form_value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::from(text),
    }
}

impl Engine {
    /// Starts a workflow and follows its jobs.
    ///
    /// # Errors
    /// [`EngineError::Target`], also when a job fails.
    pub fn workflow_start(
        &self,
        request: &WorkflowStartRequest,
        monitor: &Monitor,
    ) -> Result<WorkflowStarted, EngineError> {
        let name = request.name.clone().unwrap_or_else(|| request.dag.clone());
        let start = WorkflowStart {
            name,
            dag: request.dag.clone(),
            dataset: request.dataset.clone(),
            limit: request.limit,
            form: request.form.iter().map(|(k, v)| (k.clone(), form_value(v))).collect(),
        };
        let begun = Instant::now();
        self.with_target(&request.target, monitor, async |client: Client| {
            let (check, follow) = (monitor.stage("check"), monitor.stage("follow"));
            self.startable(&client, &start, &check).await?;
            follow.started(&start.name);
            let workflow = client.start_workflow(&start, &follow).await?.name;
            follow.line(&format!("{workflow} is started"));
            let jobs = match request.follow {
                0 => client.jobs(&workflow, &follow).await?,
                seconds => {
                    let patience = Duration::from_secs(seconds);
                    client.follow_workflow(&workflow, patience, &follow).await?
                }
            };
            let summary = if request.follow == 0 { "started" } else { "finished" };
            follow.finished(&workflow, Outcome::Done, summary);
            let jobs = jobs.into_iter().map(|job| job_view(job, BTreeMap::new())).collect();
            let (target, seconds) = (client.target().name.clone(), begun.elapsed().as_secs_f64());
            Ok(WorkflowStarted { target, workflow, jobs, seconds })
        })
    }

    /// Refuses a DAG or a dataset that is not there, before anything is started.
    async fn startable(
        &self,
        client: &Client,
        start: &WorkflowStart,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let target = || client.target().name.clone();
        let dags = client.dags(monitor).await?;
        if !dags.contains(&start.dag) {
            let (what, name) = ("DAG", start.dag.clone());
            return Err(EngineError::NotOnTarget { what, name, target: target(), known: dags });
        }
        let datasets = client.datasets(monitor).await?;
        if !datasets.contains(&start.dataset) {
            let (what, name) = ("dataset", start.dataset.clone());
            return Err(EngineError::NotOnTarget { what, name, target: target(), known: datasets });
        }
        Ok(())
    }

    /// Lists workflows, newest first.
    ///
    /// # Errors
    /// [`EngineError::Target`].
    pub fn workflow_list(
        &self,
        request: &WorkflowListRequest,
        monitor: &Monitor,
    ) -> Result<Vec<WorkflowView>, EngineError> {
        let monitor = monitor.stage("status");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let search = request.search.as_deref();
            let all = client.workflows(search, request.limit, &monitor).await?;
            Ok(all.into_iter().map(WorkflowView::from).collect())
        })
    }

    /// Looks at the jobs of a workflow and their tasks.
    ///
    /// # Errors
    /// [`EngineError::NotOnTarget`] for a workflow without jobs, [`EngineError::Target`].
    pub fn workflow_jobs(
        &self,
        request: &WorkflowJobsRequest,
        monitor: &Monitor,
    ) -> Result<WorkflowJobs, EngineError> {
        let monitor = monitor.stage("status");
        let WorkflowJobsRequest { target, workflow } = request;
        self.with_target(target, &monitor, async |client: Client| {
            let mut jobs = Vec::new();
            for job in jobs_of(&client, workflow, &monitor).await? {
                let tasks = client.tasks(job.id, &monitor).await?;
                jobs.push(job_view(job, tasks));
            }
            Ok(WorkflowJobs { workflow: workflow.clone(), jobs })
        })
    }

    /// Reads the log of a task of a workflow.
    ///
    /// # Errors
    /// [`EngineError::NotOnTarget`] for a job or task that is not there, [`EngineError::Target`].
    pub fn workflow_log(
        &self,
        request: &TaskLogRequest,
        monitor: &Monitor,
    ) -> Result<TaskLogView, EngineError> {
        let monitor = monitor.stage("status");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let missing = |what, name: String, known: Vec<String>| EngineError::NotOnTarget {
                what,
                name,
                target: request.target.clone(),
                known,
            };
            let jobs = jobs_of(&client, &request.workflow, &monitor).await?;
            let job = match request.job {
                Some(id) => jobs.iter().find(|job| job.id == id),
                None => jobs.iter().find(|job| job.status == "failed").or(jobs.first()),
            };
            let known = || jobs.iter().map(|job| job.id.to_string()).collect();
            let wanted = request.job.unwrap_or_default().to_string();
            let job = job.ok_or_else(|| missing("job", wanted, known()))?;
            let tasks = client.tasks(job.id, &monitor).await?;
            let task = match &request.task {
                Some(task) => tasks.get_key_value(task),
                None => tasks.iter().find(|(_, state)| *state == "failed"),
            };
            let name = request.task.clone().unwrap_or_else(|| "that failed".to_owned());
            let known = || tasks.iter().map(|(task, state)| format!("{task} ({state})")).collect();
            let (task, _) = task.ok_or_else(|| missing("task", name, known()))?;
            let place = TaskLog { dag: &job.dag, run: &job.run, task, attempt: request.attempt };
            let log = client.task_log(&place, &monitor).await?;
            Ok(TaskLogView { job: job.id, task: task.clone(), attempt: request.attempt, log })
        })
    }
}

async fn jobs_of(
    client: &Client,
    workflow: &str,
    monitor: &Monitor,
) -> Result<Vec<Job>, EngineError> {
    let jobs = client.jobs(workflow, monitor).await?;
    if !jobs.is_empty() {
        return Ok(jobs);
    }
    let known = client.workflows(None, 10, monitor).await?;
    Err(EngineError::NotOnTarget {
        what: "workflow",
        name: workflow.to_owned(),
        target: client.target().name.clone(),
        known: known.into_iter().map(|it| it.name).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_form_keep_their_types() {
        for (text, expected) in [
            ("true", Value::Bool(true)),
            ("7", 7.into()),
            ("0.5", 0.5.into()),
            ("007", "007".into()),
            ("[1]", "[1]".into()),
            ("\"x\"", "\"x\"".into()),
            ("lung", "lung".into()),
        ] {
            assert_eq!(form_value(text), expected, "{text}");
        }
    }
}
