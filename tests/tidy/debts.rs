//! A debt has an issue: no reminder and no switched-off test without its number, and nothing that
//! is only meant for the moment.

use regex::Regex;

use crate::{
    expect_none,
    repository::{self, Text},
    rust,
};

/// Returns the words of a reminder; put together so that this file may be looked at as well.
fn reminders() -> Regex {
    Regex::new(&format!(r"\b({}DO|{}ME|X{})\b(\(#\d+\))?", "TO", "FIX", "XX")).unwrap()
}

fn check(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |line: usize, what: &str| complaints.push(format!("{path}:{line}: {what}"));
    for found in reminders().captures_iter(text) {
        if found.get(2).is_none() {
            let line = rust::line_of(text, found.get(0).unwrap().start());
            complain(line, "a reminder without an issue, such as (#12) right behind it");
        }
    }
    if !path.ends_with(".rs") {
        return complaints;
    }
    let code = rust::code(text);
    let issue = Regex::new(r"#\d+").unwrap();
    for found in Regex::new(r"#\[ignore|\b(dbg|todo|unimplemented)!").unwrap().find_iter(&code) {
        let line = rust::line_of(&code, found.start());
        let raw = text.lines().nth(line - 1).unwrap();
        let reason = found.as_str().starts_with("#[") && issue.is_match(raw);
        if !reason {
            complain(line, &format!("`{}` without an issue", found.as_str()));
        }
    }
    complaints
}

#[test]
fn every_debt_has_an_issue() {
    let complaints: Vec<_> =
        repository::texts().iter().flat_map(|Text { path, text }| check(path, text)).collect();
    expect_none(&complaints);
}

#[test]
fn debts_without_an_issue_are_found() {
    let finds = |text: &str, count: usize| assert_eq!(check("a.rs", text).len(), count, "{text}");
    finds(&format!("// {}: later", ["TO", "DO"].concat()), 1);
    finds(&format!("// {}(#7): later", ["TO", "DO"].concat()), 0);
    finds("#[ignore]\nfn a() {}", 1);
    finds("#[ignore = \"#7\"]\nfn a() {}", 0);
    finds("dbg!(a); todo!()", 2);
    finds("let a = \"dbg!\"; // todo!", 0);
}
