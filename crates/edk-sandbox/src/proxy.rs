//! The reverse proxy: requests for the paths of Ingresses go to the pods of applications.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
    response::{IntoResponse as _, Response},
};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::{
    Sandbox,
    http::text,
    network::Backend,
    route::{Forward, Route, route},
};

/// Headers of one connection, which are not passed on (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 5] = [
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
];

/// Answers a request that is none for the API.
pub(crate) async fn pass(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let host = host.unwrap_or("localhost").to_owned();
    let routed = {
        let state = sandbox.state();
        route(&state.releases, &host, &target, &sandbox.disk)
    };
    match routed {
        None => text(404, "404 page not found"),
        Some(Route::Nowhere(reason)) => text(502, format!("Bad Gateway: {reason}")),
        Some(Route::Elsewhere(status, place)) => {
            let mut response = text(status, "");
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            response
        }
        Some(Route::To(forward)) => match send(request, forward, &host).await {
            Ok(response) => response,
            Err(error) => text(502, format!("Bad Gateway: {error}")),
        },
    }
}

async fn send(
    mut request: Request,
    forward: Forward,
    host: &str,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let stream = reach(forward.backend).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await?;
    tokio::spawn(connection.with_upgrades());
    *request.uri_mut() = forward.target.parse::<Uri>()?;
    let upgrade = request.headers().contains_key(header::UPGRADE);
    let theirs = upgrade.then(|| hyper::upgrade::on(&mut request));
    let headers = request.headers_mut();
    tidy(headers, upgrade);
    let added = [("x-forwarded-host", host), ("x-forwarded-proto", "http")];
    let added = added.map(|(name, value)| (name.to_owned(), value.to_owned()));
    set(headers, added.into_iter().chain(forward.headers));
    let mut response = sender.send_request(request).await?;
    if let Some(theirs) = theirs.filter(|_| response.status() == 101) {
        let ours = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(theirs), Ok(ours)) = (theirs.await, ours.await) {
                let (mut theirs, mut ours) = (TokioIo::new(theirs), TokioIo::new(ours));
                // Whoever ends it ends it for both.
                let _ = tokio::io::copy_bidirectional(&mut theirs, &mut ours).await;
            }
        });
    }
    tidy(response.headers_mut(), upgrade);
    set(response.headers_mut(), forward.answer_headers);
    Ok(response.map(Body::new).into_response())
}

/// Connects to a port behind a gate.
async fn reach(backend: Backend) -> std::io::Result<UnixStream> {
    let connect = move || edk_container::gate::connect(&backend.gate, backend.port);
    let stream = tokio::task::spawn_blocking(connect).await.map_err(std::io::Error::other)??;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn tidy(headers: &mut HeaderMap, upgrade: bool) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if !upgrade {
        headers.remove(header::CONNECTION);
    }
}

fn set(headers: &mut HeaderMap, pairs: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in pairs {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>())
        else {
            continue;
        };
        match value.is_empty() {
            true => headers.remove(name),
            false => headers.insert(name, value),
        };
    }
}

/// Lets pods reach the sandbox at `address` through a gate, for as long as the server runs.
pub(crate) async fn serve_gate(sandbox: Arc<Sandbox>, address: SocketAddr) -> std::io::Result<()> {
    let listener = edk_container::gate::listen(&sandbox.disk.gate_of_all())?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::UnixListener::from_std(listener)?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
            let mut stream = BufReader::new(&mut stream);
            // Whatever port was asked for: there is one.
            stream.read_line(&mut String::new()).await?;
            let mut server = tokio::net::TcpStream::connect(address).await?;
            stream.write_all(b"ok\n").await?;
            tokio::io::copy_bidirectional(&mut stream, &mut server).await
        });
    }
}
