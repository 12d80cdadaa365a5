//! What `ADD` takes from an address, kept in the store.

use std::io::Write as _;

use edk_model::{Descriptor, Digest, Monitor, Unit};
use edk_store::Store;
use futures_util::StreamExt as _;
use reqwest::{Client, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::{Access, ImageError, key::KeyMaker};

/// The type under which its bytes are kept.
const MEDIA_TYPE: &str = "application/octet-stream";

/// What an address held when it was last asked, and by what the server knows that state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    blob: Descriptor,
    etag: Option<String>,
    modified: Option<String>,
}

/// Returns the blob of what lies at `address`. One with the wanted checksum that is in the store is
/// not asked for; a server that knows that nothing has changed sends nothing.
///
/// # Errors
/// [`ImageError::Fetch`] if it can't be fetched or has another checksum, [`ImageError::Cancelled`].
pub(crate) fn fetch(
    store: &Store,
    address: &str,
    checksum: Option<&Digest>,
    place: &str,
    access: &Access,
    monitor: &Monitor,
) -> Result<Descriptor, ImageError> {
    if let Some(found) = find(store, address, checksum)
        && checksum.is_some()
    {
        return Ok(found);
    }
    let fetcher = Fetcher { store, address, place, monitor };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fetcher.failed(error.to_string()))?;
    let blob = runtime.block_on(async {
        tokio::select! {
            result = fetcher.fetch(access) => result,
            () = monitor.token().cancelled() => Err(edk_model::Cancelled.into()),
        }
    })?;
    match checksum {
        Some(wanted) if *wanted != blob.digest => {
            Err(fetcher.failed(format!("it has the checksum {}, not {wanted}", blob.digest)))
        }
        _ => Ok(blob),
    }
}

/// Returns the blob of what lay at `address` when it was last fetched, if it is still there and has
/// the wanted checksum.
pub(crate) fn find(store: &Store, address: &str, checksum: Option<&Digest>) -> Option<Descriptor> {
    let known: Remembered = store.step(&key(address))?;
    let whole = store.size(&known.blob.digest) == Some(known.blob.size);
    let wanted = checksum.is_none_or(|wanted| *wanted == known.blob.digest);
    (whole && wanted).then_some(known.blob)
}

fn key(address: &str) -> Digest {
    let mut key = KeyMaker::new("address", &[]);
    key.add(address);
    key.finish()
}

struct Fetcher<'a> {
    store: &'a Store,
    address: &'a str,
    place: &'a str,
    monitor: &'a Monitor,
}

impl Fetcher<'_> {
    async fn fetch(&self, access: &Access) -> Result<Descriptor, ImageError> {
        let known: Option<Remembered> = self.store.step(&key(self.address));
        let known =
            known.filter(|known| self.store.size(&known.blob.digest) == Some(known.blob.size));
        let mut request = self.client(access)?.get(self.address);
        if let Some(known) = &known {
            let pairs = [
                (header::IF_NONE_MATCH, &known.etag),
                (header::IF_MODIFIED_SINCE, &known.modified),
            ];
            for (name, value) in pairs {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
        }
        let response = request.send().await.map_err(|error| self.failed(chain(&error)))?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (response.status(), known) {
            self.store.claim(&known.blob.digest)?;
            return Ok(known.blob);
        }
        if response.status() != StatusCode::OK {
            return Err(self.failed(format!("the server answers {}", response.status())));
        }
        let text = |name| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let (etag, modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
        let blob = self.keep(response).await?;
        let remembered = Remembered { blob, etag, modified };
        self.store.put_step(&key(self.address), &remembered)?;
        Ok(remembered.blob)
    }

    fn client(&self, access: &Access) -> Result<Client, ImageError> {
        // Whoever came first has chosen; all choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder();
        if let Some(path) = &access.certificate {
            let bytes = std::fs::read(path).map_err(|source| ImageError::io(path, source))?;
            let certificate = reqwest::Certificate::from_pem(&bytes);
            client = client
                .add_root_certificate(certificate.map_err(|error| self.failed(error.to_string()))?);
        }
        client.build().map_err(|error| self.failed(chain(&error)))
    }

    async fn keep(&self, response: Response) -> Result<Descriptor, ImageError> {
        let total = response.content_length();
        let mut writer = self.store.writer()?;
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.failed(chain(&error)))?;
            writer.write_all(&chunk).map_err(|source| ImageError::io(self.store.root(), source))?;
            self.monitor.progress(self.address, writer.size(), total, Unit::Bytes, 0);
        }
        if total.is_some_and(|total| total != writer.size()) {
            return Err(self.failed("the connection broke off".to_owned()));
        }
        Ok(writer.commit(MEDIA_TYPE)?)
    }

    fn failed(&self, reason: String) -> ImageError {
        let (address, place) = (self.address.to_owned(), self.place.to_owned());
        ImageError::Fetch { address, place, reason }
    }
}

/// The whole reason; reqwest keeps what matters in the sources of its errors.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
