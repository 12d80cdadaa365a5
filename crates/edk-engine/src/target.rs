//! Reaching a target: the sandbox is brought up in this process when none is running.

use std::{future::Future, sync::Arc};

use edk_archive::{Readers, write_whole};
use edk_model::Monitor;
use edk_sandbox::{Sandbox, Settings};
use edk_target::{Client, Target};
use tokio::net::TcpListener;

use crate::{
    DEFAULT_REGISTRY_PORT, Engine, EngineError,
    sandbox::{Flavour, Record, record},
    targets::Book,
};

/// What the sandbox says of itself: the build version operators ask for their images under.
pub(crate) const SANDBOX_BUILD_VERSION: &str = "0.6.0";
/// Name of the embedded target.
pub(crate) const SANDBOX: &str = "sandbox";
/// Before a pod that ended is started again: long enough to read why, no longer.
const RESTART_DELAY: std::time::Duration = std::time::Duration::from_secs(2);
/// In the sandbox's folder: the address of whoever serves it now.
const ADDRESS_FILE: &str = "address";

impl Engine {
    /// Calls `body` with a client of the target `name`: `sandbox`, or the address of one.
    pub(crate) fn with_target<T, F>(
        &self,
        name: &str,
        monitor: &Monitor,
        body: impl FnOnce(Client) -> F,
    ) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        if name != SANDBOX {
            let client = Client::connect(self.target_named(name)?)?;
            return runtime()?.block_on(body(client));
        }
        let sandbox = self.use_sandbox(monitor)?;
        let mut target = sandbox_target(&sandbox.url);
        if let Some(record) = record(&self.sandbox_folder()) {
            // It may answer as an older release.
            target.build_version = record.build_version;
        }
        let client = Client::connect(target)?;
        // The sandbox is let go of after the last answer.
        runtime()?.block_on(body(client))
    }

    /// Returns a target by its name, or by its address on this machine.
    fn target_named(&self, name: &str) -> Result<Target, EngineError> {
        let book = Book::read(&self.setup.data)?;
        match book.find(name) {
            Some(record) => self.connectable(record),
            None if name.contains("://") => by_address(name),
            None => Err(EngineError::NoTarget { name: name.to_owned(), known: book.names() }),
        }
    }

    /// Opens the sandbox of this machine, to be served at `url`, and leaves the address for others.
    pub(crate) fn open_sandbox(
        &self,
        url: &str,
        flavour: &Flavour,
    ) -> Result<Arc<Sandbox>, EngineError> {
        let folder = self.sandbox_folder();
        let settings = Settings {
            registry_url: sandbox_registry(),
            build_version: flavour.profile.build_version().to_owned(),
            url: url.to_owned(),
            profile: flavour.profile,
            faults: flavour.faults.clone(),
            door: flavour.door(),
            restart_delay: RESTART_DELAY,
            now: self.setup.now,
        };
        let (store, containers) = (self.store()?.clone(), Arc::clone(self.containers()?));
        let sandbox = Sandbox::open(&folder, store, containers, settings)?;
        let address = folder.join(ADDRESS_FILE);
        write_whole(&address, url.as_bytes(), Readers::Owner)
            .map_err(|source| EngineError::io(&address, source))?;
        Record::new(url, flavour).write(&folder)?;
        Ok(sandbox)
    }

    /// Returns the address of the sandbox that another process serves.
    pub(crate) fn running_sandbox(&self) -> Result<String, EngineError> {
        let path = self.sandbox_folder().join(ADDRESS_FILE);
        std::fs::read_to_string(&path).map_err(|source| EngineError::io(&path, source))
    }
}

/// The registry part of image names in the sandbox.
pub(crate) fn sandbox_registry() -> String {
    format!("localhost:{DEFAULT_REGISTRY_PORT}")
}

fn sandbox_target(url: &str) -> Target {
    let mut target = Target::new(SANDBOX, url, &sandbox_registry(), SANDBOX_BUILD_VERSION);
    target.pace = edk_target::Pace::sandbox();
    target
}

/// A sandbox served by another process, by its address on this machine.
fn by_address(name: &str) -> Result<Target, EngineError> {
    let rest = name.strip_prefix("http://").or_else(|| name.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    if !matches!(host, "localhost" | "127.0.0.1") {
        return Err(EngineError::ForeignTarget { url: name.to_owned() });
    }
    // Not called `sandbox`: another process serves it, perhaps not even a sandbox.
    let mut target = sandbox_target(name.trim_end_matches('/'));
    name.clone_into(&mut target.name);
    Ok(target)
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, EngineError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().map_err(EngineError::Network)
}

/// Binds a port of the loopback interface; 0 takes any that is free.
pub(crate) async fn loopback(port: u16) -> Result<TcpListener, EngineError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => EngineError::PortTaken { port },
        _ => EngineError::Network(error),
    })
}

pub(crate) fn address(listener: &TcpListener) -> Result<String, EngineError> {
    let address = listener.local_addr().map_err(EngineError::Network)?;
    Ok(format!("http://{address}"))
}
