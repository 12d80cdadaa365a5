use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use edk_model::{Code, Digest, Explain as _, Failure};
use edk_store::StoreError;
use serde_json::{Value, json};

use crate::UpstreamError;

/// Every way to say no. It never leaves the room: a client sees it as the error body of the OCI
/// distribution specification, "Error Codes".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is nothing at `{path}`")]
    NoEndpoint { path: String },
    #[error("only {allow} are possible here")]
    Method { allow: &'static str },
    #[error("this registry takes no changes from web pages")]
    WebPage,
    #[error("this registry is known as localhost and by no other name")]
    OtherName,
    #[error("log in to this registry first")]
    Unauthorised,
    #[error("account `{account}` may not {what}")]
    Denied { account: String, what: String },
    #[error("the blob has more than the {limit} bytes which this registry takes")]
    BlobTooLarge { limit: u64 },
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("`{name}` {reason}")]
    NameInvalid { name: String, reason: String },
    #[error("there is no repository `{name}`")]
    NameUnknown { name: String },
    #[error(
        "`{text}` is not a digest which this registry keeps: sha256:<64 hex digits> or sha512:<128>"
    )]
    DigestInvalid { text: String },
    #[error("the content has digest {actual}, not {expected} as announced")]
    DigestMismatch { expected: Digest, actual: Digest },
    #[error("`n` is a number of entries, not `{text}`")]
    PageSize { text: String },
    #[error("there is no manifest `{reference}` in `{repository}`")]
    ManifestUnknown { repository: String, reference: String },
    #[error("the manifest {reason}")]
    ManifestInvalid { reason: String },
    #[error("the manifest has more than {limit} bytes")]
    ManifestTooLarge { limit: usize },
    #[error("the manifest refers to {} which were not pushed", list(.missing))]
    ManifestBlobUnknown { missing: Vec<Digest> },
    #[error("there is no blob {digest}")]
    BlobUnknown { digest: Digest },
    #[error("blob {digest} is part of {manifest} in `{repository}`; delete that manifest first")]
    BlobInUse { digest: Digest, manifest: Digest, repository: String },
    #[error("the blob has {size} bytes, none of them in the range asked for")]
    BlobRange { size: u64 },
    #[error("there is no upload `{id}`; it ended, or the registry was started anew")]
    UploadUnknown { id: String },
    #[error("the upload {reason}")]
    UploadInvalid { reason: String },
    #[error("the upload has {size} bytes; the chunk does not follow them")]
    UploadRange { location: String, size: u64 },
    #[error("the chunk has {actual} bytes, not {expected} as announced")]
    Size { expected: u64, actual: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the registry failed to do its work")]
    Task(#[from] tokio::task::JoinError),
}

fn list(digests: &[Digest]) -> String {
    digests.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ")
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoEndpoint { .. }
            | Self::NameUnknown { .. }
            | Self::ManifestUnknown { .. }
            | Self::ManifestBlobUnknown { .. }
            | Self::BlobUnknown { .. }
            | Self::UploadUnknown { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } | Self::BlobInUse { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::WebPage | Self::OtherName | Self::Denied { .. } => StatusCode::FORBIDDEN,
            Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::ManifestTooLarge { .. } | Self::BlobTooLarge { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::BlobRange { .. } | Self::UploadRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Store(error) if error.code() == Code::DiskFull => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Self::Store(_) | Self::Task(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The identifier of the specification. It has none for our own faults, a page size and a
    /// range; there, those of the CNCF registry are used, which clients know.
    fn code(&self) -> &'static str {
        match self {
            Self::NoEndpoint { .. } | Self::Method { .. } | Self::BlobInUse { .. } => "UNSUPPORTED",
            Self::Unauthorised => "UNAUTHORIZED",
            Self::WebPage | Self::OtherName | Self::Denied { .. } => "DENIED",
            Self::NameInvalid { .. } => "NAME_INVALID",
            Self::NameUnknown { .. } => "NAME_UNKNOWN",
            Self::DigestInvalid { .. } | Self::DigestMismatch { .. } => "DIGEST_INVALID",
            Self::PageSize { .. } => "PAGINATION_NUMBER_INVALID",
            Self::ManifestUnknown { .. } => "MANIFEST_UNKNOWN",
            Self::ManifestInvalid { .. } | Self::ManifestTooLarge { .. } => "MANIFEST_INVALID",
            Self::ManifestBlobUnknown { .. } => "MANIFEST_BLOB_UNKNOWN",
            Self::BlobUnknown { .. } => "BLOB_UNKNOWN",
            Self::UploadUnknown { .. } => "BLOB_UPLOAD_UNKNOWN",
            Self::BlobRange { .. } => "RANGE_INVALID",
            Self::UploadInvalid { .. } | Self::UploadRange { .. } => "BLOB_UPLOAD_INVALID",
            Self::Size { .. } | Self::BlobTooLarge { .. } => "SIZE_INVALID",
            Self::Store(_) | Self::Task(_) | Self::Upstream(_) => "UNKNOWN",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Store(error) => {
                let failure = Failure::explain(error);
                [vec![failure.what], failure.why].concat().join(": ")
            }
            _ => self.to_string(),
        }
    }

    fn details(&self) -> Vec<Value> {
        match self {
            Self::ManifestBlobUnknown { missing } => {
                missing.iter().map(|digest| json!({ "digest": digest })).collect()
            }
            Self::BlobUnknown { digest } => vec![json!({ "digest": digest })],
            Self::NameUnknown { name } | Self::NameInvalid { name, .. } => {
                vec![json!({ "name": name })]
            }
            _ => vec![Value::Null],
        }
    }

    fn headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            Self::Method { allow } => vec![(header::ALLOW, (*allow).to_owned())],
            // Clients answer either with a password or, when they have one, with a token.
            Self::Unauthorised => {
                vec![(header::WWW_AUTHENTICATE, "Basic realm=\"kaapana-edk\"".to_owned())]
            }
            Self::BlobInUse { .. } => vec![(header::ALLOW, "GET, HEAD".to_owned())],
            Self::BlobRange { size } => vec![(header::CONTENT_RANGE, format!("bytes */{size}"))],
            Self::UploadRange { location, size } => vec![
                (header::LOCATION, location.clone()),
                (header::RANGE, crate::range::received(*size)),
            ],
            _ => Vec::new(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = (self.code(), self.message());
        let error = |detail| json!({ "code": code, "message": message, "detail": detail });
        let errors: Vec<Value> = self.details().into_iter().map(error).collect();
        let body = Json(json!({ "errors": errors }));
        let mut response = (self.status(), body).into_response();
        for (name, value) in self.headers() {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
