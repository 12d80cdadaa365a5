//! The sandbox as a program that runs on its own: started, stopped, looked at, emptied.

mod reset;
mod serve;
mod start;
mod status;

pub use reset::{SandboxResetOutcome, SandboxResetRequest};
pub use serve::{FaultView, SandboxServeRequest};
pub(crate) use serve::{Flavour, Record, record};
pub use start::{SandboxStartRequest, SandboxStarted, SandboxStopped};
pub use status::{SandboxLogRequest, SandboxPodView, SandboxReleaseView, SandboxStatus};
