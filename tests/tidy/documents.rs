//! ARCHITECTURE.md says what is: it names every crate, and for every invariant a test that holds
//! it.

use regex::Regex;

use crate::{expect_none, repository};

/// Pages and how long they may be, in lines.
const LENGTHS: [(&str, usize); 3] =
    [("ARCHITECTURE.md", 250), ("CONTRIBUTING.md", 200), ("README.md", 250)];

/// Returns the numbered items of the section `heading`.
fn items(text: &str, heading: &str) -> Vec<String> {
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let start = Regex::new(r"(?m)^\d+\. ").unwrap();
    start.split(section).skip(1).map(str::to_owned).collect()
}

/// Returns what is wrong with the tests which `item` names.
fn judge(item: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let name = Regex::new(r"`((?:[\w-]+/)+[\w-]+\.rs)(?:::(\w+))?`").unwrap();
    let what = item.lines().next().unwrap_or_default();
    let mut complaints = Vec::new();
    let mut named = 0;
    for found in name.captures_iter(item) {
        named += 1;
        let Some(text) = read(&found[1]) else {
            complaints.push(format!("ARCHITECTURE.md: there is no {} ({what})", &found[1]));
            continue;
        };
        let test = found.get(2).map(|test| format!("fn {}(", test.as_str()));
        if test.is_some_and(|test| !text.contains(&test)) {
            complaints.push(format!("ARCHITECTURE.md: there is no test {} ({what})", &found[0]));
        }
    }
    if named == 0 {
        complaints.push(format!("ARCHITECTURE.md: no test holds: {what}"));
    }
    complaints
}

#[test]
fn every_crate_is_named() {
    let text = repository::read("ARCHITECTURE.md");
    let manifests = repository::texts().iter().filter(|it| it.path.ends_with("/Cargo.toml"));
    let names = manifests.map(|it| {
        let manifest: toml::Table = it.text.parse().unwrap();
        manifest["package"]["name"].as_str().unwrap().to_owned()
    });
    let missing =
        names.filter(|name| !Regex::new(&format!(r"\b{name}\b")).unwrap().is_match(&text));
    expect_none(&missing.map(|name| format!("ARCHITECTURE.md: no {name}")).collect::<Vec<_>>());
}

#[test]
fn every_invariant_names_a_test_that_is_there() {
    let invariants = items(&repository::read("ARCHITECTURE.md"), "Invariants");
    assert!(invariants.len() >= 10, "only {} invariants are seen", invariants.len());
    let read = |path: &str| std::fs::read_to_string(repository::root().join(path)).ok();
    expect_none(&invariants.iter().flat_map(|item| judge(item, read)).collect::<Vec<_>>());
}

#[test]
fn pages_are_short() {
    for (path, most) in LENGTHS {
        let lines = repository::read(path).lines().count();
        assert!(lines <= most, "{path} has {lines} lines (max. {most})");
    }
}

#[test]
fn invariants_without_a_test_are_found() {
    let text = "# A\n\n## Invariants\n\n1. one `a/b.rs::c`\n2. two `a/d.rs`\n   and\n3. three\n\n## B\n4. x";
    let items = items(text, "Invariants");
    assert_eq!(items.len(), 3);
    let read = |path: &str| (path == "a/b.rs").then(|| "fn c() {}".to_owned());
    let counts: Vec<_> = items.iter().map(|item| judge(item, read).len()).collect();
    assert_eq!(counts, [0, 1, 1]);
    assert_eq!(judge("one `a/b.rs::e`", read).len(), 1);
}
