//! The login: Keycloak's endpoints with its answers, for the realm `kaapana`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Account, Gate, REALM,
    browser::CALLBACK,
    page,
    sessions::{Code, DeviceState},
};

/// The public client, for logins in a browser and from another device.
const PUBLIC_CLIENT: &str = "edk";
/// The confidential client, for passwords.
const CLIENT: &str = "kaapana";
/// How long a code of a device is good. Keycloak: 10 min.
const DEVICE_LIFE: Duration = Duration::from_secs(600);

pub(super) type Fields = HashMap<String, String>;

pub(super) fn router(gate: Arc<Gate>) -> Router {
    let at = |end: &str| format!("{REALM}{end}");
    Router::new()
        .route(&at("/token"), post(token))
        .route(&at("/logout"), post(logout))
        .route(&at("/auth"), get(ask).post(answered))
        .route(&at("/auth/device"), post(device))
        .route("/auth/realms/kaapana/device", get(ask_for_device).post(answered_for_device))
        .with_state(gate)
}

/// Reads a form of the encoding that browsers and the protocol use.
fn fields(body: &str) -> Fields {
    let query = format!("/?{body}").parse::<Uri>().ok();
    let fields = query.and_then(|query| Query::<Fields>::try_from_uri(&query).ok());
    fields.map(|Query(fields)| fields).unwrap_or_default()
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

/// An answer of the protocol that is no token (RFC 6749, 5.2).
fn error(status: StatusCode, code: &str, description: &str) -> Response {
    let body = Json(json!({ "error": code, "error_description": description }));
    (status, body).into_response()
}

fn bad(code: &str, description: &str) -> Response {
    error(StatusCode::BAD_REQUEST, code, description)
}

async fn token(State(gate): State<Arc<Gate>>, body: String) -> Response {
    let form = fields(&body);
    let client = field(&form, "client_id");
    let known = match client {
        CLIENT => field(&form, "client_secret") == gate.door.client_secret,
        other => other == PUBLIC_CLIENT,
    };
    if !known {
        let words = "Invalid client or Invalid client credentials";
        return error(StatusCode::UNAUTHORIZED, "invalid_client", words);
    }
    let user = match field(&form, "grant_type") {
        "password" if client == PUBLIC_CLIENT => {
            Err(bad("unauthorized_client", "Client not allowed for direct access grants"))
        }
        "password" => by_password(&gate, &form),
        "refresh_token" => {
            let (token, now) = (field(&form, "refresh_token"), (gate.settings.now)());
            let user = gate.sessions().take_refresh(token, now);
            user.map_err(|words| bad("invalid_grant", words))
        }
        "authorization_code" => by_code(&gate, &form),
        "urn:ietf:params:oauth:grant-type:device_code" => by_device(&gate, &form),
        _ => Err(bad("unsupported_grant_type", "Unsupported grant_type")),
    };
    match user {
        Ok(user) => Json(given(&gate, &user)).into_response(),
        Err(response) => response,
    }
}

fn given(gate: &Gate, user: &str) -> Value {
    let (life, session) = (gate.door.token_life, gate.door.session_life);
    let given = gate.sessions().give(user, (gate.settings.now)(), life, session);
    json!({
        "access_token": given.access,
        "expires_in": life.as_secs(),
        "refresh_token": given.refresh,
        "refresh_expires_in": session.as_secs(),
        "token_type": "Bearer",
    })
}

fn logged_in<'a>(gate: &'a Gate, form: &Fields) -> Option<&'a Account> {
    let account = gate.door.account(field(form, "username"))?;
    (account.password == field(form, "password")).then_some(account)
}

fn by_password(gate: &Gate, form: &Fields) -> Result<String, Response> {
    match logged_in(gate, form) {
        None => Err(error(StatusCode::UNAUTHORIZED, "invalid_grant", "Invalid user credentials")),
        Some(account) if account.unfinished => {
            Err(bad("invalid_grant", "Account is not fully set up"))
        }
        Some(account) => Ok(account.name.clone()),
    }
}

fn by_code(gate: &Gate, form: &Fields) -> Result<String, Response> {
    let code = gate.sessions().take_code(field(form, "code"));
    let code = code.ok_or_else(|| bad("invalid_grant", "Code not valid"))?;
    if code.redirect != field(form, "redirect_uri") {
        return Err(bad("invalid_grant", "Incorrect redirect_uri"));
    }
    let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(field(form, "code_verifier")));
    if proof != code.challenge {
        return Err(bad("invalid_grant", "PKCE verification failed"));
    }
    Ok(code.user)
}

