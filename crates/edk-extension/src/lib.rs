//! What an extension on disk is: a folder with Helm charts, the Dockerfiles of images, and the
//! references between them.
//!
//! Discovery follows what is really there, not a fixed layout: a folder with a `Chart.yaml` is a
//! chart, a file called `Dockerfile` with `LABEL IMAGE` is an image, and what an image is for
//! follows from its base and from who names it. The names come from the files, never from folders.
//!
//! The Python of DAG files is parsed and never run: a form is known as far as it is written out.
//!
//! The room builds nothing and asks no target; it writes only the fixes of [`check`] that a user wants.
//! [`check`] holds the rules: what goes wrong on a platform, found in the files.

pub mod check;
mod dag;
mod discover;
mod error;
mod form;
mod literal;
mod order;
mod project;

pub use dag::{Dag, read_dags};
pub use error::ExtensionError;
pub use form::{Misfit, form_values};
pub use order::build_order;
pub use project::{ChartDir, ImageDir, Project, Role};
