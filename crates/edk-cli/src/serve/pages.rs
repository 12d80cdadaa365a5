//! The built user interface: files of one folder, and nothing else.

use std::path::{Component, Path, PathBuf};

use axum::{
    extract::State,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use edk_api::Failure;
use edk_model::Code;

use super::{Shared, failed, guard::refusal};

/// What a browser is told a file is, by its ending.
const TYPES: [(&str, &str); 11] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
    ("map", "application/json"),
    ("webmanifest", "application/manifest+json"),
];

/// Returns the folder in full, if a user interface lies in it.
pub(super) fn folder(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = folder.canonicalize().map_err(|error| {
        failed(&format!("the folder `{}` can't be read", folder.display()), &error)
    })?;
    if folder.join("index.html").is_file() {
        return Ok(folder);
    }
    let what = format!("there is no index.html in `{}`", folder.display());
    let failure = Failure::new(Code::InvalidInput, what);
    Err(failure.hint("name the folder of the built user interface, or leave `--ui` out"))
}

/// Answers with a file of the user interface.
pub(super) async fn page(State(served): State<Shared>, method: Method, uri: Uri) -> Response {
    let missing = || {
        let what = format!("there is nothing at `{}`", uri.path());
        refusal(StatusCode::NOT_FOUND, &Failure::new(Code::NotFound, what))
    };
    let Some(folder) = &served.ui else { return missing() };
    if method != Method::GET && method != Method::HEAD {
        return missing();
    }
    let Some(path) = file_of(uri.path()) else { return missing() };
    // Links may be in a folder of ours, but must not lead out of it.
    let Ok(file) = tokio::fs::canonicalize(folder.join(&path)).await else { return missing() };
    if !file.starts_with(folder) {
        return missing();
    }
    let Ok(bytes) = tokio::fs::read(&file).await else { return missing() };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(type_of(&path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Returns the file below the folder that a path asks for.
fn file_of(path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    match (plain, path.as_os_str().is_empty()) {
        (true, true) => Some("index.html".into()),
        // Escapes stay as they are: no file of ours has a name that needs them.
        (true, false) => Some(path.to_owned()),
        (false, _) => None,
    }
}

fn type_of(path: &Path) -> &'static str {
    let ending = path.extension().unwrap_or_default();
    let known = TYPES.iter().find(|(name, _)| ending == *name);
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_folder() {
        for (path, file) in [
            ("/", Some("index.html")),
            ("/assets/app-1.js", Some("assets/app-1.js")),
            ("//etc/passwd", Some("etc/passwd")),
            ("/../x", None),
            ("/a/../../x", None),
            ("/%2e%2e/x", Some("%2e%2e/x")),
        ] {
            assert_eq!(file_of(path), file.map(PathBuf::from), "{path}");
        }
    }
}
