//! What the program `edk` tells and how it ends, as a user and a script see it.
//!
//! Held here: help and the reference made of it, exit codes, the words for what is wrong in a user's
//! files, JSON documents, recorded events, and disks that are full or can't be written.
//!
//! Every test drives the program itself in a world of its own ([`edk_testkit::TestEnv`]). No base is
//! needed here; what needs one is in `tests/pipeline`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod broken;
mod charts;
mod check;
mod deps;
mod disk;
mod events;
mod ext;
mod help;
mod images;
mod json;
mod logins;
mod lsp;
mod mirror;
mod network;
mod platform;
mod redeploy;
mod secrets;
mod servers;
mod storage;
mod targets;
mod transfer;
mod ways;
mod workflow;

/// The chart of an extension `lung`, in the folder of a test.
const CHART: &str = "lung/extension/lung-workflow";
