//! Registries: a chart is an artifact, its versions are tags.

use std::io::Write as _;

use edk_model::{Digest, Monitor, Unit};
use futures_util::StreamExt as _;
use oci_client::{
    Client, Reference,
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    manifest::{OciDescriptor, OciImageManifest},
    secrets::RegistryAuth,
};

use super::{Chosen, Place, Remote, Wanted, http::refused, is_loopback, key};
use crate::{
    Error, RemoteProblem, Result,
    load::at,
    version::{Constraint, Version},
};

/// The type of the layer that is the packaged chart (Helm documentation, "Use OCI-based
/// registries").
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const MAX_ARCHIVE: u64 = 100 << 20;
/// How many tags are asked for at once.
const PAGE: usize = 1000;

/// A registry as seen from here.
struct Registry {
    client: Client,
    auth: RegistryAuth,
}

impl Remote {
    /// Chooses a chart of the registry at `address`, which is `oci://<host>/<path>`. A version
    /// rather than a range is taken for the tag without asking for all tags, as Helm does.
    pub(super) fn choose_tag(
        &self,
        address: &str,
        name: &str,
        wanted: Wanted<'_>,
        monitor: &Monitor,
    ) -> Result<Chosen> {
        let base = address.strip_prefix("oci://").unwrap_or(address).trim_end_matches('/');
        let repository = format!("{base}/{name}");
        let version = match wanted {
            Wanted::Exactly(version) => version.to_owned(),
            Wanted::Range(range) if Version::lenient(range).is_some() => range.to_owned(),
            Wanted::Range(range) => {
                let tags = self.tags(&repository, monitor)?;
                best(&tags, range).ok_or_else(|| Error::NoVersion {
                    dependency: name.to_owned(),
                    range: range.to_owned(),
                    place: format!("oci://{repository}"),
                    known: tags.iter().rev().take(5).map(|tag| tag.replace('_', "+")).collect(),
                })?
            }
        };
        let reference = format!("{repository}:{}", version.replace('+', "_"));
        Ok(Chosen { version, place: Place::Tag { reference } })
    }

    /// Returns the tags of a repository; without a network, those it had.
    fn tags(&self, repository: &str, monitor: &Monitor) -> Result<Vec<String>> {
        let key = key("tags", repository);
        let kept: Option<Vec<String>> = self.store()?.step(&key);
        let what = format!("oci://{repository}");
        let asked = match self.setup.offline {
            true => Err(Error::Offline { what: what.clone() }),
            false => self.wait(monitor, self.ask_for_tags(repository, &what)),
        };
        match (asked, kept) {
            (Ok(tags), _) => {
                self.store()?.put_step(&key, &tags)?;
                Ok(tags)
            }
            (Err(Error::Remote { problem: RemoteProblem::Unreachable, .. }), Some(kept)) => {
                monitor.line(&format!("{what} can't be reached; its last known tags are used"));
                Ok(kept)
            }
            (Err(Error::Offline { .. }), Some(kept)) => Ok(kept),
            (Err(error), _) => Err(error),
        }
    }

    async fn ask_for_tags(&self, repository: &str, what: &str) -> Result<Vec<String>> {
        let image = reference(repository)?;
        let registry = self.registry(&image)?;
        let mut tags: Vec<String> = Vec::new();
        loop {
            let last = tags.last().cloned();
            let page =
                registry.client.list_tags(&image, &registry.auth, Some(PAGE), last.as_deref());
            let page = page.await.map_err(|error| failed(what, error))?.tags;
            let full = page.len() >= PAGE && page.last() != last.as_ref();
            tags.extend(page);
            if !full {
                return Ok(tags);
            }
        }
    }

    /// Fetches the chart behind a tag and returns its digest.
    pub(super) fn layer(&self, tag: &str, monitor: &Monitor) -> Result<Digest> {
        let what = format!("oci://{tag}");
        let digest = self.wait(monitor, async {
            let image = reference(tag)?;
            let registry = self.registry(&image)?;
            let manifest =
                registry.client.pull_manifest_raw(&image, &registry.auth, &[MANIFEST]).await;
            let (bytes, _) = manifest.map_err(|error| failed(&what, error))?;
            let manifest: OciImageManifest =
                serde_json::from_slice(&bytes).map_err(|error| refused(&what, error))?;
            let layer = manifest.layers.into_iter().find(|layer| layer.media_type == CHART);
            let no_chart = || refused(&what, std::io::Error::other("it is no chart"));
            self.keep_layer(&registry, &image, layer.ok_or_else(no_chart)?, monitor).await
        })?;
        self.store()?.put_step(&key("chart", tag), &digest)?;
        Ok(digest)
    }

