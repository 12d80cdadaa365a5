//! Keeps web pages out of a server that has no login.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use edk_model::names;

/// Lets a request through that comes from a program on this machine.
///
/// A page in the user's browser can send requests to this machine as well, and could install a
/// chart with them. It shows by an `Origin` that is not this machine, or, when its host name was
/// pointed here, by a foreign `Host`.
pub(crate) async fn local_only(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "the sandbox serves programs on this machine only").into_response()
}

fn is_local(headers: &HeaderMap) -> bool {
    [header::HOST, header::ORIGIN].into_iter().all(|name| match headers.get(name) {
        None => true,
        Some(value) => value.to_str().is_ok_and(names::is_this_machine),
    })
}
