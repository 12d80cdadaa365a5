//! Times `edk` against others that do the same, both sides in one run.
//!
//! `scripts/bench chart` is described in `chart.rs`, `scripts/bench registry` is described in `registry.rs`, `scripts/bench check` in `check.rs`. `scripts/bench build` times whole processes
//! against buildah. It makes an extension from the template, its base, and a registry
//! of its own, then takes turns, so that what else the machine does moves both sides.
//!
//! It prints a table and judges nothing: the bars stand beside the numbers, and no test depends on
//! a time.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

mod chart;
mod check;
#[path = "../../crates/edk-chart/tests/oracle/corpus.rs"]
#[allow(dead_code, reason = "shared with the tests of the room")]
mod corpus;
mod peer;
mod registry;
mod table;
mod world;

use peer::Buildah;
use table::{Row, print};
use world::World;

/// Pairs that are counted; one more comes before them and is not.
const PAIRS: usize = 11;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("registry") => {
            let megabytes = arguments.next().map_or(1000, |text| text.parse().unwrap());
            registry::run(megabytes);
        }
        Some("check") => check::run(),
        Some("chart") => chart::run(),
        _ => build(),
    }
}

fn build() {
    let world = World::new();
    let registry = world.serve_registry();
    let buildah = Buildah::new(&world, &registry.address);
    let edit_and_push = Row::paired(
        "edit one .py -> pullable",
        "p50 < 30 ms, ratio <= 0.05",
        PAIRS,
        |n| {
            world.edit(n);
            world.edk(&["push", "--quiet"])
        },
        |n| {
            buildah.edit(n);
            buildah.build_and_push()
        },
    );
    let unchanged = Row::paired(
        "nothing changed: build and push",
        "< 30 ms",
        PAIRS,
        |_| world.edk(&["push", "--quiet"]),
        |_| buildah.build_and_push(),
    );
    let package = Row::alone("package a workflow chart", "< 20 ms", PAIRS, |_| {
        world.edk(&["package", "--quiet"])
    });
    let help = Row::alone("edk --help", "< 10 ms", PAIRS, |_| world.edk_alone(&["--help"]));
    print("buildah", &[edit_and_push, unchanged, package, help]);
    println!("\nbase and packages: {} MB as stored", world.image_size() / 1_000_000);
}
