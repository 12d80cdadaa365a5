//! Applications that run: what the platform lists of their Ingresses, and ending one.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use crate::{Object, Profile, Release, Sandbox, http::text, list, route};

/// The annotation that makes an Ingress one of an application.
const TYPE: &str = "kaapana.ai/type";

/// Answers `GET /active-applications`.
pub(crate) async fn list(State(sandbox): State<Arc<Sandbox>>) -> Response {
    let profile = sandbox.settings.profile;
    let releases = sandbox.releases();
    let mut rows = Vec::new();
    for release in &releases {
        for ingress in release.plain().filter(|object| object.kind == "Ingress") {
            let annotations = &ingress.content["metadata"]["annotations"];
            if !matches!(annotations[TYPE].as_str(), Some("application" | "triggered")) {
                continue;
            }
            match row(release, ingress, profile) {
                Ok(row) => rows.push(row),
                Err(reason) => return sandbox.detail(500, reason),
            }
        }
    }
    axum::Json(rows).into_response()
}

fn row(release: &Release, ingress: &Object, profile: Profile) -> Result<Value, String> {
    let deployment = list::deployment(release);
    let paths: Vec<&str> =
        route::paths(ingress).filter_map(|entry| entry["path"].as_str()).collect();
    if profile == Profile::V04 {
        return Ok(json!({
            "releaseName": release.name,
            "links": paths,
            "helmStatus": release.status.word(),
            "successful": if deployment["ready"] == true { "yes" } else { "pending" },
            "kubeStatus": deployment["kube_status"],
        }));
    }
    let project_of = |path: &str| -> Option<String> {
        let rest = path.strip_prefix("/applications/project/")?;
        let (project, rest) = rest.split_once('/')?;
        rest.starts_with("release/").then(|| project.to_owned())
    };
    let mut projects: Vec<String> = paths.iter().filter_map(|path| project_of(path)).collect();
    projects.dedup();
    if projects.len() > 1 {
        return Err("Failed to get active applications: several projects in one ingress".to_owned());
    }
    let annotations = &ingress.content["metadata"]["annotations"];
    Ok(json!({
        "name": ingress.name,
        "namespace": ingress.namespace,
        "created_at": release.installed_at,
        "project": projects.first().map_or("", String::as_str),
        "paths": paths,
        "annotations": annotations.as_object().cloned().unwrap_or_default(),
        "release_name": release.name,
        "from_workflow_run": annotations[TYPE] == "triggered",
        "ready": deployment["ready"],
    }))
}

/// Answers `POST /complete-active-application`: ends an application that a workflow waits for.
pub(crate) async fn complete(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(name) = body["release_name"].as_str().map(str::to_owned) else {
        return text(400, "Required key 'release_name' not found in payload");
    };
    let profile = sandbox.settings.profile;
    let ends = match profile {
        Profile::V04 => name.contains("kaapanaint"),
        _ => sandbox.has_keyword(&name, "kaapanaint"),
    };
    let there = sandbox.releases().iter().any(|release| release.name == name);
    if ends && there {
        let release = name.clone();
        let ending = tokio::task::spawn_blocking(move || sandbox.uninstall(&release, false)).await;
        return match ending {
            Ok(()) => text(200, format!("Completed active application: {name}")),
            Err(_) => text(500, "Internal Server Error"),
        };
    }
    let words = format!("500: Failed to complete active application: {name}");
    match profile.has_details() {
        true => sandbox.detail(500, format!("Internal server error: {words}")),
        false => text(500, words),
    }
}

impl Sandbox {
    /// Says whether the chart of a release has a keyword, which a platform makes a label of the
    /// release.
    fn has_keyword(&self, release: &str, keyword: &str) -> bool {
        let mut state = self.state();
        let Some(release) = state.releases.get(release).cloned() else { return false };
        let packages = self.packages(&mut state).unwrap_or_default();
        let own = |it: &&std::sync::Arc<crate::package::Package>| {
            it.name() == release.chart && it.version() == release.version
        };
        packages.iter().find(own).is_some_and(|package| package.has_keyword(keyword))
    }
}

/// Answers `GET /openapi.json`: the paths a client tells versions by, with their methods.
pub(crate) async fn openapi(State(sandbox): State<Arc<Sandbox>>) -> Response {
    let newer = sandbox.settings.profile > Profile::V04;
    let mut paths = Map::new();
    for (path, methods) in PATHS {
        if newer || *path != "/available-platforms" {
            let methods = methods.split(' ').map(|it| (it.to_owned(), json!({})));
            paths.insert((*path).to_owned(), Value::Object(methods.collect()));
        }
    }
    let info = json!({ "title": "Kube-Helm API", "version": "0.1.0" });
    let servers = json!([{ "url": "/kube-helm-api" }]);
    let body = json!({ "openapi": "3.1.0", "info": info, "paths": paths, "servers": servers });
    axum::Json(body).into_response()
}

const PATHS: &[(&str, &str)] = &[
    ("/", "get"),
    ("/health-check", "get"),
    ("/filepond-upload", "post patch head delete"),
    ("/file", "post"),
    ("/file_chunks_init", "post"),
    ("/file_chunks", "post"),
    ("/import-container", "get"),
    ("/update-extensions", "get"),
    ("/helm-delete-chart", "post"),
    ("/helm-install-chart", "post"),
    ("/pull-docker-image", "post"),
    ("/complete-active-application", "post"),
    ("/active-applications", "get"),
    ("/extensions", "get"),
    ("/platforms", "get"),
    ("/available-platforms", "get"),
    ("/view-chart-status", "get"),
];
