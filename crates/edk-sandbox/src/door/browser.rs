//! The session of a browser: oauth2-proxy's way through the login and back, and its cookie.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Gate, REALM, login::Fields, page, sessions};
use crate::http::cookie;

/// Where the login sends a browser back to.
pub(super) const CALLBACK: &str = "/oauth2/callback";
/// The session's cookie is too large for one, as tokens make it on a platform.
const PIECES: [&str; 2] = ["_oauth2_proxy_0", "_oauth2_proxy_1"];

/// The cookie by which a browser proves that the login it comes back from is its own. Each login has
/// one: a browser begins several when it asks for an icon beside its page.
fn csrf(proof: &str) -> String {
    format!("_oauth2_proxy_{}_csrf", &proof[..proof.len().min(8)])
}

pub(super) fn router(gate: Arc<Gate>) -> Router {
    Router::new().route(CALLBACK, get(back)).with_state(gate)
}

/// Returns the session that a browser's cookies hold.
pub(super) fn session(headers: &HeaderMap) -> Option<String> {
    PIECES.iter().map(|name| cookie(headers, name)).collect()
}

/// Returns the headers that give a browser a session.
pub(super) fn set(session: &str) -> Vec<HeaderValue> {
    let (first, second) = session.split_at(session.len() / 2);
    let pieces = PIECES.iter().zip([first, second]);
    let cookies = pieces.map(|(name, value)| format!("{name}={value}; Path=/; HttpOnly"));
    cookies.filter_map(|cookie| cookie.parse().ok()).collect()
}

/// Sends a browser to the login, from where it comes back to `wanted`.
pub(super) fn to_login(wanted: &Uri) -> Response {
    let proof = sessions::random();
    let path = wanted.path_and_query().map_or("/", |it| it.as_str());
    let state = format!("{proof}.{}", URL_SAFE_NO_PAD.encode(path));
    let place = format!(
        "{REALM}/auth?client_id=kaapana&response_type=code&redirect_uri={CALLBACK}&state={state}"
    );
    let csrf = format!("{}={proof}; Path=/; HttpOnly", csrf(&proof));
    (StatusCode::FOUND, [(header::LOCATION, place), (header::SET_COOKIE, csrf)]).into_response()
}

/// Takes a browser that comes back from the login.
async fn back(
    State(gate): State<Arc<Gate>>,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Response {
    let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let (proof, path) = field("state").split_once('.').unwrap_or_default();
    if !proof.is_ascii() || cookie(&headers, &csrf(proof)).is_none_or(|own| own != proof) {
        let words = "Login failed: unable to find a valid CSRF token. Please try again.";
        return (StatusCode::FORBIDDEN, Html(page::message(words))).into_response();
    }
    let Some(code) = gate.sessions().take_code(field("code")).filter(|it| it.redirect == CALLBACK)
    else {
        let page = Html(page::message("Login failed: the code is not valid."));
        return (StatusCode::INTERNAL_SERVER_ERROR, page).into_response();
    };
    let session = gate.sessions().add_browser(&code.user, (gate.settings.now)());
    let path = URL_SAFE_NO_PAD.decode(path).ok().and_then(|path| String::from_utf8(path).ok());
    // A path and nothing else: `//host` would be another server.
    let path = path.filter(|it| it.starts_with('/') && !it.starts_with("//"));
    let place = [(header::LOCATION, path.unwrap_or_else(|| "/".to_owned()))];
    let mut response = (StatusCode::FOUND, place).into_response();
    let gone = format!("{}=; Path=/; HttpOnly; Max-Age=0", csrf(proof)).parse().ok();
    for cookie in set(&session).into_iter().chain(gone) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
