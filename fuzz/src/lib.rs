//! What reads bytes of unknown origin, as fuzz targets.
//!
//! A [`Target`] is a function that takes any bytes, hands them to a room as the program would, and
//! holds what must be true of them whatever they are: nothing panics, nothing is written outside, what
//! is read can be written and read again. `scripts/fuzz` runs one with libFuzzer, over code that
//! counts which of its branches run; `tests/inputs.rs` runs all of them over their seeds and over
//! changed seeds, as an ordinary test.
//!
//! An input that broke something becomes a test of the room that it broke.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a target tells what it found"
)]

use std::panic::PanicHookInfo;

mod seeds;
mod targets;
mod tars;
pub mod text;

pub use targets::TARGETS;

/// Says whether a panic is one that is known and answered for: the reader of YAML is a port which
/// panics on some texts that libyaml refuses, and edk-chart makes a finding of it.
pub fn is_known(panic: &PanicHookInfo<'_>) -> bool {
    panic.location().is_some_and(|it| it.file().contains("libyaml-safer"))
}

/// What is fed with bytes.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Takes an input. Panics when something is wrong with what takes it, never because the input
    /// makes no sense.
    pub run: fn(&[u8]),
    /// Inputs that make sense, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}
