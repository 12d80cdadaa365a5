use std::{
    io,
    path::{Path, PathBuf},
};

use edk_model::{Code, Explain};

/// Why the sandbox could not be opened or served.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The disk refused.
    #[error("could not read or write `{}` of the sandbox", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Another process has the folder.
    #[error("the sandbox in `{}` is already running", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The server ended with an error.
    #[error("the sandbox can't be served any more")]
    Serve {
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Explain for SandboxError {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } | Self::Serve { source } => Code::of_io(source),
            Self::InUse { .. } => Code::Conflict,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::InUse { .. } => {
                vec!["use the sandbox that runs, or give this one another folder".to_owned()]
            }
            Self::Io { .. } | Self::Serve { .. } => Vec::new(),
        }
    }
}
