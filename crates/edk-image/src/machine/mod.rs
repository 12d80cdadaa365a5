//! What building needs of the machine, and not every one has. This is the one place that knows which
//! system it is: the rest of the room names what is here, and has no other word for a container.
//!
//! On Linux commands run in containers of our own. On another system everything else is built just
//! as well: copies, archives, links, owners, stages that copy from each other; layers are read and
//! never unpacked. Its `RUN` is what an engine is chosen for ([`crate::build_with`]), and is refused
//! by a sentence that says so. The feature `elsewhere` is that half on Linux, for its tests.

#[cfg(any(not(target_os = "linux"), feature = "elsewhere"))]
mod elsewhere;
#[cfg(all(target_os = "linux", not(feature = "elsewhere")))]
mod linux;

#[cfg(any(not(target_os = "linux"), feature = "elsewhere"))]
pub use elsewhere::{Bind, ContainerError, Containers, Content};
#[cfg(any(not(target_os = "linux"), feature = "elsewhere"))]
pub(crate) use elsewhere::{export, is_missing};
#[cfg(all(target_os = "linux", not(feature = "elsewhere")))]
pub use linux::{Bind, ContainerError, Containers, Content};
#[cfg(all(target_os = "linux", not(feature = "elsewhere")))]
pub(crate) use linux::{export, is_missing};

use crate::Layer;

/// What a `COPY --from` takes of an image.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'a> {
    /// Its layers, lowest first.
    pub(crate) layers: &'a [Layer],
    /// Absolute paths with wildcards in single parts.
    pub(crate) patterns: &'a [String],
    /// Whether the folders of each match are kept.
    pub(crate) parents: bool,
}
