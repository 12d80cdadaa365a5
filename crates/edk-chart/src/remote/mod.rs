//! Charts of other machines: repositories (`index.yaml` over HTTP) and OCI registries.
//!
//! Everything fetched is kept by its digest in a folder of its own, a [`Store`]; beside it the store
//! keeps what names led to which bytes. So nothing is fetched twice, and what was fetched once is
//! there without a network. This is the only module of the room that talks to anybody.

mod http;
mod index;
mod oci;
mod repositories;

use std::{
    collections::BTreeMap,
    fmt,
    io::Read as _,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

use edk_model::{Cancelled, Digest, Monitor, Secret};
use edk_store::Store;
use serde::Serialize;
use tokio::runtime::Runtime;

pub(crate) use self::index::Index;
pub use self::repositories::{Repositories, Repository};
use crate::{Error, Result};

/// A user of a registry or a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Name of the user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Finds the login for a registry and a repository in it, if there is one.
pub type Logins = Arc<dyn Fn(&str, &str) -> Option<Login> + Send + Sync>;

/// How other machines are reached.
#[derive(Clone)]
pub struct RemoteSetup {
    /// Folder in which everything fetched is kept.
    pub cache: PathBuf,
    /// Whether nobody may be asked: only what is kept is used then.
    pub offline: bool,
    /// A certificate (PEM) to trust beside those of the system.
    pub certificate: Option<PathBuf>,
    /// Repositories by name.
    pub repositories: Repositories,
    /// Logins of registries.
    pub logins: Logins,
}

impl fmt::Debug for RemoteSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, offline, certificate, repositories, .. } = self;
        f.debug_struct("RemoteSetup")
            .field("cache", cache)
            .field("offline", offline)
            .field("certificate", certificate)
            .field("repositories", repositories)
            .finish_non_exhaustive()
    }
}

/// Chooses charts of other machines, and fetches them.
#[derive(Debug)]
pub struct Remote {
    setup: RemoteSetup,
    store: OnceLock<Store>,
    runtime: OnceLock<Runtime>,
    /// Indexes of this run, by the address of their repository.
    indexes: Mutex<BTreeMap<String, Arc<Index>>>,
}

/// Where the bytes of a chart are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A file of a repository.
    Archive {
        /// Address of the repository.
        repository: String,
        /// Address of the file.
        url: String,
        /// Digest of the file, when the index names one.
        digest: Option<Digest>,
    },
    /// A tag of a registry.
    Tag {
        /// Registry, repository and tag.
        reference: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { url, .. } => f.write_str(url),
            Self::Tag { reference } => write!(f, "oci://{reference}"),
        }
    }
}

/// A chart that was chosen, and what the choice rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The version, as the other side writes it.
    pub(crate) version: String,
    /// Where it is.
    pub(crate) place: Place,
}

/// Which versions will do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// The highest in a range.
    Range(&'a str),
    /// This one, as a lock file has it.
    Exactly(&'a str),
}

impl Wanted<'_> {
    /// Returns the text that stands in the user's file.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Range(text) | Self::Exactly(text) => text,
        }
    }
}

impl Remote {
    /// Returns a remote; nothing is opened or asked before it is needed.
    pub fn new(setup: RemoteSetup) -> Self {
        Self { setup, store: OnceLock::new(), runtime: OnceLock::new(), indexes: Mutex::default() }
    }

    /// Returns the repositories by name.
    pub fn repositories(&self) -> &Repositories {
        &self.setup.repositories
    }

    /// Chooses a version of the chart `name` at `address`: of a registry (`oci://…`) or a repository.
    pub(crate) fn choose(
        &self,
        address: &str,
        name: &str,
        wanted: Wanted<'_>,
        monitor: &Monitor,
    ) -> Result<Chosen> {
        match address.starts_with("oci://") {
            true => self.choose_tag(address, name, wanted, monitor),
            false => self.choose_archive(address, name, wanted, monitor),
        }
    }

    /// Says whether the bytes at `place` are kept already.
    pub(crate) fn has(&self, place: &Place) -> bool {
        self.kept(place).is_some()
    }

    /// Returns the bytes of a chart, from what is kept or from its place.
    pub(crate) fn fetch(&self, place: &Place, monitor: &Monitor) -> Result<Vec<u8>> {
        let digest = match self.kept(place) {
            Some(digest) => digest,
            None if self.setup.offline => return Err(Error::Offline { what: place.to_string() }),
            None => match place {
                Place::Archive { url, digest, repository } => {
                    self.archive(url, digest.as_ref(), repository, monitor)?
                }
                Place::Tag { reference } => self.layer(reference, monitor)?,
            },
        };
        self.bytes(&digest)
    }

    /// The digest of the bytes at `place`, if they are kept.
    fn kept(&self, place: &Place) -> Option<Digest> {
        let store = self.store().ok()?;
        let digest = match place {
            Place::Archive { digest: Some(digest), .. } => *digest,
            Place::Archive { url, .. } => store.step(&key("archive", url))?,
            Place::Tag { reference } => store.step(&key("chart", reference))?,
        };
        store.size(&digest).map(|_| digest)
    }

    /// Reads what is kept and checks it: what was damaged on the disk is removed, to be fetched
    /// anew the next time.
    fn bytes(&self, digest: &Digest) -> Result<Vec<u8>> {
        let store = self.store()?;
        let mut bytes = Vec::new();
        let read = store.reader(digest)?.read_to_end(&mut bytes);
        read.map_err(crate::load::at("read", store.root()))?;
        if Digest::with(digest.algorithm(), &bytes) != *digest {
            store.remove(digest)?;
            return Err(edk_store::StoreError::Corrupt(*digest).into());
        }
        Ok(bytes)
    }

    fn store(&self) -> Result<&Store> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = Store::open(&self.setup.cache)?;
        store.sweep()?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Waits for `work`, and stops when the job is cancelled.
    fn wait<T>(&self, monitor: &Monitor, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.runtime.get().is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime =
                runtime.map_err(crate::load::at("start a runtime for", &self.setup.cache))?;
            let _ = self.runtime.set(runtime);
        }
        let Some(runtime) = self.runtime.get() else { return Err(Cancelled.into()) };
        runtime.block_on(async {
            tokio::select! {
                result = work => result,
                () = monitor.token().cancelled() => Err(Cancelled.into()),
            }
        })
    }
}

/// The key under which the store keeps what a name led to.
fn key(kind: &str, name: &str) -> Digest {
    Digest::of(format!("chart {kind} 1\n{name}").as_bytes())
}

/// Says whether a host is this machine: it is spoken to directly, and registries without TLS.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}
