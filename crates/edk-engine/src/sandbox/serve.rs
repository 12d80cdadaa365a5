use std::{io, path::Path};

use edk_archive::{Readers, write_whole};
use edk_model::{Monitor, Outcome};
use edk_sandbox::{Door, Faults, Profile};
use serde::{Deserialize, Serialize};

use crate::{
    Engine, EngineError,
    target::{address, loopback, runtime},
};

/// In the sandbox's folder: who serves it, and how.
const RECORD: &str = "served.json";

/// Serve the sandbox on the loopback interface until cancelled.
#[derive(Debug, Clone, Default)]
pub struct SandboxServeRequest {
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// The release to answer as, such as `0.5`; the newest when none is named.
    pub profile: Option<String>,
    /// Whether to show all known faults of real platforms.
    pub strict_faults: bool,
    /// Faults to show, by name.
    pub faults: Vec<String>,
    /// Whether to ask for a login, as a platform does.
    pub login: bool,
}

/// A fault which the sandbox can show.
#[derive(Debug, Clone, Serialize)]
pub struct FaultView {
    /// The name by which it is switched on.
    pub name: &'static str,
    /// What it does, one sentence.
    pub about: &'static str,
}

/// What a sandbox is like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flavour {
    pub(crate) profile: Profile,
    pub(crate) faults: Faults,
    pub(crate) login: bool,
    /// Whether a process serves it for its own sake.
    pub(crate) on_its_own: bool,
}

impl Flavour {
    /// Reads the names of a request.
    pub(crate) fn of(request: &SandboxServeRequest) -> Result<Self, EngineError> {
        let unknown = |kind, name: &str, known: Vec<&'static str>| EngineError::NoSuch {
            kind,
            name: name.to_owned(),
            known,
        };
        let profile = match &request.profile {
            None => Profile::default(),
            Some(name) => Profile::named(name).ok_or_else(|| {
                unknown("profile", name, Profile::ALL.map(Profile::name).to_vec())
            })?,
        };
        let mut faults = if request.strict_faults { Faults::strict() } else { Faults::default() };
        for name in &request.faults {
            if !faults.switch_on(name) {
                let known = Faults::ALL.map(|fault| fault.name).to_vec();
                return Err(unknown("fault", name, known));
            }
        }
        Ok(Self { profile, faults, login: request.login, on_its_own: true })
    }

    pub(crate) fn door(&self) -> Option<Door> {
        self.login.then(Door::example)
    }
}

/// Who serves the sandbox, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) process: u32,
    pub(crate) url: String,
    pub(crate) on_its_own: bool,
    pub(crate) profile: String,
    pub(crate) build_version: String,
    pub(crate) faults: Vec<String>,
    pub(crate) login: bool,
}

impl Record {
    pub(crate) fn new(url: &str, flavour: &Flavour) -> Self {
        Self {
            process: std::process::id(),
            url: url.to_owned(),
            on_its_own: flavour.on_its_own,
            profile: flavour.profile.name().to_owned(),
            build_version: flavour.profile.build_version().to_owned(),
            faults: flavour.faults.names().into_iter().map(str::to_owned).collect(),
            login: flavour.login,
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), EngineError> {
        let path = folder.join(RECORD);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        text.and_then(|text| write_whole(&path, &text, Readers::Owner))
            .map_err(|source| EngineError::io(&path, source))
    }
}

/// Returns who served the sandbox in `folder` last.
pub(crate) fn record(folder: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(folder.join(RECORD)).ok()?).ok()
}

impl Engine {
    /// Returns the faults which the sandbox can show.
    pub fn sandbox_faults(&self) -> Vec<FaultView> {
        let view =
            |fault: &edk_sandbox::NamedFault| FaultView { name: fault.name, about: fault.about };
        Faults::ALL.iter().map(view).collect()
    }

    /// Serves the sandbox; the stage that starts names its address.
    ///
    /// # Errors
    /// [`EngineError::NoSuch`] for a name that is none, [`EngineError::PortTaken`],
    /// [`EngineError::Sandbox`] if another process serves it.
    pub fn serve_sandbox(
        &self,
        request: &SandboxServeRequest,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let monitor = monitor.stage("sandbox");
        let flavour = Flavour::of(request)?;
        runtime()?.block_on(async {
            let listener = loopback(request.port).await?;
            let address = address(&listener)?;
            let sandbox = self.open_sandbox(&address, &flavour)?;
            monitor.started(&address);
            edk_sandbox::serve(listener, sandbox, monitor.token().clone()).await?;
            monitor.finished(&address, Outcome::Done, "stopped");
            Ok(())
        })
    }
}
