//! The calls of the kube-helm API as values.
//!
//! Paths are those behind the platform's front door. Names must have passed [`crate::preflight`]:
//! the platform puts them into shell commands as they are.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{TaskLog, WorkflowStart};

/// Prefix of the API behind the front door of a platform.
pub const PREFIX: &str = "/kube-helm-api";

/// The method of a [`Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Sends the bytes of an upload.
    Patch,
    /// Changes.
    Put,
    /// Gives an upload up.
    Delete,
}

/// What a [`Request`] carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(Value),
    /// Plain text.
    Text(String),
    /// A multipart form with one text field.
    Form {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: String,
    },
    /// Bytes in memory, sent with progress.
    Bytes(Bytes),
    /// A file, streamed with progress.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Its size in bytes when the request was made.
        size: u64,
    },
}

/// One call, before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path behind the address of the target.
    pub path: String,
    /// Query parameters.
    pub query: Vec<(&'static str, String)>,
    /// Headers beyond those of every call.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
}

impl Request {
    fn new(method: Method, path: &str) -> Self {
        Self::at(method, &format!("{PREFIX}{path}"))
    }

    /// A call of another API than that of kube-helm.
    fn at(method: Method, path: &str) -> Self {
        let path = path.to_owned();
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: Body::Empty }
    }
}

/// Asks whether the API is up.
pub fn health() -> Request {
    Request::new(Method::Get, "/health-check")
}

/// Asks for what the start page of a platform knows, its version among it.
pub fn common_data() -> Request {
    Request::at(Method::Get, "/jsons/commonData.json")
}

/// Asks to whom the login belongs.
pub fn user() -> Request {
    Request::at(Method::Get, "/aii/users/current")
}

/// Asks for the projects of a user; without one, for all.
pub fn projects(user: Option<&String>) -> Request {
    match user {
        Some(id) => Request::at(Method::Get, &format!("/aii/users/{id}/projects")),
        None => Request::at(Method::Get, "/aii/projects"),
    }
}

/// Asks for the list of extensions.
pub fn extensions() -> Request {
    Request::new(Method::Get, "/extensions")
}

/// Asks for an upload id for a file named `file_name` (a bare name, no folders).
pub fn upload_start(file_name: &str) -> Request {
    let value = json!({ "filepath": file_name }).to_string();
    let body = Body::Form { field: "filepond", value };
    Request { body, ..Request::new(Method::Post, "/filepond-upload") }
}

/// Sends a whole file of `size` bytes under the upload id `id`.
pub fn upload_bytes(id: &str, file_name: &str, size: u64, body: Body) -> Request {
    Request {
        query: vec![("patch", id.to_owned())],
        headers: vec![
            ("upload-length", size.to_string()),
            ("upload-offset", "0".to_owned()),
            ("upload-name", file_name.to_owned()),
            ("content-type", "application/offset+octet-stream".to_owned()),
        ],
        body,
        ..Request::new(Method::Patch, "/filepond-upload")
    }
}

/// Gives the upload `id` up.
pub fn upload_abort(id: &str) -> Request {
    let body = Body::Text(id.to_owned());
    Request { body, ..Request::new(Method::Delete, "/filepond-upload") }
}

/// Asks the platform to import the uploaded image archive `file_name`.
pub fn import(file_name: &str) -> Request {
    let query = vec![("filename", file_name.to_owned())];
    Request { query, ..Request::new(Method::Get, "/import-container") }
}

/// Asks for an install. `keywords` are sent as in the list, or the platform leaves out a project's
/// data; `params` become values `global.<key>`.
pub fn install(
    name: &str,
    version: &str,
    keywords: &[String],
    params: &Map<String, Value>,
) -> Request {
    let mut body = json!({ "name": name, "version": version, "keywords": keywords });
    if !params.is_empty() {
        body["extension_params"] = Value::Object(params.clone());
    }
    Request { body: Body::Json(body), ..Request::new(Method::Post, "/helm-install-chart") }
}

/// Asks for a release to be removed; `no_hooks` leaves its pre-delete jobs out.
pub fn uninstall(release: &str, version: &str, no_hooks: bool) -> Request {
    let addons = if no_hooks { "--no-hooks" } else { "" };
    let body = json!({
        "release_name": release,
        "release_version": version,
        "helm_command_addons": addons,
    });
    Request { body: Body::Json(body), ..Request::new(Method::Post, "/helm-delete-chart") }
}

/// Asks for Helm's status of a release.
pub fn status(release: &str) -> Request {
    let query = vec![("release_name", release.to_owned())];
    Request { query, ..Request::new(Method::Get, "/view-chart-status") }
}

/// Asks for the applications that are open.
pub fn active_apps() -> Request {
    Request::new(Method::Get, "/active-applications")
}

/// Asks for an application of a workflow to be completed.
pub fn complete_app(release: &str) -> Request {
    let body = Body::Json(json!({ "release_name": release }));
    Request { body, ..Request::new(Method::Post, "/complete-active-application") }
}

/// Asks for the description of the kube-helm API, which tells its generation.
pub fn description() -> Request {
    Request::new(Method::Get, "/openapi.json")
}

