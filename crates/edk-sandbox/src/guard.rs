//! Keeps web pages out of a server that has no login.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

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
        Some(value) => value.to_str().is_ok_and(is_this_machine),
    })
}

/// Says whether a host with optional scheme and port is this machine.
fn is_this_machine(host: &str) -> bool {
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_names_that_look_like_it() {
        for host in ["127.0.0.1:80", "localhost", "[::1]:5000", "http://localhost:1", "127.0.0.2"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "null", ""] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
