//! Charts on their own: what is in one, and what it renders to.

mod diff;
mod lint;
mod open;
mod preflight;
mod render;
mod show;
mod values;

pub use diff::{ChartDiffRequest, ChartDiffSide, ChartDiffed};
pub use lint::{ChartLintRequest, ChartLinted};
pub use open::ChartArg;
pub use preflight::{ChartPreflightRequest, ChartPreflighted, PreflightView};
pub use render::{ChartRenderRequest, ChartRendered, ManifestView};
pub use show::{
    ChartFileView, ChartPart, ChartShowRequest, ChartShown, DependencyView, ParameterView,
};
pub use values::{ChartSetting, ChartValues};
