use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::SystemTime,
};

use edk_container::{Conditions, Containers};
use edk_extension::Project;
use edk_image::{Builder, HostSettings};
use edk_model::Secret;
use edk_store::Store;

use crate::{EngineError, check::Checked, serving::SharedRegistry, shared::SharedSandbox};

/// What the engine needs of the process it runs in.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Folder for everything that is kept: store, unpacked layers, sandbox.
    pub data: PathBuf,
    /// The program that is started again as container helper: `/proc/self/exe` is this very one,
    /// even when its file was replaced while it runs.
    pub program: PathBuf,
    /// What `RUN` steps need of this machine.
    pub host: HostSettings,
    /// What opens the sealed file of secrets; without it they are in the keychain.
    pub passphrase: Option<Secret>,
    /// The clock on the wall.
    pub now: fn() -> SystemTime,
}

/// Carries out what users ask for.
#[derive(Debug)]
pub struct Engine {
    pub(crate) setup: Setup,
    store: OnceLock<Store>,
    containers: OnceLock<Arc<Containers>>,
    pub(crate) sandbox: SharedSandbox,
    pub(crate) registry: SharedRegistry,
    pub(crate) checked: Checked,
    /// Under which conditions a container started for the doctor.
    pub(crate) started: Mutex<Option<Conditions>>,
}

impl Engine {
    /// Returns an engine; nothing is opened before it is needed.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            store: OnceLock::new(),
            containers: OnceLock::new(),
            sandbox: SharedSandbox::default(),
            registry: SharedRegistry::default(),
            checked: Checked::default(),
            started: Mutex::default(),
        }
    }

    /// Returns the folder for everything that is kept.
    pub fn data_folder(&self) -> &Path {
        &self.setup.data
    }

    /// Returns what the clock on the wall says.
    pub fn now(&self) -> SystemTime {
        (self.setup.now)()
    }

    /// Opens the store, and removes what killed writers left in it.
    pub(crate) fn store(&self) -> Result<&Store, EngineError> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = Store::open(&self.setup.data.join("store"))?;
        store.sweep()?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Opens the unpacked layers, and removes what killed runs left there.
    pub(crate) fn containers(&self) -> Result<&Arc<Containers>, EngineError> {
        if let Some(containers) = self.containers.get() {
            return Ok(containers);
        }
        let folder = self.setup.data.join("containers");
        let containers = Containers::open(&folder, &self.setup.program)?;
        containers.sweep()?;
        Ok(self.containers.get_or_init(|| Arc::new(containers)))
    }

    pub(crate) fn builder(&self) -> Result<Builder<'_>, EngineError> {
        let (store, containers) = (self.store()?, self.containers()?);
        Ok(Builder { store, containers, host: &self.setup.host })
    }

    /// Folder of the sandbox.
    pub(crate) fn sandbox_folder(&self) -> PathBuf {
        self.setup.data.join("sandbox")
    }

    /// Understands the extension in `folder`.
    pub(crate) fn project(&self, folder: &Path) -> Result<Project, EngineError> {
        Ok(Project::discover(folder)?)
    }
}

/// The version under which an extension's charts and images go out: what the user says, else what
/// its chart says, else `0.1.0` for an extension without a chart.
///
/// # Errors
/// [`EngineError::Version`] for a version which platforms can't compare.
pub(crate) fn version_of(project: &Project, wanted: Option<&str>) -> Result<String, EngineError> {
    let own = project.charts.first().map(|chart| chart.version.as_str());
    let version = wanted.or(own).unwrap_or("0.1.0");
    match edk_model::names::plain_version(version) {
        Ok(()) => Ok(version.to_owned()),
        Err(reason) => Err(EngineError::Version { version: version.to_owned(), reason }),
    }
}
