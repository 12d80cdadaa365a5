use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use edk_model::{Monitor, Secret, Unit};
use futures_util::StreamExt as _;
use reqwest::{
    RequestBuilder,
    header::{
        ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, DATE, LOCATION, SET_COOKIE,
    },
    redirect,
};

use crate::{Body, Generation, Method, Project, Reply, Request, Target, TargetError, Trust};

/// How many bytes of an upload are handed over at once: the step of its progress.
const PIECE: usize = 256 * 1024;

/// Sends requests to one target and brings the replies.
#[derive(Debug)]
pub(crate) struct Sender {
    http: reqwest::Client,
    target: Target,
}

/// How a request shows who sends it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    Nothing,
    Token(&'a Secret),
    /// The value of a header `Cookie`.
    Cookies(&'a Secret),
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum NoReply {
    /// No connection was made: nothing reached the target.
    Unreachable(reqwest::Error),
    /// A connection was made and broke, or took too long: nobody knows what the target did.
    Unclear(reqwest::Error),
    /// The file to send can't be read.
    File(io::Error),
}

impl Sender {
    /// Returns a sender that follows no redirects, because a redirect means a login page.
    pub(crate) fn new(target: Target) -> Result<Self, TargetError> {
        let setup = |source| TargetError::Setup { target: target.name.clone(), source };
        let http = connection(&target.url, &target.trust).map_err(setup)?;
        Ok(Self { http, target })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends `request` with `proof` and waits at most `patience` for the end of the reply.
    pub(crate) async fn send(
        &self,
        request: &Request,
        proof: Proof<'_>,
        patience: Duration,
        monitor: &Monitor,
    ) -> Result<Reply, NoReply> {
        let builder = self.dress(request, proof).timeout(patience);
        let builder = fill(builder, request, monitor).await.map_err(NoReply::File)?;
        let response = builder.send().await.map_err(|error| match error.is_connect() {
            true => NoReply::Unreachable(error),
            false => NoReply::Unclear(error),
        })?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let status = response.status().as_u16();
        let html = header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
        let location = header(LOCATION).map(str::to_owned);
        let date = header(DATE).map(str::to_owned);
        let cookies = response.headers().get_all(SET_COOKIE).into_iter();
        let pair = |value: &str| value.split(';').next().unwrap_or_default().trim().to_owned();
        let cookies = cookies.filter_map(|it| it.to_str().ok().map(pair)).collect();
        let body = response.text().await.map_err(NoReply::Unclear)?;
        Ok(Reply { status, html, location, date, cookies, body })
    }

    /// Returns the request with everything but its body.
    fn dress(&self, request: &Request, proof: Proof<'_>) -> RequestBuilder {
        let url = format!("{}{}", self.target.url, request.path);
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.http.request(method, url);
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        let mut cookies = Vec::new();
        let mut accept = "application/json";
        for (name, value) in &request.headers {
            match *name {
                "cookie" => cookies.push(value.clone()),
                "accept" => accept = value,
                name => builder = builder.header(name, value),
            }
        }
        builder = builder.header(ACCEPT, accept);
        if let Some(project) = &self.target.project {
            cookies.push(project_cookie(project, self.target.generation));
            // The front door replaces it by its own; where there is none, the API reads this one.
            if let Some(header) = project_header(project) {
                builder = builder.header("project", header);
            }
        }
        match proof {
            Proof::Nothing => {}
            Proof::Cookies(session) => cookies.push(session.reveal().to_owned()),
            Proof::Token(token) => {
                builder = builder.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
            }
        }
        match cookies.is_empty() {
            true => builder,
            false => builder.header(COOKIE, cookies.join("; ")),
        }
    }
}

/// Puts the body in; bytes and files go out as a stream of known length that reports its progress.
async fn fill(
    builder: RequestBuilder,
    request: &Request,
    monitor: &Monitor,
) -> io::Result<RequestBuilder> {
    let name = request.headers.iter().find(|(name, _)| *name == "upload-name");
    let subject = name.map(|(_, value)| value.clone()).unwrap_or_default();
    Ok(match &request.body {
        Body::Empty => builder,
        Body::Json(value) => builder.json(value),
        Body::Text(text) => builder.header(CONTENT_TYPE, "text/plain").body(text.clone()),
        Body::Form { field, value } => {
            builder.multipart(reqwest::multipart::Form::new().text(*field, value.clone()))
        }
        Body::Bytes(bytes) => {
            let size = bytes.len() as u64;
            let mut report = progress(monitor, subject, size);
            let pieces = futures_util::stream::iter(pieces(bytes)).map(move |piece| {
                report(piece.len());
                Ok::<_, Infallible>(piece)
            });
            builder.header(CONTENT_LENGTH, size).body(reqwest::Body::wrap_stream(pieces))
        }
        Body::File { path, size } => {
            let file = tokio::fs::File::open(path).await?;
            let mut report = progress(monitor, subject, *size);
            let stream = tokio_util::io::ReaderStream::with_capacity(file, PIECE);
            let stream = stream.inspect(move |piece| {
                if let Ok(piece) = piece {
                    report(piece.len());
                }
            });
            builder.header(CONTENT_LENGTH, *size).body(reqwest::Body::wrap_stream(stream))
        }
    })
}

/// Returns a client that follows no redirects and believes what `trust` says.
pub(crate) fn connection(url: &str, trust: &Trust) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(20));
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    trust.apply(builder)?.build()
}

fn pieces(bytes: &Bytes) -> Vec<Bytes> {
    (0..bytes.len())
        .step_by(PIECE)
        .map(|start| bytes.slice(start..bytes.len().min(start + PIECE)))
        .collect()
}

fn progress(monitor: &Monitor, subject: String, total: u64) -> impl FnMut(usize) + use<> {
    let (monitor, mut done) = (monitor.clone(), 0);
    move |size| {
        done += size as u64;
        monitor.progress(&subject, done, Some(total), Unit::Bytes, 0);
    }
}

/// Says whether the address is this machine: then no proxy may stand between.
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    host.starts_with("127.")
        || host.starts_with("[::1]")
        || host == "localhost"
        || host.starts_with("localhost:")
}

