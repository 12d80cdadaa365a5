//! The page on events shows every kind of event, as it is written.

use std::collections::BTreeSet;

use edk_model::Event;
use regex::Regex;
use serde_json::Value;

use crate::repository;

/// Returns the kinds of event in the source of the enum, as they are named in JSON.
fn kinds(source: &str) -> BTreeSet<String> {
    let body = source.split("pub enum EventKind {").nth(1).unwrap();
    let variant = Regex::new(r"(?m)^    ([A-Z]\w+) \{").unwrap();
    variant.captures_iter(body).map(|found| kebab(&found[1])).collect()
}

fn kebab(name: &str) -> String {
    let capital = Regex::new("([a-z])([A-Z])").unwrap();
    capital.replace_all(name, "$1-$2").to_lowercase()
}

/// Returns the JSON blocks of the page.
fn examples(page: &str) -> Vec<Value> {
    let block = Regex::new(r"(?s)```json\n(.*?)```").unwrap();
    block.captures_iter(page).map(|found| serde_json::from_str(&found[1]).unwrap()).collect()
}

#[test]
fn every_kind_of_event_is_shown_as_it_is_written() {
    let mut shown = BTreeSet::new();
    for example in examples(&repository::read("docs/events.md")) {
        let event: Event = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), example);
        shown.insert(example["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(shown, kinds(&repository::read("crates/edk-model/src/event.rs")));
}

#[test]
fn every_code_of_a_failure_is_listed() {
    let page = repository::read("docs/events.md");
    let source = repository::read("crates/edk-model/src/failure.rs");
    let body = source.split("pub enum Code {").nth(1).unwrap().split("\n}").next().unwrap();
    for found in Regex::new(r"(?m)^    ([A-Z]\w+),").unwrap().captures_iter(body) {
        let code = format!("| `{}` |", kebab(&found[1]));
        assert!(page.contains(&code), "docs/events.md does not list {code}");
    }
}

#[test]
fn kinds_are_read_from_the_source() {
    let source = "pub enum EventKind {\n    /// A.\n    JobStarted {\n        a: B,\n    },\n    Line { c: D },\n}";
    assert_eq!(kinds(source), ["job-started", "line"].map(str::to_owned).into());
}
