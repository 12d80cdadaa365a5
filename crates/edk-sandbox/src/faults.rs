use std::time::Duration;

/// Faults of real platforms that matter to a client, each of which can be switched on.
///
/// All but the last were measured on kube-helm of Kaapana 0.5.1 to 0.6.0, which is the same program.
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
    /// A chart without description or with bad parameters breaks the list for good, one with bad
    /// values or another file name once.
    pub fragile_list: bool,
    /// Installing a chart before it is listed breaks the list once, then leaves a bare string in it,
    /// until the list is made anew. Shows only with an old list.
    pub bare_strings: bool,
    /// Texts are escaped for HTML, then lose spaces, backslashes and, with a `;`, themselves.
    pub mangle_parameters: bool,
    /// How long an install is waited for before it is called failed, while it goes on. The
    /// platform: 15 s.
    pub install_timeout: Option<Duration>,
    /// Removing what is not there succeeds.
    pub blind_delete: bool,
    /// Reasons are left out of answers; the platform keeps them in its log.
    pub terse: bool,
    /// How long the front door waits for an answer before it says 502, while the call goes on. The
    /// proxy before a platform: 30 s.
    pub door_timeout: Option<Duration>,
}

/// A fault by its name.
#[derive(Debug, Clone, Copy)]
pub struct NamedFault {
    /// The name by which it is switched on.
    pub name: &'static str,
    /// What it does, one sentence.
    pub about: &'static str,
    set: fn(&mut Faults),
    is_on: fn(&Faults) -> bool,
}

impl Faults {
    /// All faults, each as a real platform has it.
    pub const ALL: [NamedFault; 11] = [
        NamedFault {
            name: "stale-list",
            about: "the list of extensions is up to 30 s old, and mended badly in between",
            set: |it| it.list_cache = Some(Duration::from_secs(30)),
            is_on: |it| it.list_cache.is_some(),
        },
        NamedFault {
            name: "keep-rejected-charts",
            about: "a chart is stored before it is checked, and stays when the check fails",
            set: |it| it.keep_rejected_charts = true,
            is_on: |it| it.keep_rejected_charts,
        },
        NamedFault {
            name: "keep-archives",
            about: "an archive of images stays on the disk after its import",
            set: |it| it.keep_archives = true,
            is_on: |it| it.keep_archives,
        },
        NamedFault {
            name: "blind-append",
            about: "a piece of an upload is appended whatever its offset, and too much is no error",
            set: |it| it.append_blindly = true,
            is_on: |it| it.append_blindly,
        },
        NamedFault {
            name: "fragile-list",
            about: "one bad chart takes the list of extensions down for everybody",
            set: |it| it.fragile_list = true,
            is_on: |it| it.fragile_list,
        },
        NamedFault {
            name: "bare-strings",
            about: "a chart installed before it was listed is a bare string in the list (with stale-list)",
            set: |it| it.bare_strings = true,
            is_on: |it| it.bare_strings,
        },
        NamedFault {
            name: "mangle-parameters",
            about: "parameters lose spaces and backslashes, and with any of & < > \" ' ; themselves",
            set: |it| it.mangle_parameters = true,
            is_on: |it| it.mangle_parameters,
        },
        NamedFault {
            name: "install-timeout",
            about: "an install that takes over 15 s is called failed, and goes on",
            set: |it| it.install_timeout = Some(Duration::from_secs(15)),
            is_on: |it| it.install_timeout.is_some(),
        },
        NamedFault {
            name: "blind-delete",
            about: "removing a release that is not there succeeds",
            set: |it| it.blind_delete = true,
            is_on: |it| it.blind_delete,
        },
        NamedFault {
            name: "terse",
            about: "answers do not say why something failed",
            set: |it| it.terse = true,
            is_on: |it| it.terse,
        },
        NamedFault {
            name: "door-timeout",
            about: "a call that takes over 30 s is answered with 502, and goes on",
            set: |it| it.door_timeout = Some(Duration::from_secs(30)),
            is_on: |it| it.door_timeout.is_some(),
        },
    ];

    /// Returns all faults, as a real platform has them.
    pub fn strict() -> Self {
        let mut faults = Self::default();
        Self::ALL.iter().for_each(|fault| (fault.set)(&mut faults));
        faults
    }

    /// Switches the fault called `name` on; says whether there is one.
    pub fn switch_on(&mut self, name: &str) -> bool {
        let found = Self::ALL.iter().find(|fault| fault.name == name);
        found.map(|fault| (fault.set)(self)).is_some()
    }

    /// Returns the names of the faults that are on.
    pub fn names(&self) -> Vec<&'static str> {
        Self::ALL.iter().filter(|fault| (fault.is_on)(self)).map(|fault| fault.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_switched_on_by_its_name_and_nothing_else_is() {
        for fault in Faults::ALL {
            let mut faults = Faults::default();
            assert!(faults.switch_on(fault.name));
            assert_eq!(faults.names(), [fault.name]);
        }
        assert!(!Faults::default().switch_on("nothing"));
        assert_eq!(Faults::strict().names().len(), Faults::ALL.len());
    }
}
