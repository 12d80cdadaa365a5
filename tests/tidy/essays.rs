//! Every crate begins with an essay: what it is, and what it refuses to be.

use crate::{expect_none, repository};

const LINES: usize = 5;

fn essay_lines(text: &str) -> usize {
    text.lines().take_while(|line| line.starts_with("//!")).count()
}

#[test]
fn every_crate_begins_with_an_essay() {
    let root = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["crates", "edk-cli", "src", file] => file == "main.rs",
            ["crates", _, "src", file] | ["tests" | "fuzz", "src", file] => file == "lib.rs",
            ["installer", "src", file] => file == "main.rs",
            ["tests", _, file] => file == "main.rs",
            _ => false,
        }
    };
    let roots: Vec<_> = repository::sources().iter().filter(|it| root(&it.path)).collect();
    assert!(roots.len() > 15, "only {} crates are seen", roots.len());
    let short = roots.iter().filter(|it| essay_lines(&it.text) < LINES);
    let complaint = |path: &str| format!("{path}: begins with fewer than {LINES} lines of `//!`");
    expect_none(&short.map(|it| complaint(&it.path)).collect::<Vec<_>>());
}

#[test]
fn every_file_of_tests_says_what_it_tests() {
    let tests = repository::sources().iter().filter(|it| {
        let parts: Vec<&str> = it.path.split('/').collect();
        matches!(parts[..], ["crates", _, "tests", _] | ["tests", _, _])
    });
    let silent = tests.filter(|it| essay_lines(&it.text) == 0);
    let complaint = |path: &str| format!("{path}: says nothing about itself");
    expect_none(&silent.map(|it| complaint(&it.path)).collect::<Vec<_>>());
}

#[test]
fn only_the_comment_at_the_start_counts() {
    assert_eq!(essay_lines("//! a\n//!\n//! b\nmod c;\n//! d\n"), 3);
    assert_eq!(essay_lines("\n//! a\n"), 0);
}
