use edk_model::{Monitor, Outcome};
use edk_sandbox::{Door, Faults};

use crate::{
    Engine, EngineError,
    target::{address, loopback, runtime},
};

/// The port of the registry when none is named; also part of image names in the sandbox.
pub const DEFAULT_REGISTRY_PORT: u16 = 5577;
/// The port of the sandbox when none is named.
pub const DEFAULT_SANDBOX_PORT: u16 = 5578;

/// Serve the registry or the sandbox on the loopback interface until cancelled.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServeRequest {
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// For the sandbox: whether to show the known faults of real platforms.
    pub strict_faults: bool,
    /// For the sandbox: whether to ask for a login, as a platform does.
    pub login: bool,
}

impl Engine {
    /// Serves the registry; the stage that starts names its address.
    ///
    /// # Errors
    /// [`EngineError::RegistryServed`], [`EngineError::RegistryPort`], [`EngineError::Network`].
    pub fn serve_registry(
        &self,
        request: ServeRequest,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let monitor = monitor.stage("registry");
        let store = self.store()?.clone();
        runtime()?.block_on(async {
            let claim = self.claim_registry(request.port).await?;
            let address = address(&claim.listener)?;
            monitor.started(&address);
            let stopped = monitor.token().clone().cancelled_owned();
            let serving = edk_registry::serve(claim.listener, store, stopped);
            serving.await.map_err(EngineError::Network)?;
            drop(claim.mark);
            monitor.finished(&address, Outcome::Done, "stopped");
            Ok(())
        })
    }

    /// Serves the sandbox; the stage that starts names its address.
    ///
    /// # Errors
    /// [`EngineError::PortTaken`], [`EngineError::Sandbox`] if another process serves it.
    pub fn serve_sandbox(
        &self,
        request: ServeRequest,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let monitor = monitor.stage("sandbox");
        let faults = if request.strict_faults { Faults::strict() } else { Faults::default() };
        let door = request.login.then(Door::example);
        runtime()?.block_on(async {
            let listener = loopback(request.port).await?;
            let address = address(&listener)?;
            let sandbox = self.open_sandbox(&address, faults, door)?;
            monitor.started(&address);
            edk_sandbox::serve(listener, sandbox, monitor.token().clone()).await?;
            monitor.finished(&address, Outcome::Done, "stopped");
            Ok(())
        })
    }
}
