//! A repository of another registry.

use std::sync::Arc;

use bytes::Bytes;
use edk_model::{Descriptor, Digest, Monitor, Reference, media};
use futures_util::{StreamExt as _, stream::BoxStream};
use reqwest::{Method, StatusCode, header};

use crate::{
    ImageError,
    transfer::{
        Access,
        document::Document,
        fault::WireError,
        wire::{Need, PATIENCE, Wire},
    },
};

/// What is asked for.
const ACCEPTED: [&str; 4] =
    [media::MANIFEST, media::INDEX, media::DOCKER_MANIFEST, media::DOCKER_INDEX];

/// How large a manifest may be, in bytes: what the OCI distribution specification asks registries to
/// take.
const MANIFEST_LIMIT: usize = 4 << 20;

/// The bytes of a blob as they come.
pub(crate) type Bytestream = BoxStream<'static, Result<Bytes, WireError>>;

/// A repository of another registry, and how it is reached.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) wire: Arc<Wire>,
    /// As the registry has it.
    pub(crate) repository: String,
    pub(crate) reference: Reference,
}

impl Remote {
    /// Prepares to speak to the registry of `reference`; nothing is sent.
    ///
    /// # Errors
    /// [`ImageError::Io`] if the certificate can't be read.
    pub(crate) fn open(
        reference: &Reference,
        access: &Access,
        monitor: &Monitor,
    ) -> Result<Self, ImageError> {
        let registry = reference.registry.as_deref().unwrap_or("docker.io");
        let wire = Arc::new(Wire::open(registry, access, monitor)?);
        Ok(Self::on(wire, reference))
    }

    /// Returns another repository of the same registry, over the same connections.
    pub(crate) fn on(wire: Arc<Wire>, reference: &Reference) -> Self {
        let hub = ["docker.io", "index.docker.io"].contains(&wire.registry.as_str());
        let repository = match hub && !reference.repository.contains('/') {
            true => format!("library/{}", reference.repository),
            false => reference.repository.clone(),
        };
        Self { wire, repository, reference: reference.clone() }
    }

    fn path(&self, rest: &str) -> String {
        self.wire.address(&format!("/v2/{}/{rest}", self.repository))
    }

    /// Returns the manifest or index with this digest, or the one the reference names.
    ///
    /// # Errors
    /// [`ImageError::Pull`], [`ImageError::Malformed`], and [`ImageError::Store`] if it is not the
    /// one that was asked for.
    pub(crate) async fn document(&self, digest: Option<&Digest>) -> Result<Document, ImageError> {
        let wanted = digest.copied().or(self.reference.digest);
        let name = match (&wanted, self.reference.tag_or_latest()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let (bytes, told) =
            self.manifest(&name).await.map_err(|error| error.pulling(&self.reference))?;
        // A registry tells the digest of what it sends; the one that was asked for counts more.
        let expected = wanted.or(told);
        let algorithm = expected.map(|digest| digest.algorithm()).unwrap_or_default();
        let actual = Digest::with(algorithm, &bytes);
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            return Err(edk_store::StoreError::Mismatch { expected, actual }.into());
        }
        Document::parse(bytes, actual)
    }

    async fn manifest(&self, name: &str) -> Result<(Vec<u8>, Option<Digest>), WireError> {
        let (wire, need) = (&self.wire, Need::pull(&self.repository));
        let (address, accepted) = (self.path(&format!("manifests/{name}")), ACCEPTED.join(", "));
        let mut tries = wire.tries();
        loop {
            let request = |http: &reqwest::Client| {
                http.get(&address).header(header::ACCEPT, accepted.as_str())
            };
            let mut response = wire.send(need, &[StatusCode::OK], request).await?;
            let told = response.headers().get("docker-content-digest");
            let told = told.and_then(|it| it.to_str().ok()?.parse().ok());
            let mut bytes = Vec::new();
            let read = loop {
                match response.chunk().await {
                    Ok(Some(piece)) if bytes.len() + piece.len() > MANIFEST_LIMIT => {
                        let text = format!("its manifest has more than {MANIFEST_LIMIT} bytes");
                        return Err(WireError::Strange(text));
                    }
                    Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(WireError::Request(error)),
                }
            };
            match read {
                Ok(()) => return Ok((bytes, told)),
                Err(error) => tries.again(error, wire).await?,
            }
        }
    }

