//! Files and functions stay short enough to be read at once.

use regex::Regex;

use crate::{expect_none, repository, rust};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 80;
/// Functions that are tables: one arm for each command, and nothing beside it.
const TABLES: [(&str, &str); 2] =
    [("crates/edk-api/src/command.rs", "dispatch"), ("crates/edk-api/src/text.rs", "text")];
/// The desktop is a thin shell over the door: all it has, tests of its parts included.
const DESKTOP_LINES: usize = 800;

/// Returns name, first line and number of lines of each function.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let start = Regex::new(r"\bfn\s+([A-Za-z_]\w*)").unwrap();
    let lengths = start.captures_iter(code).map(|found| {
        let at = found.get(0).unwrap().start();
        let item = &code[at..at + rust::item_end(&code[at..])];
        (found[1].to_owned(), rust::line_of(code, at), item.lines().count())
    });
    lengths.collect()
}

#[test]
fn files_are_short() {
    let long = repository::sources().iter().filter_map(|it| {
        let lines = it.text.lines().count();
        (lines > FILE_LINES).then(|| format!("{}: {lines} lines (max. {FILE_LINES})", it.path))
    });
    expect_none(&long.collect::<Vec<_>>());
}

#[test]
fn the_desktop_is_thin() {
    let shell = |it: &&repository::Source| {
        it.path.starts_with("src-tauri/") && !it.path.starts_with("src-tauri/tests/")
    };
    let lines = repository::sources().iter().filter(shell).map(|it| it.text.lines().count());
    let lines: usize = lines.sum();
    assert!(lines > 0, "the desktop is not where it was");
    assert!(lines <= DESKTOP_LINES, "src-tauri: {lines} lines (max. {DESKTOP_LINES})");
}

#[test]
fn functions_are_short() {
    let complaints = repository::sources().iter().flat_map(|it| {
        let long = functions(&it.code).into_iter().filter(|(name, _, lines)| {
            *lines > FUNCTION_LINES && !TABLES.contains(&(it.path.as_str(), name.as_str()))
        });
        long.map(|(name, at, lines)| {
            format!("{}:{at}: `{name}` has {lines} lines (max. {FUNCTION_LINES})", it.path)
        })
    });
    expect_none(&complaints.collect::<Vec<_>>());
}

#[test]
fn functions_are_measured_from_their_name_to_their_end() {
    let code =
        "fn a(\n  b: [u8; 3],\n) -> c\nwhere d: e {\n  if f {\n  }\n}\ntrait g { fn h(); }\n";
    let expected = [("a".to_owned(), 1, 7), ("h".to_owned(), 8, 1)];
    assert_eq!(functions(code), expected);
}
