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
//! A container has the host's network, none, or one of its own behind a [`gate`].
//!
//! A process gets what container engines give by default: their capabilities, a seccomp filter
//! (`seccomp`), and a /proc and /sys without what belongs to the host. An ordinary user without
//! subordinate ids has one id inside: everything belongs to it, and changes of owners are let pass
//! without being made ([`Containers::squashes`]).
//!
//! The room knows no registry, no Dockerfile and no image configuration. Everything that only Linux
//! has is in this room; on another system another one would stand in for it. What it does not do
//! yet: resource limits.

mod caches;
mod chain;
mod conditions;
mod containers;
mod error;
pub mod gate;
mod helper;
mod identity;
mod spec;
mod spread;
mod unsynced;
mod wire;
mod workdir;

pub use caches::{Cache, CacheSharing};
pub use conditions::Conditions;
pub use containers::{Captured, Containers};
pub use error::ContainerError;
pub use helper::helper_main;
pub use spec::{Bind, Content, Exit, Gate, Mount, Network, RunSpec, Way};

/// The first argument with which a program is started again as container helper.
pub const HELPER_ARGUMENT: &str = "__container-helper";
