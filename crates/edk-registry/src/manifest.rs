use std::sync::{Arc, PoisonError};

use axum::{
    body::{self, Body},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use edk_model::{Algorithm, Descriptor, Digest};
use edk_store::{Store, StoreError};
use tokio::task;

use crate::{
    Registry,
    answer::{Asked, CONTENT_DIGEST},
    blob, condition,
    document::{self, Document},
    refusal::Refusal,
    route::Reference,
};

/// How many bytes a manifest may have (OCI distribution specification, "Pushing Manifests": a
/// registry should take at least 4 MiB). It is also what [`Store::read`] takes.
const LIMIT: usize = 4 << 20;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// Sends a manifest with the type under which it was pushed, whatever the client accepts.
pub(crate) async fn get(
    asked: &Asked,
    repository: String,
    reference: Reference,
) -> Result<Response, Refusal> {
    let unknown = unknown(&repository, &reference);
    let (name, wanted) = (repository.clone(), reference.clone());
    let mut found = asked.store(move |store| find(store, &name, &wanted)).await?;
    if let (None, Some(upstream)) = (&found, &asked.registry.options.upstream)
        && let Some(mirror) = upstream.manifest(&repository, &reference.to_string()).await?
    {
        found = asked.store(move |store| find(store, &mirror, &reference)).await?;
    }
    let Some(descriptor) = found else { return Err(unknown) };
    let digest = descriptor.digest;
    let identity =
        [(header::ETAG, condition::entity_tag(&digest)), (CONTENT_DIGEST, digest.to_string())];
    if condition::is_known(&asked.headers, &digest) {
        return Ok((StatusCode::NOT_MODIFIED, identity).into_response());
    }
    let head = [
        (header::CONTENT_TYPE, descriptor.media_type),
        (header::CONTENT_LENGTH, descriptor.size.to_string()),
    ];
    let body = match asked.head {
        true => Body::empty(),
        false => Body::from(asked.store(move |store| store.read(&digest)).await?),
    };
    Ok((StatusCode::OK, identity, head, body).into_response())
}

/// Finds a manifest whose bytes are there; its size is that of the bytes.
fn find(
    store: &Store,
    repository: &str,
    reference: &Reference,
) -> Result<Option<Descriptor>, StoreError> {
    let found = match reference {
        Reference::Tag(tag) => store.resolve(repository, tag)?,
        Reference::Digest(digest) => store.manifest(repository, digest)?,
    };
    Ok(found.and_then(|descriptor| {
        let size = store.size(&descriptor.digest)?;
        Some(Descriptor { size, ..descriptor })
    }))
}

/// Keeps a manifest, if all it needs is there.
pub(crate) async fn put(
    asked: &Asked,
    repository: String,
    reference: Reference,
    body: Body,
) -> Result<Response, Refusal> {
    let bytes = read(asked, body).await?;
    let document = document::parse(&bytes, asked.header(&header::CONTENT_TYPE))?;
    let algorithm = match reference {
        Reference::Digest(expected) => expected.algorithm(),
        Reference::Tag(_) => Algorithm::Sha256,
    };
    let digest = Digest::with(algorithm, &bytes);
    if let Reference::Digest(expected) = reference
        && expected != digest
    {
        return Err(Refusal::DigestMismatch { expected, actual: digest });
    }
    asked.registry.pushes.touch(&asked.registry.store, &repository).await?;
    if asked.restricted {
        only_own(asked, &repository, &document.blobs).await?;
    }
    let location = format!("/v2/{repository}/manifests/{digest}");
    let subject = document.subject;
    let registry = Arc::clone(&asked.registry);
    task::spawn_blocking(move || {
        keep(&registry, &repository, &reference, algorithm, &document, &bytes)
    })
    .await??;
    let headers = [(header::LOCATION, location), (CONTENT_DIGEST, digest.to_string())];
    let mut response = (StatusCode::CREATED, headers).into_response();
    if let Some(value) = subject.and_then(|subject| subject.to_string().parse().ok()) {
        response.headers_mut().insert(SUBJECT, value);
    }
    Ok(response)
}

/// Refuses a manifest that names blobs which are neither part of the repository nor came with this
/// push: who may not pull everything would get at them by it, knowing no more than their digests.
async fn only_own(asked: &Asked, repository: &str, blobs: &[Digest]) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    for digest in blobs {
        let came = asked.registry.pushes.brought(repository, digest);
        if !came && !blob::belongs(asked, repository, *digest).await? {
            missing.push(*digest);
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Refusal::ManifestBlobUnknown { missing }) }
}

async fn read(asked: &Asked, body: Body) -> Result<Bytes, Refusal> {
    let announced = asked.header(&header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: usize| length > LIMIT) {
        return Err(Refusal::ManifestTooLarge { limit: LIMIT });
    }
    // A body without a length which breaks off is told apart from one that is too long by nobody:
    // whoever broke it off does not read the answer.
    body::to_bytes(body, LIMIT).await.map_err(|_| Refusal::ManifestTooLarge { limit: LIMIT })
}

fn keep(
    registry: &Registry,
    repository: &str,
    reference: &Reference,
    algorithm: Algorithm,
    document: &Document,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let store = &registry.store;
    let _gate = registry.gate.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = missing(store, repository, document)?;
    if !missing.is_empty() {
        return Err(Refusal::ManifestBlobUnknown { missing });
    }
    let descriptor = store.put_with(algorithm, &document.media_type, bytes)?;
    match reference {
        Reference::Tag(tag) => store.tag(repository, tag, &descriptor)?,
        Reference::Digest(_) => store.add_manifest(repository, &descriptor)?,
    }
    Ok(())
}

/// Returns what the manifest needs and does not find. An index needs its manifests in the same
/// repository, since nobody could pull them through it otherwise.
fn missing(store: &Store, repository: &str, document: &Document) -> Result<Vec<Digest>, Refusal> {
    let mut missing = Vec::new();
    for digest in &document.blobs {
        if store.claim(digest)?.is_none() {
            missing.push(*digest);
        }
    }
    for digest in &document.manifests {
        match find(store, repository, &Reference::Digest(*digest))? {
            Some(manifest) => store.add_manifest(repository, &manifest)?,
            None => missing.push(*digest),
        }
    }
    Ok(missing)
}

/// Takes a tag away, or a manifest with all its tags.
pub(crate) async fn delete(
    asked: &Asked,
    repository: String,
    reference: Reference,
) -> Result<Response, Refusal> {
    let unknown = unknown(&repository, &reference);
    let was_there = asked
        .store(move |store| match &reference {
            Reference::Tag(tag) => store.untag(&repository, tag),
            Reference::Digest(digest) => store.remove_manifest(&repository, digest),
        })
        .await?;
    if was_there { Ok(StatusCode::ACCEPTED.into_response()) } else { Err(unknown) }
}

fn unknown(repository: &str, reference: &Reference) -> Refusal {
    let (repository, reference) = (repository.to_owned(), reference.to_string());
    Refusal::ManifestUnknown { repository, reference }
}