fn by_device(gate: &Gate, form: &Fields) -> Result<String, Response> {
    let (name, now) = (field(form, "device_code"), (gate.settings.now)());
    let mut sessions = gate.sessions();
    let Some(device) = sessions.device(name) else {
        return Err(bad("invalid_grant", "Device code not valid"));
    };
    if device.ends <= now {
        return Err(bad("expired_token", "Device code is expired"));
    }
    let decided = match &device.state {
        DeviceState::Waiting => {
            let words = "The authorization request is still pending";
            return Err(bad("authorization_pending", words));
        }
        DeviceState::Allowed(user) => Ok(user.clone()),
        DeviceState::Denied => {
            Err(bad("access_denied", "The end user denied the authorization request"))
        }
    };
    sessions.forget_device(name);
    decided
}

async fn logout(State(gate): State<Arc<Gate>>, body: String) -> Response {
    gate.sessions().end(field(&fields(&body), "refresh_token"));
    StatusCode::NO_CONTENT.into_response()
}

/// Shows the login to a browser.
async fn ask(Query(query): Query<Fields>) -> Response {
    if !leads_back(field(&query, "client_id"), field(&query, "redirect_uri")) {
        let page = Html(page::message("Invalid parameter: redirect_uri"));
        return (StatusCode::BAD_REQUEST, page).into_response();
    }
    Html(page::form("Log in", &[], "")).into_response()
}

/// Says whether a client may send its users there: the public one to their own machine, that of the
/// front door to the front door.
fn leads_back(client: &str, redirect: &str) -> bool {
    match client {
        PUBLIC_CLIENT => ["http://127.0.0.1:", "http://localhost:"]
            .iter()
            .any(|start| redirect.starts_with(start)),
        CLIENT => redirect == CALLBACK,
        _ => false,
    }
}

async fn answered(
    State(gate): State<Arc<Gate>>,
    Query(query): Query<Fields>,
    body: String,
) -> Response {
    let redirect = field(&query, "redirect_uri");
    if !leads_back(field(&query, "client_id"), redirect) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Some(account) = logged_in(&gate, &fields(&body)) else {
        return Html(page::form("Log in", &[], "Invalid username or password.")).into_response();
    };
    let code = gate.sessions().add_code(Code {
        user: account.name.clone(),
        redirect: redirect.to_owned(),
        challenge: field(&query, "code_challenge").to_owned(),
    });
    let place = format!("{redirect}?state={}&code={code}", field(&query, "state"));
    (StatusCode::FOUND, [(header::LOCATION, place)]).into_response()
}

async fn device(State(gate): State<Arc<Gate>>, body: String) -> Response {
    if field(&fields(&body), "client_id") != PUBLIC_CLIENT {
        let words = "Client is not allowed to initiate OAuth 2.0 Device Authorization Grant";
        return bad("unauthorized_client", words);
    }
    let (code, user_code) = gate.sessions().add_device((gate.settings.now)() + DEVICE_LIFE);
    let place = format!("{}/auth/realms/kaapana/device", gate.settings.url);
    Json(json!({
        "device_code": code,
        "user_code": user_code,
        "verification_uri": place,
        "verification_uri_complete": format!("{place}?user_code={user_code}"),
        "expires_in": DEVICE_LIFE.as_secs(),
        "interval": 1,
    }))
    .into_response()
}

async fn ask_for_device(Query(query): Query<Fields>) -> Response {
    let hidden = [("user_code", field(&query, "user_code"))];
    Html(page::form("Let a device log in", &hidden, "")).into_response()
}

/// Who gives a wrong password here refuses the device: there is no way back to try again.
async fn answered_for_device(State(gate): State<Arc<Gate>>, body: String) -> Response {
    let form = fields(&body);
    let (state, words) = match logged_in(&gate, &form) {
        Some(account) => (DeviceState::Allowed(account.name.clone()), "The device is logged in."),
        None => (DeviceState::Denied, "The device was refused."),
    };
    let known = gate.sessions().decide(field(&form, "user_code"), state);
    Html(page::message(if known { words } else { "No device waits for this code." }))
        .into_response()
}
