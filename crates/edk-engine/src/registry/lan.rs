//! The registry for a network: over TLS, and only to those who log in.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use edk_model::{Digest, Monitor, Outcome};
use edk_registry::{Accounts, Certificate, Guard, Options};
use nix::{ifaddrs::getifaddrs, unistd::gethostname};
use tokio::net::TcpListener;

use crate::{Engine, EngineError, target::runtime};

/// Serve a network.
#[derive(Debug, Clone)]
pub struct LanRequest {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Names by which clients know this machine, beside its host name and its addresses.
    pub names: Vec<String>,
    /// Certificate and key (PEM); without them, a certificate made here.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The file of accounts; without one, that of the state folder.
    pub accounts: Option<PathBuf>,
}

impl Engine {
    /// Serves a network; the stage that starts names the address, and lines say what clients need.
    pub(super) fn serve_network(
        &self,
        request: &LanRequest,
        options: Options,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let monitor = monitor.stage("registry");
        let store = self.store()?.clone();
        let guard = self.guard(request)?;
        runtime()?.block_on(async {
            let failed = |error: std::io::Error| match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    EngineError::PortTaken { port: request.listen.port() }
                }
                _ => EngineError::Listen { address: request.listen, source: error },
            };
            // The one place which listens where the user says; see tests/tidy/loopback.rs.
            let listener = TcpListener::bind(request.listen).await.map_err(failed)?;
            let listens = listener.local_addr().map_err(EngineError::Network)?;
            let address = format!("https://{listens}");
            monitor.started(&address);
            let known_as = known_as(request, listens);
            for line in advice(&known_as, &guard.certificate) {
                monitor.stage("listen").line(&line);
            }
            let stopped = monitor.token().clone().cancelled_owned();
            let serving = edk_registry::serve_guarded(listener, store, options, guard, stopped);
            serving.await.map_err(EngineError::Network)?;
            monitor.finished(&address, Outcome::Done, "stopped");
            Ok(())
        })
    }

    /// Accounts first: without them nothing is made and nothing listens.
    fn guard(&self, request: &LanRequest) -> Result<Guard, EngineError> {
        let file = request.accounts.clone().unwrap_or_else(|| self.accounts_file());
        let accounts = Accounts::read(&file)?;
        let certificate = match &request.certificate {
            Some((certificate, key)) => Certificate::read(certificate, key)?,
            None => {
                let folder = self.setup.data.join("registry");
                Certificate::keep(&folder, &names(request))?
            }
        };
        Ok(Guard { certificate, accounts })
    }
}

/// Everything by which a client may know this machine.
fn names(request: &LanRequest) -> Vec<String> {
    let mut names = request.names.clone();
    names.extend(gethostname().ok().and_then(|name| name.into_string().ok()));
    names.push("localhost".to_owned());
    match request.listen.ip() {
        ip if ip.is_unspecified() => names.extend(addresses().iter().map(IpAddr::to_string)),
        ip => names.push(ip.to_string()),
    }
    names.sort();
    names.dedup();
    names
}

/// The addresses of this machine; what can't be found out is left out.
fn addresses() -> Vec<IpAddr> {
    let interfaces = getifaddrs().into_iter().flatten();
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
        // An address that holds for one cable only is none to give to others.
        let v6 =
            address.as_sockaddr_in6().map(|it| it.ip()).filter(|it| !it.is_unicast_link_local());
        v4.or(v6.map(IpAddr::V6))
    });
    addresses.collect()
}

/// The name by which clients would best know this machine, with the port.
fn known_as(request: &LanRequest, listens: SocketAddr) -> String {
    let named = request.names.first().map(|name| format!("{name}:{}", listens.port()));
    let found = || {
        let reached = addresses().into_iter().find(|it| !it.is_loopback());
        reached.map(|ip| SocketAddr::new(ip, listens.port()).to_string())
    };
    let found = if listens.ip().is_unspecified() { found() } else { None };
    named.or(found).unwrap_or_else(|| listens.to_string())
}

/// What clients need to know.
fn advice(address: &str, certificate: &Certificate) -> Vec<String> {
    // The platform names the secret after the address (chart of its extension "New Registry").
    let secret = format!("registry-secret-{}", &Digest::of(address.as_bytes()).hex()[..4]);
    vec![
        format!("certificate {}", certificate.file.display()),
        format!("SHA-256 fingerprint {}", certificate.fingerprint),
        "clients have to trust that certificate, and log in with an account of `edk registry account`"
            .to_owned(),
        "for a Kaapana platform, launch its extension New Registry with these parameters:".to_owned(),
        format!("  custom_registry_url: {address}"),
        "  credentials_custom_registry_username, credentials_custom_registry_password: the account"
            .to_owned(),
        format!("  global.custom_registry_url in charts is then {address}, the pull secret {secret}"),
    ]
}
