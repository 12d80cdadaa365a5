use std::time::SystemTime;

use edk_image::{Access, Image};
use edk_model::{Descriptor, Digest, Monitor};
use edk_store::Store;
use serde::{Deserialize, Serialize};

use super::{BASES, MIRRORED};
use crate::{Engine, EngineError};

/// A repository of the registry of this machine.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RepositoryView {
    /// Its path.
    pub repository: String,
    /// Its tags, sorted.
    pub tags: Vec<TagView>,
}

/// A tag of a repository.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct TagView {
    /// The tag.
    pub tag: String,
    /// Digest of the manifest it stands for.
    pub digest: Digest,
    /// Size of the layers as stored, in bytes.
    pub size: u64,
    /// When the tag was last written (RFC 3339). The image's own date is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The layers, lowest first.
    pub layers: Vec<LayerView>,
}

/// A layer of an image.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct LayerView {
    /// Digest of the blob.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Take a tag out of the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RegistryDeleteRequest {
    /// Path of the repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
}

impl Engine {
    /// Returns what is in the registry of this machine. Images that were only pulled as bases or
    /// mirrored are left out, as is a tag whose image is damaged.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the store can't be read.
    pub fn registry_list(&self) -> Result<Vec<RepositoryView>, EngineError> {
        let store = self.store()?;
        let mut repositories = Vec::new();
        for repository in store.repositories()? {
            if [BASES[0], MIRRORED].iter().any(|it| repository.starts_with(it)) {
                continue;
            }
            let mut tags = Vec::new();
            for tag in store.tags(&repository)? {
                tags.extend(self.tag_view(&repository, tag)?);
            }
            if !tags.is_empty() {
                repositories.push(RepositoryView { repository, tags });
            }
        }
        Ok(repositories)
    }

    fn tag_view(&self, repository: &str, tag: String) -> Result<Option<TagView>, EngineError> {
        let store = self.store()?;
        let Some(descriptor) = store.resolve(repository, &tag)? else { return Ok(None) };
        let Some(layers) = layers(store, &descriptor, repository) else { return Ok(None) };
        let layers: Vec<LayerView> =
            layers.iter().map(|it| LayerView { digest: it.digest, size: it.size }).collect();
        Ok(Some(TagView {
            digest: descriptor.digest,
            size: layers.iter().map(|layer| layer.size).sum(),
            created: store.tagged_at(repository, &tag)?.and_then(stamp),
            layers,
            tag,
        }))
    }

    /// Takes a tag out of the registry. The layers stay: builds use them again.
    ///
    /// # Errors
    /// [`EngineError::NoTag`] if it is not there, [`EngineError::Store`] if it can't be removed.
    pub fn registry_delete(&self, request: &RegistryDeleteRequest) -> Result<(), EngineError> {
        let RegistryDeleteRequest { repository, tag } = request;
        if self.store()?.untag(repository, tag)? {
            return Ok(());
        }
        Err(EngineError::NoTag { name: format!("{repository}:{tag}") })
    }
}

/// The layers of an image for this machine, or the content of an artifact such as a Helm chart.
fn layers(store: &Store, manifest: &Descriptor, repository: &str) -> Option<Vec<Descriptor>> {
    if let Ok(image) = Image::load(store, manifest) {
        return Some(image.layers.into_iter().map(|layer| layer.descriptor).collect());
    }
    let reference = format!("{repository}@{}", manifest.digest).parse().ok()?;
    let shown = edk_image::show(store, &reference, &Access::default(), &Monitor::silent()).ok()?;
    Some(shown.layers.into_iter().map(|layer| layer.descriptor).collect())
}

/// A time as RFC 3339 has it, in UTC.
fn stamp(time: SystemTime) -> Option<String> {
    jiff::Timestamp::try_from(time).ok().map(|time| format!("{time:.0}"))
}
