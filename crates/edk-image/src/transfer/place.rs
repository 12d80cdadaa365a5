//! Where an image is copied from or to.

use std::io::{self, Write as _};

use bytes::Bytes;
use edk_model::{Descriptor, Digest, Reference};
use edk_store::{Store, StoreError};
use futures_util::StreamExt as _;
use tokio_util::io::ReaderStream;

use crate::{
    ImageError,
    transfer::{Access, Remote, document::Document, remote::Bytestream},
};

/// How much of a blob is read at once, in bytes.
const PIECE: usize = 256 << 10;

/// A repository: of the store, when the reference names no registry, else of another registry.
pub(crate) enum Place<'a> {
    Store { store: &'a Store, reference: &'a Reference },
    Remote(Box<Remote>),
}

impl<'a> Place<'a> {
    pub(crate) fn of(
        store: &'a Store,
        reference: &'a Reference,
        access: &Access,
    ) -> Result<Self, ImageError> {
        Ok(match reference.registry {
            None => Self::Store { store, reference },
            Some(_) => Self::Remote(Box::new(Remote::open(reference, access)?)),
        })
    }

    /// Returns a manifest or index by its digest, or the one that the reference names.
    pub(crate) async fn document(&self, digest: Option<&Digest>) -> Result<Document, ImageError> {
        match self {
            Self::Remote(remote) => remote.document(digest).await,
            Self::Store { store, reference } => {
                let Reference { repository, .. } = reference;
                let found = match (digest.or(reference.digest.as_ref()), reference.tag_or_latest())
                {
                    (Some(digest), _) => store.manifest(repository, digest)?,
                    (None, Some(tag)) => store.resolve(repository, tag)?,
                    (None, None) => None,
                };
                let Some(found) = found else {
                    return Err(ImageError::NoImage { reference: reference.to_string() });
                };
                let document = Document::parse(store.read(&found.digest)?, found.digest)?;
                Ok(Document { media_type: found.media_type, ..document })
            }
        }
    }

    /// Prepares to write.
    pub(crate) async fn log_in(&self) -> Result<(), ImageError> {
        match self {
            Self::Remote(remote) => remote.log_in().await,
            Self::Store { .. } => Ok(()),
        }
    }

    /// Says whether a blob is there already, or could be had without moving its bytes.
    pub(crate) async fn has(&self, from: &Self, blob: &Descriptor) -> Result<bool, ImageError> {
        Ok(match (self, from) {
            (Self::Store { store, .. }, _) => store.claim(&blob.digest)? == Some(blob.size),
            (Self::Remote(remote), Self::Remote(from)) => {
                remote.has(&blob.digest).await? || remote.mount(from, &blob.digest).await
            }
            (Self::Remote(remote), Self::Store { .. }) => remote.has(&blob.digest).await?,
        })
    }

    pub(crate) async fn open(&self, blob: &Descriptor) -> Result<Bytestream, ImageError> {
        match self {
            Self::Remote(remote) => remote.blob(blob).await,
            Self::Store { store, .. } => {
                let file = tokio::fs::File::from_std(store.reader(&blob.digest)?);
                Ok(ReaderStream::with_capacity(file, PIECE).boxed())
            }
        }
    }

    /// Keeps a blob. `progress` is told how many bytes came.
    pub(crate) async fn keep(
        &self,
        blob: &Descriptor,
        bytes: Bytestream,
        mut progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<(), ImageError> {
        let mut bytes = bytes.inspect(move |piece: &io::Result<Bytes>| {
            progress(piece.as_ref().map_or(0, |piece| piece.len() as u64));
        });
        match self {
            Self::Remote(remote) => remote.put_blob(blob, bytes).await,
            Self::Store { store, .. } => {
                let failed =
                    |source| ImageError::from(StoreError::Io { path: "incoming".into(), source });
                let mut writer = store.writer()?;
                while let Some(piece) = bytes.next().await {
                    writer.write_all(&piece.map_err(failed)?).map_err(failed)?;
                }
                writer.commit_as(&blob.digest, &blob.media_type)?;
                Ok(())
            }
        }
    }

    /// Keeps a manifest or an index, under `tag` if there is one.
    pub(crate) async fn keep_document(
        &self,
        document: &Document,
        tag: Option<&str>,
    ) -> Result<(), ImageError> {
        match self {
            Self::Remote(remote) => remote.put_document(document, tag).await,
            Self::Store { store, reference } => {
                let (kind, algorithm) = (&document.media_type, document.digest.algorithm());
                let kept = store.put_with(algorithm, kind, &document.bytes)?;
                match tag {
                    Some(tag) => store.tag(&reference.repository, tag, &kept)?,
                    None => store.add_manifest(&reference.repository, &kept)?,
                }
                Ok(())
            }
        }
    }
}
