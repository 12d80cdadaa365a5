use std::{io, path::PathBuf};

use edk_model::{Cancelled, Code, Explain};

/// Why an archive could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder, or the entry of an archive.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The stream of the archive itself could not be written or read.
    #[error("the archive can't be {action}")]
    Stream {
        /// `written` or `read`.
        action: &'static str,
        /// What the system or the decoder said.
        #[source]
        source: io::Error,
    },
    /// The archive ends before this entry does.
    #[error("the archive is cut off: it ends inside of `{}`", path.display())]
    CutOff {
        /// Name of the entry.
        path: PathBuf,
    },
    /// A file had another length than announced: somebody writes to it.
    #[error("{} changed while it was read: {expected} bytes were expected", path.display())]
    Changed {
        /// Name of the entry.
        path: PathBuf,
        /// The announced length in bytes.
        expected: u64,
    },
    /// A name that can't be an entry of an archive.
    #[error("`{}` can't be the name of an entry: {reason}", path.display())]
    Name {
        /// The name.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },
    /// An entry that would be written outside of the destination.
    #[error("the entry `{}` leaves the folder it is unpacked to", path.display())]
    Escapes {
        /// Name of the entry.
        path: PathBuf,
    },
    /// A link whose target lies, or may lie, outside of the destination.
    #[error("the link `{}` to `{}` leaves the folder it is unpacked to", path.display(), target.display())]
    UnsafeLink {
        /// Name of the entry.
        path: PathBuf,
        /// What it points to.
        target: PathBuf,
    },
    /// A device, a pipe or something else which is no file, folder or link.
    #[error("the entry `{}` is neither a file, a folder nor a link", path.display())]
    Special {
        /// Name of the entry.
        path: PathBuf,
    },
    /// Two entries of one name.
    #[error("the archive holds `{}` twice", path.display())]
    Twice {
        /// Name of the entry.
        path: PathBuf,
    },
    /// More bytes than allowed.
    #[error("the archive holds more than {limit} bytes")]
    TooLarge {
        /// The allowed number of bytes.
        limit: u64,
    },
    /// A file with more bytes than one may have.
    #[error("the file `{}` in the archive has more than {limit} bytes", path.display())]
    FileTooLarge {
        /// Name of the entry.
        path: PathBuf,
        /// The allowed number of bytes.
        limit: u64,
    },
    /// More entries than allowed.
    #[error("the archive holds more than {limit} entries")]
    TooMany {
        /// The allowed number of entries.
        limit: u64,
    },
    /// The destination is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The destination.
        path: PathBuf,
    },
    /// The work was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::Stream { action: "written", source } => Code::of_io(source),
            Self::Exists { .. } | Self::Changed { .. } => Code::Conflict,
            Self::Cancelled(_) => Code::Cancelled,
            _ => Code::InvalidInput,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Changed { .. } => "Run it again once nothing writes to the file.",
            Self::CutOff { .. } => "Make the archive again, or copy it again.",
            Self::Exists { .. } => "Choose another folder, or remove this one first.",
            Self::Escapes { .. } | Self::UnsafeLink { .. } | Self::Special { .. } => {
                "Don't use this archive unless you trust where it comes from; nothing was unpacked."
            }
            Self::Stream { action: "read", .. } => {
                "Check that the file is a tar or tar.gz archive and that it is complete."
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
