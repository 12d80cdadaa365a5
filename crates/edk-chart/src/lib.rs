//! Load, resolve, stamp, render and package Helm charts.
//!
//! A [`Chart`] is a value. [`Chart::load`] and [`Chart::read`] make one from a folder or an
//! archive; [`resolve`] puts the charts it depends on into it, [`Chart::stamped`] gives it and
//! chosen charts in it other versions, [`Chart::package`] turns it into the bytes of an archive,
//! and [`render`] into the objects that Kubernetes gets to see. None of these touches the user's
//! files. What writes is told to: [`Packaged::write`] one archive, [`Resolver::write`] the folder
//! `charts/` and the lock, both after a plan that can be looked at.
//!
//! The charts that others need are found by a [`Resolver`]: by name in a workspace, in the
//! collection of a platform, in a checkout or among those that come with this program; at a path;
//! or on other machines, in repositories and registries, through a [`Remote`].
//!
//! What is read and written equals Helm 3's reading and writing, down to the odd YAML. Where Helm
//! leaves it to chance (the order of subcharts, times), the result here is fixed.
//!
//! Rendering is bounded, whatever a chart says, and depends on nothing but its arguments: time and
//! random texts are two of them. `docs/rendering.md` has what differs from Helm.
//!
//! Only the module `remote` talks to anybody, and only when it is given. This room does not talk to
//! a cluster, and knows nothing of images.

mod chart;
mod diff;
mod error;
mod kube;
mod lint;
mod load;
mod lock;
mod metadata;
mod number;
mod origin;
mod package;
mod places;
pub mod platform;
mod remote;
mod render;
mod resolve;
mod schema;
mod settings;
mod stamp;
mod version;
pub mod yaml;

pub use chart::{Chart, File};
pub use diff::{Change, ObjectDiff, PathChange, diff};
pub use error::{Error, RemoteProblem};
pub use kube::{Refused, refused};
pub use lint::{HelmVersion, LINT_RULES, LintOptions, LintRule, LintSubject, lint};
pub use load::Ignore;
pub use lock::Lock;
pub use metadata::{Dependency, Metadata};
pub use package::Packaged;
pub use remote::{Login, Logins, Place, Remote, RemoteSetup, Repositories, Repository};
pub use render::{
    Capabilities, Hook, Manifest, Options, Release, Rendered, Selection, check_values, render,
    render_with,
};
pub use resolve::{
    Listed, Origin, Plan, Planned, Resolver, Sources, State, Update, Written, resolve,
};
pub use settings::{Setting, user_values};
pub use stamp::{Stamps, Subcharts};

/// The result of this room's functions.
pub type Result<T> = std::result::Result<T, Error>;
