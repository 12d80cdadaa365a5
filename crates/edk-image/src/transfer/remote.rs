//! A repository of another registry.

use std::io;

use bytes::Bytes;
use edk_model::{Descriptor, Digest, Reference, media};
use futures_util::{Stream, StreamExt as _, stream::BoxStream};
use oci_client::{
    Client, RegistryOperation,
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    manifest::OciDescriptor,
    secrets::RegistryAuth,
};

use crate::{
    ImageError, RegistryProblem,
    transfer::{Access, document::Document},
};

/// What is asked for.
const ACCEPTED: [&str; 4] =
    [media::MANIFEST, media::INDEX, media::DOCKER_MANIFEST, media::DOCKER_INDEX];

/// The bytes of a blob as they come.
pub(crate) type Bytestream = BoxStream<'static, io::Result<Bytes>>;

/// A repository of another registry, and how it is reached.
pub(crate) struct Remote {
    client: Client,
    auth: RegistryAuth,
    image: oci_client::Reference,
    reference: Reference,
}

impl Remote {
    /// Prepares to speak to the registry of `reference`; nothing is sent. One on this machine
    /// (`localhost`, `127.0.0.1`) is spoken to over plain HTTP, unless a certificate is named.
    ///
    /// # Errors
    /// [`ImageError::Io`] if the certificate can't be read.
    pub(crate) fn open(reference: &Reference, access: &Access) -> Result<Self, ImageError> {
        let host = reference.registry.clone().unwrap_or_else(|| "docker.io".to_owned());
        let local = ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| host == *name || host.starts_with(&format!("{name}:")));
        let plain = local && access.certificate.is_none();
        let mut config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            // One request for a blob of any size, its body streamed.
            use_monolithic_push: true,
            ..ClientConfig::default()
        };
        if let Some(path) = &access.certificate {
            let data = std::fs::read(path).map_err(|source| ImageError::io(path, source))?;
            let encoding = CertificateEncoding::Pem;
            config.extra_root_certificates = vec![Certificate { encoding, data }];
        }
        let auth = match access.login(&host, &reference.repository) {
            Some(login) => RegistryAuth::Basic(login.user, login.password.reveal().to_owned()),
            None => RegistryAuth::Anonymous,
        };
        let image = reference.to_string().parse();
        let image = image.map_err(|error| pull_failed(reference, error))?;
        Ok(Self { client: Client::new(config), auth, image, reference: reference.clone() })
    }

    /// Returns the manifest or index with this digest, or the one the reference names.
    ///
    /// # Errors
    /// [`ImageError::Pull`], [`ImageError::Malformed`], and [`ImageError::Store`] if it is not the
    /// one that was asked for.
    pub(crate) async fn document(&self, digest: Option<&Digest>) -> Result<Document, ImageError> {
        let image = match digest {
            Some(digest) => self.image.clone_with_digest(digest.to_string()),
            None => self.image.clone(),
        };
        let pulled = self.client.pull_manifest_raw(&image, &self.auth, &ACCEPTED).await;
        let (bytes, _) = pulled.map_err(|error| pull_failed(&self.reference, error))?;
        let wanted = image.digest().and_then(|text| text.parse::<Digest>().ok());
        let algorithm = wanted.map(|digest| digest.algorithm()).unwrap_or_default();
        let actual = Digest::with(algorithm, &bytes);
        if let Some(expected) = wanted.filter(|wanted| *wanted != actual) {
            return Err(edk_store::StoreError::Mismatch { expected, actual }.into());
        }
        Document::parse(bytes.to_vec(), actual)
    }

    /// Opens a blob; its digest is checked by whoever keeps it.
    ///
    /// # Errors
    /// [`ImageError::Pull`].
    pub(crate) async fn blob(&self, blob: &Descriptor) -> Result<Bytestream, ImageError> {
        let failed = |error| pull_failed(&self.reference, error);
        self.client.store_auth_if_needed(self.image.resolve_registry(), &self.auth).await;
        let wanted = OciDescriptor {
            digest: blob.digest.to_string(),
            size: i64::try_from(blob.size).unwrap_or(i64::MAX),
            media_type: blob.media_type.clone(),
            ..OciDescriptor::default()
        };
        let stream = self.client.pull_blob_stream(&self.image, &wanted).await.map_err(failed)?;
        Ok(stream.boxed())
    }

    /// Logs in to push, if the registry asks for it.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn log_in(&self) -> Result<(), ImageError> {
        let asked = self.client.auth(&self.image, &self.auth, RegistryOperation::Push).await;
        asked.map(drop).map_err(|error| self.push_failed(error))
    }

    /// Says whether the blob is there.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn has(&self, digest: &Digest) -> Result<bool, ImageError> {
        let there = self.client.blob_exists(&self.image, &digest.to_string()).await;
        there.map_err(|error| self.push_failed(error))
    }

    /// Lets the registry take the blob over from another of its repositories; says whether it did.
    pub(crate) async fn mount(&self, from: &Self, digest: &Digest) -> bool {
        let same = self.image.resolve_registry() == from.image.resolve_registry();
        let digest = digest.to_string();
        same && self.client.mount_blob(&self.image, &from.image, &digest).await.is_ok()
    }

    /// Sends a blob.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn put_blob(
        &self,
        blob: &Descriptor,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), ImageError> {
        let digest = blob.digest.to_string();
        let bytes = bytes.map(|piece| piece.map_err(OciDistributionError::from));
        let sent = self.client.push_blob_stream(&self.image, bytes, &digest, Some(blob.size));
        sent.await.map(drop).map_err(|error| self.push_failed(error))
    }

    /// Sends a manifest or an index, under `tag` or under its digest.
    ///
    /// # Errors
    /// [`ImageError::Push`].
    pub(crate) async fn put_document(
        &self,
        document: &Document,
        tag: Option<&str>,
    ) -> Result<(), ImageError> {
        let (registry, repository) = (self.image.registry(), self.image.repository());
        let (registry, repository) = (registry.to_owned(), repository.to_owned());
        let image = match tag {
            Some(tag) => oci_client::Reference::with_tag(registry, repository, tag.to_owned()),
            None => {
                let digest = document.digest.to_string();
                oci_client::Reference::with_digest(registry, repository, digest)
            }
        };
        let malformed = |reason: String| ImageError::Malformed { digest: document.digest, reason };
        let kind = document.media_type.parse();
        let kind = kind.map_err(|_| malformed("its media type makes no sense".to_owned()))?;
        let sent = self.client.push_manifest_raw(&image, document.bytes.clone(), kind).await;
        sent.map(drop).map_err(|error| self.push_failed(error))
    }

    fn push_failed(&self, error: OciDistributionError) -> ImageError {
        ImageError::Push {
            reference: self.reference.to_string(),
            problem: problem(&error),
            source: Box::new(error),
        }
    }
}

pub(crate) fn pull_failed(
    reference: &Reference,
    error: impl std::error::Error + Send + Sync + 'static,
) -> ImageError {
    let problem = problem(&error);
    ImageError::Pull { reference: reference.to_string(), problem, source: Box::new(error) }
}

fn problem(error: &(dyn std::error::Error + 'static)) -> RegistryProblem {
    if let Some(error) = error.downcast_ref::<OciDistributionError>() {
        match error {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_) => {
                return RegistryProblem::Unauthorised;
            }
            OciDistributionError::ImageManifestNotFoundError(_) => {
                return RegistryProblem::NotFound;
            }
            _ => {}
        }
    }
    let text = format!("{error:?}");
    let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    match () {
        () if has(&["Connect", "dns", "timed out"]) => RegistryProblem::Unreachable,
        () if has(&["ManifestUnknown", "NameUnknown", "BlobUnknown"]) => RegistryProblem::NotFound,
        () if has(&["code: Unauthorized", "code: Denied"]) => RegistryProblem::Unauthorised,
        () => RegistryProblem::Refused,
    }
}
