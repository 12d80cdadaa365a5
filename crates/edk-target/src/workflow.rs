//! Workflows of a platform: start one on a dataset, follow its jobs, read a task's log.

use std::{collections::BTreeMap, time::Duration};

use edk_model::Monitor;
use serde_json::{Map, Value};

use crate::{
    Client, TargetError,
    client::{Answer, Watch},
    login::is_session,
    preflight, request,
};

/// A workflow to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowStart {
    /// What the user calls the run; the platform puts an id behind it.
    pub name: String,
    /// The DAG.
    pub dag: String,
    /// Name of the dataset it works on.
    pub dataset: String,
    /// At most so many series of it; all without one.
    pub limit: Option<u64>,
    /// Values of the DAG's form.
    pub form: Map<String, Value>,
}

/// A workflow on a platform: a started DAG, one job or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// Its name: the user's with the id behind it. Jobs are asked for by it.
    pub name: String,
    /// The DAG, when the platform tells.
    pub dag: String,
    /// When it was started, as the platform writes it.
    pub created_at: String,
}

/// A job of a workflow: one run of its DAG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// The DAG.
    pub dag: String,
    /// The run in Airflow.
    pub run: String,
    /// `queued`, `pending`, `scheduled`, `running`, `finished`, `failed` or `deleted`.
    pub status: String,
    /// What the platform says of it, such as why it failed.
    pub description: String,
}

impl Job {
    /// Says whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "finished" | "failed" | "deleted")
    }
}

/// The place of a task's log in Airflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLog<'a> {
    /// The DAG.
    pub dag: &'a str,
    /// The run.
    pub run: &'a str,
    /// The task.
    pub task: &'a str,
    /// Which try, from 1.
    pub attempt: u32,
}

