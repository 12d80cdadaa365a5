use std::fmt::Debug;

use edk_model::Digest;
use futures_util::future::BoxFuture;

/// Another registry, from which what is not here is fetched into the store.
///
/// Who speaks to other registries is no affair of this room.
pub trait Upstream: Debug + Send + Sync {
    /// Returns the repository of the store in which what is fetched for `repository` is kept, if
    /// that is mirrored.
    fn kept_in(&self, repository: &str) -> Option<String>;

    /// Makes a manifest of `repository`, by tag or digest, readable in the store, and returns the
    /// repository of the store in which it is; `None` if nobody has it. A tag is asked for each
    /// time; when that fails, an earlier answer counts.
    fn manifest<'a>(
        &'a self,
        repository: &'a str,
        reference: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, UpstreamError>>;

    /// Makes a blob of `repository` readable in the store; says whether it is there now.
    fn blob<'a>(
        &'a self,
        repository: &'a str,
        digest: Digest,
    ) -> BoxFuture<'a, Result<bool, UpstreamError>>;
}

/// The other registry could not be asked, or gave no answer that makes sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the registry that is mirrored gave no answer: {reason}")]
pub struct UpstreamError {
    /// What went wrong.
    pub reason: String,
}
