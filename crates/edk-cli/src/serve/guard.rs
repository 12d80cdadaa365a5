//! Who may speak to the host: a window of its own address that knows the token.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use edk_api::Failure;
use edk_model::Code;
use serde_json::json;

use super::Shared;

/// What a page of ours may load and do: nothing but itself.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses what comes by another name or from a page of another origin, whatever it knows: a name
/// that was pointed here, and a page that guesses the port, are both a stranger's.
pub(super) async fn own_origin(
    State(served): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = if is_own(request.headers(), &served.names) {
        next.run(request).await
    } else {
        let what = "only windows of this address are served";
        refusal(StatusCode::FORBIDDEN, &Failure::new(Code::Unauthorised, what))
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_own(headers: &HeaderMap, names: &[String; 2]) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).is_some_and(|host| names.iter().any(|name| name == host));
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        origin.strip_prefix("http://").is_some_and(|origin| names.iter().any(|it| it == origin))
    });
    host && origin
}

/// Refuses who does not know the token.
pub(super) async fn known(State(served): State<Shared>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given.is_some_and(|given| same(given.as_bytes(), served.token.as_bytes())) {
        return next.run(request).await;
    }
    let failure = Failure::new(Code::Unauthorised, "the host does not know this window");
    let failure = failure.hint("open the address which `edk serve` printed when it started");
    refusal(StatusCode::UNAUTHORIZED, &failure)
}

/// Compares in a time that tells nothing about where the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// An answer that is a failure.
pub(super) fn refusal(status: StatusCode, failure: &Failure) -> Response {
    (status, axum::Json(json!({"ok": false, "failure": failure}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_address_is_served() {
        let names = ["127.0.0.1:5579".to_owned(), "localhost:5579".to_owned()];
        let check = |host: Option<&str>, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_str(value).unwrap());
                }
            }
            is_own(&headers, &names)
        };
        for host in ["127.0.0.1:5579", "localhost:5579"] {
            assert!(check(Some(host), None), "{host}");
            assert!(check(Some(host), Some(&format!("http://{host}"))), "{host}");
        }
        for host in [None, Some("127.0.0.1"), Some("127.0.0.1:80"), Some("example.org:5579")] {
            assert!(!check(host, None), "{host:?}");
        }
        for origin in ["null", "http://example.org", "https://localhost:5579", "http://localhost"] {
            assert!(!check(Some("localhost:5579"), Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_token_is_compared_whole() {
        assert!(same(b"abc", b"abc"));
        for other in ["", "ab", "abd", "abcd"] {
            assert!(!same(b"abc", other.as_bytes()), "{other}");
        }
    }
}