/// Asks whether the workflow API is there.
pub fn workflow_api() -> Request {
    Request::at(Method::Get, "/workflow-api/v1/health")
}

fn software_path(project: &str) -> String {
    format!("/aii/projects/{}/software-mappings", segment(project))
}

/// Asks which DAGs a project may use.
pub fn software(project: &str) -> Request {
    Request::at(Method::Get, &software_path(project))
}

/// Allows the DAG `dag` in a project.
pub fn allow_software(project: &str, dag: &str) -> Request {
    let body = Body::Json(json!([{ "software_uuid": dag }]));
    Request { body, ..Request::at(Method::Post, &software_path(project)) }
}

fn client(method: Method, path: &str) -> Request {
    Request::at(method, &format!("/kaapana-backend/client{path}"))
}

/// Asks for the names of the DAGs that can be started.
pub fn dags() -> Request {
    let query = vec![("only_dag_names", "true".to_owned())];
    Request { query, ..client(Method::Get, "/dags") }
}

/// Asks for the datasets.
pub fn datasets() -> Request {
    client(Method::Get, "/datasets")
}

/// Asks for the platform's own instance, whose name a start needs.
pub fn instance() -> Request {
    client(Method::Get, "/kaapana-instance")
}

/// Asks for the workflows, newest first.
pub fn workflows(search: Option<&str>, limit: u32) -> Request {
    let mut query = vec![("limit", limit.to_string()), ("offset", "0".to_owned())];
    query.extend(search.map(|text| ("search", text.to_owned())));
    Request { query, ..client(Method::Get, "/workflows") }
}

/// Starts a workflow on the instance `instance`, as the platform's own page does.
pub fn start_workflow(start: &WorkflowStart, instance: &str) -> Request {
    let mut data = json!({ "dataset_name": start.dataset });
    if let Some(limit) = start.limit {
        data["dataset_limit"] = json!(limit);
    }
    let body = json!({
        "workflow_name": start.name,
        "dag_id": start.dag,
        "instance_names": [instance],
        "conf_data": { "data_form": data, "workflow_form": start.form },
        "remote": false,
        "federated": false,
    });
    Request { body: Body::Json(body), ..client(Method::Post, "/workflow") }
}

/// Asks for the jobs of a workflow by its name.
pub fn jobs(workflow: &str) -> Request {
    let query = vec![("workflow_name", workflow.to_owned())];
    Request { query, ..client(Method::Get, "/jobs") }
}

/// Asks for the tasks of a job.
pub fn tasks(job: u64) -> Request {
    let query = vec![("job_id", job.to_string())];
    Request { query, ..client(Method::Get, "/get-job-taskinstances") }
}

/// Asks Airflow for a session of its own, which its API wants.
pub fn airflow_login() -> Request {
    Request::at(Method::Get, "/flow/login/")
}

/// Asks Airflow for the log of a task.
pub fn task_log(log: &TaskLog<'_>) -> Request {
    let TaskLog { dag, run, task, attempt } = log;
    let (dag, run, task) = (segment(dag), segment(run), segment(task));
    let path = format!("/flow/api/v1/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}");
    Request {
        headers: vec![("accept", "text/plain".to_owned())],
        ..Request::at(Method::Get, &path)
    }
}

/// Returns a text as one segment of a path: what is not a letter, a digit or one of `-._~` is
/// percent-encoded.
fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_install_without_parameters_sends_no_parameters_at_all() {
        let request = install("a", "0.1.0", &["kaapanaworkflow".into()], &Map::new());
        let expected = json!({"name": "a", "version": "0.1.0", "keywords": ["kaapanaworkflow"]});
        assert_eq!(request.body, Body::Json(expected));
    }

    #[test]
    fn a_file_goes_out_as_one_piece_that_names_its_whole_length() {
        let request = upload_bytes("id", "a-0.1.0.tgz", 3, Body::Bytes("abc".into()));
        assert_eq!(request.query, [("patch", "id".to_owned())]);
        assert!(request.headers.contains(&("upload-length", "3".to_owned())));
        assert!(request.headers.contains(&("upload-offset", "0".to_owned())));
    }

    #[test]
    fn a_name_in_a_path_stays_one_segment() {
        let log =
            TaskLog { dag: "a/b", run: "manual__2025-01-01T00:00:00+00:00", task: "t", attempt: 1 };
        let path = task_log(&log).path;
        assert!(
            path.contains("/dags/a%2Fb/dagRuns/manual__2025-01-01T00%3A00%3A00%2B00%3A00/"),
            "{path}"
        );
    }

    #[test]
    fn a_workflow_is_started_as_the_platforms_page_does() {
        let start = WorkflowStart {
            name: "try".into(),
            dag: "d".into(),
            dataset: "ct".into(),
            limit: Some(2),
            form: Map::new(),
        };
        let expected = json!({"workflow_name": "try", "dag_id": "d", "instance_names": ["i"],
            "conf_data": {"data_form": {"dataset_name": "ct", "dataset_limit": 2},
                "workflow_form": {}}, "remote": false, "federated": false});
        assert_eq!(start_workflow(&start, "i").body, Body::Json(expected));
    }
}
