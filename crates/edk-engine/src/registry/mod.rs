//! The registry of this machine: what is in it, where the bytes are, what may go, and how images
//! get in and out.

mod collect;
mod images;
mod lan;
mod list;
mod mirror;
mod serve;
mod size;
mod usage;

pub use collect::{GcKept, GcOutcome, GcRemoval, RegistryGcRequest};
pub(crate) use images::details;
pub use images::{
    CopyOutcome, ExportOutcome, ImageDetails, ImportOutcome, ImportedImage, LayerDetails,
    PlatformImage, RegistryCopyRequest, RegistryShowRequest,
};
pub use lan::LanRequest;
pub use list::{LayerView, RegistryDeleteRequest, RepositoryView, TagView};
pub use mirror::{MirrorOf, MirrorOfError};
pub use serve::{AccountOutcome, RegistryAccountRequest, RegistryServeRequest};
pub use size::parse_size;
pub use usage::{RepositoryUsage, TagUsageView, UsageView};

/// Beginnings of repositories that hold bases: pulled by digest as well as by tag, and needed
/// without a network.
const BASES: [&str; 2] = ["pulled/", "local-only/"];

/// Beginning of repositories that hold images from archives, which charts may name by digest.
const IMPORTED: &str = "imported/";

/// Beginning of repositories which another registry has as well.
const MIRRORED: &str = "mirrored/";
