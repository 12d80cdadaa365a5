//! The calls of the kube-helm API as values.
//!
//! Paths are those behind the platform's front door. Names must have passed [`crate::preflight`]:
//! the platform puts them into shell commands as they are.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Prefix of the API behind the front door of a platform.
pub const PREFIX: &str = "/kube-helm-api";

/// The method of a [`Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Sends the bytes of an upload.
    Patch,
    /// Gives an upload up.
    Delete,
}

/// What a [`Request`] carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(Value),
    /// Plain text.
    Text(String),
    /// A multipart form with one text field.
    Form {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: String,
    },
    /// Bytes in memory, sent with progress.
    Bytes(Bytes),
    /// A file, streamed with progress.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Its size in bytes when the request was made.
        size: u64,
    },
}

/// One call, before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path behind the address of the target.
    pub path: String,
    /// Query parameters.
    pub query: Vec<(&'static str, String)>,
    /// Headers beyond those of every call.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
}

impl Request {
    fn new(method: Method, path: &str) -> Self {
        Self::at(method, &format!("{PREFIX}{path}"))
    }

    /// A call of another API than that of kube-helm.
    fn at(method: Method, path: &str) -> Self {
        let path = path.to_owned();
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: Body::Empty }
    }
}

/// Asks whether the API is up.
pub fn health() -> Request {
    Request::new(Method::Get, "/health-check")
}

/// Asks for what the start page of a platform knows, its version among it.
pub fn common_data() -> Request {
    Request::at(Method::Get, "/jsons/commonData.json")
}

/// Asks to whom the login belongs.
pub fn user() -> Request {
    Request::at(Method::Get, "/aii/users/current")
}

/// Asks for the projects of a user; without one, for all.
pub fn projects(user: Option<&String>) -> Request {
    match user {
        Some(id) => Request::at(Method::Get, &format!("/aii/users/{id}/projects")),
        None => Request::at(Method::Get, "/aii/projects"),
    }
}

/// Asks for the list of extensions.
pub fn extensions() -> Request {
    Request::new(Method::Get, "/extensions")
}

/// Asks for an upload id for a file named `file_name` (a bare name, no folders).
pub fn upload_start(file_name: &str) -> Request {
    let value = json!({ "filepath": file_name }).to_string();
    let body = Body::Form { field: "filepond", value };
    Request { body, ..Request::new(Method::Post, "/filepond-upload") }
}

/// Sends a whole file of `size` bytes under the upload id `id`.
pub fn upload_bytes(id: &str, file_name: &str, size: u64, body: Body) -> Request {
    Request {
        query: vec![("patch", id.to_owned())],
        headers: vec![
            ("upload-length", size.to_string()),
            ("upload-offset", "0".to_owned()),
            ("upload-name", file_name.to_owned()),
            ("content-type", "application/offset+octet-stream".to_owned()),
        ],
        body,
        ..Request::new(Method::Patch, "/filepond-upload")
    }
}

/// Gives the upload `id` up.
pub fn upload_abort(id: &str) -> Request {
    let body = Body::Text(id.to_owned());
    Request { body, ..Request::new(Method::Delete, "/filepond-upload") }
}

/// Asks the platform to import the uploaded image archive `file_name`.
pub fn import(file_name: &str) -> Request {
    let query = vec![("filename", file_name.to_owned())];
    Request { query, ..Request::new(Method::Get, "/import-container") }
}

/// Asks for an install. `keywords` are sent as in the list, or the platform leaves out a project's
/// data; `params` become values `global.<key>`.
pub fn install(
    name: &str,
    version: &str,
    keywords: &[String],
    params: &Map<String, Value>,
) -> Request {
    let mut body = json!({ "name": name, "version": version, "keywords": keywords });
    if !params.is_empty() {
        body["extension_params"] = Value::Object(params.clone());
    }
    Request { body: Body::Json(body), ..Request::new(Method::Post, "/helm-install-chart") }
}

/// Asks for a release to be removed; `no_hooks` leaves its pre-delete jobs out.
pub fn uninstall(release: &str, version: &str, no_hooks: bool) -> Request {
    let addons = if no_hooks { "--no-hooks" } else { "" };
    let body = json!({
        "release_name": release,
        "release_version": version,
        "helm_command_addons": addons,
    });
    Request { body: Body::Json(body), ..Request::new(Method::Post, "/helm-delete-chart") }
}

/// Asks for Helm's status of a release.
pub fn status(release: &str) -> Request {
    let query = vec![("release_name", release.to_owned())];
    Request { query, ..Request::new(Method::Get, "/view-chart-status") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_install_without_parameters_sends_no_parameters_at_all() {
        let request = install("a", "0.1.0", &["kaapanaworkflow".into()], &Map::new());
        let expected = json!({"name": "a", "version": "0.1.0", "keywords": ["kaapanaworkflow"]});
        assert_eq!(request.body, Body::Json(expected));
    }

    #[test]
    fn a_file_goes_out_as_one_piece_that_names_its_whole_length() {
        let request = upload_bytes("id", "a-0.1.0.tgz", 3, Body::Bytes("abc".into()));
        assert_eq!(request.query, [("patch", "id".to_owned())]);
        assert!(request.headers.contains(&("upload-length", "3".to_owned())));
        assert!(request.headers.contains(&("upload-offset", "0".to_owned())));
    }
}
