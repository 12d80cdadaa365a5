//! The registry as others see it: many clients at once while it is killed and collected, a disk that
//! is full or can't be written, and the programs people use with registries.
//!
//! The end-points are held to the specification in `crates/edk-registry/tests`, the commands of the
//! registry in `tests/cli`. Every test serves a registry of its own with the program itself; no
//! network beyond this machine is needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archives;
mod client;
mod disk;
mod ends;
mod faults;
mod load;
mod programs;
mod push;