fn text(row: &Value, key: &str) -> String {
    match &row[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn workflow(row: &Value) -> Option<Workflow> {
    let name = text(row, "workflow_name");
    (!name.is_empty()).then(|| Workflow {
        id: text(row, "workflow_id"),
        dag: text(row, "dag_id"),
        created_at: text(row, "time_created"),
        name,
    })
}

/// Reads a list of workflows: a pair of the list and the number of all, or the list alone.
fn workflows(body: &str) -> Option<Vec<Workflow>> {
    let rows: Vec<Value> = serde_json::from_str(body).ok()?;
    let rows = match rows.first() {
        Some(Value::Array(inner)) => inner.clone(),
        _ => rows,
    };
    Some(rows.iter().filter_map(workflow).collect())
}

fn jobs(body: &str) -> Option<Vec<Job>> {
    let rows: Vec<Value> = serde_json::from_str(body).ok()?;
    let job = |row: &Value| {
        Some(Job {
            id: row["id"].as_u64()?,
            dag: text(row, "dag_id"),
            run: text(row, "run_id"),
            status: text(row, "status").to_lowercase(),
            description: text(row, "description"),
        })
    };
    Some(rows.iter().filter_map(job).collect())
}

/// Reads `{task: [execution date, state]}`.
fn tasks(body: &str) -> Option<BTreeMap<String, String>> {
    let rows: Map<String, Value> = serde_json::from_str(body).ok()?;
    let state = |value: &Value| match value {
        Value::Array(items) => items.last().and_then(Value::as_str).unwrap_or("none").to_owned(),
        other => other.as_str().unwrap_or("none").to_owned(),
    };
    Some(rows.iter().map(|(task, value)| (task.clone(), state(value))).collect())
}

fn names(body: &str) -> Option<Vec<String>> {
    match serde_json::from_str(body).ok()? {
        Value::Array(rows) => {
            let name = |row: &Value| match row {
                Value::String(name) => Some(name.clone()),
                row => row.get("name")?.as_str().map(str::to_owned),
            };
            Some(rows.iter().filter_map(name).collect())
        }
        Value::Object(rows) => Some(rows.keys().cloned().collect()),
        _ => None,
    }
}

impl Client {
    /// Returns the DAGs that can be started: those with a form which the project may use.
    ///
    /// # Errors
    /// As every call.
    pub async fn dags(&self, monitor: &Monitor) -> Result<Vec<String>, TargetError> {
        self.get(&request::dags(), "list the DAGs", names, monitor).await
    }

    /// Returns the names of the datasets.
    ///
    /// # Errors
    /// As every call.
    pub async fn datasets(&self, monitor: &Monitor) -> Result<Vec<String>, TargetError> {
        self.get(&request::datasets(), "list the datasets", names, monitor).await
    }

    /// Returns the workflows, newest first; `search` is a part of a name.
    ///
    /// # Errors
    /// As every call.
    pub async fn workflows(
        &self,
        search: Option<&str>,
        limit: u32,
        monitor: &Monitor,
    ) -> Result<Vec<Workflow>, TargetError> {
        let request = request::workflows(search, limit);
        self.get(&request, "list the workflows", workflows, monitor).await
    }

    /// Starts a workflow. An answer that was lost is not repeated: the list is looked at.
    ///
    /// # Errors
    /// [`TargetError::Preflight`] for values the platform would change, [`TargetError::Refused`].
    pub async fn start_workflow(
        &self,
        start: &WorkflowStart,
        monitor: &Monitor,
    ) -> Result<Workflow, TargetError> {
        let findings = preflight::sent_parameters(&start.form);
        self.preflight(&format!("the workflow `{}`", start.name), findings, monitor)?;
        let instance = "tell the name of its instance";
        let name = |body: &str| {
            let body: Value = serde_json::from_str(body).ok()?;
            let row = if body.is_array() { &body[0] } else { &body };
            row["instance_name"].as_str().map(str::to_owned)
        };
        let instance = self.get(&request::instance(), instance, name, monitor).await?;
        let before = self.workflows(Some(&start.name), 100, monitor).await?;
        let action = "start a workflow";
        let request = request::start_workflow(start, &instance);
        let answer = self.attempt(&request, self.target().pace.call, action, monitor).await?;
        match &answer {
            Answer::Reply(reply) if reply.is_success() => {
                let read = serde_json::from_str::<Value>(&reply.body).ok();
                if let Some(started) = read.as_ref().and_then(workflow) {
                    return Ok(started);
                }
            }
            Answer::Reply(reply) if !reply.is_unclear() => return Err(self.refused(action, reply)),
            Answer::Reply(_) | Answer::Silence(_) => {}
        }
        monitor.line(&format!("no clear answer to the start of {}; looking", start.name));
        let mut watch = Watch::new(self, self.target().pace.look);
        loop {
            let now = watch.look(self.workflows(Some(&start.name), 100, monitor).await)?;
            let new = now.into_iter().flatten().find(|it| !before.contains(it));
            if let Some(started) = new {
                return Ok(started);
            }
            if !watch.again(monitor).await? {
                return Err(self.unclear(action, answer));
            }
        }
    }

    /// Returns the jobs of the workflow `name` (the platform's name of it).
    ///
    /// # Errors
    /// As every call.
    pub async fn jobs(&self, name: &str, monitor: &Monitor) -> Result<Vec<Job>, TargetError> {
        self.get(&request::jobs(name), "list the jobs of a workflow", jobs, monitor).await
    }

    /// Follows the jobs of a workflow until all are over, or one failed.
    ///
    /// # Errors
    /// [`TargetError::WorkflowFailed`] when a job failed or was deleted,
    /// [`TargetError::WorkflowRuns`] once `patience` is over.
    pub async fn follow_workflow(
        &self,
        name: &str,
        patience: Duration,
        monitor: &Monitor,
    ) -> Result<Vec<Job>, TargetError> {
        let mut watch = Watch::new(self, patience);
        let mut said = String::new();
        let target = || self.target().name.clone();
        loop {
            let jobs = watch.look(self.jobs(name, monitor).await)?.unwrap_or_default();
            let states: Vec<String> =
                jobs.iter().map(|job| format!("job {} {}", job.id, job.status)).collect();
            let now = if jobs.is_empty() { "no job yet".to_owned() } else { states.join(", ") };
            if said != now {
                monitor.line(&format!("{name}: {now}"));
                said.clone_from(&now);
            }
            let bad = |job: &&Job| matches!(job.status.as_str(), "failed" | "deleted");
            if let Some(job) = jobs.iter().find(bad).cloned() {
                let job = Box::new(job);
                return Err(TargetError::WorkflowFailed {
                    target: target(),
                    name: name.into(),
                    job,
                });
            }
            if !jobs.is_empty() && jobs.iter().all(Job::is_over) {
                return Ok(jobs);
            }
            if !watch.again(monitor).await? {
                let (name, seconds) = (name.to_owned(), patience.as_secs());
                return Err(TargetError::WorkflowRuns { target: target(), name, seconds, now });
            }
        }
    }

    /// Returns the tasks of a job with their states.
    ///
    /// # Errors
    /// As every call.
    pub async fn tasks(
        &self,
        job: u64,
        monitor: &Monitor,
    ) -> Result<BTreeMap<String, String>, TargetError> {
        self.get(&request::tasks(job), "list the tasks of a job", tasks, monitor).await
    }

    /// Returns a task's log from Airflow, to which only administrators get.
    ///
    /// # Errors
    /// As every call; [`TargetError::Forbidden`] for other logins.
    pub async fn task_log(
        &self,
        log: &TaskLog<'_>,
        monitor: &Monitor,
    ) -> Result<String, TargetError> {
        let action = "give the log of a task";
        // Airflow has a session of its own; the front door tells it who asks.
        let session = self.call(&request::airflow_login(), action, monitor).await;
        let cookies = match session {
            Ok(reply) => reply.cookies,
            // Airflow answers a login with a redirect or a page of its own.
            Err(TargetError::Page { .. } | TargetError::Redirected { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        // What the front door renews beside is the client's own affair.
        let airflows =
            |cookie: &String| !cookie.split_once('=').is_some_and(|(name, _)| is_session(name));
        let cookies = cookies.into_iter().filter(airflows);
        let mut request = request::task_log(log);
        request.headers.extend(cookies.map(|cookie| ("cookie", cookie)));
        self.get(&request, action, |body| Some(body.to_owned()), monitor).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_workflows_is_a_pair_or_a_list() {
        let row = r#"{"workflow_id":"aB","workflow_name":"try-aB","dag_id":"d"}"#;
        for body in [format!("[[{row}], 1]"), format!("[{row}]")] {
            assert_eq!(workflows(&body).unwrap()[0].name, "try-aB", "{body}");
        }
        assert_eq!(workflows("[[], 0]"), Some(vec![]));
        assert_eq!(workflows("nothing"), None);
    }

    #[test]
    fn jobs_and_tasks_are_read_with_gaps() {
        let list = jobs(r#"[{"id":3,"status":"Running","run_id":"r","dag_id":"d"},{"x":1}]"#);
        assert_eq!(list.unwrap()[0].status, "running");
        let states = tasks(r#"{"a":["2025","success"],"b":null}"#).unwrap();
        assert_eq!((states["a"].as_str(), states["b"].as_str()), ("success", "none"));
        assert_eq!(names(r#"["a",{"name":"b"},1]"#).unwrap(), ["a", "b"]);
        assert_eq!(names(r#"{"a":{}}"#).unwrap(), ["a"]);
    }
}
