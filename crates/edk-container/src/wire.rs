//! What parent and helper say to each other over the helper's standard streams.
//!
//! Parent to helper (standard input): one frame with an [`Order`]; in a rootless run one byte once
//! the ids are mapped; then, for [`Work::Unpack`], the tar stream.
//! Helper to parent (standard output): in a rootless run a frame [`Answer::Mapped`] request; one
//! frame with the result; then, for a captured run or an export, a tar stream.
//! Standard error of the helper is the output of the process inside, and nothing else.
//!
//! A frame is a 32-bit little-endian length and that many bytes of JSON.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Exit, RunSpec, identity::Privilege};

/// What the helper is to do: the parent sends an `Order<&Work>`, the helper reads an
/// `Order<Work>`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order<W> {
    /// Process id of the parent.
    pub(crate) parent: u32,
    /// Whether to enter a user namespace first, and which.
    pub(crate) privilege: Privilege,
    /// The work.
    pub(crate) work: W,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Unpack the layer that follows on standard input into `target`; `below` are the folders of
    /// the layers below, topmost first.
    Unpack { target: PathBuf, below: Vec<PathBuf> },
    /// Run a process on `layers` (folder names in `layers_root`, topmost first).
    Run { spec: RunSpec, layers_root: PathBuf, layers: Vec<String>, work: PathBuf, capture: bool },
    /// Send what `patterns` name in `layers` (folder names in `layers_root`, topmost first).
    Export {
        layers_root: PathBuf,
        layers: Vec<String>,
        work: PathBuf,
        patterns: Vec<String>,
        parents: bool,
    },
    /// Run a program of the host in namespaces of its own.
    Host { argv: Vec<String>, env: Vec<(String, String)>, cwd: PathBuf },
    /// Remove a folder whose files may belong to subordinate ids.
    Remove { path: PathBuf },
}

/// What the helper answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The user namespace is there; its ids are to be mapped now.
    MapIds,
    /// The work is done.
    Done,
    /// The process ended.
    Exited(Exit),
    /// No user namespace can be made.
    NoUserNamespace { reason: String },
    /// Something could not be set up.
    Failed { step: String, reason: String, errno: Option<i32> },
}

/// The longest frame accepted: far above any order, far below what could hurt.
const MAX_FRAME: u32 = 16 << 20;

pub(crate) fn write_frame(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&bytes)?;
    to.flush()
}

pub(crate) fn read_frame<T: DeserializeOwned>(mut from: impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}
