use std::{net::SocketAddrV4, path::PathBuf, time::Duration};

use edk_model::Digest;
use serde::{Deserialize, Serialize};

/// A process to run in a root file system made of layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Diff ids of the layers, lowest first; each must have been unpacked before.
    pub layers: Vec<Digest>,
    /// Program and its arguments; a program without `/` is looked up in `PATH` of `env`.
    pub argv: Vec<String>,
    /// Whole environment of the process.
    pub env: Vec<(String, String)>,
    /// Working directory inside; made when it is not there.
    pub cwd: String,
    /// User as in an image's configuration: `""`, `name`, `uid`, `user:group`.
    pub user: String,
    /// Files and folders of the host to show inside.
    pub binds: Vec<Bind>,
    /// What else shows inside; what is written there is thrown away.
    pub mounts: Vec<Mount>,
    /// What the process may reach.
    pub network: Network,
}

/// A file or folder of the host that shows inside the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Path on the host.
    pub source: PathBuf,
    /// Absolute path inside; the mount point is made when it is not there.
    pub target: PathBuf,
    /// Whether the process may not write to it.
    pub read_only: bool,
}

/// Something that shows inside a container and comes from no folder of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mount {
    /// An empty folder in memory.
    Scratch {
        /// Absolute path inside.
        target: PathBuf,
        /// How many bytes it holds at most; as many as the kernel allows without it.
        size: Option<u64>,
    },
    /// A file or folder of other layers.
    Tree {
        /// Diff ids of the layers, lowest first; each must have been unpacked before.
        layers: Vec<Digest>,
        /// Which file or folder of them; links are followed inside of them.
        source: PathBuf,
        /// Absolute path inside.
        target: PathBuf,
        /// Whether the process may not write to it.
        read_only: bool,
    },
    /// A folder of the host that outlives the run, such as that of a cache.
    Folder {
        /// Path on the host.
        source: PathBuf,
        /// Absolute path inside.
        target: PathBuf,
        /// Whether the process may not write to it.
        read_only: bool,
        /// Permission bits it gets as long as it is empty.
        mode: u32,
        /// User id of the owner it gets as long as it is empty.
        uid: u32,
        /// Group id of the owner it gets as long as it is empty.
        gid: u32,
    },
    /// A file whose content is only in memory; read only.
    File {
        /// Absolute path inside.
        target: PathBuf,
        /// Its content.
        content: Content,
        /// Permission bits.
        mode: u32,
        /// User id of its owner.
        uid: u32,
        /// Group id of its owner.
        gid: u32,
    },
}

impl Mount {
    pub(crate) fn target(&self) -> &std::path::Path {
        match self {
            Self::Scratch { target, .. }
            | Self::Tree { target, .. }
            | Self::Folder { target, .. }
            | Self::File { target, .. } => target,
        }
    }
}

/// The content of a file, which may be a secret: it does not show in debug output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content(pub Vec<u8>);

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(…)")
    }
}

/// What a process in a container may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// What the host reaches.
    Host,
    /// Only itself, over loopback.
    None,
    /// Itself, over loopback, and what a gate leads to. Ports are its own.
    Gate(Gate),
}

/// The way into a network of its own, and out of it to other gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The Unix socket of the gate, made where nothing is; see [`crate::gate`] for its use.
    pub socket: PathBuf,
    /// Where other gates can be reached from inside.
    pub ways: Vec<Way>,
}

/// An address inside that leads to a port behind another gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// A loopback address inside.
    pub loopback: SocketAddrV4,
    /// The socket of the other gate; it may come and go.
    pub to: PathBuf,
    /// The port behind it.
    pub port: u16,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; 128 + signal number when a signal ended it.
    pub code: i32,
    /// Wall time from start to end.
    pub duration: Duration,
    /// Peak resident memory in bytes of the largest process inside.
    pub peak_memory: u64,
}
