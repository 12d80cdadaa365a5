//! Charts on their own: what is in one, and what it renders to.

mod deps;
mod diff;
mod lint;
mod open;
mod package;
mod preflight;
mod render;
mod show;
mod sources;
mod values;

pub use deps::{ChartDependencies, ChartDepsListRequest, ChartDepsOutcome, ChartDepsRequest};
pub use diff::{ChartDiffRequest, ChartDiffSide, ChartDiffed};
pub use edk_chart::{Origin as ChartOrigin, Planned as PlannedChart};
pub use lint::{ChartLintRequest, ChartLinted};
pub use open::ChartArg;
pub use package::{ChartPackageFile, ChartPackageRequest, ChartPackaged};
pub use preflight::{ChartPreflightRequest, ChartPreflighted, PreflightView};
pub use render::{ChartRenderRequest, ChartRendered, ManifestView};
pub use show::{
    ChartFileView, ChartPart, ChartShowRequest, ChartShown, DependencyView, ParameterView,
};
pub use sources::ChartSources;
pub use values::{ChartSetting, ChartValues};
