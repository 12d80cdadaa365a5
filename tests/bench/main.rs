//! Times `edk` against others that do the same, both sides in one run.
//!
//! Each bench is described in its file: `build.rs`, `chart.rs`, `check.rs`, `registry.rs`.
//!
//! It prints a table and judges nothing: the bars stand beside the numbers, and no test depends on
//! a time.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

mod build;
mod chart;
mod check;
#[path = "../../crates/edk-chart/tests/oracle/corpus.rs"]
#[allow(dead_code, reason = "shared with the tests of the room")]
mod corpus;
mod peer;
mod registry;
mod table;
mod world;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next();
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap());
    match what.as_deref() {
        Some("registry") => registry::run(number(1000)),
        Some("check") => check::run(),
        Some("chart") => chart::run(),
        _ => build::run(number(1200), number(4)),
    }
}
