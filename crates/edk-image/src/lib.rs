//! Images: from a Dockerfile to a manifest in the store, without a daemon.
//!
//! [`dockerfile`] turns text into instructions, [`plan`] turns instructions into steps (pure but
//! for looking at the build context), [`Builder::build`] carries the steps out. A step is a
//! function of the layers below, the instruction and its inputs; its result is a layer in the
//! store, found again by the digest of these three. `COPY` is written as a layer without touching
//! a root file system; `RUN` is carried out by `edk-container`, which only `machine` names.
//!
//! Images come from other registries and go there, or into OCI archives ([`pull`], [`copy()`],
//! [`save`], [`load`]); their bytes are streamed and their digests stay.
//! [`ImageArchive`] takes from an archive what a platform's runtime would: the images for its own
//! processor under their full names; [`load`] takes everything, as a registry keeps it.
//!
//! Another builder is called only when the user has chosen it ([`build_with`]).
//!
//! The room never edits the user's files and knows nothing of Kaapana but
//! the two bases it can make itself: [`installer_base`] and the Debian bases of [`bootstrap`].

mod archive;
mod base;
mod beneath;
mod bootstrap;
mod build;
mod compression;
mod config;
mod context;
mod diff;
pub mod dockerfile;
mod engines;
mod error;
mod explain;
mod fetch;
mod flat;
mod foresee;
mod image;
mod inputs;
mod key;
mod layer;
mod layer_tar;
mod ledger;
mod machine;
mod mode;
mod paths;
mod patterns;
mod plan;
mod pull;
mod rebase;
mod rootfs;
mod schedule;
mod steps;
#[cfg(test)]
mod tests;
mod transfer;
// Only a command writes a layer whose paths are not known before.
#[cfg_attr(any(not(target_os = "linux"), feature = "elsewhere"), allow(dead_code))]
mod tree;
mod unpacking;
mod value;

pub use archive::{FromArchive, ImageArchive};
pub use base::{installer_base, local_only_repository};
pub use bootstrap::{Bootstrapped, RECIPES, Recipe, bootstrap};
pub use build::{BuildOptions, Builder, Built, HostSettings};
pub use compression::Compression;
pub use config::{Config, DEFAULT_PATH};
pub use diff::{Change, ChangeKind, FileFact, diff};
pub use engines::{
    BaseForEngine, Engine, EngineBuild, EngineChoice, EngineChoiceError, Invocation, OtherBuild,
    build_with,
};
pub use error::{ImageError, RegistryProblem};
pub use explain::ExplainedStep;
pub use foresee::Foreseen;
pub use image::{Image, Layer};
pub use ledger::Ledger;
pub use machine::{Bind, ContainerError, Containers, Content};
pub use plan::{Plan, PlanOptions, PlanRequest, Sources, plan};
pub use pull::{Pulled, adopt_base, cached, pull, pull_fresh};
pub use rebase::rebase;
pub use rootfs::export_rootfs;
pub use schedule::in_parallel;
pub use transfer::{
    Access, Copied, HistoryEntry, ImportedImages, Login, Mirror, Parcel, PushedImage, Saved,
    ShownImage, ShownLayer, blobs, copy, load, may_push, push, save, show,
};
pub use unpacking::decompressed;
