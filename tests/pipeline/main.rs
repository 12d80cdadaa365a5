//! The whole way of an extension, on real input: a base of Debian packages, Python packages from
//! their index, DICOM files, and clients that are not ours.
//!
//! Held here: the same input gives the same digests in every store and folder, unchanged input
//! builds nothing, sources are never touched, and whatever ends a command leaves nothing behind.
//!
//! What takes long is made once ([`world`]); each test works on a copy of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod crash;
mod deploy;
mod engines;
mod package;
mod registry;
mod run;
mod sandbox;
mod templates;
mod wire;
mod world;
