//! Repositories: an `index.yaml` and the files that it names.

use std::{io::Write as _, path::Path, sync::Arc, time::Duration};

use edk_model::{Digest, Monitor, Unit};
use futures_util::StreamExt as _;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};

use super::{Chosen, Index, Place, Remote, Wanted, is_loopback, key};
use crate::{Error, RemoteProblem, Result, load::at};

/// What an index and an archive may have, in bytes.
const MAX_INDEX: u64 = 64 << 20;
const MAX_ARCHIVE: u64 = 100 << 20;
/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(60);
const MEDIA_TYPE: &str = "application/octet-stream";

/// The index that is kept of a repository, and what to ask it for changes with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    blob: Digest,
    etag: Option<String>,
    modified: Option<String>,
}

impl Remote {
    /// Chooses a chart of the repository at the address `repository`.
    pub(super) fn choose_archive(
        &self,
        repository: &str,
        name: &str,
        wanted: Wanted<'_>,
        monitor: &Monitor,
    ) -> Result<Chosen> {
        let index = self.index(repository, monitor)?;
        let Some(entry) = index.choose(name, wanted) else {
            return Err(not_there(&index, repository, name, wanted));
        };
        // A repository may only list what a registry has.
        if let Some(reference) = entry.url.strip_prefix("oci://") {
            let place = Place::Tag { reference: reference.replace('+', "_") };
            return Ok(Chosen { version: entry.version.clone(), place });
        }
        let base = format!("{}/", repository.trim_end_matches('/'));
        let url = Url::parse(&base).and_then(|base| base.join(&entry.url));
        let url = url.map_err(|error| refused(&entry.url, error))?.to_string();
        let repository = repository.to_owned();
        let place = Place::Archive { repository, url, digest: entry.digest };
        Ok(Chosen { version: entry.version.clone(), place })
    }

    /// Returns the index of a repository, asking for it once a run. When the repository can't be
    /// reached, the one from an earlier run is used, and said so.
    fn index(&self, repository: &str, monitor: &Monitor) -> Result<Arc<Index>> {
        let lock = || self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(index) = lock().get(repository) {
            return Ok(Arc::clone(index));
        }
        let store = self.store()?;
        let url = format!("{}/index.yaml", repository.trim_end_matches('/'));
        let kept: Option<Kept> = store.step(&key("index", &url));
        let kept = kept.filter(|kept| store.size(&kept.blob).is_some());
        let asked = match self.setup.offline {
            true => Err(Error::Offline { what: url.clone() }),
            false => self.ask_for_index(repository, &url, kept.as_ref(), monitor),
        };
        let kept = match (asked, kept) {
            (Ok(kept), _) => kept,
            (Err(Error::Remote { problem: RemoteProblem::Unreachable, .. }), Some(kept)) => {
                monitor
                    .line(&format!("{repository} can't be reached; its last known index is used"));
                kept
            }
            (Err(Error::Offline { .. }), Some(kept)) => kept,
            (Err(error), _) => return Err(error),
        };
        let bytes = self.bytes(&kept.blob)?;
        let index = Index::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|reason| refused(&url, std::io::Error::other(reason)))?;
        let index = Arc::new(index);
        lock().insert(repository.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    fn ask_for_index(
        &self,
        repository: &str,
        url: &str,
        kept: Option<&Kept>,
        monitor: &Monitor,
    ) -> Result<Kept> {
        let mut headers = HeaderMap::new();
        if let Some(kept) = kept {
            for (name, value) in [(IF_NONE_MATCH, &kept.etag), (IF_MODIFIED_SINCE, &kept.modified)]
            {
                if let Some(value) = value.as_deref().and_then(|value| value.parse().ok()) {
                    headers.insert(name, value);
                }
            }
        }
        let fetched = self.wait(monitor, async {
            let response = self.get(repository, url, headers).await?;
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(None);
            }
            let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
            let (etag, modified) = (header(ETAG), header(LAST_MODIFIED));
            let blob = self.keep(response, url, None, MAX_INDEX, monitor).await?;
            Ok(Some(Kept { blob, etag, modified }))
        })?;
        match (fetched, kept) {
            (Some(new), _) => {
                self.store()?.put_step(&key("index", url), &new)?;
                Ok(new)
            }
            (None, Some(kept)) => Ok(kept.clone()),
            (None, None) => Err(refused(url, std::io::Error::other("nothing came"))),
        }
    }

