use std::{
    io,
    path::{Path, PathBuf},
};

use edk_model::{Cancelled, Code, Digest, Explain};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused.
    #[error("could not read or write `{}` in the store", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A blob that was asked for is not there.
    #[error("the store has no blob {0}")]
    NoBlob(Digest),
    /// The bytes written are not those announced.
    #[error("the content has digest {actual}, not {expected} as announced")]
    Mismatch {
        /// The digest announced.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// The bytes on disk are no longer those of the digest.
    #[error("blob {0} is damaged on disk")]
    Corrupt(Digest),
    /// A blob that should be small is not.
    #[error("blob {0} is too large for a manifest or a configuration")]
    TooLarge(Digest),
    /// A malformed repository or tag.
    #[error("`{name}` {reason}")]
    BadName {
        /// The name.
        name: String,
        /// The rule it breaks.
        reason: String,
    },
    /// The work was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl StoreError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn bad_name(name: &str, reason: String) -> Self {
        Self::BadName { name: name.to_owned(), reason }
    }
}

impl Explain for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::NoBlob(_) => Code::NotFound,
            Self::Mismatch { .. } | Self::TooLarge(_) | Self::BadName { .. } => Code::InvalidInput,
            Self::Corrupt(_) => Code::Io,
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { source, .. } if Code::of_io(source) == Code::DiskFull => {
                vec!["free some space on the disk, then run the command again".to_owned()]
            }
            Self::Corrupt(_) => {
                vec!["build or pull the image again; the damaged blob will be replaced".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
