use std::{
    fs::File,
    io,
    ops::RangeInclusive,
    os::unix::fs::FileExt as _,
    sync::{Arc, PoisonError},
};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::{Bytes, BytesMut};
use edk_model::Digest;
use edk_store::{Store, StoreError};
use futures_util::{StreamExt as _, stream};
use tokio::task;

use crate::{
    answer::{Asked, CONTENT_DIGEST},
    condition,
    range::{self, Wanted},
    refusal::Refusal,
};

/// How much of a blob is read at once, in bytes.
const PIECE: usize = 512 << 10;

/// How many pieces are read ahead of the client.
const AHEAD: usize = 2;

/// Sends a blob, or the part of it that the client asks for.
pub(crate) async fn get(
    asked: &Asked,
    repository: &str,
    digest: Digest,
) -> Result<Response, Refusal> {
    let unknown = || Refusal::BlobUnknown { digest };
    if asked.restricted && !belongs(asked, repository, digest).await? {
        return Err(unknown());
    }
    fetch(asked, repository, digest).await?;
    let size = match asked.head {
        // Who only asks whether it is there is about to push a manifest that needs it.
        true => asked.claim(repository, digest).await?,
        false => asked.store(move |store| Ok(store.size(&digest))).await?,
    };
    let size = size.ok_or_else(unknown)?;
    if condition::is_known(&asked.headers, &digest) {
        let tag = [(header::ETAG, condition::entity_tag(&digest))];
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    let wanted = match asked.header(&header::RANGE) {
        // RFC 9110, section 14.2: a range means something for GET only.
        Some(range) if !asked.head && condition::allows_range(&asked.headers, &digest) => {
            range::wanted(Some(range), size)
        }
        _ => Wanted::Whole,
    };
    match wanted {
        Wanted::Nothing => Err(Refusal::BlobRange { size }),
        Wanted::Whole => {
            let body =
                if asked.head { Body::empty() } else { open(asked, digest, 0, size).await? };
            Ok((StatusCode::OK, headers(&digest, size), body).into_response())
        }
        Wanted::Part(part) => send_part(asked, digest, size, part).await,
    }
}

/// Says whether a manifest of the repository names the blob.
pub(crate) async fn belongs(
    asked: &Asked,
    repository: &str,
    digest: Digest,
) -> Result<bool, Refusal> {
    let repositories = asked.repositories(repository);
    asked
        .store(move |store| {
            let name = digest.to_string();
            for repository in &repositories {
                let manifests = store.manifests(repository)?;
                if manifests.iter().any(|it| names_it(store, &it.digest, &name)) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
}

/// Fetches a blob that is not here from the registry that is mirrored, if there is one.
async fn fetch(asked: &Asked, repository: &str, digest: Digest) -> Result<(), Refusal> {
    if let Some(upstream) = &asked.registry.options.upstream
        && asked.store(move |store| Ok(store.size(&digest))).await?.is_none()
    {
        upstream.blob(repository, digest).await?;
    }
    Ok(())
}

async fn send_part(
    asked: &Asked,
    digest: Digest,
    size: u64,
    part: RangeInclusive<u64>,
) -> Result<Response, Refusal> {
    let (first, last) = (*part.start(), *part.end());
    let length = last - first + 1;
    let body = open(asked, digest, first, length).await?;
    let place = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"))];
    Ok((StatusCode::PARTIAL_CONTENT, headers(&digest, length), place, body).into_response())
}

fn headers(digest: &Digest, length: u64) -> [(header::HeaderName, String); 5] {
    [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, condition::entity_tag(digest)),
        (CONTENT_DIGEST, digest.to_string()),
    ]
}

async fn open(asked: &Asked, digest: Digest, first: u64, length: u64) -> Result<Body, Refusal> {
    let file =
        asked.store(move |store| store.reader(&digest)).await.map_err(|refusal| match refusal {
            Refusal::Store(StoreError::NoBlob(digest)) => Refusal::BlobUnknown { digest },
            other => other,
        })?;
    let (file, end) = (Arc::new(file), first + length);
    let starts = stream::iter((first..end).step_by(PIECE));
    let pieces = starts.map(move |start| {
        let (file, size) = (Arc::clone(&file), (end - start).min(PIECE as u64));
        async move { task::spawn_blocking(move || read_piece(&file, start, size)).await? }
    });
    Ok(Body::from_stream(pieces.buffered(AHEAD)))
}

fn read_piece(file: &File, start: u64, size: u64) -> io::Result<Bytes> {
    // At most `PIECE`, so it fits.
    let mut bytes = BytesMut::zeroed(size as usize);
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes.freeze())
}

/// Takes a blob out of the store, if no manifest needs it.
pub(crate) async fn delete(asked: &Asked, digest: Digest) -> Result<Response, Refusal> {
    let registry = Arc::clone(&asked.registry);
    task::spawn_blocking(move || {
        let _gate = registry.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if registry.store.size(&digest).is_none() {
            return Err(Refusal::BlobUnknown { digest });
        }
        match find_user(&registry.store, &digest)? {
            Some((repository, manifest)) => {
                Err(Refusal::BlobInUse { digest, manifest, repository })
            }
            None => Ok(registry.store.remove(&digest)?),
        }
    })
    .await??;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Finds a manifest that needs the blob, and its repository.
///
/// A manifest counts when it names the digest anywhere: whatever its type, and rather once too
/// often than lose a blob.
fn find_user(store: &Store, digest: &Digest) -> Result<Option<(String, Digest)>, Refusal> {
    let name = digest.to_string();
    for repository in store.repositories()? {
        for manifest in store.manifests(&repository)? {
            if manifest.digest == *digest || names_it(store, &manifest.digest, &name) {
                return Ok(Some((repository, manifest.digest)));
            }
        }
    }
    Ok(None)
}

fn names_it(store: &Store, manifest: &Digest, name: &str) -> bool {
    store.read(manifest).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(name))
}
