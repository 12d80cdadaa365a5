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
mod diff;
mod error;
mod ignore;
mod kube;
mod lint;
mod load;
mod metadata;
mod number;
mod origin;
mod package;
mod places;
pub mod platform;
mod render;
mod resolve;
mod schema;
mod settings;
mod stamp;
mod version;
pub mod yaml;

pub use chart::{Chart, File};
pub use diff::{Change, ObjectDiff, PathChange, diff};
pub use error::Error;
pub use lint::{HelmVersion, LINT_RULES, LintOptions, LintRule, LintSubject, lint};
pub use metadata::{Dependency, Metadata};
pub use package::Packaged;
pub use render::{
    Capabilities, Hook, Manifest, Options, Release, Rendered, Selection, check_values, render,
    render_with,
};
pub use resolve::{Sources, resolve};
pub use settings::{Setting, user_values};

/// The result of this room's functions.
pub type Result<T> = std::result::Result<T, Error>;
