//! The client against a server that plays a script: each test is one rule of how a platform has to
//! be treated.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as a test does")]

mod calls;
mod stage;
mod work;
