//! The files of the repository, as its tests see them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::rust;

/// A text file.
pub(crate) struct Text {
    /// Path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// Content.
    pub(crate) text: String,
}

/// A Rust source file.
pub(crate) struct Source {
    /// Path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// Content.
    pub(crate) text: String,
    /// Content with comments and literals blanked.
    pub(crate) code: String,
}

impl Source {
    /// Returns the name of the crate's folder below `crates/`, when it lies there.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Says whether the file is part of a library: no test, no build script, no program.
    pub(crate) fn is_library(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts.len() > 3
            && parts[0] == "crates"
            && parts[2] == "src"
            && parts[3] != "bin"
            && parts.last() != Some(&"tests.rs")
            && !parts.contains(&"tests")
    }
}

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns every text file that is not ignored by git, sorted by path.
pub(crate) fn texts() -> &'static [Text] {
    static TEXTS: OnceLock<Vec<Text>> = OnceLock::new();
    TEXTS.get_or_init(read_texts)
}

/// Returns every Rust source file that is not ignored by git.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let rust = texts().iter().filter(|file| file.path.ends_with(".rs"));
        rust.map(|file| Source {
            path: file.path.clone(),
            text: file.text.clone(),
            code: rust::code(&file.text),
        })
        .collect()
    })
}

/// Returns the content of the file `path`, counted from the root.
pub(crate) fn read(path: &str) -> String {
    let found = texts().iter().find(|file| file.path == path);
    found.unwrap_or_else(|| panic!("there is no {path}")).text.clone()
}

fn read_texts() -> Vec<Text> {
    let root = root();
    let walk = ignore::WalkBuilder::new(&root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let mut texts = Vec::new();
    for entry in walk.map(Result::unwrap) {
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        // A file that is no text, or went away since, is nobody's concern here.
        if let Ok(text) = fs::read_to_string(entry.path()) {
            let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            texts.push(Text { path, text });
        }
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    texts
}

#[test]
fn the_repository_is_seen_whole() {
    assert!(texts().iter().any(|file| file.path == "Cargo.toml"));
    assert!(sources().iter().any(|file| file.path == "crates/edk-model/src/lib.rs"));
    assert!(texts().iter().all(|file| !file.path.starts_with("target/")));
}
