use std::{error::Error, io};

use edk_model::{Code, Explain};

/// Why an editor can't be served any longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LspError {
    /// The editor does not keep to the protocol.
    #[error("the conversation with the editor broke off")]
    Conversation {
        /// What it did.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A stream can't be read or written.
    #[error("the editor went away")]
    Io {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl LspError {
    pub(crate) fn conversation(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Conversation { source: source.into() }
    }
}

impl From<io::Error> for LspError {
    fn from(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::InvalidData => Self::conversation(source),
            _ => Self::Io { source },
        }
    }
}

impl Explain for LspError {
    fn code(&self) -> Code {
        match self {
            Self::Conversation { .. } => Code::Io,
            Self::Io { source } => Code::of_io(source),
        }
    }

    fn hints(&self) -> Vec<String> {
        vec![
            "`edk lsp` is started by an editor; `edk check` says the same in a terminal."
                .to_owned(),
        ]
    }
}
