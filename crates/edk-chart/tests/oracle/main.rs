//! What we make of a chart is what Helm makes of it.
//!
//! The measure is the real Helm, in the version that Kaapana ships; `scripts/fetch-helm` puts it
//! into `target/tools`. Charts come from `tests/corpus`: one text file for each, by theme (see
//! `corpus.rs`). A test takes one theme, gives each chart to both sides, and tells all differences
//! at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod corpus;
mod dependencies;
mod functions;
mod helm;
mod installing;
mod library;
mod linting;
mod packaging;
mod ranges;
mod registry;
mod rendering;
mod schemas;
mod server;
mod settings;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// How many charts are worked on at once by one test.
const THREADS: usize = 2;

/// Returns what `work` makes of each of `items`, in their order.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = work(item);
                    results.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Fails with all of `complaints`, if there are any.
#[track_caller]
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} differ:\n\n{}", complaints.len(), complaints.join("\n\n"));
}
