//! Every public error of a room says what kind of failure it is and what to do next.

use regex::Regex;

use crate::{expect_none, repository};

/// Returns the names of public error enums in `code`.
fn error_enums(code: &str) -> Vec<String> {
    let start = Regex::new(r"\bpub enum (\w*Error)\b").unwrap();
    start.captures_iter(code).map(|found| found[1].to_owned()).collect()
}

fn explains(code: &str, name: &str) -> bool {
    Regex::new(&format!(r"\bimpl (\w+::)*Explain for (\w+::)*{name}\b")).unwrap().is_match(code)
}

#[test]
fn every_public_error_explains_itself() {
    let library = repository::sources().iter().filter(|it| it.is_library());
    let library: Vec<_> = library.filter(|it| it.room().is_some()).collect();
    let mut complaints = Vec::new();
    let mut seen = 0;
    for source in &library {
        for name in error_enums(&source.code) {
            seen += 1;
            let room = library.iter().filter(|it| it.room() == source.room());
            if !room.into_iter().any(|it| explains(&it.code, &name)) {
                complaints.push(format!("{}: `{name}` does not implement Explain", source.path));
            }
        }
    }
    assert!(seen >= 8, "only {seen} errors are seen");
    expect_none(&complaints);
}

#[test]
fn errors_without_an_explanation_are_found() {
    let code = "pub enum AError { B }\npub enum Kind { C }\nimpl edk_model::Explain for AError {}";
    assert_eq!(error_enums(code), ["AError"]);
    assert!(explains(code, "AError"));
    assert!(!explains(code, "Kind"));
}
