//! The kube-helm API over HTTP: statuses and texts are those of a platform.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{FromRequest, Multipart, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::Engine as _;
use edk_model::CancellationToken;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, sync::oneshot};

use crate::{
    Profile, Sandbox, SandboxError, Status, apps, backend, door, guard,
    import::Import,
    install::{Begun, Refused, Wanted},
    legacy, list, proxy,
    upload::Uploaded,
};

type Parameters = Query<HashMap<String, String>>;

impl Sandbox {
    /// Returns the API, with and without the prefix `/kube-helm-api`.
    pub fn router(self: &Arc<Self>) -> Router {
        let uploads = post(upload_start).patch(upload_bytes).head(upload_head).delete(upload_abort);
        let api = Router::new()
            .route("/", get(home))
            .route("/health-check", get(async || text(200, "Kube-Helm api is up and running!")))
            .route("/filepond-upload", uploads)
            .route("/extensions", get(extensions))
            .route("/platforms", get(async || axum::Json(json!([]))))
            .route("/available-platforms", get(available_platforms))
            .route("/active-applications", get(apps::list))
            .route("/complete-active-application", post(apps::complete))
            .route("/openapi.json", get(apps::openapi))
            .route("/file", post(legacy::file))
            .route("/file_chunks_init", post(legacy::begin))
            .route("/file_chunks", post(legacy::chunk))
            .route("/helm-install-chart", post(install))
            .route("/helm-delete-chart", post(uninstall))
            .route("/view-chart-status", get(status))
            .route("/update-extensions", get(update_extensions))
            .route("/pull-docker-image", post(pull))
            .route("/import-container", get(import));
        let api = Router::new()
            .merge(api.clone())
            .nest("/kube-helm-api", api)
            .merge(backend::router())
            .route("/sandbox/log", get(log))
            .fallback(proxy::pass)
            .with_state(self.clone());
        door::before(api, self).layer(axum::middleware::from_fn(guard::local_only))
    }
}

/// Serves the API until `shutdown`, then closes the sandbox.
///
/// # Errors
/// [`SandboxError::Serve`] if the listener fails.
pub async fn serve(
    listener: TcpListener,
    sandbox: Arc<Sandbox>,
    shutdown: CancellationToken,
) -> Result<(), SandboxError> {
    let address = listener.local_addr().map_err(|source| SandboxError::Serve { source })?;
    // Pods that can't reach the sandbox say so themselves.
    let gate = tokio::spawn(proxy::serve_gate(sandbox.clone(), address));
    let until = shutdown.clone();
    let server = axum::serve(listener, sandbox.router())
        .with_graceful_shutdown(async move { until.cancelled().await });
    // A client that keeps its connection open must not hold the shutdown up.
    let ended = tokio::select! {
        ended = async { server.await } => ended,
        () = async {
            shutdown.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        } => Ok(()),
    };
    gate.abort();
    let closing = tokio::task::spawn_blocking(move || sandbox.close());
    let closed = closing.await.map_err(std::io::Error::other);
    ended.and(closed).map_err(|source| SandboxError::Serve { source })
}

