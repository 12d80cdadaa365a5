//! The whole way as whoever runs this: `scripts/test` runs it as root and once more as an ordinary
//! user. Both must come to the same images, so root's digests are kept for the other to compare.
//!
//! It uses nothing that only root or only an ordinary user has: it can be run by either, in a state
//! folder of its own, which is gone in the end with all that subordinate ids own in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod images;
mod journey;
mod subordinate;
