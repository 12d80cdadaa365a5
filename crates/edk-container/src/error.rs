use std::{io, path::PathBuf};

use edk_model::{Cancelled, Code, Explain};

/// Why a container could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The disk refused.
    #[error("could not read or write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The helper could not be started, or died.
    #[error("the container helper `{}` did not answer", program.display())]
    Helper {
        /// The program.
        program: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Inside the helper, something could not be set up.
    #[error("could not {step}: {reason}")]
    Setup {
        /// What the helper was about to do.
        step: String,
        /// What the kernel answered.
        reason: String,
        /// The number of the system error, when there is one.
        errno: Option<i32>,
    },
    /// The kernel or the distribution refuses user namespaces to ordinary users.
    #[error("this machine does not let an ordinary user make a user namespace")]
    NoUserNamespace {
        /// What the kernel answered.
        reason: String,
    },
    /// `newuidmap` or `newgidmap` is missing or refused.
    #[error("`{program}` could not map the ids of the container: {reason}")]
    IdMap {
        /// The program.
        program: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// A layer that a container needs was not unpacked.
    #[error("layer {0} of the container is not unpacked")]
    NoLayer(String),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ContainerError {
    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Explain for ContainerError {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::Helper { .. } | Self::NoLayer(_) => Code::Bug,
            Self::Setup { errno: Some(errno), .. } => {
                match Code::of_io(&io::Error::from_raw_os_error(*errno)) {
                    Code::DiskFull => Code::DiskFull,
                    _ => Code::Precondition,
                }
            }
            Self::Setup { .. } | Self::NoUserNamespace { .. } | Self::IdMap { .. } => {
                Code::Precondition
            }
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::NoUserNamespace { .. } => &[
                "ask an administrator to allow them: `sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu 24.04 and newer), `sysctl kernel.unprivileged_userns_clone=1` (older Debian), `sysctl user.max_user_namespaces=15000` (hardened systems)",
                "or run edk as root",
            ],
            Self::IdMap { .. } => &[
                "install the package `uidmap` (Debian, Ubuntu) or `shadow-utils` (Fedora), whose newuidmap and newgidmap must be set-uid root",
            ],
            Self::Io { source, .. } if Code::of_io(source) == Code::DiskFull => {
                &["free some space on the disk, then run the command again"]
            }
            Self::Setup { .. } if self.code() == Code::DiskFull => {
                &["free some space on the disk, then run the command again"]
            }
            Self::Setup { step, .. } if step.starts_with("mount the layers") => &[
                "overlayfs is needed: Linux 5.11 or newer for ordinary users, and a data folder on a local file system such as ext4, xfs or btrfs",
            ],
            _ => &[],
        };
        hints.iter().map(|&hint| hint.to_owned()).collect()
    }
}
