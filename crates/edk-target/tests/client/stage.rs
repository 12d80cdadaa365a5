//! A server that plays a script, and a client of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use edk_model::{Monitor, Secret};
use edk_target::{Auth, Client, InstallOutcome, Pace, Project, Target, TargetError, UploadOutcome};
use serde_json::{Map, json};

pub(crate) const ID: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const CHART: &str = "a-0.1.0.tgz";
pub(crate) const UPLOAD: &str = "/filepond-upload";

/// One expected call and its answer.
pub(crate) struct Turn {
    call: &'static str,
    status: u16,
    body: String,
    header: Option<(&'static str, &'static str)>,
}

impl Turn {
    /// The answer sets a cookie.
    pub(crate) fn with_cookie(self, cookie: &'static str) -> Self {
        Self { header: Some(("set-cookie", cookie)), ..self }
    }

    /// The answer sends its client somewhere.
    pub(crate) fn leading_to(self, place: &'static str) -> Self {
        Self { header: Some(("location", place)), ..self }
    }
}

pub(crate) fn turn(call: &'static str, status: u16, body: impl Into<String>) -> Turn {
    Turn { call, status, body: body.into(), header: None }
}

#[derive(Default)]
pub(crate) struct Script {
    turns: Mutex<VecDeque<Turn>>,
    pub(crate) seen: Mutex<Vec<(String, HeaderMap, Bytes)>>,
}

pub(crate) async fn play(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = format!("{method} {uri}").replace("/kube-helm-api", "");
    script.seen.lock().unwrap().push((call.clone(), headers, body));
    let Some(turn) = script.turns.lock().unwrap().pop_front() else {
        return (StatusCode::IM_A_TEAPOT, format!("not in the script: {call}")).into_response();
    };
    if !call.starts_with(turn.call) {
        return (StatusCode::IM_A_TEAPOT, format!("{call} instead of {}", turn.call))
            .into_response();
    }
    let kind = if turn.body.starts_with('<') { "text/html" } else { "text/plain" };
    let status = StatusCode::from_u16(turn.status).unwrap();
    let mut answer = (status, [("content-type", kind)], turn.body).into_response();
    if let Some((name, value)) = turn.header {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) script: Arc<Script>,
    pub(crate) monitor: Monitor,
}

/// Starts a server that plays `turns`, and a client at a pace for tests.
pub(crate) async fn stage(turns: impl IntoIterator<Item = Turn>) -> Stage {
    let script = Arc::new(Script::default());
    script.turns.lock().unwrap().extend(turns);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(play).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = Client::connect(target(&url)).unwrap();
    Stage { client, script, monitor: Monitor::silent() }
}

pub(crate) fn target(url: &str) -> Target {
    let millis = Duration::from_millis;
    let pace = Pace {
        poll: millis(1),
        back_off: millis(4),
        call: millis(5000),
        upload: millis(5000),
        import: millis(5000),
        look: millis(200),
        tries: 3,
    };
    let project = Project { id: "1-2".into(), name: "admin".into() };
    let auth = Auth::Bearer(Secret::new("token"));
    let target = Target::new("ward", url, "registry.example.org/k", "0.6.0");
    Target { pace, auth, project: Some(project), ..target }
}

impl Stage {
    /// Fails the test if turns of the script are left.
    pub(crate) fn done(&self) {
        let left: Vec<_> = self.script.turns.lock().unwrap().iter().map(|turn| turn.call).collect();
        assert_eq!(left, [""; 0]);
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.script.seen.lock().unwrap().iter().map(|(call, ..)| call.clone()).collect()
    }

    pub(crate) async fn upload(&self) -> Result<UploadOutcome, TargetError> {
        self.client.upload_chart(CHART, "chart bytes", &self.monitor).await
    }

    pub(crate) async fn install(&self) -> Result<InstallOutcome, TargetError> {
        let keywords = ["kaapanaworkflow".to_owned()];
        self.client.install("a", "0.1.0", &keywords, &Map::new(), &self.monitor).await
    }
}

pub(crate) fn start() -> Turn {
    turn("POST /filepond-upload", 200, ID)
}

pub(crate) fn bytes(status: u16, body: &str) -> Turn {
    turn("PATCH /filepond-upload?patch=", status, body)
}

pub(crate) fn abort(body: &str) -> Turn {
    turn("DELETE /filepond-upload", 200, body)
}

#[allow(clippy::needless_pass_by_value, reason = "it is called with `json!`")]
pub(crate) fn list(body: serde_json::Value) -> Turn {
    turn("GET /extensions", 200, body.to_string())
}

#[allow(clippy::needless_pass_by_value, reason = "it is called with `json!`")]
pub(crate) fn row(versions: &[&str], deployments: serde_json::Value) -> serde_json::Value {
    json!({"name": "a", "releaseName": "a", "versions": versions,
        "available_versions": {"0.1.0": {"deployments": deployments}}})
}

pub(crate) fn deployed(pod: &str, ready: bool) -> serde_json::Value {
    row(
        &["0.1.0"],
        json!([{"deployment_id": "a", "helm_status": "deployed",
        "kube_status": [pod], "ready": ready}]),
    )
}

pub(crate) fn status(status: &str) -> Turn {
    let body = json!({ "NAME": "a", "STATUS": status }).to_string();
    turn("GET /view-chart-status?release_name=a", 200, body)
}

pub(crate) fn absent() -> Turn {
    turn("GET /view-chart-status?release_name=a", 404, "Release not found")
}
