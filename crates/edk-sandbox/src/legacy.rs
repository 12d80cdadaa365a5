//! The old ways of uploading, `/file` and `/file_chunks*`, which a platform still has.

use std::{
    fs,
    io::{Seek as _, Write as _},
    sync::{Arc, PoisonError},
};

use axum::{
    body::Bytes,
    extract::{FromRequest as _, Multipart, Request, State},
    response::Response,
};
use serde_json::Value;

use crate::{
    Sandbox, disk,
    http::{missing, text},
};

/// Content types that `/file` takes.
const TYPES: [&str; 3] =
    ["application/x-compressed", "application/x-compressed-tar", "application/gzip"];

/// The one upload in chunks that there is, for all clients.
#[derive(Debug)]
pub(crate) struct Chunks {
    name: String,
    index: u64,
}

struct Part {
    name: String,
    kind: String,
    data: Bytes,
}

async fn part(request: Request) -> Result<Part, Response> {
    let absent = || missing("body", "file");
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| absent())?;
    while let Ok(Some(field)) = form.next_field().await {
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or_default().to_owned();
            let kind = field.content_type().unwrap_or_default().to_owned();
            let data = field.bytes().await.map_err(|_| absent())?;
            return Ok(Part { name, kind, data });
        }
    }
    Err(absent())
}

/// Answers `POST /file`: a chart, not checked for the namespace, and never replaced.
pub(crate) async fn file(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let part = match part(request).await {
        Ok(part) => part,
        Err(response) => return response,
    };
    let failed = |reason: String| text(500, format!("File upload failed {reason}"));
    if !TYPES.contains(&part.kind.as_str()) {
        let types = TYPES.map(|kind| format!("'{kind}'")).join(", ");
        let words = format!("Wrong content type '{}'  allowed types are [{types}]", part.kind);
        return failed(words);
    }
    if !disk::is_bare(&part.name) {
        return failed(format!("Bad file name '{}'", part.name));
    }
    let path = sandbox.disk.extensions().join(&part.name);
    if path.exists() {
        let path = format!("/kaapana/mounted/extensions/{}", part.name);
        return failed(format!("File {path} already exists, returning without overwriting. "));
    }
    if let Err(error) = edk_archive::write_whole(&path, &part.data, edk_archive::Readers::Owner) {
        return failed(error.to_string());
    }
    let keeps = sandbox.settings.faults.keep_rejected_charts;
    let refused = |response: Response| {
        if !keeps {
            // One that stays is told by the next list.
            let _ = disk::remove(&path);
        }
        response
    };
    if !part.name.ends_with(".tgz") {
        let words = format!("File extension must be '.tgz', can not parse {}", part.name);
        return refused(failed(words));
    }
    match crate::package::Package::read(&path, &part.name) {
        Err(_) => refused(text(500, "Internal Server Error")),
        Ok(package) => {
            sandbox.state().cache.touch(package.name());
            text(200, format!("Successfully added chart file fname='{}'", part.name))
        }
    }
}

/// Answers `POST /file_chunks_init`.
pub(crate) async fn begin(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let failed = |reason: &str| sandbox.detail(500, format!("File upload init failed {reason}"));
    let number = |key: &str| body[key].as_u64();
    let Some(name) = body["name"].as_str().filter(|name| disk::is_bare(name)) else {
        return failed("'name'");
    };
    let (Some(size), Some(chunk), Some(end)) =
        (number("fileSize"), number("chunkSize").filter(|it| *it > 0), number("endIndex"))
    else {
        return failed("a number is missing");
    };
    if size.div_ceil(chunk) != end {
        return failed("endIndex does not match");
    }
    // As on a platform, what was there under this name is gone at once.
    let path = sandbox.disk.extensions().join(name);
    if let Err(error) = edk_archive::write_whole(&path, b"", edk_archive::Readers::Owner) {
        return failed(&error.to_string());
    }
    let chunks = Chunks { name: name.to_owned(), index: number("index").unwrap_or(0) };
    *sandbox.chunks.lock().unwrap_or_else(PoisonError::into_inner) = Some(chunks);
    text(200, "Successfully initialized file")
}

/// Answers `POST /file_chunks`: appends to whatever was begun last, by whomever.
pub(crate) async fn chunk(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let part = match part(request).await {
        Ok(part) => part,
        Err(response) => return response,
    };
    let mut chunks = sandbox.chunks.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(chunks) = chunks.as_mut() else {
        return text(500, "File upload failed 'placeholder'");
    };
    let path = sandbox.disk.extensions().join(&chunks.name);
    let append = || {
        let mut file = fs::OpenOptions::new().write(true).open(&path)?;
        file.seek(std::io::SeekFrom::End(0))?;
        file.write_all(&part.data)
    };
    match append() {
        Ok(()) => {
            chunks.index += 1;
            text(200, chunks.index.to_string())
        }
        Err(error) => text(500, format!("File upload failed {error}")),
    }
}
