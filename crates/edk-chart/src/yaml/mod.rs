//! YAML as Helm reads and writes it: version 1.1 through JSON.
//!
//! Helm reads every YAML file with a port of libyaml and turns the result into JSON before it
//! looks at it. So `yes` is true, `0644` is 420, the last of two equal keys wins, and a time is a
//! text. The writer is the one of the same library: sorted keys, lines folded at 80 columns.

mod emit;
mod parse;
mod scalar;

pub use emit::emit;
pub(crate) use emit::emit_indented;
pub use parse::{parse, parse_all};
