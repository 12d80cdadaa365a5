use axum::{
    extract::Request,
    http::header,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use edk_model::names;

use crate::refusal::Refusal;

/// Answers only who asks for this machine. A page in a browser may have had its own name pointed
/// here; then it could read what it likes, but it shows by that name in `Host`.
pub(crate) async fn this_machine_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let ours = host.is_none_or(|host| host.to_str().is_ok_and(names::is_this_machine));
    if ours { next.run(request).await } else { Refusal::OtherName.into_response() }
}
