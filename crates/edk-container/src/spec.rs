use std::{path::PathBuf, time::Duration};

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
    /// Folders inside that start empty, live in memory and are thrown away.
    #[serde(default)]
    pub scratch: Vec<PathBuf>,
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

/// What a process in a container may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// What the host reaches.
    Host,
    /// Only itself, over loopback.
    None,
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
