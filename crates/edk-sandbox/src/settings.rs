use std::time::{Duration, SystemTime};

use crate::Door;

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
    /// Which faults of real platforms it shows.
    pub faults: Faults,
    /// Who may come in; without a door, everybody on this machine.
    pub door: Option<Door>,
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

/// Faults of real platforms that matter to a client, each of which can be switched on.
///
/// All were measured on kube-helm of Kaapana 0.5.1 to 0.6.0, which is the same program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// How old the list may be. Within this time an entry that was installed or deleted loses all
    /// versions but the newest, and new instances are missing. The platform: 30 s.
    pub list_cache: Option<Duration>,
    /// A chart is put in its place before it is checked, and stays there when the check fails.
    pub keep_rejected_charts: bool,
    /// An archive of images stays on the disk after its images were taken out of it.
    pub keep_archives: bool,
    /// A piece of an upload is appended whatever its offset, so a piece sent twice makes another
    /// file, and a file that became too long is never complete.
    pub append_blindly: bool,
    /// Installing a chart before it is listed breaks the list once, then leaves a bare string in
    /// it; a chart without description or with bad parameters breaks it for good.
    pub fragile_list: bool,
    /// Texts are escaped for HTML, then lose spaces, backslashes and, with a `;`, themselves.
    pub mangle_parameters: bool,
    /// How long an install is waited for before it is called failed, while it goes on. The
    /// platform: 15 s.
    pub install_timeout: Option<Duration>,
    /// Reasons are left out of answers; the platform keeps them in its log.
    pub terse: bool,
}

impl Faults {
    /// Returns all faults, as a real platform has them.
    pub fn strict() -> Self {
        Self {
            list_cache: Some(Duration::from_secs(30)),
            keep_rejected_charts: true,
            keep_archives: true,
            append_blindly: true,
            fragile_list: true,
            mangle_parameters: true,
            install_timeout: Some(Duration::from_secs(15)),
            terse: true,
        }
    }
}
