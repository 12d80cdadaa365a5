//! Images between registries, the store and archives: what is copied keeps its digests.

mod access;
mod archive;
mod challenge;
mod copy;
mod document;
mod fault;
mod fetch;
mod mirror;
mod place;
mod push;
mod remote;
mod save;
mod session;
mod show;
mod tally;
mod tries;
mod upload;
mod wire;

pub use access::{Access, Login};
pub use archive::{ImportedImages, load};
pub(crate) use copy::TOGETHER;
pub use copy::{Copied, copy};
pub(crate) use document::Document;
pub(crate) use fetch::fetch;
pub use mirror::Mirror;
pub use push::{Parcel, PushedImage, may_push, push};
pub(crate) use remote::{Remote, pull_failed};
pub use save::{Saved, blobs, save};
pub(crate) use show::shown;
pub use show::{HistoryEntry, ShownImage, ShownLayer, show};
pub(crate) use tally::Tally;
