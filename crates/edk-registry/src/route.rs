use std::fmt;

use axum::http::Method;
use edk_model::{Digest, names};
use uuid::Uuid;

use crate::refusal::Refusal;

/// What names a manifest in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// What a request asks for: one member per end-point of the OCI distribution specification,
/// "Endpoints". `HEAD` is the same as `GET`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Version,
    Catalog,
    Tags(String),
    Referrers(String, Digest),
    GetManifest(String, Reference),
    PutManifest(String, Reference),
    DeleteManifest(String, Reference),
    GetBlob(String, Digest),
    DeleteBlob(Digest),
    StartUpload(String),
    UploadStatus(String, Uuid),
    AppendUpload(String, Uuid),
    FinishUpload(String, Uuid),
    CancelUpload(String, Uuid),
}

/// Tells what `method` on `path` (as sent, perhaps percent-encoded) asks for.
///
/// A repository name may have any number of parts, and parts named `blobs` or `manifests`, so the
/// path is read from its end.
pub(crate) fn parse(method: &Method, path: &str) -> Result<Route, Refusal> {
    let nothing = || Refusal::NoEndpoint { path: path.to_owned() };
    let decoded = decode(path).ok_or_else(nothing)?;
    let rest = decoded.strip_prefix("/v2").ok_or_else(nothing)?;
    match rest {
        "" | "/" => return read_only(method, Route::Version),
        "/_catalog" => return read_only(method, Route::Catalog),
        _ => {}
    }
    let parts: Vec<&str> = rest.strip_prefix('/').ok_or_else(nothing)?.split('/').collect();
    match parts.as_slice() {
        [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
            start(method, &repository(name)?)
        }
        [name @ .., "blobs", "uploads", id] => upload(method, &repository(name)?, id),
        [name @ .., "blobs", digest] => {
            let name = repository(name)?;
            blob(method, name, parse_digest(digest)?)
        }
        [name @ .., "manifests", reference] => manifest(method, &repository(name)?, reference),
        [name @ .., "tags", "list"] => read_only(method, Route::Tags(repository(name)?)),
        [name @ .., "referrers", digest] => {
            read_only(method, Route::Referrers(repository(name)?, parse_digest(digest)?))
        }
        _ => Err(nothing()),
    }
}

/// Reads a digest by an algorithm which the store keeps.
pub(crate) fn parse_digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| Refusal::DigestInvalid { text: text.to_owned() })
}

fn repository(parts: &[&str]) -> Result<String, Refusal> {
    let name = parts.join("/");
    match names::repository(&name) {
        Ok(()) => Ok(name),
        Err(reason) => Err(Refusal::NameInvalid { name, reason }),
    }
}

fn read_only(method: &Method, route: Route) -> Result<Route, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(route),
        _ => Err(Refusal::Method { allow: "GET, HEAD" }),
    }
}

fn blob(method: &Method, name: String, digest: Digest) -> Result<Route, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(Route::GetBlob(name, digest)),
        Method::DELETE => Ok(Route::DeleteBlob(digest)),
        _ => Err(Refusal::Method { allow: "GET, HEAD, DELETE" }),
    }
}

fn start(method: &Method, name: &str) -> Result<Route, Refusal> {
    match *method {
        Method::POST => Ok(Route::StartUpload(name.to_owned())),
        _ => Err(Refusal::Method { allow: "POST" }),
    }
}

fn upload(method: &Method, name: &str, id: &str) -> Result<Route, Refusal> {
    let uuid = Uuid::parse_str(id).map_err(|_| Refusal::UploadUnknown { id: id.to_owned() })?;
    let name = name.to_owned();
    match *method {
        Method::GET | Method::HEAD => Ok(Route::UploadStatus(name, uuid)),
        Method::PATCH => Ok(Route::AppendUpload(name, uuid)),
        Method::PUT => Ok(Route::FinishUpload(name, uuid)),
        Method::DELETE => Ok(Route::CancelUpload(name, uuid)),
        _ => Err(Refusal::Method { allow: "GET, HEAD, PATCH, PUT, DELETE" }),
    }
}

