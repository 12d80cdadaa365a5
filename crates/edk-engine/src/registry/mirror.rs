use std::{fmt, str::FromStr, sync::Arc};

use edk_image::{Access, ImageError, Mirror};
use edk_model::{Digest, Failure, Reference, names};
use edk_registry::{Upstream, UpstreamError};
use edk_store::Store;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, task};

use super::MIRRORED;

/// Another registry, and which repositories of ours are its.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorOf {
    /// Beginning of the repositories here, such as `hub`; empty for all.
    pub prefix: String,
    /// Host and port there, and the beginning of its repositories, if any.
    pub registry: String,
}

/// A text that names no registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorOfError(String);

impl fmt::Display for MirrorOfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a registry such as docker.io, or hub=docker.io", self.0)
    }
}

impl std::error::Error for MirrorOfError {}

impl FromStr for MirrorOf {
    type Err = MirrorOfError;

    /// Reads `[prefix=]registry[/path]`, with `https://` before it or not.
    fn from_str(text: &str) -> Result<Self, MirrorOfError> {
        let (prefix, address) = text.split_once('=').unwrap_or(("", text));
        let prefix = prefix.trim_matches('/').to_owned();
        let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        let registry = bare.unwrap_or(address).trim_end_matches('/').to_owned();
        let mirror = Self { prefix, registry };
        let named = mirror.prefix.is_empty() || names::repository(&mirror.prefix).is_ok();
        match mirror.there("x", ":x") {
            Some(_) if named => Ok(mirror),
            _ => Err(MirrorOfError(text.to_owned())),
        }
    }
}

impl MirrorOf {
    /// The image there which `repository` and `reference` (`:tag` or `@digest`) mean here.
    fn image(&self, repository: &str, reference: &str) -> Option<Reference> {
        let rest = match self.prefix.as_str() {
            "" => repository,
            prefix => repository.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        self.there(rest, reference)
    }

    fn there(&self, repository: &str, reference: &str) -> Option<Reference> {
        let image: Reference = format!("{}/{repository}{reference}", self.registry).parse().ok()?;
        image.registry.is_some().then_some(image)
    }
}

/// The registries that are mirrored.
#[derive(Debug)]
pub(crate) struct Mirrors {
    mirror: Arc<Mirror>,
    of: Vec<MirrorOf>,
}

impl Mirrors {
    pub(crate) fn new(store: Store, access: Access, of: Vec<MirrorOf>) -> Self {
        Self { mirror: Arc::new(Mirror::new(store, access, MIRRORED)), of }
    }

    fn image(&self, repository: &str, reference: &str) -> Option<Reference> {
        // What is here under the name of what was mirrored is asked for by us alone.
        let ours = repository.starts_with(MIRRORED);
        self.of.iter().filter(|_| !ours).find_map(|of| of.image(repository, reference))
    }
}

impl Upstream for Mirrors {
    fn kept_in(&self, repository: &str) -> Option<String> {
        Some(self.mirror.repository(&self.image(repository, "")?))
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a str,
        reference: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, UpstreamError>> {
        async move {
            let mark = if reference.contains(':') { '@' } else { ':' };
            let image = self.image(repository, &format!("{mark}{reference}"));
            let Some(image) = image else { return Ok(None) };
            let mirror = Arc::clone(&self.mirror);
            apart(async move { mirror.manifest(&image).await }).await
        }
        .boxed()
    }

    fn blob<'a>(
        &'a self,
        repository: &'a str,
        digest: Digest,
    ) -> BoxFuture<'a, Result<bool, UpstreamError>> {
        async move {
            let Some(image) = self.image(repository, ":latest") else { return Ok(false) };
            let mirror = Arc::clone(&self.mirror);
            apart(async move { mirror.blob(&image, digest).await }).await
        }
        .boxed()
    }
}

/// Does the work on a thread of its own, where it may write to the disk; it goes on when the client
/// that asked goes away, so that the next one finds it done.
async fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T, ImageError>> + Send + 'static,
) -> Result<T, UpstreamError> {
    let reason = |reason: String| UpstreamError { reason };
    let done = task::spawn_blocking(move || Handle::current().block_on(work)).await;
    let done = done.map_err(|error| reason(error.to_string()))?;
    done.map_err(|error| {
        let failure = Failure::explain(&error);
        reason([vec![failure.what], failure.why].concat().join(": "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_registry_for_all_repositories_or_for_some() {
        let image = |text: &str, repository: &str| {
            let of: MirrorOf = text.parse().unwrap();
            of.image(repository, ":1").map(|image| image.to_string())
        };
        for (of, repository, expected) in [
            ("docker.io", "library/debian", Some("docker.io/library/debian:1")),
            ("https://docker.io/", "library/debian", Some("docker.io/library/debian:1")),
            ("hub=docker.io", "hub/library/debian", Some("docker.io/library/debian:1")),
            ("hub=docker.io/library", "hub/debian", Some("docker.io/library/debian:1")),
            ("hub=http://127.0.0.1:5000", "hub/app", Some("127.0.0.1:5000/app:1")),
            ("hub=docker.io", "other/app", None),
            ("hub=docker.io", "hubble/app", None),
            ("hub=docker.io", "hub", None),
        ] {
            assert_eq!(image(of, repository).as_deref(), expected, "{of} {repository}");
        }
        for bad in ["", "library", "hub=", "HUB=docker.io", "a b=docker.io", "https://"] {
            assert!(bad.parse::<MirrorOf>().is_err(), "{bad}");
        }
    }
}
