//! Looking at images, and carrying them from and to other registries and archives.

use std::path::PathBuf;

use edk_image::{Access, ShownImage};
use edk_model::{Digest, Monitor, Outcome, Reference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Engine, EngineError};

/// Look at an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistryShowRequest {
    /// The image; without a registry, the store's.
    pub image: Reference,
    /// A certificate to trust when another registry is asked.
    pub certificate: Option<PathBuf>,
}

/// An image as it lies in a registry.
#[derive(Debug, Clone, Serialize)]
pub struct ImageDetails {
    /// The name as asked for.
    pub image: Reference,
    /// Media type of the manifest or index.
    pub media_type: String,
    /// Digest of the manifest or index.
    pub digest: Digest,
    /// Size of the layers as stored, in bytes.
    pub size: u64,
    /// The layers, lowest first.
    pub layers: Vec<LayerDetails>,
    /// The images of an index.
    pub images: Vec<PlatformImage>,
    /// The manifest this one is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The configuration, of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// The manifest or index itself.
    pub manifest: Value,
}

/// A layer of an image, and what made it.
#[derive(Debug, Clone, Serialize)]
pub struct LayerDetails {
    /// Digest of the blob.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// Digest of the uncompressed layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<String>,
    /// What made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// An image of an index.
#[derive(Debug, Clone, Serialize)]
pub struct PlatformImage {
    /// Digest of its manifest.
    pub digest: Digest,
    /// What it runs on, such as `linux/amd64`, when the index says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// Copy an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistryCopyRequest {
    /// The image; without a registry, the store's.
    pub from: Reference,
    /// Its new name, likewise.
    pub to: Reference,
    /// A certificate to trust in either registry.
    pub certificate: Option<PathBuf>,
}

/// What a copy came to.
#[derive(Debug, Clone, Serialize)]
pub struct CopyOutcome {
    /// Where it came from.
    pub from: Reference,
    /// Where it is now.
    pub to: Reference,
    /// Digest of the manifest or index, the same on both sides.
    pub digest: Digest,
    /// Bytes that were moved.
    pub moved: u64,
    /// Bytes that were there already.
    pub reused: u64,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct ExportOutcome {
    /// The image.
    pub image: Reference,
    /// Digest of its manifest or index.
    pub digest: Digest,
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// What was taken.
#[derive(Debug, Clone, Serialize)]
pub struct ImportOutcome {
    /// The images, under the names they have now.
    pub images: Vec<ImportedImage>,
    /// Bytes that were not in the store before.
    pub new: u64,
}

/// An image that was taken.
#[derive(Debug, Clone, Serialize)]
pub struct ImportedImage {
    /// Its name.
    pub name: Reference,
    /// Digest of its manifest or index.
    pub digest: Digest,
}

impl Engine {
    /// Looks at an image of the store or of another registry.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn registry_show(
        &self,
        request: &RegistryShowRequest,
        monitor: &Monitor,
    ) -> Result<ImageDetails, EngineError> {
        let access = self.access(request.certificate.as_ref());
        let shown = edk_image::show(self.store()?, &request.image, &access, monitor)?;
        Ok(details(&request.image, shown))
    }

    /// Copies an image between the store and other registries; digests stay.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn registry_copy(
        &self,
        request: &RegistryCopyRequest,
        monitor: &Monitor,
    ) -> Result<CopyOutcome, EngineError> {
        let monitor = monitor.stage("copy");
        let RegistryCopyRequest { from, to, certificate } = request;
        monitor.started(&from.to_string());
        let access = self.access(certificate.as_ref());
        let done = edk_image::copy(self.store()?, from, to, &access, &monitor)?;
        let outcome = if done.moved == 0 { Outcome::Reused } else { Outcome::Done };
        monitor.finished(&from.to_string(), outcome, &format!("{} bytes copied", done.moved));
        let (digest, moved, reused) = (done.digest, done.moved, done.reused);
        Ok(CopyOutcome { from: from.clone(), to: to.clone(), digest, moved, reused })
    }

    /// How other registries are reached, with one more certificate to trust.
    pub(crate) fn access(&self, certificate: Option<&PathBuf>) -> Access {
        let own = self.setup.host.registries.clone();
        Access { certificate: certificate.cloned().or(own.certificate), ..own }
    }
}

pub(crate) fn details(image: &Reference, shown: ShownImage) -> ImageDetails {
    let layers = shown.layers.into_iter().map(|layer| LayerDetails {
        digest: layer.descriptor.digest,
        size: layer.descriptor.size,
        media_type: layer.descriptor.media_type,
        diff_id: layer.diff_id,
        created_by: layer.created_by,
    });
    let layers: Vec<LayerDetails> = layers.collect();
    let images = shown.manifests.into_iter().map(|(descriptor, platform)| PlatformImage {
        digest: descriptor.digest,
        platform: platform.as_ref().and_then(platform_name),
    });
    ImageDetails {
        image: image.clone(),
        media_type: shown.descriptor.media_type,
        digest: shown.descriptor.digest,
        size: layers.iter().map(|layer| layer.size).sum(),
        layers,
        images: images.collect(),
        subject: shown.subject,
        config: shown.config,
        manifest: shown.manifest,
    }
}

fn platform_name(platform: &Value) -> Option<String> {
    let parts = ["os", "architecture", "variant"].map(|key| platform[key].as_str());
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}
