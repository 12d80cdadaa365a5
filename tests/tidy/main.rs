//! The rules of the house, held against the repository itself.
//!
//! One file per rule. A rule is a pure function from text to complaints; its first test applies it
//! to the repository, its second shows that it finds what it is meant to find. A complaint names
//! file and line, so it can be followed from the output of the test.
//!
//! A rule that has exceptions lists them beside it, each with its reason; an exception that is no
//! longer needed is a complaint too.
#![allow(clippy::unwrap_used, clippy::panic)]

mod debts;
mod documents;
mod errors;
mod essays;
mod events;
mod floors;
mod hosts;
mod licences;
mod links;
mod loopback;
mod paths;
mod purity;
mod repository;
mod rust;
mod scripts;
mod sizes;
mod writes;

/// Fails with all complaints, one a line.
#[track_caller]
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
