use std::io::Read;

use edk_model::{Descriptor, Digest, media};
use edk_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Config, ImageError};

/// An image in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The manifest.
    pub descriptor: Descriptor,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    config: Config,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The blob as stored.
    pub descriptor: Descriptor,
    /// Digest of its uncompressed tar.
    pub diff_id: Digest,
}

/// An image manifest (OCI image specification, "Image Manifest").
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    /// An OCI manifest need not have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

impl Image {
    /// Reads the image with the manifest `descriptor`; of an index, the one for linux/amd64.
    ///
    /// # Errors
    /// [`ImageError::Store`] if a blob is missing or damaged, [`ImageError::Malformed`] if it
    /// makes no sense, [`ImageError::Unsupported`] for an index without linux/amd64.
    pub fn load(store: &Store, descriptor: &Descriptor) -> Result<Self, ImageError> {
        let malformed =
            |reason: String| ImageError::Malformed { digest: descriptor.digest, reason };
        let bytes = store.read(&descriptor.digest)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| malformed(e.to_string()))?;
        if value.get("manifests").is_some() {
            return Self::load(store, &choose_platform(&value, &descriptor.digest)?);
        }
        let config: Descriptor = serde_json::from_value(value["config"].clone())
            .map_err(|e| malformed(e.to_string()))?;
        let layers: Vec<Descriptor> = serde_json::from_value(value["layers"].clone())
            .map_err(|e| malformed(e.to_string()))?;
        let (config, diff_ids) = Config::parse(&store.read(&config.digest)?).map_err(malformed)?;
        if diff_ids.len() != layers.len() {
            return Err(malformed("configuration and manifest count different layers".to_owned()));
        }
        let layers = layers.into_iter().zip(diff_ids);
        let layers = layers.map(|(descriptor, diff_id)| Layer { descriptor, diff_id }).collect();
        Ok(Self { descriptor: descriptor.clone(), layers, config })
    }

    /// Writes configuration and manifest of an image made of `layers`, which are in the store.
    pub(crate) fn assemble(
        store: &Store,
        config: Config,
        layers: Vec<Layer>,
    ) -> Result<Self, ImageError> {
        let diff_ids = diff_ids(&layers);
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media::MANIFEST.to_owned()),
            config: store.put(media::CONFIG, &config.to_json(&diff_ids))?,
            layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
        };
        let bytes = serde_json::to_vec(&manifest).unwrap_or_default();
        let descriptor = store.put(media::MANIFEST, &bytes)?;
        Ok(Self { descriptor, layers, config })
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the diff ids of the layers, lowest first.
    pub fn diff_ids(&self) -> Vec<Digest> {
        diff_ids(&self.layers)
    }

    /// Returns the size of all layers as stored, in bytes.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.descriptor.size).sum()
    }
}

/// Returns the diff ids of `layers`, in their order.
pub(crate) fn diff_ids(layers: &[Layer]) -> Vec<Digest> {
    layers.iter().map(|layer| layer.diff_id).collect()
}

/// Tells how much was read.
pub(crate) struct Counting<R, F> {
    inner: R,
    report: F,
    read: u64,
}

impl<R, F: Fn(u64)> Counting<R, F> {
    pub(crate) fn new(inner: R, report: F) -> Self {
        Self { inner, report, read: 0 }
    }
}

impl<R: Read, F: Fn(u64)> Read for Counting<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        (self.report)(self.read);
        Ok(count)
    }
}

/// Returns the manifest for linux/amd64 of an index.
pub(crate) fn choose_platform(index: &Value, digest: &Digest) -> Result<Descriptor, ImageError> {
    let manifests = index["manifests"].as_array().into_iter().flatten();
    let ours = manifests.into_iter().find(|manifest| {
        let platform = &manifest["platform"];
        platform["os"] == "linux" && platform["architecture"] == "amd64"
    });
    let Some(manifest) = ours else {
        return Err(ImageError::Unsupported {
            what: format!("{digest} has no image for linux/amd64; it"),
        });
    };
    serde_json::from_value(manifest.clone())
        .map_err(|error| ImageError::Malformed { digest: *digest, reason: error.to_string() })
}