    /// Fetches a file of a repository and returns its digest.
    pub(super) fn archive(
        &self,
        url: &str,
        digest: Option<&Digest>,
        repository: &str,
        monitor: &Monitor,
    ) -> Result<Digest> {
        let fetched = self.wait(monitor, async {
            let response = self.get(repository, url, HeaderMap::new()).await?;
            self.keep(response, url, digest, MAX_ARCHIVE, monitor).await
        })?;
        if digest.is_none() {
            self.store()?.put_step(&key("archive", url), &fetched)?;
        }
        Ok(fetched)
    }

    async fn get(&self, repository: &str, url: &str, headers: HeaderMap) -> Result<Response> {
        let parsed = Url::parse(url).map_err(|error| refused(url, error))?;
        let known = self.setup.repositories.at(repository);
        let mut certificates: Vec<&Path> = Vec::new();
        certificates.extend(self.setup.certificate.as_deref());
        certificates.extend(known.and_then(|known| known.certificate.as_deref()));
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let client = client(&certificates, is_loopback(&host), url)?;
        // A password goes to the host it was given for and to no other.
        let own = Url::parse(repository).ok();
        let same = own.is_some_and(|own| {
            (own.host_str(), own.port_or_known_default())
                == (parsed.host_str(), parsed.port_or_known_default())
        });
        let mut request = client.get(parsed).headers(headers);
        if let Some(login) = known.and_then(|known| known.login.as_ref()).filter(|_| same) {
            request = request.basic_auth(&login.user, Some(login.password.reveal()));
        }
        let response = request.send().await.map_err(|error| unreachable(url, error))?;
        response.error_for_status().map_err(|error| unreachable(url, error))
    }

    /// Keeps what comes, piece by piece, and returns its digest.
    async fn keep(
        &self,
        response: Response,
        url: &str,
        expected: Option<&Digest>,
        most: u64,
        monitor: &Monitor,
    ) -> Result<Digest> {
        let total = response.content_length();
        let too_large =
            || refused(url, std::io::Error::other(format!("it has more than {most} bytes")));
        if total.is_some_and(|total| total > most) {
            return Err(too_large());
        }
        let mut writer = self.store()?.writer()?;
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| unreachable(url, error))?;
            writer.write_all(&piece).map_err(at("write", self.store()?.root()))?;
            if writer.size() > most {
                return Err(too_large());
            }
            monitor.progress(url, writer.size(), total, Unit::Bytes, 0);
        }
        let kept = match expected {
            Some(expected) => {
                writer.commit_as(expected, MEDIA_TYPE).map_err(|error| match error {
                    edk_store::StoreError::Mismatch { expected, actual } => {
                        Error::Digest { what: url.to_owned(), expected, actual }
                    }
                    other => other.into(),
                })?
            }
            None => writer.commit(MEDIA_TYPE)?,
        };
        Ok(kept.digest)
    }
}

fn client(certificates: &[&Path], direct: bool, url: &str) -> Result<Client> {
    // Another part of the program may have chosen a provider first; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("edk/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(PATIENCE);
    for path in certificates {
        let pem = std::fs::read(path).map_err(at("read", path))?;
        for certificate in
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| refused(url, error))?
        {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if direct {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| refused(url, error))
}

fn not_there(index: &Index, repository: &str, name: &str, wanted: Wanted<'_>) -> Error {
    let Some(versions) = index.versions(name) else {
        return Error::NotInRepository {
            dependency: name.to_owned(),
            repository: repository.to_owned(),
            nearest: crate::resolve::nearest(name, index.names()),
        };
    };
    Error::NoVersion {
        dependency: name.to_owned(),
        range: wanted.text().to_owned(),
        place: repository.to_owned(),
        known: versions.take(5).map(str::to_owned).collect(),
    }
}

pub(super) fn refused(what: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    let problem = RemoteProblem::Refused;
    Error::Remote { what: what.to_owned(), problem, source: Box::new(source) }
}

fn unreachable(url: &str, error: reqwest::Error) -> Error {
    let problem = match error.status() {
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => RemoteProblem::Unauthorised,
        Some(StatusCode::NOT_FOUND | StatusCode::GONE) => RemoteProblem::NotFound,
        Some(status) if status.is_server_error() => RemoteProblem::Unreachable,
        Some(_) => RemoteProblem::Refused,
        None if error.is_builder() => RemoteProblem::Refused,
        None => RemoteProblem::Unreachable,
    };
    Error::Remote { what: url.to_owned(), problem, source: Box::new(error) }
}
