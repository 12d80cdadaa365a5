//! Calls, events and uploads.

use std::{io, path::Path};

use axum::{
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edk_api::{
    Failure, UploadRequest,
    host::{Entry, JobRef, Reply, Subscription},
};
use edk_model::{CancellationToken, Code};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{Shared, failed, guard::refusal};

/// The largest chart that is taken, in bytes. Images may have as many as the disk.
const CHART_LIMIT: usize = 512 << 20;

/// The body of a call.
#[derive(Debug, Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    input: Value,
}

/// Answers a call with a `Reply`.
pub(super) async fn rpc(State(served): State<Shared>, body: Bytes) -> Response {
    let call: Call = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => {
            let what = "a call is `{\"name\": …, \"input\": …}`";
            let failure = Failure::new(Code::InvalidInput, what).because(error);
            return refusal(StatusCode::BAD_REQUEST, &failure);
        }
    };
    let host = served.host.clone();
    let work = tokio::task::spawn_blocking(move || host.rpc(&call.name, call.input));
    match work.await {
        Ok(reply) => axum::Json(reply).into_response(),
        Err(_) => {
            let failure = Failure::new(Code::Bug, "the host lost the call");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure)
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct After {
    after: Option<u64>,
}

/// Answers with what happens, an entry a line, until the host or the window ends.
pub(super) async fn events(State(served): State<Shared>, Query(query): Query<After>) -> Response {
    let subscription = served.host.subscribe(query.after);
    let state = (subscription, served.stop.clone());
    let lines = stream::unfold(state, |(mut subscription, stop)| async move {
        let chunk = next(&mut subscription, &stop).await?;
        Some((Ok::<_, io::Error>(chunk), (subscription, stop)))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn next(subscription: &mut Subscription, stop: &CancellationToken) -> Option<Bytes> {
    let entries = tokio::select! {
        () = stop.cancelled() => return None,
        entries = subscription.next() => entries,
    };
    let mut text = Vec::new();
    for entry in &entries {
        let entry: &Entry = entry;
        // An entry is made of what JSON can hold.
        serde_json::to_writer(&mut text, entry).ok()?;
        text.push(b'\n');
    }
    (!text.is_empty()).then(|| Bytes::from(text))
}

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    name: String,
    #[serde(default = "sandbox")]
    target: String,
}

fn sandbox() -> String {
    "sandbox".to_owned()
}

/// Takes the bytes of a chart, or of an archive of images, and answers with the job that sends it to its target.
pub(super) async fn upload(
    State(served): State<Shared>,
    Query(query): Query<Upload>,
    body: Body,
) -> Response {
    let taken = take(&served, query, body).await;
    axum::Json(Reply::from(taken.map(|job| json!(job)))).into_response()
}

async fn take(served: &Shared, query: Upload, body: Body) -> Result<JobRef, Failure> {
    let Upload { name, target } = query;
    let plain = Path::new(&name).file_name().is_some_and(|it| it == name.as_str());
    if !plain || name.contains(['\\', '\0']) {
        let what = format!("`{name}` is not the plain name of a file");
        return Err(Failure::new(Code::InvalidInput, what));
    }
    let folder = served.host.upload_folder()?;
    let unwritten = |error: &io::Error| failed("the upload could not be kept", error);
    let file = tempfile::NamedTempFile::new_in(folder.path()).map_err(|it| unwritten(&it))?;
    let handle = file.as_file().try_clone().map_err(|it| unwritten(&it))?;
    let mut handle = tokio::fs::File::from_std(handle);
    let (mut chunks, mut size) = (body.into_data_stream(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|error| Failure::new(Code::Refused, "the upload broke off").because(error))?;
        size += chunk.len();
        if size > CHART_LIMIT && !name.ends_with(".tar") {
            let what = format!("`{name}` has more than {} MiB", CHART_LIMIT >> 20);
            return Err(Failure::new(Code::InvalidInput, what).hint("a chart holds no data"));
        }
        handle.write_all(&chunk).await.map_err(|it| unwritten(&it))?;
    }
    handle.flush().await.map_err(|it| unwritten(&it))?;
    let path = folder.path().join(&name);
    file.persist(&path).map_err(|it| unwritten(&it.error))?;
    served.host.upload_from(folder, UploadRequest { target, file: path, force: Vec::new() })
}
