//! Images from registries.

use edk_model::{Descriptor, Monitor, Reference};
use edk_store::Store;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    Image, ImageError, RegistryProblem,
    base::local_only_repository,
    image::choose_platform,
    transfer::{Access, Document, Remote, TOGETHER, Tally, fetch, pull_failed},
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

/// Pulls an image from its registry into the store, several blobs at a time; blobs that are there
/// are not fetched, one that was cut goes on from there. Of an index the image for linux/amd64 is
/// taken. Registries on this machine (`localhost`, `127.0.0.1`) are spoken to over plain HTTP.
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
        let remote = Remote::open(reference, access, monitor)?;
        let puller = Puller { store, reference, monitor, remote };
        tokio::select! {
            result = puller.pull() => result,
            () = monitor.token().cancelled() => Err(edk_model::Cancelled.into()),
        }
    })
}

/// An image that is in the store now.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    /// The image.
    pub image: Image,
    /// Whether all of it was here before.
    pub reused: bool,
    /// Why the registry could not be asked, when what was pulled earlier has to do.
    pub offline: Option<String>,
}

/// Returns the image `reference` as it was pulled before, when all of it is here.
///
/// # Errors
/// [`ImageError::Store`] if the store can't be read.
pub fn cached(store: &Store, reference: &Reference) -> Result<Option<Image>, ImageError> {
    let Ok(Some(image)) = find(store, reference) else { return Ok(None) };
    let whole = image.layers.iter().all(|layer| store.size(&layer.descriptor.digest).is_some());
    Ok(whole.then_some(image))
}

/// Pulls an image again: a digest is asked for only once, a tag each time. When the registry can't
/// be reached, what was pulled earlier counts.
///
/// # Errors
/// As [`pull`], when nothing was pulled earlier.
pub fn pull_fresh(
    store: &Store,
    reference: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<Pulled, ImageError> {
    let known = cached(store, reference)?;
    if let (Some(image), Some(_)) = (&known, &reference.digest) {
        return Ok(Pulled { image: image.clone(), reused: true, offline: None });
    }
    match (pull(store, reference, access, monitor), known) {
        (Ok(image), known) => {
            let reused = known.is_some_and(|known| known.descriptor == image.descriptor);
            Ok(Pulled { image, reused, offline: None })
        }
        (
            Err(ImageError::Pull { problem: RegistryProblem::Unreachable, source, .. }),
            Some(image),
        ) => Ok(Pulled { image, reused: true, offline: Some(source.to_string()) }),
        (Err(error), _) => Err(error),
    }
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
        let mut blobs: Vec<&Descriptor> = document.blobs().collect();
        blobs.sort_by_key(|blob| (std::cmp::Reverse(blob.size), blob.digest));
        blobs.dedup_by_key(|blob| blob.digest);
        let total = blobs.iter().map(|blob| blob.size).sum();
        let tally = Tally::new(&self.reference.to_string(), total, self.monitor);
        let fetches = blobs.into_iter().map(|blob| {
            let tally = &tally;
            async move {
                if self.store.claim(&blob.digest)? == Some(blob.size) {
                    tally.reuse(blob.size);
                    return Ok(());
                }
                fetch(self.store, &self.remote, blob, &tally.part()).await
            }
        });
        stream::iter(fetches).buffer_unordered(TOGETHER).try_collect().await
    }
}
