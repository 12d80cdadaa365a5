//! Template + answers -> list of files; then writing them.
//!
//! A [`Template`] is a folder: `template.toml` says what it makes and what it asks for
//! ([`Parameter`]), `content/` holds the files. A file whose name ends in `.jinja` is rendered
//! with the answers and loses the ending, every other file is copied byte for byte, and names of
//! files and folders may hold `{{ id }}` as well. A name that an answer does not define is an
//! error, never an empty text.
//!
//! ```text
//! Catalog -> Template --answer()--> Answers --plan()--> Plan --compare()--> conflicts
//!                                                          \--apply()----> files
//! ```
//!
//! Everything up to the [`Plan`] is pure, so that an interface can show each file before one is
//! written. [`Plan::apply`] writes all or, if the user's files are in the way, nothing.
//!
//! It refuses to be a general generator: templates run no code, ask in no particular interface,
//! write nowhere but below the destination, and remove nothing.

mod answer;
mod apply;
mod catalog;
mod error;
mod manifest;
mod nearest;
mod parameter;
mod plan;
mod render;
mod template;

pub use answer::{Answer, Answers, Refusal};
pub use apply::{Applied, Conflict, Obstacle, Overwrite};
pub use catalog::Catalog;
pub use error::Error;
pub use manifest::{Hardware, Kind};
pub use parameter::{Parameter, Preset, Rule, Type};
pub use plan::{Plan, PlannedFile};
pub use template::Template;
