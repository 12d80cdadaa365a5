use std::time::{Duration, SystemTime};

use crate::{Door, Faults, Profile};

/// What a sandbox is told when it is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Registry (and path) whose images are those of the store, such as `127.0.0.1:5000`. Images of
    /// other registries are not pulled.
    pub registry_url: String,
    /// Build version the sandbox claims to have.
    pub build_version: String,
    /// Address of the sandbox itself. Containers share the network of this machine and know no
    /// service names, so they get it as `KUBE_HELM_URL`, and an empty `AIRFLOW_URL`, unless their
    /// manifest names its own.
    pub url: String,
    /// Which release of the platform it answers as.
    pub profile: Profile,
    /// Which faults of real platforms it shows.
    pub faults: Faults,
    /// Who may come in; without a door, everybody on this machine.
    pub door: Option<Door>,
    /// How long a pod that ended is left before it is started again, the first time. Kubernetes: 10 s.
    pub restart_delay: Duration,
    /// The clock on the wall, which dates its records.
    pub now: fn() -> SystemTime,
}

impl Settings {
    /// Returns the time as the platform writes it: RFC 3339, in UTC.
    pub(crate) fn timestamp(&self) -> String {
        // Only a clock thousands of years off is out of range.
        let now = jiff::Timestamp::try_from((self.now)());
        now.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
    }
}

#[cfg(test)]
impl Settings {
    pub(crate) fn example(url: &str) -> Self {
        Self {
            registry_url: "127.0.0.1:5000".to_owned(),
            build_version: "0.6.0".to_owned(),
            url: url.to_owned(),
            profile: Profile::default(),
            faults: Faults::default(),
            door: None,
            restart_delay: Duration::ZERO,
            now: || SystemTime::UNIX_EPOCH,
        }
    }
}
