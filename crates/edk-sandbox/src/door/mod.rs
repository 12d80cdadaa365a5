//! The front door of a platform: it lets in who has logged in and has the right, and answers
//! everybody else as oauth2-proxy and the auth-backend of a platform do.
//!
//! - Without a token or a session's cookie that is valid: 401 to a client that accepts JSON, a
//!   redirect to the login to any other.
//! - With one, but without the right: 403 with a page of HTML.
//! - The cookie of a session is renewed by the answers, as long as its login lives.
//! - The header `Project` of a client is taken away; the API gets the project of the cookie.

mod browser;
mod login;
mod page;
mod people;
mod rights;
mod sessions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
pub use people::{Account, Door};
use serde_json::json;
use sessions::Sessions;

use crate::{Profile, Sandbox, Settings, http::project_of};

/// Path of the login.
const REALM: &str = "/auth/realms/kaapana/protocol/openid-connect";

/// A door with those who have gone through it.
pub(crate) struct Gate {
    door: Door,
    settings: Settings,
    sessions: Mutex<Sessions>,
}

impl Gate {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the account of the token or the session that a request carries.
    fn account(&self, headers: &HeaderMap) -> Option<&Account> {
        if self.settings.door.is_none() {
            return self.door.accounts.iter().find(|account| account.admin);
        }
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let now = (self.settings.now)();
        // A bad token counts as none.
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        let named = token.and_then(|token| self.sessions().user(token, now));
        let name = named.or_else(|| {
            let session = browser::session(headers)?;
            self.sessions().browser(&session, now, self.door.token_life)
        })?;
        self.door.account(&name)
    }

    /// Returns what renews the session of a browser, when it is old enough.
    fn renewed(&self, headers: &HeaderMap) -> Option<Vec<HeaderValue>> {
        let session = browser::session(headers)?;
        let (now, door) = ((self.settings.now)(), &self.door);
        let life = door.cookie_refresh..door.session_life;
        Some(browser::set(&self.sessions().renew_browser(&session, now, &life)?))
    }
}

/// Puts the door of the settings before `api`, when there is one.
pub(crate) fn before(api: Router, sandbox: &Arc<Sandbox>) -> Router {
    let settings = sandbox.settings.clone();
    let closed = settings.door.is_some();
    // Without a door everybody is its administrator.
    let door = settings.door.clone().unwrap_or_else(Door::example);
    let gate = Arc::new(Gate { door, settings, sessions: Mutex::default() });
    let people = Router::new()
        .route("/jsons/commonData.json", get(common_data))
        .route("/aii/users/current", get(current_user))
        .route("/aii/users/{id}/projects", get(projects_of_user))
        .route("/aii/projects", get(all_projects))
        .route("/aii/projects/{id}", get(one_project))
        .with_state(gate.clone());
    if !closed {
        return api.merge(people);
    }
    let inside = api.merge(people).layer(middleware::from_fn_with_state(gate.clone(), let_in));
    login::router(gate.clone()).merge(browser::router(gate)).merge(inside)
}

/// Lets a request in, or answers it.
async fn let_in(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let Some(account) = gate.account(request.headers()) else {
        return not_logged_in(request.headers(), request.uri());
    };
    let renewed = gate.renewed(request.headers()).unwrap_or_default();
    let profile = gate.settings.profile;
    let project = project_of(request.headers(), false, profile);
    let project = project.and_then(|it| {
        let named = |key: &str| it[key].as_str().and_then(|text| gate.door.project(text));
        if profile == Profile::V04 { named("name") } else { named("id") }
    });
    if !rights::may(account, request.method(), request.uri().path(), project, profile) {
        return (StatusCode::FORBIDDEN, Html(page::FORBIDDEN)).into_response();
    }
    let name = HeaderName::from_static("project");
    request.headers_mut().remove(&name);
    let value = project.map(|(id, name)| json!({ "id": id, "name": name }).to_string());
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        request.headers_mut().insert(name, value);
    }
    let mut response = answered(&gate, request, next).await;
    for cookie in renewed {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Waits for the answer to a request, as long as the door has patience.
async fn answered(gate: &Gate, request: Request, next: Next) -> Response {
    let Some(patience) = gate.settings.faults.door_timeout else {
        return next.run(request).await;
    };
    // The call goes on, as it does behind a proxy that gave up.
    let call = tokio::spawn(next.run(request));
    match tokio::time::timeout(patience, call).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(_) => (StatusCode::BAD_GATEWAY, "Bad Gateway").into_response(),
    }
}

fn not_logged_in(headers: &HeaderMap, wanted: &Uri) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("application/json")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    browser::to_login(wanted)
}

async fn common_data(State(gate): State<Arc<Gate>>) -> Response {
    let version = &gate.settings.build_version;
    let text =
        format!("kaapana-admin-chart:{version} | Build-Timestamp: - | Build-Branch: sandbox");
    axum::Json(json!({ "name": "Kaapana EDK sandbox", "version": text })).into_response()
}

async fn current_user(State(gate): State<Arc<Gate>>, headers: HeaderMap, uri: Uri) -> Response {
    match gate.account(&headers) {
        Some(account) => axum::Json(account.shown()).into_response(),
        None => not_logged_in(&headers, &uri),
    }
}

async fn projects_of_user(
    State(gate): State<Arc<Gate>>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Response {
    match gate.door.accounts.iter().find(|account| account.id() == id) {
        Some(account) => axum::Json(gate.door.shown_projects(Some(account), gate.settings.profile))
            .into_response(),
        None => {
            let body = axum::Json(json!({ "detail": "User not found" }));
            (StatusCode::NOT_FOUND, body).into_response()
        }
    }
}

async fn all_projects(State(gate): State<Arc<Gate>>) -> Response {
    axum::Json(gate.door.shown_projects(None, gate.settings.profile)).into_response()
}

/// A project by id or, since 0.5.0, by name.
async fn one_project(
    State(gate): State<Arc<Gate>>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Response {
    let rows = gate.door.shown_projects(None, gate.settings.profile);
    let by_name = gate.settings.profile > Profile::V04;
    let is = |row: &&serde_json::Value| {
        row["id"] == id.as_str()
            || row["id"].as_u64().is_some_and(|it| it.to_string() == id)
            || (by_name && row["name"] == id.as_str())
    };
    match rows.as_array().into_iter().flatten().find(is) {
        Some(row) => axum::Json(row.clone()).into_response(),
        None => {
            let body = axum::Json(json!({ "detail": "Project not found" }));
            (StatusCode::NOT_FOUND, body).into_response()
        }
    }
}