/// A plain text, without a content type as the platform sends it.
pub(crate) fn text(status: u16, text: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

impl Sandbox {
    /// An error of the platform's code: JSON, or the plain text in older releases.
    pub(crate) fn detail(&self, status: u16, words: impl Into<String>) -> Response {
        match self.settings.profile.has_details() {
            true => detail(status, words),
            false => text(status, words),
        }
    }
}

fn detail(status: u16, detail: impl Into<String>) -> Response {
    let mut response = axum::Json(json!({ "detail": detail.into() })).into_response();
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// The platform's answer to a parameter that is missing.
pub(crate) fn missing(place: &str, name: &str) -> Response {
    let field =
        json!({"type": "missing", "loc": [place, name], "msg": "Field required", "input": null});
    let body = axum::Json(json!({ "detail": [field] }));
    (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
}

/// Does blocking work beside the server.
async fn beside<T: Send + 'static>(
    sandbox: &Arc<Sandbox>,
    work: impl FnOnce(&Arc<Sandbox>) -> T + Send + 'static,
) -> Result<T, Response> {
    let sandbox = sandbox.clone();
    let done = tokio::task::spawn_blocking(move || work(&sandbox)).await;
    done.map_err(|_| text(500, "Internal Server Error"))
}

async fn home() -> impl IntoResponse {
    let page =
        "<!doctype html><title>Kaapana EDK sandbox</title><p>The Kaapana EDK sandbox is running.";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page)
}

async fn upload_start(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let failed = || sandbox.detail(500, "Filepond Upload Initialization failed");
    let Some(field) = form_field(request, "filepond").await else { return failed() };
    let about: Value = serde_json::from_str(&field).unwrap_or_default();
    let file_name = about["filepath"].as_str().unwrap_or_default().trim_matches('/').to_owned();
    match beside(&sandbox, move |sandbox| sandbox.upload_start(&file_name)).await {
        Ok(id) => id.map_or_else(failed, |id| text(200, id)),
        Err(response) => response,
    }
}

/// Returns a text field of a form in either encoding.
async fn form_field(request: Request, name: &str) -> Option<String> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    if kind.starts_with("multipart/form-data") {
        let mut form = Multipart::from_request(request, &()).await.ok()?;
        while let Some(field) = form.next_field().await.ok()? {
            if field.name() == Some(name) {
                return field.text().await.ok();
            }
        }
        return None;
    }
    let body = Bytes::from_request(request, &()).await.ok()?;
    let query: Uri = format!("/?{}", std::str::from_utf8(&body).ok()?).parse().ok()?;
    let Query(mut fields) = Query::<HashMap<String, String>>::try_from_uri(&query).ok()?;
    fields.remove(name)
}

async fn upload_bytes(
    State(sandbox): State<Arc<Sandbox>>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(id) = query.get("patch").cloned() else { return missing("query", "patch") };
    let failed = |reason: &str| text(500, format!("Filepond upload failed: {reason}"));
    let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let length = number("upload-length").unwrap_or_default().to_owned();
    if let Some(path) = sandbox.upload_file(&id) {
        let offset = number("upload-offset").and_then(|it| it.parse().ok());
        let size = sandbox.upload_size(&id);
        if !sandbox.settings.faults.append_blindly && offset.is_some_and(|it: u64| it != size) {
            return text(409, format!("Filepond upload failed: '{id}' has {size} bytes"));
        }
        if let Err(error) = append(&path, body).await {
            return failed(&error.to_string());
        }
    }
    let name = id.clone();
    match beside(&sandbox, move |sandbox| sandbox.upload_end(&name, &length)).await {
        Ok(Ok(Uploaded::Whole(words))) => text(200, words),
        Ok(Ok(Uploaded::Partly)) => text(200, id),
        Ok(Err(reason)) => failed(&reason),
        Err(response) => response,
    }
}

async fn append(path: &std::path::Path, body: Body) -> std::io::Result<()> {
    let mut file = tokio::fs::OpenOptions::new().append(true).create(true).open(path).await?;
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        file.write_all(&piece.map_err(std::io::Error::other)?).await?;
    }
    file.flush().await
}

async fn upload_head(
    State(sandbox): State<Arc<Sandbox>>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let Some(id) = query.get("patch") else { return missing("query", "patch") };
    let size = sandbox.upload_size(id);
    if !sandbox.settings.faults.append_blindly {
        return ([("upload-offset", size.to_string())], ()).into_response();
    }
    // A platform answers with the number of missing bytes as a body, which HEAD does not carry.
    let length = headers.get("upload-length").and_then(|value| value.to_str().ok());
    match length.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) => text(200, i128::from(length).saturating_sub(size.into()).to_string()),
        None => text(500, ""),
    }
}

async fn upload_abort(State(sandbox): State<Arc<Sandbox>>, body: String) -> Response {
    let id = body.trim().trim_matches('"').to_owned();
    match beside(&sandbox, move |sandbox| sandbox.upload_abort(&id)).await {
        Ok(words) => text(200, words),
        Err(response) => response,
    }
}

async fn extensions(State(sandbox): State<Arc<Sandbox>>) -> Response {
    match beside(&sandbox, |sandbox| sandbox.list()).await {
        Ok(Some(rows)) => axum::Json(rows).into_response(),
        Ok(None) => sandbox.detail(500, "Failed to get extensions"),
        Err(response) => response,
    }
}

