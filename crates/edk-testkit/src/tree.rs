use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Returns a digest of names, modes and contents below `folder`.
///
/// # Panics
/// If something can't be read.
pub fn tree_digest(folder: &Path) -> String {
    let mut hash = Sha256::new();
    for path in paths(folder) {
        let name = path.strip_prefix(folder).expect("a path below");
        let metadata = path.symlink_metadata().expect("metadata");
        hash.update(format!("{}\n{:o}\n", name.display(), metadata.permissions().mode()));
        if metadata.is_file() {
            hash.update(fs::read(&path).expect("a file"));
        }
    }
    hex(&hash.finalize())
}

/// Copies the folders and files below `from` to the new folder `to`, in reverse order and with
/// other times, as another checkout has them.
///
/// # Panics
/// If the disk refuses.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    let paths = paths(from);
    let target = |path: &Path| to.join(path.strip_prefix(from).expect("a path below"));
    for path in paths.iter().filter(|path| path.is_dir()) {
        fs::create_dir_all(target(path)).expect("a folder");
    }
    for path in paths.iter().rev().filter(|path| path.is_file()) {
        fs::write(target(path), fs::read(path).expect("a file")).expect("a file");
    }
}

/// Checks everything that has its final name in a store: each blob has the bytes of its digest,
/// each step and each tag can be read, and what a tag names is there.
///
/// # Panics
/// If anything is half-written.
#[track_caller]
pub fn verify_store(store: &Path) {
    let blobs = store.join("blobs/sha256");
    for path in paths(&blobs) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("a blob");
        assert_eq!(hex(&Sha256::digest(bytes)), name, "blob {name} is damaged");
    }
    for folder in ["steps", "repositories"] {
        for path in paths(&store.join(folder)).iter().filter(|path| path.is_file()) {
            let bytes = fs::read(path).expect("a file");
            let value: Value = serde_json::from_slice(&bytes)
                .unwrap_or_else(|error| panic!("{} is half-written: {error}", path.display()));
            if folder == "repositories" {
                let digest = value["digest"].as_str().expect("a descriptor");
                let hex = digest.trim_start_matches("sha256:");
                assert!(blobs.join(hex).is_file(), "{} names nothing", path.display());
            }
        }
    }
}

/// Everything below `folder`, sorted; nothing when it is not there.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(folder) = stack.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                stack.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
