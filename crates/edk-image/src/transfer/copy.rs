//! Copying an image from one registry to another.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use edk_model::{Cancelled, Descriptor, Digest, Monitor, Reference, Unit};
use edk_store::Store;

use crate::{
    ImageError,
    transfer::{Access, document::Document, place::Place, remote},
};

/// What a copy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The manifest or index, the same on both sides.
    pub digest: Digest,
    /// Bytes of blobs that were moved.
    pub moved: u64,
    /// Bytes of blobs that were there already.
    pub reused: u64,
}

/// Copies what `from` names, with all images of an index, to `to`: a reference without a registry
/// means the store. Digests stay; no blob is ever whole in memory or, between two registries, on
/// the disk. A target without a tag gets the one of the source.
///
/// # Errors
/// [`ImageError::NoImage`] and [`ImageError::Pull`] for the source, [`ImageError::Push`] for the
/// target, [`ImageError::Store`], [`ImageError::Cancelled`].
pub fn copy(
    store: &Store,
    from: &Reference,
    to: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<Copied, ImageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| remote::pull_failed(from, error))?;
    let _lease = store.lease()?;
    runtime.block_on(async {
        let (from_place, to_place) =
            (Place::of(store, from, access)?, Place::of(store, to, access)?);
        let work = Copying::new(from_place, to_place, from, monitor);
        let tag = match (&to.tag, &to.digest) {
            (Some(tag), _) => Some(tag.as_str()),
            (None, Some(_)) => None,
            (None, None) => from.tag_or_latest(),
        };
        tokio::select! {
            result = work.run(tag) => result,
            () = monitor.token().cancelled() => Err(Cancelled.into()),
        }
    })
}

struct Copying<'a> {
    from: Place<'a>,
    to: Place<'a>,
    monitor: &'a Monitor,
    subject: String,
    done: Arc<AtomicU64>,
    total: u64,
    reused: u64,
}

impl<'a> Copying<'a> {
    fn new(from: Place<'a>, to: Place<'a>, name: &Reference, monitor: &'a Monitor) -> Self {
        let (subject, done) = (name.to_string(), Arc::default());
        Self { from, to, monitor, subject, done, total: 0, reused: 0 }
    }

    async fn run(mut self, tag: Option<&str>) -> Result<Copied, ImageError> {
        let root = self.from.document(None).await?;
        let digest = root.digest;
        let mut documents = vec![root];
        let mut at = 0;
        while at < documents.len() {
            for child in documents[at].manifests.clone() {
                documents.push(self.from.document(Some(&child.descriptor.digest)).await?);
            }
            at += 1;
        }
        self.total = documents.iter().flat_map(Document::blobs).map(|blob| blob.size).sum();
        self.to.log_in().await?;
        // What an index holds comes before the index, which is first in the list.
        while let Some(document) = documents.pop() {
            for blob in document.blobs() {
                self.blob(blob).await?;
            }
            let tag = if documents.is_empty() { tag } else { None };
            self.to.keep_document(&document, tag).await?;
        }
        let reused = self.reused;
        Ok(Copied { digest, moved: self.done.load(Ordering::Relaxed) - reused, reused })
    }

    async fn blob(&mut self, blob: &Descriptor) -> Result<(), ImageError> {
        if self.to.has(&self.from, blob).await? {
            self.reused += blob.size;
            let done = self.done.fetch_add(blob.size, Ordering::Relaxed) + blob.size;
            self.report(done);
            return Ok(());
        }
        let bytes = self.from.open(blob).await?;
        let (monitor, subject) = (self.monitor.clone(), self.subject.clone());
        let (done, total, reused) = (Arc::clone(&self.done), self.total, self.reused);
        let progress = move |count| {
            let done = done.fetch_add(count, Ordering::Relaxed) + count;
            monitor.progress(&subject, done, Some(total), Unit::Bytes, reused);
        };
        self.to.keep(blob, bytes, progress).await
    }

    fn report(&self, done: u64) {
        let Self { subject, total, reused, .. } = self;
        self.monitor.progress(subject, done, Some(*total), Unit::Bytes, *reused);
    }
}
