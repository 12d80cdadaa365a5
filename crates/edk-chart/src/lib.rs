//! Load, resolve, stamp, render and package Helm charts.
//!
//! A [`Chart`] is a value. [`Chart::load`] and [`Chart::read`] make one from a folder or an
//! archive; [`resolve`] puts the charts it depends on into it, [`Chart::stamp`] gives all of them
//! one version, [`Chart::package`] turns it into the bytes of an archive, and [`render`] into the
//! objects that Kubernetes gets to see. None of these touches the user's files; the only thing
//! ever written is a package, by [`Packaged::write`].
//!
//! What is read and written equals Helm 3's reading and writing, down to the odd YAML. Where Helm
//! leaves it to chance (the order of subcharts, times), the result here is fixed.
//!
//! This room does not talk to a cluster or a chart repository, and knows nothing of images.

mod chart;
mod error;
mod load;
mod lock;
mod metadata;
mod number;
mod package;
mod preflight;
mod remote;
mod render;
mod resolve;
mod stamp;
mod settings;
mod version;
pub mod yaml;

pub use chart::{Chart, File};
pub use error::{Error, RemoteProblem};
pub use lock::Lock;
pub use metadata::{Dependency, Metadata};
pub use package::Packaged;
pub use remote::{Login, Logins, Place, Remote, RemoteSetup, Repositories, Repository};
pub use render::{
    Capabilities, Hook, Manifest, Options, Release, Rendered, Selection, render, render_with,
};
pub use resolve::{
    Listed, Origin, Plan, Planned, Resolver, Sources, State, Update, Written, resolve,
};
pub use settings::{Setting, user_values};
pub use stamp::{Stamps, Subcharts};

/// The result of this room's functions.
pub type Result<T> = std::result::Result<T, Error>;
