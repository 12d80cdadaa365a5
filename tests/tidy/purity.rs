//! Below floor 7 nothing prints, prompts, exits, reads the environment or the home directory, picks
//! a temporary folder of its own, or looks at the wall clock: these come in as arguments. And
//! nothing there knows a desktop.

use regex::Regex;

use crate::{
    expect_none,
    repository::{self, Source},
    rust,
};

/// Rooms of floor 7, and the fixtures, which serve tests only.
const FREE: [&str; 2] = ["edk-cli", "edk-testkit"];

/// What is forbidden, and what it is called.
const RULES: [(&str, &str); 7] = [
    (r"\benv::(vars?(_os)?|args(_os)?|\w+_dir|current_exe|\w+_var)\b", "the environment"),
    (r"\buse std::\{[^;]*\benv\b[^;]*;|\buse std::env\b", "the environment"),
    (r"\be?print(ln)?!|\bprocess::exit\b|\bstdin\(\)\.(read_line|lines)", "terminal or exit"),
    (r"\bhome_dir\b|\b(dirs|directories|etcetera)::", "the home directory"),
    (r"\b(tempfile::tempdir|TempDir::new|NamedTempFile::new|tempfile::tempfile)\(", "TMPDIR"),
    (r"\b(tauri|wry)(_\w+)?::", "the desktop"),
    (r"\b(SystemTime|Timestamp|Zoned|Utc|Local)::now\b", "the wall clock"),
];

fn check(path: &str, code: &str) -> Vec<String> {
    let code = rust::without_tests(code);
    let mut complaints = Vec::new();
    for (pattern, name) in RULES {
        for found in Regex::new(pattern).unwrap().find_iter(&code) {
            let line = rust::line_of(&code, found.start());
            complaints.push(format!("{path}:{line}: a room below floor 7 must not use {name}"));
        }
    }
    complaints
}

fn below_floor_7() -> impl Iterator<Item = &'static Source> {
    let free = |source: &Source| source.room().is_none_or(|room| FREE.contains(&room));
    repository::sources().iter().filter(move |source| source.is_library() && !free(source))
}

#[test]
fn rooms_below_floor_7_get_their_world_as_arguments() {
    let complaints: Vec<_> = below_floor_7().flat_map(|it| check(&it.path, &it.code)).collect();
    expect_none(&complaints);
}

#[test]
fn nothing_below_floor_7_depends_on_a_desktop() {
    let manifests = repository::texts().iter().filter(|file| {
        let room = file.path.strip_prefix("crates/").and_then(|it| it.strip_suffix("/Cargo.toml"));
        room.is_some_and(|room| !FREE.contains(&room))
    });
    let desktop = Regex::new(r"(?m)^(tauri|wry)\b").unwrap();
    let found = manifests.filter(|file| desktop.is_match(&file.text));
    let complaints: Vec<_> = found.map(|file| format!("{}: names a desktop", file.path)).collect();
    expect_none(&complaints);
}

#[test]
fn every_way_out_of_a_room_is_found() {
    let finds = |code: &str, count: usize| {
        let complaints = check("a.rs", &rust::code(code));
        assert_eq!(complaints.len(), count, "{code}: {complaints:?}");
    };
    finds("std::env::var(\"A\");", 1);
    finds("use std::{\n    env,\n    fs,\n};", 1);
    finds("println!(\"\"); eprint!(\"\");", 2);
    finds("std::process::exit(1)", 1);
    finds("std::env::home_dir()", 2);
    finds("let t = tempfile::tempdir();", 1);
    finds("let t = SystemTime::now();", 1);
    finds("use tauri::App;", 1);
    finds("/// reads no `env::var`\nlet a = \"println!\";", 0);
    finds("pub env: Vec<String>, env!(\"A\"); Command::new(a).env(b, c);", 0);
    finds("#[cfg(test)] mod tests { fn a() { env::var(\"A\"); } }", 0);
}