/// Reads a JSON body, its texts escaped when the platform's faults are on.
fn json_body(sandbox: &Sandbox, body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match sandbox.settings.faults.mangle_parameters {
        true => edk_chart::platform::escape_body(&body),
        false => body,
    }
}

async fn install(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = json_body(&sandbox, &body);
    let project = project_of(&headers, true, sandbox.settings.profile);
    let wanted = match wanted(&body, project) {
        Ok(wanted) => wanted,
        Err(key) => {
            let words = "Chart install failed, bad request Required key";
            return text(400, format!("{words} '{key}' not found in payload"));
        }
    };
    let terse = sandbox.settings.faults.terse;
    let failed = |release: &str, reason: &str| match terse {
        true => text(500, format!("Chart install command failed for {release}")),
        false => text(500, format!("Chart install command failed for {release}: {reason}")),
    };
    match beside(&sandbox, move |sandbox| sandbox.install(&wanted)).await {
        Err(response) => response,
        Ok(Err(Refused::Platform(words))) => sandbox.detail(500, words),
        Ok(Err(Refused::Helm(release, reason))) => failed(&release, &reason),
        Ok(Ok(Begun::Already(release))) => {
            let status = sandbox.settings.profile.already_installed();
            // 204 has no body (RFC 9110, section 15.3.5).
            let words = if status == 204 {
                String::new()
            } else {
                format!("Chart is already installed {release}")
            };
            text(status, words)
        }
        Ok(Ok(Begun::Now(release, action))) => {
            let (done, ended) = oneshot::channel();
            sandbox.spawn(move || {
                action.install();
                // The caller may have given up waiting.
                let _ = done.send(());
            });
            let in_time = match sandbox.settings.faults.install_timeout {
                Some(timeout) => tokio::time::timeout(timeout, ended).await.is_ok(),
                None => ended.await.is_ok(),
            };
            let record = sandbox.state().releases.get(&release).cloned();
            match record {
                Some(record) if record.status == Status::Failed => {
                    failed(&release, &record.description)
                }
                Some(_) if in_time => text(200, format!("Successfully installed: {release}")),
                Some(_) => failed(&release, "it takes too long, and goes on"),
                None => failed(&release, "it was removed at the same time"),
            }
        }
    }
}

/// Reads what is to be installed, or returns the key that is missing.
fn wanted(body: &Value, project: Option<Value>) -> Result<Wanted, &'static str> {
    let text = |key: &'static str| body[key].as_str().map(str::to_owned);
    let map =
        |key: &str| -> Map<String, Value> { body[key].as_object().cloned().unwrap_or_default() };
    let keywords = body["keywords"]
        .as_array()
        .map(|keywords| keywords.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    Ok(Wanted {
        name: text("name").ok_or("name")?,
        version: text("version").ok_or("version")?,
        keywords,
        release_name: text("release_name"),
        params: map("extension_params"),
        sets: map("sets"),
        project,
    })
}

/// Returns the project of a call: the header which a platform's front door makes of the cookie
/// (`made`: it was), or the cookie itself, where there is no front door. Before 0.5.0 the cookie has
/// nothing but the name.
pub(crate) fn project_of(headers: &HeaderMap, made: bool, profile: Profile) -> Option<Value> {
    let header = headers.get("project").and_then(|value| value.to_str().ok());
    if let Some(project) = header.filter(|_| made).and_then(|it| serde_json::from_str(it).ok()) {
        return Some(project);
    }
    let name = if profile == Profile::V04 { "Project-Name" } else { "Project" };
    let query: Uri = format!("/?project={}", cookie(headers, name)?).parse().ok()?;
    let Query(fields) = Query::<HashMap<String, String>>::try_from_uri(&query).ok()?;
    let text = fields.get("project")?;
    match profile {
        Profile::V04 => Some(json!({ "id": null, "name": text })),
        _ => serde_json::from_str(text).ok(),
    }
}

/// Returns the value of the cookie `name`, as it was sent.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?.split(';');
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

