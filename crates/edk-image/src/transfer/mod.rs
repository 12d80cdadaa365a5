//! Images between registries, the store and archives: what is copied keeps its digests.

mod access;
mod archive;
mod copy;
mod document;
mod mirror;
mod place;
mod remote;
mod show;

pub use access::{Access, Login};
pub use archive::{ImportedImages, export, import};
pub use copy::{Copied, copy};
pub(crate) use document::Document;
pub use mirror::Mirror;
pub(crate) use remote::{Remote, pull_failed};
pub use show::{ShownImage, ShownLayer, show};
