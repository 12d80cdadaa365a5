//! The same tree gives the same tar.gz bytes; unpacking never leaves its root.
//!
//! [`TarWriter`] writes entries as they are told, with nothing from the machine it runs on: no
//! user names, no clock, no order of its own. [`gzip`] compresses under a fixed header. [`pack`]
//! joins both for small things. In the other direction, [`unpack`] and [`read_files`] take an
//! archive of unknown origin and believe nothing in it; [`Spans`] tells where the files of a large one lie;
//! [`Guarded`] lets a stream pass until it announces more than it may hold, [`Stoppable`] until the
//! work is cancelled.
//!
//! What rooms above write as one small file goes through [`write_whole`]; what a killed process left
//! of it is removed by [`sweep_unfinished`].
//!
//! This room does not walk folders (who packs knows what belongs in) and does not know what an
//! image layer or a chart is.

mod error;
mod guard;
mod gzip;
mod pack;
mod pax;
mod read;
mod spans;
mod stoppable;
mod unpack;
mod whole;
mod write;

pub use error::Error;
pub use guard::{Bounds, Guarded};
pub use gzip::{GzWriter, gzip};
pub use pack::pack;
pub use read::{Limits, read_files, read_small_files};
pub use spans::{Span, Spans};
pub use stoppable::Stoppable;
pub use unpack::{Unpacked, unpack};
pub use whole::{Readers, sweep_unfinished, write_whole};
pub use write::{Entry, Kind, TarWriter};

/// The result of this room's functions.
pub type Result<T> = std::result::Result<T, Error>;
