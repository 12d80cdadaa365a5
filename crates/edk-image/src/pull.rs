//! Images from registries.

use std::io::Write as _;

use edk_model::{Descriptor, Monitor, Reference, Unit};
use edk_store::Store;
use futures_util::StreamExt as _;

use crate::{
    Image, ImageError,
    base::local_only_repository,
    image::choose_platform,
    transfer::{Access, Document, Remote, pull_failed},
};

/// Returns the image `reference` from the store, or pulls it when it was never pulled.
pub(crate) fn find_or_pull(
    store: &Store,
    reference: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    match find(store, reference)? {
        Some(image) => Ok(image),
        None => pull(store, reference, access, monitor),
    }
}

/// Returns an image that was pulled before, if it was.
pub(crate) fn find(store: &Store, reference: &Reference) -> Result<Option<Image>, ImageError> {
    if let Some(tag) = reference.tag_or_latest()
        && let Some(descriptor) = store.resolve(&repository(reference), tag)?
    {
        return Image::load(store, &descriptor).map(Some);
    }
    if let Some(digest) = reference.digest
        && let Some(descriptor) = store.manifest(&repository(reference), &digest)?
    {
        return Image::load(store, &descriptor).map(Some);
    }
    Ok(None)
}

/// The repository of the store in which a pulled image is kept for offline use.
fn repository(reference: &Reference) -> String {
    let registry = reference.registry.as_deref().unwrap_or("docker.io").replace(':', "_");
    format!("pulled/{registry}/{}", reference.repository)
}

/// Pulls an image from its registry into the store, blob by blob; blobs that are there are not
/// fetched. Registries on this machine (`localhost`, `127.0.0.1`) are spoken to over plain HTTP.
///
/// # Errors
/// [`ImageError::Pull`] if the registry can't be reached or refuses, [`ImageError::Store`] if a
/// blob is not what its digest says or can't be kept, [`ImageError::Cancelled`].
pub fn pull(
    store: &Store,
    reference: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| pull_failed(reference, error))?;
    runtime.block_on(async {
        let remote = Remote::open(reference, access)?;
        let puller = Puller { store, reference, monitor, remote };
        tokio::select! {
            result = puller.pull() => result,
            () = monitor.token().cancelled() => Err(edk_model::Cancelled.into()),
        }
    })
}

/// Makes the image `from` of a registry the base `local-only/<name>:latest`.
///
/// # Errors
/// As [`pull`].
pub fn adopt_base(
    store: &Store,
    name: &str,
    from: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    let image = pull(store, from, access, monitor)?;
    store.tag(&local_only_repository(name), "latest", &image.descriptor)?;
    Ok(image)
}

struct Puller<'a> {
    store: &'a Store,
    reference: &'a Reference,
    monitor: &'a Monitor,
    remote: Remote,
}

impl Puller<'_> {
    async fn pull(&self) -> Result<Image, ImageError> {
        let _lease = self.store.lease()?;
        let mut document = self.remote.document(None).await?;
        if !document.manifests.is_empty() {
            let index = serde_json::from_slice(&document.bytes).unwrap_or_default();
            let chosen = choose_platform(&index, &document.digest)?;
            document = self.remote.document(Some(&chosen.digest)).await?;
        }
        self.blobs(&document).await?;
        let (kind, algorithm) = (&document.media_type, document.digest.algorithm());
        let descriptor = self.store.put_with(algorithm, kind, &document.bytes)?;
        let repository = repository(self.reference);
        match self.reference.tag_or_latest() {
            Some(tag) => self.store.tag(&repository, tag, &descriptor)?,
            None => self.store.add_manifest(&repository, &descriptor)?,
        }
        Image::load(self.store, &descriptor)
    }

    async fn blobs(&self, document: &Document) -> Result<(), ImageError> {
        let total = document.blobs().map(|blob| blob.size).sum();
        let (mut done, mut reused) = (0, 0);
        for blob in document.blobs() {
            if self.store.claim(&blob.digest)? == Some(blob.size) {
                reused += blob.size;
            } else {
                self.blob(blob, done, total, reused).await?;
            }
            done += blob.size;
            self.progress(done, total, reused);
        }
        Ok(())
    }

    async fn blob(
        &self,
        blob: &Descriptor,
        done: u64,
        total: u64,
        reused: u64,
    ) -> Result<(), ImageError> {
        let mut stream = self.remote.blob(blob).await?;
        let mut writer = self.store.writer()?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| pull_failed(self.reference, error))?;
            writer.write_all(&chunk).map_err(|source| ImageError::io(self.store.root(), source))?;
            self.progress(done + writer.size(), total, reused);
        }
        writer.commit_as(&blob.digest, &blob.media_type)?;
        Ok(())
    }

    fn progress(&self, done: u64, total: u64, reused: u64) {
        let subject = self.reference.to_string();
        self.monitor.progress(&subject, done, Some(total), Unit::Bytes, reused);
    }
}