    /// Opens a blob at `offset`; its digest is checked by whoever keeps it, its size here, unless
    /// the descriptor says 0.
    pub(crate) async fn blob(
        &self,
        blob: &Descriptor,
        offset: u64,
    ) -> Result<Bytestream, WireError> {
        let address = self.path(&format!("blobs/{}", blob.digest));
        let fine = [StatusCode::OK, StatusCode::PARTIAL_CONTENT];
        let request = |http: &reqwest::Client| match offset {
            0 => http.get(&address),
            from => http.get(&address).header(header::RANGE, format!("bytes={from}-")),
        };
        let response = self.wire.send(Need::pull(&self.repository), &fine, request).await?;
        let whole = response.status() == StatusCode::OK;
        if !whole && begin(&response) != Some(offset) {
            let text = "it sends another part of the blob than was asked for";
            return Err(WireError::Strange(text.to_owned()));
        }
        // One that knows no ranges sends what is here already once more.
        let (at, skip) = if whole { (0, offset) } else { (offset, 0) };
        let state = (response.bytes_stream().boxed(), at, skip);
        Ok(counted(state, blob.size).boxed())
    }

    /// Says whether the blob is there.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn has(&self, digest: &Digest) -> Result<bool, ImageError> {
        let address = self.path(&format!("blobs/{digest}"));
        let asked = self.wire.send(Need::push(&self.repository), &[StatusCode::OK], |http| {
            http.request(Method::HEAD, &address)
        });
        match asked.await {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error.pushing(&self.reference)),
        }
    }

    /// Returns the digest which `tag` has there, if it is there.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn tagged(&self, tag: &str) -> Result<Option<Digest>, ImageError> {
        let address = self.path(&format!("manifests/{tag}"));
        let asked = self.wire.send(Need::push(&self.repository), &[StatusCode::OK], |http| {
            let request = http.request(Method::HEAD, &address);
            request.header(header::ACCEPT, ACCEPTED.join(", "))
        });
        match asked.await {
            Ok(response) => {
                let told = response.headers().get("docker-content-digest");
                Ok(told.and_then(|it| it.to_str().ok()?.parse().ok()))
            }
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.pushing(&self.reference)),
        }
    }

    /// Sends a manifest or an index, under `tag` or under its digest.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn put_document(
        &self,
        document: &Document,
        tag: Option<&str>,
    ) -> Result<(), ImageError> {
        let name = tag.map_or_else(|| document.digest.to_string(), str::to_owned);
        let address = self.path(&format!("manifests/{name}"));
        let fine = [StatusCode::CREATED, StatusCode::OK, StatusCode::ACCEPTED];
        let sent = self.wire.send(Need::push(&self.repository), &fine, |http| {
            let request = http.put(&address).header(header::CONTENT_TYPE, &document.media_type);
            request.body(document.bytes.clone())
        });
        sent.await.map(drop).map_err(|error| error.pushing(&self.reference))
    }
}

/// Where a part of a blob begins, as its answer says (RFC 9110, "Content-Range").
fn begin(response: &reqwest::Response) -> Option<u64> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

type Pieces = BoxStream<'static, reqwest::Result<Bytes>>;

/// Passes the pieces of a blob on, from where it was wanted: one that is silent for too long, too
/// short or too long is an error.
fn counted(
    state: (Pieces, u64, u64),
    size: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, WireError>> {
    futures_util::stream::unfold(Some(state), move |state| async move {
        let (mut pieces, mut at, mut skip) = state?;
        loop {
            let piece = match tokio::time::timeout(PATIENCE, pieces.next()).await {
                Err(_) => {
                    return Some((Err(WireError::Silent { seconds: PATIENCE.as_secs() }), None));
                }
                Ok(None) if size > 0 && at < size => {
                    return Some((Err(WireError::Cut { got: at, size }), None));
                }
                Ok(None) => return None,
                Ok(Some(Err(_))) if size > 0 && at < size => {
                    return Some((Err(WireError::Cut { got: at, size }), None));
                }
                Ok(Some(Err(error))) => return Some((Err(WireError::Request(error)), None)),
                Ok(Some(Ok(piece))) => piece,
            };
            at += piece.len() as u64;
            if size > 0 && at > size {
                let text = format!("it sends more than the {size} bytes which the blob has");
                return Some((Err(WireError::Strange(text)), None));
            }
            let known = skip.min(piece.len() as u64);
            skip -= known;
            let piece = piece.slice(usize::try_from(known).unwrap_or(usize::MAX)..);
            if !piece.is_empty() {
                return Some((Ok(piece), Some((pieces, at, skip))));
            }
        }
    })
}

/// An error of a pull which is none of the registry's.
pub(crate) fn pull_failed(
    reference: &Reference,
    error: impl std::error::Error + Send + Sync + 'static,
) -> ImageError {
    let problem = crate::RegistryProblem::Refused;
    ImageError::Pull { reference: reference.to_string(), problem, source: Box::new(error) }
}