    async fn keep_layer(
        &self,
        registry: &Registry,
        image: &Reference,
        layer: OciDescriptor,
        monitor: &Monitor,
    ) -> Result<Digest> {
        let what = format!("oci://{image}");
        let digest: Digest = layer.digest.parse().map_err(|error| refused(&what, error))?;
        let size = u64::try_from(layer.size).unwrap_or(u64::MAX);
        if size > MAX_ARCHIVE {
            let reason = format!("it has more than {MAX_ARCHIVE} bytes");
            return Err(refused(&what, std::io::Error::other(reason)));
        }
        let store = self.store()?;
        if store.size(&digest) == Some(size) {
            return Ok(digest);
        }
        let stream = registry.client.pull_blob_stream(image, &layer).await;
        let mut stream = stream.map_err(|error| failed(&what, error))?;
        let mut writer = store.writer()?;
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| failed(&what, OciDistributionError::from(error)))?;
            writer.write_all(&piece).map_err(at("write", store.root()))?;
            monitor.progress(&what, writer.size(), Some(size), Unit::Bytes, 0);
        }
        let kept = writer.commit_as(&digest, CHART).map_err(|error| match error {
            edk_store::StoreError::Mismatch { expected, actual } => {
                Error::Digest { what, expected, actual }
            }
            other => other.into(),
        })?;
        Ok(kept.digest)
    }

    fn registry(&self, image: &Reference) -> Result<Registry> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = image.registry();
        let plain = is_loopback(host) && self.setup.certificate.is_none();
        let mut config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            ..ClientConfig::default()
        };
        if let Some(path) = &self.setup.certificate {
            let data = std::fs::read(path).map_err(at("read", path))?;
            let encoding = CertificateEncoding::Pem;
            config.extra_root_certificates = vec![Certificate { encoding, data }];
        }
        let auth = match (self.setup.logins)(host, image.repository()) {
            Some(login) => RegistryAuth::Basic(login.user, login.password.reveal().to_owned()),
            None => RegistryAuth::Anonymous,
        };
        Ok(Registry { client: Client::new(config), auth })
    }
}

fn reference(text: &str) -> Result<Reference> {
    text.parse().map_err(|error| refused(&format!("oci://{text}"), error))
}

/// Returns the highest of the versions that `tags` are, in the range.
fn best(tags: &[String], range: &str) -> Option<String> {
    let range = Constraint::parse(range)?;
    let versions = tags.iter().map(|tag| tag.replace('_', "+"));
    let mut versions: Vec<(Version, String)> =
        versions.filter_map(|text| Some((Version::strict(&text)?, text))).collect();
    versions.sort_by(|(one, _), (other, _)| other.precedence(one));
    versions.into_iter().find(|(version, _)| range.holds(version)).map(|(_, text)| text)
}

fn failed(what: &str, error: OciDistributionError) -> Error {
    let text = format!("{error:?}");
    let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    let problem = match &error {
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::AuthenticationFailure(_) => RemoteProblem::Unauthorised,
        OciDistributionError::ImageManifestNotFoundError(_) => RemoteProblem::NotFound,
        _ if has(&["ManifestUnknown", "NameUnknown", "BlobUnknown", "404"]) => {
            RemoteProblem::NotFound
        }
        _ if has(&["code: Unauthorized", "code: Denied"]) => RemoteProblem::Unauthorised,
        _ if has(&["Connect", "dns", "timed out"]) => RemoteProblem::Unreachable,
        _ => RemoteProblem::Refused,
    };
    Error::Remote { what: what.to_owned(), problem, source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions_with_a_plus_in_disguise() {
        let tags: Vec<String> = ["latest", "1.0.0", "2.0.0_b.1", "v3.0.0", "1.3.0-rc.1", "1.2.0"]
            .map(Into::into)
            .into();
        for (range, expected) in [
            ("*", Some("2.0.0+b.1")),
            ("^1", Some("1.2.0")),
            ("^1-0", Some("1.3.0-rc.1")),
            (">=3", None),
        ] {
            assert_eq!(best(&tags, range).as_deref(), expected, "{range}");
        }
    }
}
