//! The headless host: `edk serve` over real HTTP, with the real builder, registry and sandbox.
//!
//! `door` is about who gets in, `calls` about what is asked, `jobs` about what is done, `registry`
//! about the registry beside it, `stream` about the entries and the state they add up to, `targets`
//! about platforms elsewhere.
//! `generated` holds the types which the user interface shares with the door. Nothing is imitated but the processing container, which is a
//! static program so that no test needs the network.

#![allow(clippy::panic, clippy::unwrap_used)]
// A call reads best with its input as a literal.
#![allow(clippy::needless_pass_by_value)]

mod calls;
mod client;
mod door;
mod generated;
mod jobs;
mod registry;
mod stream;
mod targets;
mod upload;
