//! No path of somebody's machine.

use regex::Regex;

use crate::{expect_none, repository};

/// What may stand, and why. All are paths inside a container or on a platform.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("crates/edk-container/src/helper/process.rs", "the passwd file of a test image"),
    (
        "crates/edk-chart/src/platform/globals.rs",
        "the data folder which a platform puts into its values",
    ),
];

fn check(path: &str, text: &str) -> Vec<String> {
    let folders = ["home", "root", "Users", "work", "mnt", "media"].join("|");
    let unix = format!(r#"(^|[\s"'`=:(,])/({folders})/[A-Za-z0-9._]"#);
    let forbidden = Regex::new(&format!(r"{unix}|\b[A-Z]:\\[A-Za-z]")).unwrap();
    let lines = text.lines().enumerate().filter(|(_, line)| forbidden.is_match(line));
    lines.map(|(at, _)| format!("{path}:{}: a path of somebody's machine", at + 1)).collect()
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    let excepted = |path: &str| EXCEPTIONS.iter().any(|(it, _)| *it == path);
    let files = repository::texts().iter().filter(|file| !excepted(&file.path));
    let complaints: Vec<_> = files.flat_map(|file| check(&file.path, &file.text)).collect();
    expect_none(&complaints);
}

#[test]
fn exceptions_are_still_needed() {
    for (path, _) in EXCEPTIONS {
        assert!(!check(path, &repository::read(path)).is_empty(), "{path} needs no exception");
    }
}

#[test]
fn paths_of_machines_are_found() {
    for folder in ["home", "root", "Users", "work", "mnt"] {
        assert_eq!(check("a", &format!("\"/{folder}/ann/x\"")).len(), 1, "{folder}");
    }
    assert_eq!(check("a", &format!("C:{}Users", '\\')).len(), 1);
    assert!(check("a", "root:x:0:0::/root:/bin/sh, a/work/b and /kaapana/mounted").is_empty());
}