fn manifest(method: &Method, name: &str, text: &str) -> Result<Route, Refusal> {
    let reference = if text.contains(':') {
        Reference::Digest(parse_digest(text)?)
    } else if let Err(reason) = names::tag(text) {
        return Err(bad_tag(method, name, text, &reason));
    } else {
        Reference::Tag(text.to_owned())
    };
    let name = name.to_owned();
    match *method {
        Method::GET | Method::HEAD => Ok(Route::GetManifest(name, reference)),
        Method::PUT => Ok(Route::PutManifest(name, reference)),
        Method::DELETE => Ok(Route::DeleteManifest(name, reference)),
        _ => Err(Refusal::Method { allow: "GET, HEAD, PUT, DELETE" }),
    }
}

/// A malformed tag can't be pushed; asking for one is asking for what is not there.
fn bad_tag(method: &Method, name: &str, tag: &str, reason: &str) -> Refusal {
    if *method == Method::PUT {
        return Refusal::ManifestInvalid { reason: format!("can't be kept: `{tag}` {reason}") };
    }
    Refusal::ManifestUnknown { repository: name.to_owned(), reference: tag.to_owned() }
}

/// Undoes percent-encoding once; `None` when it is malformed or not UTF-8.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "6f1d5a5e-8f1c-4a53-9a54-0d9b3c4e5f60";

    fn route(method: &str, path: &str) -> Result<Route, &'static str> {
        let sha = Digest::of(b"").to_string();
        let path = path.replace("SHA", &sha).replace("ID", ID);
        parse(&method.parse().unwrap(), &path).map_err(|refusal| match refusal {
            Refusal::NoEndpoint { .. } => "nothing",
            Refusal::Method { .. } => "method",
            Refusal::NameInvalid { .. } => "name",
            Refusal::DigestInvalid { .. } => "digest",
            Refusal::ManifestUnknown { .. } => "manifest",
            Refusal::ManifestInvalid { .. } => "tag",
            Refusal::UploadUnknown { .. } => "upload",
            _ => "other",
        })
    }

    #[test]
    fn every_end_point_is_found_for_names_of_any_depth() {
        let (sha, id) = (Digest::of(b""), Uuid::parse_str(ID).unwrap());
        let tag = || Reference::Tag("1.0".to_owned());
        for name in ["a", "a/b/c/d", "manifests/blobs", "a/blobs/uploads", "tags/list", "v2"] {
            let n = || name.to_owned();
            let table = [
                ("GET", "manifests/1.0", Route::GetManifest(n(), tag())),
                ("HEAD", "manifests/SHA", Route::GetManifest(n(), Reference::Digest(sha))),
                ("PUT", "manifests/1.0", Route::PutManifest(n(), tag())),
                ("DELETE", "manifests/1.0", Route::DeleteManifest(n(), tag())),
                ("GET", "blobs/SHA", Route::GetBlob(n(), sha)),
                ("HEAD", "blobs/sha256%3A", Route::GetBlob(n(), sha)),
                ("DELETE", "blobs/SHA", Route::DeleteBlob(sha)),
                ("POST", "blobs/uploads/", Route::StartUpload(n())),
                ("POST", "blobs/uploads", Route::StartUpload(n())),
                ("GET", "blobs/uploads/ID", Route::UploadStatus(n(), id)),
                ("PATCH", "blobs/uploads/ID", Route::AppendUpload(n(), id)),
                ("PUT", "blobs/uploads/ID", Route::FinishUpload(n(), id)),
                ("DELETE", "blobs/uploads/ID", Route::CancelUpload(n(), id)),
                ("GET", "tags/list", Route::Tags(n())),
                ("GET", "referrers/SHA", Route::Referrers(n(), sha)),
            ];
            for (method, rest, expected) in table {
                let rest = rest.replace("%3A", &format!("%3A{}", sha.hex()));
                let path = format!("/v2/{name}/{rest}");
                assert_eq!(route(method, &path), Ok(expected), "{method} {path}");
            }
        }
        assert_eq!(route("GET", "/v2/"), Ok(Route::Version));
        assert_eq!(route("GET", "/v2"), Ok(Route::Version));
        assert_eq!(route("GET", "/v2/_catalog"), Ok(Route::Catalog));
    }

    #[test]
    fn what_is_not_an_end_point_is_refused_for_its_reason() {
        for (method, path, reason) in [
            ("GET", "/", "nothing"),
            ("GET", "/v1/", "nothing"),
            ("GET", "/v2/a", "nothing"),
            ("GET", "/v2x/a/tags/list", "nothing"),
            ("GET", "/v2/a/tags/%zz", "nothing"),
            ("GET", "/v2/a/tags/%ff", "nothing"),
            ("POST", "/v2/", "method"),
            ("GET", "/v2/a/blobs/uploads/", "method"),
            ("PUT", "/v2/a/blobs/SHA", "method"),
            ("GET", "/v2/manifests/x", "name"),
            ("GET", "/v2/A/manifests/x", "name"),
            ("GET", "/v2/a//b/manifests/x", "name"),
            ("GET", "/v2/../manifests/x", "name"),
            ("GET", "/v2/a%2F..%2Fb/tags/list", "name"),
            ("GET", "/v2/a/blobs/sha256:00", "digest"),
            ("GET", "/v2/a/blobs/sha512:00", "digest"),
            ("GET", "/v2/a/manifests/sha512:00", "digest"),
            ("GET", "/v2/a/manifests/.x", "manifest"),
            ("PUT", "/v2/a/manifests/.x", "tag"),
            ("PATCH", "/v2/a/blobs/uploads/7", "upload"),
        ] {
            assert_eq!(route(method, path), Err(reason), "{method} {path}");
        }
    }

    fn name_in(route: &Route) -> Option<&str> {
        match route {
            Route::Version | Route::Catalog | Route::DeleteBlob(_) => None,
            Route::Tags(name)
            | Route::GetBlob(name, _)
            | Route::Referrers(name, _)
            | Route::GetManifest(name, _)
            | Route::PutManifest(name, _)
            | Route::DeleteManifest(name, _)
            | Route::StartUpload(name)
            | Route::UploadStatus(name, _)
            | Route::AppendUpload(name, _)
            | Route::FinishUpload(name, _)
            | Route::CancelUpload(name, _) => Some(name),
        }
    }

    proptest! {
        #[test]
        fn only_the_id_of_a_session_names_one(id in prop_oneof!["\\PC{1,40}", "[0-9a-fA-F-]{30,38}"]) {
            if let Ok(Route::UploadStatus(_, uuid)) = parse(&Method::GET, &format!("/v2/a/blobs/uploads/{id}")) {
                let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '{', '}'], "");
                prop_assert_eq!(plain(&id).replace("urn:uuid:", ""), plain(&uuid.to_string()));
            }
        }

        #[test]
        fn no_path_panics_or_gives_a_name_that_leaves_its_folder(
            parts in prop::collection::vec(
                prop_oneof![
                    "[a-z0-9._/%-]{0,8}", "\\PC{0,6}",
                    Just("..".to_owned()), Just("%2e%2e".to_owned()), Just("%2f".to_owned()),
                    Just("_tags".to_owned()), Just("blobs".to_owned()), Just("uploads".to_owned()),
                    Just("manifests".to_owned()), Just(ID.to_owned()),
                ],
                0..6,
            ),
            end in prop_oneof![
                Just("tags/list"), Just("manifests/x"), Just("blobs/uploads/"), Just("")
            ],
            method in prop_oneof![Just(Method::GET), Just(Method::POST), Just(Method::PUT)],
        ) {
            let path = format!("/v2/{}/{end}", parts.join("/"));
            if let Ok(route) = parse(&method, &path)
                && let Some(name) = name_in(&route)
            {
                prop_assert!(name.split('/').all(|part| {
                    part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                }), "{name}");
            }
        }
    }
}
