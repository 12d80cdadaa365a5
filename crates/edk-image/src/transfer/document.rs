//! Manifests and indexes as they are moved.

use edk_model::{Descriptor, Digest, media};
use serde::Deserialize;
use serde_json::Value;

use crate::ImageError;

/// A manifest or an index: its bytes, and what it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) config: Option<Descriptor>,
    /// Layers, but for those which lie elsewhere by design.
    pub(crate) layers: Vec<Descriptor>,
    /// The manifests of an index.
    pub(crate) manifests: Vec<Child>,
    pub(crate) subject: Option<Descriptor>,
}

/// A manifest of an index.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Child {
    #[serde(flatten)]
    pub(crate) descriptor: Descriptor,
    #[serde(default)]
    pub(crate) platform: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Layer>,
    manifests: Option<Vec<Child>>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(flatten)]
    descriptor: Descriptor,
    #[serde(default)]
    urls: Option<Vec<String>>,
}

impl Document {
    /// Reads the document `digest`.
    ///
    /// # Errors
    /// [`ImageError::Malformed`] if it makes no sense.
    pub(crate) fn parse(bytes: Vec<u8>, digest: Digest) -> Result<Self, ImageError> {
        let malformed = |reason: String| ImageError::Malformed { digest, reason };
        let raw: Raw = serde_json::from_slice(&bytes).map_err(|e| malformed(e.to_string()))?;
        if raw.config.is_none() && raw.manifests.is_none() {
            return Err(malformed("it is neither a manifest nor an index".to_owned()));
        }
        let default = if raw.manifests.is_some() { media::INDEX } else { media::MANIFEST };
        let layers = raw.layers.into_iter();
        let layers = layers.filter(|it| it.urls.as_ref().is_none_or(Vec::is_empty));
        Ok(Self {
            media_type: raw.media_type.unwrap_or_else(|| default.to_owned()),
            config: raw.config,
            layers: layers.map(|it| it.descriptor).collect(),
            manifests: raw.manifests.unwrap_or_default(),
            subject: raw.subject,
            bytes,
            digest,
        })
    }

    /// Returns the blobs it needs, the configuration last.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().chain(&self.config)
    }

    /// Returns how others refer to it.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor::new(&self.media_type, self.digest, self.bytes.len() as u64)
    }
}
