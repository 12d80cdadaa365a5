//! Charts on their own: what is in one, and what it renders to.

mod deps;
mod open;
mod package;
mod render;
mod show;
mod sources;
mod values;

pub use deps::{ChartDependencies, ChartDepsListRequest, ChartDepsOutcome, ChartDepsRequest};
pub use edk_chart::{Origin as ChartOrigin, Planned as PlannedChart};
pub use open::ChartArg;
pub use package::{ChartPackageFile, ChartPackageRequest, ChartPackaged};
pub use render::{ChartRenderRequest, ChartRendered, ManifestView};
pub use show::{ChartFileView, ChartPart, ChartShowRequest, ChartShown, DependencyView};
pub use sources::ChartSources;
pub use values::ChartValues;
