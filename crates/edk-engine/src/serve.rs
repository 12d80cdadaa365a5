use edk_model::{Monitor, Outcome};

use crate::{
    Engine, EngineError,
    target::{address, runtime},
};

/// The port of the registry when none is named; also part of image names in the sandbox.
pub const DEFAULT_REGISTRY_PORT: u16 = 5577;
/// The port of the sandbox when none is named.
pub const DEFAULT_SANDBOX_PORT: u16 = 5578;

impl Engine {
    /// Serves the registry; the stage that starts names its address.
    ///
    /// # Errors
    /// [`EngineError::RegistryServed`], [`EngineError::RegistryPort`], [`EngineError::Network`].
    pub fn serve_registry(&self, port: u16, monitor: &Monitor) -> Result<(), EngineError> {
        let monitor = monitor.stage("registry");
        let store = self.store()?.clone();
        runtime()?.block_on(async {
            let claim = self.claim_registry(port).await?;
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
}
