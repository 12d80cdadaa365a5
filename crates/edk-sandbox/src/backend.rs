//! The parts of the platform beside kube-helm which a client asks: workflows, DAGs, and which of
//! them a project may use.
//!
//! There is no Airflow. DAGs are those whose files installers have copied; a workflow that is
//! started is recorded, and its job has failed at once, with the reason in its description.

use std::{collections::BTreeMap, fs, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
    routing::get,
};
use edk_extension::Dag;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Profile, Sandbox, disk,
    http::{project_of, text},
};

/// Why no workflow runs here.
const NO_AIRFLOW: &str = "the sandbox has no Airflow, so nothing was run; `edk run` runs the \
     processing container on local data";

/// The one dataset, for workflows to be asked for; nothing is in it.
const DATASET: &str = "example";

/// What is remembered beside the releases.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Backend {
    /// The DAGs which each project may use.
    software: BTreeMap<String, Vec<String>>,
    /// Workflows that were asked for, as the API shows them.
    workflows: Vec<Value>,
}

type Fields = Query<BTreeMap<String, String>>;

/// Returns the paths of this part.
pub(crate) fn router() -> Router<Arc<Sandbox>> {
    let workflow = axum::routing::post(start).put(async || text(200, ""));
    let client = Router::new()
        .route("/dags", get(dags))
        .route("/get-ui-form-schemas", axum::routing::post(forms))
        .route("/kaapana-instance", get(instance))
        .route("/workflow", workflow)
        .route("/workflows", get(workflows))
        .route("/jobs", get(jobs))
        .route("/get-job-taskinstances", get(async || axum::Json(json!({}))))
        .route("/datasets", get(async || axum::Json(json!([DATASET]))));
    let software = get(software).post(allow).delete(forbid);
    Router::new()
        .nest("/kaapana-backend/client", client)
        .route("/aii/projects/{id}/software-mappings", software)
        .route("/workflow-api/v1/health", get(workflow_api))
        .route("/flow/login/", get(async || text(200, "")))
        .route("/flow/api/v1/{*rest}", get(async || text(200, format!("{NO_AIRFLOW}\n"))))
}

impl Sandbox {
    fn backend(&self) -> Backend {
        disk::read_json(&self.disk.backend()).unwrap_or_default()
    }

    /// Changes what is remembered, on disk.
    fn change_backend(&self, change: impl FnOnce(&mut Backend)) -> std::io::Result<()> {
        // The lock keeps two changes apart.
        let _state = self.state();
        let mut backend = self.backend();
        change(&mut backend);
        disk::write_json(&self.disk.backend(), &backend)
    }

    /// Returns the DAGs whose files installers have copied, with the forms they have.
    fn dags(&self) -> Vec<Dag> {
        let mut folders = vec![self.disk.claim("dags-pv-claim")];
        let mut dags = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "py")
                    && let Ok(text) = fs::read_to_string(&path)
                {
                    let name = path.display().to_string();
                    dags.extend(edk_extension::read_dags(&text, &name).0);
                }
            }
        }
        dags.retain(|dag| dag.id.is_some());
        dags.sort_by(|a, b| a.id.cmp(&b.id));
        dags
    }

    /// Returns the DAGs which the project of a call may use.
    fn dags_of(&self, headers: &HeaderMap) -> Vec<Dag> {
        let mut dags = self.dags();
        if self.settings.profile > Profile::V04 {
            let project = project_of(headers, true, self.settings.profile);
            let id = project.map(|it| id_text(&it["id"])).unwrap_or_default();
            let allowed = self.backend().software.remove(&id).unwrap_or_default();
            dags.retain(|dag| dag.id.as_ref().is_some_and(|it| allowed.contains(it)));
        }
        dags
    }
}

fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

async fn workflow_api(State(sandbox): State<Arc<Sandbox>>) -> Response {
    match sandbox.settings.profile >= Profile::V06 {
        true => axum::Json(json!({ "status": "ok" })).into_response(),
        false => text(404, "404 page not found"),
    }
}

async fn dags(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap) -> Response {
    let visible = sandbox.dags_of(&headers).into_iter().filter(|dag| !dag.forms.is_empty());
    axum::Json(visible.filter_map(|dag| dag.id).collect::<Vec<_>>()).into_response()
}

async fn forms(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let dags = sandbox.dags_of(&headers);
    let found = dags.into_iter().find(|dag| dag.id.as_deref() == body["dag_id"].as_str());
    match found {
        Some(dag) => axum::Json(dag.forms).into_response(),
        None => axum::Json(json!({})).into_response(),
    }
}

