//! Runs a processing container on local data as a Kaapana platform would (the v1 contract).
//!
//! [`plan`] sorts the input into the series of a batch, [`Plan::run`] lays the workflow folder out,
//! runs the container with the environment the platform's operators set, and tells how it went.
//! The container sees copies of the data below `/kaapana/mounted/data`, as on the platform; the
//! user's files are never mounted.
//!
//! The room builds nothing: it takes an image of the store. Whole DAGs are another issue's.

mod error;
mod plan;
mod run;
mod series;

pub use error::RunnerError;
pub use plan::{Plan, RunRequest, plan};
pub use run::{Output, Report, Runner};
pub use series::Series;
