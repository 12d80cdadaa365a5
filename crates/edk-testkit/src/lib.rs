//! Fixtures shared by the tests of many rooms: real inputs, made on the spot.
//!
//! [`TestEnv`] drives the program `edk` in a world of its own: other folders, no inherited environment.
//!
//! A development dependency only; its functions panic when a fixture can't be made, naming the
//! Debian package that is missing. Nothing here imitates a room: where a test needs a store, a
//! registry or a platform, it takes the real one.

#![allow(clippy::expect_used, clippy::panic)]

mod busybox;
mod done;
mod editor;
mod env;
mod extension;
mod leftovers;
mod running;
mod secrets;
mod tree;

pub use busybox::{TarEntry, busybox_layer, tar};
pub use done::Done;
pub use editor::{Kept, framed};
pub use env::{TestEnv, is_root, program};
pub use extension::{add_job, ask_for_another, run_in_image, small_application, small_extension};
pub use leftovers::{processes_below, wait_until};
pub use nix::sys::signal::Signal;
pub use running::Running;
pub use secrets::{expect_no_secrets, plant};
pub use tree::{copy_tree, tree_digest, verify_store};
