//! Where an image is copied from or to.

use std::io::{Seek as _, SeekFrom};

use edk_model::{Descriptor, Digest, Monitor, Reference};
use edk_store::Store;
use futures_util::StreamExt as _;
use tokio_util::io::ReaderStream;

use crate::{
    ImageError,
    transfer::{
        Access,
        document::Document,
        fault::WireError,
        remote::{Bytestream, Remote},
    },
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
        monitor: &Monitor,
    ) -> Result<Self, ImageError> {
        Ok(match reference.registry {
            None => Self::Store { store, reference },
            Some(_) => Self::Remote(Box::new(Remote::open(reference, access, monitor)?)),
        })
    }

    /// The store, if this is it.
    pub(crate) fn store(&self) -> Option<&'a Store> {
        match self {
            Self::Store { store, .. } => Some(*store),
            Self::Remote(_) => None,
        }
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

    /// Returns the document which the reference names, and all below it: what an index holds comes
    /// after the index.
    pub(crate) async fn tree(&self) -> Result<Vec<Document>, ImageError> {
        let (mut documents, mut at) = (vec![self.document(None).await?], 0);
        while at < documents.len() {
            for child in documents[at].manifests.clone() {
                documents.push(self.document(Some(&child.descriptor.digest)).await?);
            }
            at += 1;
        }
        Ok(documents)
    }

    /// Opens a blob at `offset`.
    pub(crate) async fn open(
        &self,
        blob: &Descriptor,
        offset: u64,
    ) -> Result<Bytestream, WireError> {
        match self {
            Self::Remote(remote) => match remote.blob(blob, offset).await {
                Err(error) => Err(WireError::Source(Box::new(error.pulling(&remote.reference)))),
                opened => opened,
            },
            Self::Store { store, .. } => stored(store, blob, offset),
        }
    }
}

/// Opens a blob of the store at `offset`.
pub(crate) fn stored(
    store: &Store,
    blob: &Descriptor,
    offset: u64,
) -> Result<Bytestream, WireError> {
    let opened = store.reader(&blob.digest);
    let mut file = opened.map_err(|error| WireError::Source(Box::new(error.into())))?;
    file.seek(SeekFrom::Start(offset)).map_err(WireError::Disk)?;
    let file = tokio::fs::File::from_std(file);
    let stream = ReaderStream::with_capacity(file, PIECE);
    Ok(stream.map(|piece| piece.map_err(WireError::Disk)).boxed())
}
