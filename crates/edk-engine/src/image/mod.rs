//! Images as files and as things to look at; the bases they stand on; who builds them; and sending
//! them to targets.

mod bases;
mod compare;
mod engines;
mod look;
mod save;
mod send;

pub use bases::{BaseListing, BasePullRequest, BaseRebaseRequest};
pub use compare::{FileChange, FileFactView, ImageDiff, ImageDiffRequest};
pub(crate) use engines::Chosen;
pub use look::{HistoryLine, ImageLookRequest};
pub use save::{ImageExportRequest, ImageLoadRequest, ImageSaveRequest, SaveOutcome, SavedImage};
pub use send::{ImageSendRequest, SendOutcome};