async fn uninstall(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Response {
    let body = json_body(&sandbox, &body);
    let Some(release) = body["release_name"].as_str().map(str::to_owned) else {
        let words = "Chart uninstall failed, bad request Required key";
        return text(400, format!("{words} 'release_name' not found in payload"));
    };
    if sandbox.settings.faults.terse && body["multiinstallable"].is_boolean() {
        return sandbox
            .detail(500, "Chart uninstall failed 'bool' object has no attribute 'lower'");
    }
    let addons = body["helm_command_addons"].as_str().unwrap_or_default();
    let no_hooks = addons.split_whitespace().any(|addon| addon == "--no-hooks");
    let there = sandbox.state().releases.contains_key(&release);
    if !there && !sandbox.settings.faults.blind_delete {
        return text(404, format!("Chart uninstall failed, there is no release {release}"));
    }
    let words = format!("Started uninstalling {release}");
    match beside(&sandbox, move |sandbox| sandbox.uninstall(&release, no_hooks)).await {
        Ok(()) => text(200, words),
        Err(response) => response,
    }
}

async fn status(State(sandbox): State<Arc<Sandbox>>, Query(query): Parameters) -> Response {
    let Some(release) = query.get("release_name") else { return missing("query", "release_name") };
    match sandbox.state().releases.get(release) {
        Some(release) => axum::Json(list::status(release)).into_response(),
        None => text(404, "Release not found"),
    }
}

async fn update_extensions() -> Response {
    text(202, "No kaapana_collections defined, the sandbox has no extensions of its own")
}

async fn pull(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Response {
    let body = json_body(&sandbox, &body);
    let parts =
        ["docker_registry_url", "docker_image", "docker_version"].map(|key| body[key].as_str());
    let [Some(registry), Some(image), Some(version)] = parts else {
        return detail(400, "Unable to download container: a key is missing");
    };
    let image = format!("{registry}/{image}:{version}");
    let words = format!("Trying to download the docker container {image}");
    match beside(&sandbox, move |sandbox| sandbox.record_pull(&image)).await {
        Ok(Ok(_)) => text(202, words),
        Ok(Err(error)) => text(500, format!("Unable to download container: {error}")),
        Err(response) => response,
    }
}

async fn import(State(sandbox): State<Arc<Sandbox>>, Query(query): Parameters) -> Response {
    let Some(file_name) = query.get("filename") else { return missing("query", "filename") };
    if file_name.is_empty() {
        let words = "Container import failed, bad request Required key 'filename' can not be empty";
        return detail(400, words);
    }
    let failed = |reason: &str| text(500, format!("Container import failed {reason}"));
    let name = file_name.clone();
    match beside(&sandbox, move |sandbox| sandbox.import(&name)).await {
        Ok(Import::Done) => text(200, format!("Successfully imported container {file_name}")),
        Ok(Import::Missing) => failed(&format!("file {file_name} can not be found")),
        Ok(Import::Failed(reason)) => {
            failed(&format!("Failed to import container {file_name}: {reason}"))
        }
        Err(response) => response,
    }
}

/// Answers for the registry a platform would ask: here, there are no platforms to install.
async fn available_platforms(
    State(sandbox): State<Arc<Sandbox>>,
    Query(query): Parameters,
) -> Response {
    if sandbox.settings.profile == Profile::V04 {
        return detail(404, "Not Found");
    }
    let auth = query.get("encoded_auth").map(String::as_str).unwrap_or_default();
    let plain = base64::engine::general_purpose::STANDARD.decode(auth).ok();
    match plain.is_some_and(|it| it.contains(&b':')) {
        true => axum::Json(json!([])).into_response(),
        false => detail(400, "Invalid encoded_auth format"),
    }
}

/// The sandbox's own: the end of the output of a pod, which a platform shows only in the dashboard
/// of Kubernetes.
async fn log(State(sandbox): State<Arc<Sandbox>>, Query(query): Parameters) -> Response {
    let text_of = |key: &str| query.get(key).map(String::as_str).unwrap_or_default();
    match sandbox.log(text_of("release"), text_of("pod")) {
        Some(lines) => axum::Json(lines).into_response(),
        None => text(404, "there is no such pod"),
    }
}