/// Returns the header that names the project, as the front door makes it for the API; none for a
/// name that no header can hold.
fn project_header(Project { id, name }: &Project) -> Option<String> {
    let text = serde_json::json!({ "id": id, "name": name }).to_string();
    text.is_ascii().then_some(text)
}

/// Returns the cookie that names the project: `Project` with JSON, or the plain name before 0.5.0;
/// every byte that is not a letter or a digit is percent-encoded.
fn project_cookie(Project { id, name }: &Project, generation: Generation) -> String {
    let (mut cookie, value) = match generation {
        Generation::V0_4 => ("Project-Name=".to_owned(), name.clone()),
        _ => ("Project=".to_owned(), serde_json::json!({ "name": name, "id": id }).to_string()),
    };
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => cookie.push(char::from(byte)),
            _ => cookie.push_str(&format!("%{byte:02X}")),
        }
    }
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_cookie_is_percent_encoded() {
        let project = Project { id: "1-2".to_owned(), name: "a b".to_owned() };
        let check = |generation, expected: &str| {
            assert_eq!(project_cookie(&project, generation), expected);
        };
        let json = "Project=%7B%22name%22%3A%22a%20b%22%2C%22id%22%3A%221-2%22%7D";
        check(Generation::V0_6, json);
        check(Generation::V0_5_0, json);
        check(Generation::V0_4, "Project-Name=a%20b");
    }

    #[test]
    fn this_machine_is_told_from_a_host_that_only_begins_like_it() {
        for url in ["http://127.0.0.1:9000", "http://localhost", "http://[::1]:1/x"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://localhost.example.org", "https://kaapana.example.org"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn the_pieces_of_an_upload_are_the_whole_of_it() {
        for size in [0, 1, PIECE, PIECE + 1] {
            let bytes = Bytes::from(vec![7; size]);
            assert_eq!(pieces(&bytes).concat().len(), size);
        }
    }
}
