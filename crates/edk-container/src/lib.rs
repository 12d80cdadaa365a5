//! Runs a process in a root file system made of image layers: as root, or as an ordinary user in a
//! user namespace. Linux only; no daemon, no other program but `newuidmap`/`newgidmap`.
//!
//! Layers are unpacked once into folders below the room's root and stacked by overlayfs. The work
//! that has to happen in other namespaces is done by a *helper*: our own program, started again
//! with [`HELPER_ARGUMENT`], which must call [`helper_main`] before anything else. Helper and
//! parent speak in frames over the helper's standard streams (see `wire`).
//!
//! Nothing survives: the helper and everything below it die with the process that started them,
//! mounts live in a private mount namespace, and folders of a run that was killed are removed by
//! [`Containers::sweep`].
//!
//! The room knows no registry, no Dockerfile and no image configuration. What it does not do yet:
//! resource limits and a seccomp filter.

mod chain;
mod conditions;
mod containers;
mod error;
mod helper;
mod identity;
mod spec;
mod wire;
mod workdir;

pub use conditions::Conditions;
pub use containers::{Captured, Containers};
pub use error::ContainerError;
pub use helper::helper_main;
pub use spec::{Bind, Exit, Network, RunSpec};

/// The first argument with which a program is started again as container helper.
pub const HELPER_ARGUMENT: &str = "__container-helper";
