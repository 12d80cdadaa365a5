//! Charts on their own: what is in one, and what it renders to.

mod lint;
mod open;
mod render;
mod show;
mod values;

pub use lint::{ChartLintRequest, ChartLinted};
pub use open::ChartArg;
pub use render::{ChartRenderRequest, ChartRendered, ManifestView};
pub use show::{ChartFileView, ChartPart, ChartShowRequest, ChartShown, DependencyView};
pub use values::ChartValues;
