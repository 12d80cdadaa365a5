use std::time::Instant;

use axum::{
    body::Body,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edk_model::Digest;
use edk_store::StoreError;
use tokio::task;
use uuid::Uuid;

use crate::{
    answer::{Asked, CONTENT_DIGEST},
    blob, range,
    refusal::Refusal,
    route::parse_digest,
    session::{self, Held, slot},
};

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// What a blob is kept as; its real type is told by the manifests that use it.
const BLOB: &str = "application/octet-stream";

/// Starts an upload; or does it whole, when the client sends the blob along, or names one that is
/// in the store.
pub(crate) async fn start(
    asked: &Asked,
    repository: String,
    body: Body,
) -> Result<Response, Refusal> {
    if let Some(digest) = asked.query.get("mount").map(parse_digest).transpose()?
        && (!asked.restricted || blob::belongs(asked, &repository, digest).await?)
        && asked.claim(&repository, digest).await?.is_some()
    {
        return Ok(created(&repository, &digest));
    }
    let expected = asked.query.get("digest").map(parse_digest).transpose()?;
    asked.registry.pushes.touch(&asked.registry.store, &repository).await?;
    let writer = asked.store(|store| store.writer()).await?;
    if let Some(expected) = expected {
        let _open = asked.registry.pushes.open(&repository);
        let held = session::append(slot(writer).lock_owned().await, body, limit(asked)).await?;
        commit(held, "new", expected).await?;
        asked.registry.pushes.bring(&repository, expected);
        return Ok(created(&repository, &expected));
    }
    let open = asked.registry.pushes.open(&repository);
    let id = asked.registry.sessions.start(&repository, writer, open, Instant::now());
    Ok(progress(StatusCode::ACCEPTED, &repository, id, 0))
}

/// Tells how much has arrived.
pub(crate) async fn status(asked: &Asked, repository: &str, id: Uuid) -> Result<Response, Refusal> {
    let held = hold(asked, repository, id).await?;
    Ok(progress(StatusCode::NO_CONTENT, repository, id, size(&held, id)?))
}

/// Takes a chunk, or a stream of any length.
pub(crate) async fn append(
    asked: &Asked,
    repository: &str,
    id: Uuid,
    body: Body,
) -> Result<Response, Refusal> {
    let held = take(asked, repository, id, body).await?;
    Ok(progress(StatusCode::ACCEPTED, repository, id, size(&held, id)?))
}

/// Takes the last chunk, if any, and keeps the blob.
pub(crate) async fn finish(
    asked: &Asked,
    repository: &str,
    id: Uuid,
    body: Body,
) -> Result<Response, Refusal> {
    let expected = parse_digest(asked.query.get("digest").unwrap_or_default())?;
    let held = take(asked, repository, id, body).await?;
    let committed = commit(held, &id.to_string(), expected).await;
    asked.registry.sessions.end(id);
    committed?;
    asked.registry.pushes.bring(repository, expected);
    Ok(created(repository, &expected))
}

/// Gives an upload up.
pub(crate) async fn cancel(asked: &Asked, repository: &str, id: Uuid) -> Result<Response, Refusal> {
    let mut held = hold(asked, repository, id).await?;
    asked.registry.sessions.end(id);
    let writer = held.take();
    task::spawn_blocking(move || drop(writer)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Waits until no other request is at work on the upload.
async fn hold(asked: &Asked, repository: &str, id: Uuid) -> Result<Held, Refusal> {
    Ok(asked.registry.sessions.find(repository, id, Instant::now())?.lock_owned().await)
}

/// Appends the body if it belongs where the upload has come to.
async fn take(asked: &Asked, repository: &str, id: Uuid, body: Body) -> Result<Held, Refusal> {
    let held = hold(asked, repository, id).await?;
    let size = size(&held, id)?;
    let misplaced = || Refusal::UploadRange { location: location(repository, id), size };
    if let Some(header) = asked.header(&header::CONTENT_RANGE) {
        let chunk = range::chunk(header).ok_or_else(misplaced)?;
        if *chunk.start() != size {
            return Err(misplaced());
        }
        check_length(asked, (chunk.end() - chunk.start()).saturating_add(1))?;
    }
    session::append(held, body, limit(asked)).await
}

/// How many bytes a blob may have.
fn limit(asked: &Asked) -> u64 {
    asked.registry.options.blob_limit.unwrap_or(u64::MAX)
}

fn check_length(asked: &Asked, expected: u64) -> Result<(), Refusal> {
    match asked.header(&header::CONTENT_LENGTH).and_then(|text| text.parse().ok()) {
        Some(actual) if actual != expected => Err(Refusal::Size { expected, actual }),
        _ => Ok(()),
    }
}

async fn commit(mut held: Held, id: &str, expected: Digest) -> Result<(), Refusal> {
    let gone = || Refusal::UploadUnknown { id: id.to_owned() };
    let writer = held.take().ok_or_else(gone)?;
    let kept = task::spawn_blocking(move || writer.commit_as(&expected, BLOB)).await?;
    kept.map(drop).map_err(|error| match error {
        StoreError::Mismatch { expected, actual } => Refusal::DigestMismatch { expected, actual },
        other => other.into(),
    })
}

fn size(held: &Held, id: Uuid) -> Result<u64, Refusal> {
    match held.as_ref() {
        Some(writer) => Ok(writer.size()),
        None => Err(Refusal::UploadUnknown { id: id.to_string() }),
    }
}

fn location(repository: &str, id: Uuid) -> String {
    format!("/v2/{repository}/blobs/uploads/{id}")
}

fn created(repository: &str, digest: &Digest) -> Response {
    let location = format!("/v2/{repository}/blobs/{digest}");
    let headers = [(header::LOCATION, location), (CONTENT_DIGEST, digest.to_string())];
    (StatusCode::CREATED, headers).into_response()
}

fn progress(status: StatusCode, repository: &str, id: Uuid, size: u64) -> Response {
    let headers = [
        (header::LOCATION, location(repository, id)),
        (header::RANGE, range::received(size)),
        (UPLOAD_ID, id.to_string()),
    ];
    (status, headers).into_response()
}
