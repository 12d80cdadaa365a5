//! The nouns of Kaapana EDK as plain values.
//!
//! Every other room speaks in these words: a [`Digest`] names bytes, a [`Reference`] names an
//! image, a [`Finding`] is something wrong in a user's file, a [`Failure`] is something that could
//! not be done, an [`Event`] is something that happened, a [`Monitor`] carries progress out of a
//! slow function and cancellation into it.
//!
//! Nothing here reads, writes, prints or waits. A type belongs here when at least two rooms
//! exchange it.

mod digest;
mod event;
mod failure;
mod finding;
mod glob;
mod monitor;
pub mod names;
mod oci;
mod reference;
mod secret;

pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use event::{Event, EventKind, Outcome, Unit};
pub use failure::{Code, Explain, Failure};
pub use finding::{Edit, Finding, Severity, Span};
pub use glob::Glob;
pub use monitor::{Cancelled, Monitor, Report, Reporter, Silent};
pub use oci::{Descriptor, media};
pub use reference::{Reference, ReferenceError};
pub use secret::Secret;
pub use tokio_util::sync::CancellationToken;

/// The time stamp written into layers, image configurations and charts, in seconds since the Unix
/// epoch: 1980-01-01T00:00:00Z.
///
/// It is fixed so that the same input gives the same bytes, and it is the earliest time which the
/// zip format can hold, so that Python wheels can be built under it
/// (see <https://reproducible-builds.org/docs/source-date-epoch/>).
pub const SOURCE_DATE_EPOCH: u64 = 315_532_800;
