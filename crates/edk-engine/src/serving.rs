//! The registry of this machine, served for as long as a host of a window runs.
//!
//! One process serves a store at a port; it holds a lock on a mark for that port in the data folder,
//! so that others can tell whether a taken port is the same registry or somebody else's.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write as _,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use edk_model::{CancellationToken, Failure};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{
    DEFAULT_REGISTRY_PORT, Engine, EngineError,
    target::{loopback, runtime},
};

/// How long a transfer that is under way may go on when the registry is switched off.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the registry of this machine is served.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct RegistryService {
    /// Whether this process is to serve it.
    pub on: bool,
    /// Who serves it.
    pub served: ServedBy,
    /// Where programs of this machine reach it, such as `localhost:5577`, when it is served.
    pub address: String,
    /// Number of the other process that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// Why it is not served though it is to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Folder of its images.
    pub folder: PathBuf,
    /// What they use of the disk, layers of builds and bases included, in bytes.
    pub bytes: u64,
}

/// Who serves something of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum ServedBy {
    /// Nobody.
    Nobody,
    /// This process.
    Here,
    /// Another process, from the same data folder.
    Elsewhere,
}

/// The registry's server in this process.
#[derive(Debug, Default)]
pub(crate) struct SharedRegistry {
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// The port at which it is to be served; 0 for any that is free.
    wanted: Option<u16>,
    server: Option<Server>,
}

#[derive(Debug)]
struct Server {
    port: u16,
    shutdown: CancellationToken,
    thread: JoinHandle<()>,
}

/// A port that this process took for the registry.
pub(crate) struct Claim {
    pub(crate) listener: TcpListener,
    pub(crate) port: u16,
    /// Locked for as long as the port is ours.
    pub(crate) mark: File,
}

impl Engine {
    /// Serves the registry at `port` of this machine, 0 for any that is free, until
    /// [`Engine::stop_registry`]. A port that can't be had is no error: it is looked at again by
    /// [`Engine::registry_service`], which tells why.
    pub fn start_registry(&self, port: u16) {
        let mut slot = self.registry.lock();
        slot.wanted = Some(port);
        // Told by `registry_service`, which tries again.
        let _ = self.serve_wanted(&mut slot);
    }

    /// Ends the server of this process and waits until its port is free.
    pub fn stop_registry(&self) {
        let mut slot = self.registry.lock();
        slot.wanted = None;
        slot.close();
    }

    /// Tells how the registry is served; takes the port if it has become free since.
    pub fn registry_service(&self) -> RegistryService {
        let mut slot = self.registry.lock();
        let (on, port) = (slot.wanted.is_some(), slot.wanted.unwrap_or_default());
        let result = self.serve_wanted(&mut slot);
        let ours = slot.server.as_ref().map(|server| server.port);
        drop(slot);
        let known = if port == 0 { DEFAULT_REGISTRY_PORT } else { port };
        let theirs = if ours.is_none() { self.other_server(known) } else { None };
        let served = match (ours, &theirs) {
            (Some(_), _) => ServedBy::Here,
            (None, Some(_)) => ServedBy::Elsewhere,
            (None, None) => ServedBy::Nobody,
        };
        let (folder, bytes) = self.usage();
        RegistryService {
            on,
            served,
            address: format!("localhost:{}", ours.unwrap_or(known)),
            process: theirs.flatten(),
            failure: match (served, result) {
                (ServedBy::Nobody, Err(error)) => Some(Failure::explain(&error)),
                _ => None,
            },
            folder,
            bytes,
        }
    }

    /// The folder of the images, and how many bytes are in it as far as can be told.
    fn usage(&self) -> (PathBuf, u64) {
        let bytes = self.store().ok().and_then(|store| store.blob_bytes().ok());
        (self.setup.data.join("store"), bytes.unwrap_or_default())
    }

    fn serve_wanted(&self, slot: &mut Slot) -> Result<(), EngineError> {
        let Some(port) = slot.wanted else { return Ok(()) };
        if slot.server.as_ref().is_some_and(|server| !server.thread.is_finished()) {
            return Ok(());
        }
        slot.server = None;
        slot.server = Some(self.serve_beside(port)?);
        Ok(())
    }

    /// Serves the registry on a thread of its own.
    fn serve_beside(&self, port: u16) -> Result<Server, EngineError> {
        let (store, runtime) = (self.store()?.clone(), runtime()?);
        let claim = runtime.block_on(self.claim_registry(port))?;
        let (port, shutdown) = (claim.port, CancellationToken::new());
        let until = shutdown.clone();
        let work = move || {
            let Claim { listener, mark, .. } = claim;
            let stopped = until.clone().cancelled_owned();
            runtime.block_on(async {
                let ended = async {
                    until.cancelled().await;
                    tokio::time::sleep(PATIENCE).await;
                };
                tokio::select! {
                    // One that broke down is started again when it is looked at next.
                    _ = edk_registry::serve(listener, store, stopped) => {}
                    () = ended => {}
                }
            });
            runtime.shutdown_background();
            drop(mark);
        };
        let thread = std::thread::Builder::new().name("registry".to_owned()).spawn(work);
        let thread = thread.map_err(EngineError::Network)?;
        Ok(Server { port, shutdown, thread })
    }

    /// Takes a port for the registry and leaves the mark of this process for others.
    ///
    /// # Errors
    /// [`EngineError::RegistryServed`] if another process serves the same store there,
    /// [`EngineError::RegistryPort`] if the port is another program's.
    pub(crate) async fn claim_registry(&self, port: u16) -> Result<Claim, EngineError> {
        let listener = match loopback(port).await {
            Err(EngineError::PortTaken { port }) => {
                return Err(match self.other_server(port) {
                    Some(process) => EngineError::RegistryServed { port, process },
                    None => EngineError::RegistryPort { port },
                });
            }
            listener => listener?,
        };
        let port = listener.local_addr().map_err(EngineError::Network)?.port();
        let path = self.mark_path(port);
        let io = |source| EngineError::io(&path, source);
        std::fs::create_dir_all(&self.setup.data).map_err(io)?;
        let mut options = OpenOptions::new();
        let mut mark = options.create(true).truncate(false).write(true).open(&path).map_err(io)?;
        // Whoever looks at it holds it for a moment only.
        mark.lock().map_err(io)?;
        mark.set_len(0).map_err(io)?;
        mark.write_all(std::process::id().to_string().as_bytes()).map_err(io)?;
        Ok(Claim { listener, port, mark })
    }

    /// Says whether another process serves this store at `port`, and which, if it tells.
    fn other_server(&self, port: u16) -> Option<Option<u32>> {
        let path = self.mark_path(port);
        let mark = File::open(&path).ok()?;
        match mark.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                Some(std::fs::read_to_string(&path).ok().and_then(|text| text.parse().ok()))
            }
            _ => None,
        }
    }

    fn mark_path(&self, port: u16) -> PathBuf {
        self.setup.data.join(format!("registry-{port}"))
    }
}

impl SharedRegistry {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn close(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown.cancel();
            // A server that panicked is down as well.
            let _ = server.thread.join();
        }
    }
}

impl Drop for SharedRegistry {
    fn drop(&mut self) {
        self.slot.get_mut().unwrap_or_else(PoisonError::into_inner).close();
    }
}
