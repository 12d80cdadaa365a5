//! Fixtures shared by the tests of many rooms: real inputs, made on the spot.
//!
//! A development dependency only; its functions panic when a fixture can't be made, naming the
//! Debian package that is missing.

#![allow(clippy::expect_used, clippy::panic)]

mod busybox;

pub use busybox::{TarEntry, busybox_layer, tar};
