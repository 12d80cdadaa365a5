//! Images of another registry, fetched when they are asked for and kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use edk_model::{Descriptor, Digest, Monitor, Reference};
use edk_store::Store;

use crate::{
    ImageError, RegistryProblem,
    transfer::{Access, Document, Remote, Tally, fetch},
};

/// Fetches from other registries into the store, each thing once.
#[derive(Debug)]
pub struct Mirror {
    store: Store,
    access: Access,
    /// Beginning of the repositories in the store.
    folder: String,
    /// What is being fetched.
    under_way: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Mirror {
    /// Returns a mirror that keeps what it fetches in repositories `<folder><registry>/…`.
    pub fn new(store: Store, access: Access, folder: &str) -> Self {
        Self { store, access, folder: folder.to_owned(), under_way: Mutex::default() }
    }

    /// Makes the manifest `image` readable in the store, and returns the repository it is in;
    /// `None` if the other registry does not have it. A digest that was fetched before is not asked
    /// for again; a tag is, and when there is no answer what it named before counts.
    ///
    /// # Errors
    /// [`ImageError::Pull`], [`ImageError::Malformed`], [`ImageError::Store`].
    pub async fn manifest(&self, image: &Reference) -> Result<Option<String>, ImageError> {
        let repository = self.repository(image);
        if let Some(digest) = &image.digest
            && let Some(known) = self.store.manifest(&repository, digest)?
            && self.store.size(digest).is_some()
        {
            // It counts as used.
            self.store.add_manifest(&repository, &known)?;
            return Ok(Some(repository));
        }
        let asked = match Remote::open(image, &self.access, &Monitor::silent()) {
            Ok(remote) => remote.document(None).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(document) => self.keep(&repository, image, &document).map(Some),
            Err(ImageError::Pull { problem: RegistryProblem::NotFound, .. }) => Ok(None),
            Err(error) => {
                match image.tag.as_deref().map(|tag| self.store.resolve(&repository, tag)) {
                    Some(Ok(Some(_))) => Ok(Some(repository)),
                    _ => Err(error),
                }
            }
        }
    }

    fn keep(
        &self,
        repository: &str,
        image: &Reference,
        document: &Document,
    ) -> Result<String, ImageError> {
        let (kind, algorithm) = (&document.media_type, document.digest.algorithm());
        let kept = self.store.put_with(algorithm, kind, &document.bytes)?;
        match &image.tag {
            Some(tag) if image.digest.is_none() => self.store.tag(repository, tag, &kept)?,
            _ => self.store.add_manifest(repository, &kept)?,
        }
        Ok(repository.to_owned())
    }

    /// Makes a blob of the repository of `image` readable in the store; says whether it is there
    /// now.
    ///
    /// # Errors
    /// As [`Mirror::manifest`].
    pub async fn blob(&self, image: &Reference, digest: Digest) -> Result<bool, ImageError> {
        let turn = self.turn(&digest.to_string());
        let _turn = turn.lock().await;
        if self.store.claim(&digest)?.is_some() {
            return Ok(true);
        }
        let remote = Remote::open(image, &self.access, &Monitor::silent())?;
        // Nobody has said how large it is.
        let blob = Descriptor::new("application/octet-stream", digest, 0);
        let part = Tally::new("", 0, &Monitor::silent()).part();
        match fetch(&self.store, &remote, &blob, &part).await {
            Ok(()) => Ok(true),
            Err(ImageError::Pull { problem: RegistryProblem::NotFound, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets those who want the same wait for each other.
    fn turn(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(under_way.entry(name.to_owned()).or_default())
    }

    /// Returns the repository of the store in which what is fetched for `image` is kept.
    pub fn repository(&self, image: &Reference) -> String {
        let registry = image.registry.as_deref().unwrap_or("docker.io").replace(':', "_");
        format!("{}{registry}/{}", self.folder, image.repository)
    }
}
