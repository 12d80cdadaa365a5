//! A file appears under its name only when it is whole: written beside it, then renamed.

use regex::Regex;

use crate::{expect_none, repository, rust};

/// Files that may write in place, and why.
const EXCEPTIONS: [(&str, &str); 11] = [
    ("crates/edk-archive/src/unpack.rs", "an archive gets its name when it is unpacked"),
    ("crates/edk-container/src/caches.rs", "the lock file, which is empty"),
    ("crates/edk-container/src/helper/rootfs.rs", "mount points in a root file system of its own"),
    ("crates/edk-container/src/helper/unpack.rs", "a layer gets its name when it is unpacked"),
    ("crates/edk-container/src/identity.rs", "files of the kernel, which are no files"),
    ("crates/edk-image/src/machine/linux.rs", "a tar in a folder that is gone after it"),
    ("crates/edk-runner/src/run.rs", "a run fills a folder of its own"),
    ("crates/edk-sandbox/src/sandbox.rs", "the lock file, which is empty"),
    ("crates/edk-testkit/src/extension.rs", "a fixture in a temporary folder of its own"),
    ("crates/edk-testkit/src/tree.rs", "a fixture in a temporary folder of its own"),
    ("installer/src/place.rs", "the file beside the target, which is then renamed"),
];

const IN_PLACE: &str = r"\bfs::(write|copy)\(|\bFile::(create|create_new|options)\(";

fn check(path: &str, code: &str) -> Vec<String> {
    let code = rust::without_tests(code);
    let pattern = Regex::new(IN_PLACE).unwrap();
    let lines = pattern.find_iter(&code).map(|found| rust::line_of(&code, found.start()));
    lines.map(|line| format!("{path}:{line}: writes in place; write beside, then rename")).collect()
}

fn complaints() -> Vec<String> {
    let sources = repository::sources().iter();
    let sources = sources.filter(|it| it.is_library() || it.path.starts_with("installer/src/"));
    sources.flat_map(|it| check(&it.path, &it.code)).collect()
}

#[test]
fn nothing_is_written_in_place() {
    let excepted = |line: &String| EXCEPTIONS.iter().any(|(path, _)| line.starts_with(path));
    expect_none(&complaints().into_iter().filter(|line| !excepted(line)).collect::<Vec<_>>());
}

#[test]
fn exceptions_are_still_needed() {
    let complaints = complaints();
    for (path, _) in EXCEPTIONS {
        let needed = complaints.iter().any(|line| line.starts_with(path));
        assert!(needed, "{path} needs no exception any more");
    }
}

#[test]
fn writing_in_place_is_found() {
    let finds = |code: &str, count: usize| assert_eq!(check("a.rs", code).len(), count, "{code}");
    finds("std::fs::write(a, b)?; File::create(c)?", 2);
    finds("file.write_all(b)?; fs::create_dir_all(a)?; file.persist(a)?", 0);
    finds("#[cfg(test)] mod tests { fn a() { fs::write(a, b); } }", 0);
}