async fn instance() -> Response {
    let row = json!({ "instance_name": "sandbox", "remote": false, "host": "localhost" });
    axum::Json(row).into_response()
}

async fn start(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let dag = body["dag_id"].as_str().unwrap_or_default().to_owned();
    let dags = sandbox.dags_of(&headers);
    if !dags.iter().any(|known| known.id.as_deref() == Some(dag.as_str())) {
        let words = format!("DAG {dag} is not in the list of allowed software of the project");
        let mut response = axum::Json(json!({ "detail": words })).into_response();
        *response.status_mut() = axum::http::StatusCode::FORBIDDEN;
        return response;
    }
    let id = Uuid::new_v4().simple().to_string().split_off(26);
    let name = format!("{}-{id}", body["workflow_name"].as_str().unwrap_or(&dag));
    let row = json!({
        "workflow_id": id,
        "workflow_name": name,
        "dag_id": dag,
        "time_created": sandbox.settings.timestamp(),
        "kaapana_instance": { "instance_name": "sandbox" },
    });
    let shown = row.clone();
    match sandbox.change_backend(|backend| backend.workflows.insert(0, row)) {
        Ok(()) => axum::Json(shown).into_response(),
        Err(error) => text(500, error.to_string()),
    }
}

async fn workflows(State(sandbox): State<Arc<Sandbox>>, Query(query): Fields) -> Response {
    let mut rows = sandbox.backend().workflows;
    if let Some(search) = query.get("search") {
        let has = |row: &Value| row["workflow_name"].as_str().is_some_and(|it| it.contains(search));
        rows.retain(has);
    }
    let number = |key: &str| query.get(key).and_then(|it| it.parse::<usize>().ok());
    let (total, limit) = (rows.len(), number("limit").unwrap_or(usize::MAX));
    let rows: Vec<_> = rows.into_iter().skip(number("offset").unwrap_or(0)).take(limit).collect();
    axum::Json(json!([rows, total])).into_response()
}

async fn jobs(State(sandbox): State<Arc<Sandbox>>, Query(query): Fields) -> Response {
    let rows = sandbox.backend().workflows;
    let count = rows.len();
    let wanted = |row: &Value| match query.get("workflow_name") {
        Some(name) => row["workflow_name"] == name.as_str(),
        None => true,
    };
    let jobs = rows.iter().enumerate().filter(|(_, row)| wanted(row)).map(|(at, row)| {
        json!({
            "id": count - at,
            "dag_id": row["dag_id"],
            "run_id": row["workflow_name"],
            "status": "failed",
            "description": NO_AIRFLOW,
            "workflow_name": row["workflow_name"],
        })
    });
    axum::Json(jobs.collect::<Vec<_>>()).into_response()
}

fn old(sandbox: &Sandbox) -> Option<Response> {
    let old = sandbox.settings.profile == Profile::V04;
    old.then(|| {
        let mut response = axum::Json(json!({ "detail": "Not Found" })).into_response();
        *response.status_mut() = axum::http::StatusCode::NOT_FOUND;
        response
    })
}

async fn software(State(sandbox): State<Arc<Sandbox>>, Path(id): Path<String>) -> Response {
    old(&sandbox).unwrap_or_else(|| {
        let allowed = sandbox.backend().software.remove(&id).unwrap_or_default();
        let rows = allowed.into_iter().map(|dag| json!({ "software_uuid": dag }));
        axum::Json(rows.collect::<Vec<_>>()).into_response()
    })
}

async fn allow(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    change(&sandbox, &id, &body, |allowed, dag| allowed.push(dag))
}

async fn forbid(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    change(&sandbox, &id, &body, |_, _| {})
}

/// Takes the DAGs of `body` out of what a project may use, then does `then` with each.
fn change(
    sandbox: &Sandbox,
    project: &str,
    body: &[u8],
    then: impl Fn(&mut Vec<String>, String),
) -> Response {
    if let Some(response) = old(sandbox) {
        return response;
    }
    let Ok(Value::Array(rows)) = serde_json::from_slice(body) else {
        return crate::http::missing("body", "software_uuid");
    };
    let named = rows.iter().filter_map(|row| row["software_uuid"].as_str().map(str::to_owned));
    let named: Vec<String> = named.collect();
    let changed = sandbox.change_backend(|backend| {
        let allowed = backend.software.entry(project.to_owned()).or_default();
        for dag in named {
            allowed.retain(|known| *known != dag);
            then(allowed, dag);
        }
    });
    match changed {
        Ok(()) => axum::Json(rows).into_response(),
        Err(error) => text(500, error.to_string()),
    }
}
