//! Images from registries.

use std::io::Write as _;

use edk_model::{Descriptor, Digest, Monitor, Reference, Unit, media};
use edk_store::Store;
use futures_util::StreamExt as _;
use oci_client::{
    Client,
    client::{ClientConfig, ClientProtocol},
    secrets::RegistryAuth,
};
use serde_json::Value;

use crate::{Image, ImageError, base::local_only_repository, image::choose_platform};

/// What is asked for.
const ACCEPTED: [&str; 4] =
    [media::MANIFEST, media::INDEX, media::DOCKER_MANIFEST, media::DOCKER_INDEX];

/// Returns the image `reference` from the store, or pulls it when it was never pulled.
pub(crate) fn find_or_pull(
    store: &Store,
    reference: &Reference,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    match find(store, reference)? {
        Some(image) => Ok(image),
        None => pull(store, reference, monitor),
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
pub fn pull(store: &Store, reference: &Reference, monitor: &Monitor) -> Result<Image, ImageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(reference, error))?;
    runtime.block_on(async {
        let puller = Puller::new(store, reference, monitor)?;
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
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    let image = pull(store, from, monitor)?;
    store.tag(&local_only_repository(name), "latest", &image.descriptor)?;
    Ok(image)
}

struct Puller<'a> {
    store: &'a Store,
    reference: &'a Reference,
    monitor: &'a Monitor,
    client: Client,
    remote: oci_client::Reference,
}

impl<'a> Puller<'a> {
    fn new(
        store: &'a Store,
        reference: &'a Reference,
        monitor: &'a Monitor,
    ) -> Result<Self, ImageError> {
        let host = reference.registry.clone().unwrap_or_default();
        let local = ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| host == *name || host.starts_with(&format!("{name}:")));
        let protocol = if local { ClientProtocol::Http } else { ClientProtocol::Https };
        let client = Client::new(ClientConfig { protocol, ..ClientConfig::default() });
        let remote: oci_client::Reference =
            reference.to_string().parse().map_err(|error| failed(reference, error))?;
        Ok(Self { store, reference, monitor, client, remote })
    }

    async fn pull(&self) -> Result<Image, ImageError> {
        let _lease = self.store.lease()?;
        let (bytes, digest) = self.manifest(&self.remote).await?;
        let value = self.parse(&bytes, &digest)?;
        let (bytes, value) = match value.get("manifests") {
            None => (bytes, value),
            Some(_) => {
                let chosen = choose_platform(&value, &digest)?;
                let remote = self.remote.clone_with_digest(chosen.digest.to_string());
                let (bytes, digest) = self.manifest(&remote).await?;
                let value = self.parse(&bytes, &digest)?;
                (bytes, value)
            }
        };
        self.blobs(&value, &digest).await?;
        let kind = value["mediaType"].as_str().unwrap_or(media::MANIFEST);
        let descriptor = self.store.put(kind, &bytes)?;
        let repository = repository(self.reference);
        match self.reference.tag_or_latest() {
            Some(tag) => self.store.tag(&repository, tag, &descriptor)?,
            None => self.store.add_manifest(&repository, &descriptor)?,
        }
        Image::load(self.store, &descriptor)
    }

    async fn manifest(
        &self,
        remote: &oci_client::Reference,
    ) -> Result<(Vec<u8>, Digest), ImageError> {
        let pulled =
            self.client.pull_manifest_raw(remote, &RegistryAuth::Anonymous, &ACCEPTED).await;
        let (bytes, _) = pulled.map_err(|error| failed(self.reference, error))?;
        let digest = Digest::of(&bytes);
        let wanted = remote.digest().and_then(|text| text.parse::<Digest>().ok());
        if let Some(expected) = wanted.filter(|wanted| *wanted != digest) {
            let error = edk_store::StoreError::Mismatch { expected, actual: digest };
            return Err(error.into());
        }
        Ok((bytes.to_vec(), digest))
    }

    fn parse(&self, bytes: &[u8], digest: &Digest) -> Result<Value, ImageError> {
        serde_json::from_slice(bytes)
            .map_err(|error| ImageError::Malformed { digest: *digest, reason: error.to_string() })
    }

    async fn blobs(&self, manifest: &Value, digest: &Digest) -> Result<(), ImageError> {
        let malformed = |error: serde_json::Error| ImageError::Malformed {
            digest: *digest,
            reason: error.to_string(),
        };
        let config: Descriptor =
            serde_json::from_value(manifest["config"].clone()).map_err(malformed)?;
        let mut blobs: Vec<Descriptor> =
            serde_json::from_value(manifest["layers"].clone()).map_err(malformed)?;
        blobs.push(config);
        let total = blobs.iter().map(|blob| blob.size).sum();
        let (mut done, mut reused) = (0, 0);
        for blob in &blobs {
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
        let wanted = oci_client::manifest::OciDescriptor {
            digest: blob.digest.to_string(),
            size: i64::try_from(blob.size).unwrap_or(i64::MAX),
            media_type: blob.media_type.clone(),
            ..Default::default()
        };
        let stream = self.client.pull_blob_stream(&self.remote, &wanted).await;
        let mut stream = stream.map_err(|error| failed(self.reference, error))?;
        let mut writer = self.store.writer()?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| failed(self.reference, error))?;
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

fn failed(
    reference: &Reference,
    error: impl std::error::Error + Send + Sync + 'static,
) -> ImageError {
    let source: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    let text = format!("{source:?}");
    let unreachable = ["Connect", "dns", "timed out"].iter().any(|sign| text.contains(sign));
    ImageError::Pull { reference: reference.to_string(), unreachable, source }
}
