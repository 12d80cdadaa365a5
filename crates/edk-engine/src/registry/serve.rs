use std::{path::PathBuf, sync::Arc};

use edk_model::{Monitor, Outcome, Secret};
use edk_registry::{Accounts, NewAccount, Options};
use serde::{Deserialize, Serialize};

use super::{
    lan::LanRequest,
    mirror::{MirrorOf, Mirrors},
};
use crate::{
    Engine, EngineError,
    target::{address, loopback, runtime},
};

/// Serve the registry until cancelled.
#[derive(Debug, Clone, Default)]
pub struct RegistryServeRequest {
    /// The port on this machine; 0 takes any that is free.
    pub port: u16,
    /// To serve a network, and not this machine alone.
    pub lan: Option<LanRequest>,
    /// Other registries, from which what is not here is fetched.
    pub mirrors: Vec<MirrorOf>,
    /// How many bytes a blob may have.
    pub blob_limit: Option<u64>,
}

/// Make an account of the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistryAccountRequest {
    /// Its name.
    pub name: String,
    /// Beginnings of the repositories it may pull from; `*` means all.
    pub pull: Vec<String>,
    /// Beginnings of the repositories it may push to; `*` means all.
    pub push: Vec<String>,
    /// Whether it has a bearer token rather than a password.
    pub token: bool,
    /// The file of accounts; without one, that of the state folder.
    pub accounts: Option<PathBuf>,
}

/// An account that was made.
#[derive(Debug, Clone)]
pub struct AccountOutcome {
    /// Its name.
    pub name: String,
    /// The file it is in.
    pub file: PathBuf,
    /// Whether it has a bearer token.
    pub token: bool,
    /// Its password or token, which is kept nowhere.
    pub secret: Secret,
}

impl Engine {
    /// Serves the registry; the stage that starts names its address.
    ///
    /// # Errors
    /// As [`Engine::serve_registry`]; for a network also [`EngineError::Access`] without accounts
    /// and [`EngineError::Certificate`].
    pub fn registry_serve(
        &self,
        request: &RegistryServeRequest,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let options = self.registry_options(request)?;
        if let Some(lan) = &request.lan {
            return self.serve_network(lan, options, monitor);
        }
        let port = request.port;
        if options.upstream.is_none() && options.blob_limit.is_none() {
            return self.serve_registry(port, monitor);
        }
        let (monitor, store) = (monitor.stage("registry"), self.store()?.clone());
        runtime()?.block_on(async {
            let listener = loopback(port).await?;
            let address = address(&listener)?;
            monitor.started(&address);
            let stopped = monitor.token().clone().cancelled_owned();
            let serving = edk_registry::serve_with(listener, store, options, stopped);
            serving.await.map_err(EngineError::Network)?;
            monitor.finished(&address, Outcome::Done, "stopped");
            Ok(())
        })
    }

    fn registry_options(&self, request: &RegistryServeRequest) -> Result<Options, EngineError> {
        let mirrors = || -> Result<Arc<dyn edk_registry::Upstream>, EngineError> {
            let access = self.setup.host.registries.clone();
            Ok(Arc::new(Mirrors::new(self.store()?.clone(), access, request.mirrors.clone())))
        };
        let upstream = (!request.mirrors.is_empty()).then(mirrors).transpose()?;
        Ok(Options { blob_limit: request.blob_limit, upstream })
    }

    /// Makes an account for those who come over a network.
    ///
    /// # Errors
    /// [`EngineError::Access`] if the file makes no sense or can't be written.
    pub fn registry_account(
        &self,
        request: &RegistryAccountRequest,
    ) -> Result<AccountOutcome, EngineError> {
        let RegistryAccountRequest { name, pull, push, token, accounts } = request.clone();
        let file = accounts.unwrap_or_else(|| self.accounts_file());
        let new = NewAccount { name: name.clone(), pull, push, token };
        let secret = Accounts::add(&file, new)?;
        Ok(AccountOutcome { name, file, token, secret })
    }

    pub(crate) fn accounts_file(&self) -> PathBuf {
        self.setup.data.join("registry/accounts.toml")
    }
}
