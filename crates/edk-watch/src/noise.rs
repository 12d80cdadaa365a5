//! What is not a change: files that editors keep for themselves, and files written as they were.

use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

/// Larger files are not read to be compared; writing one always counts.
const COMPARED: u64 = 4 * 1024 * 1024;

/// What the files had in them when they were last told of.
#[derive(Debug, Default)]
pub(crate) struct Contents(HashMap<PathBuf, Option<u64>>);

impl Contents {
    /// Says whether a file is another than last time, or whether that is not known.
    pub(crate) fn differ(&mut self, path: &Path) -> bool {
        let now = content(path);
        let before = self.0.insert(path.to_owned(), now);
        before.is_none_or(|before| before != now || (now.is_none() && path.exists()))
    }
}

/// Returns what stands for a file's content; nothing if it is gone, or too large to be read.
fn content(path: &Path) -> Option<u64> {
    let about = fs::symlink_metadata(path).ok()?;
    let mut hasher = DefaultHasher::new();
    if about.is_symlink() {
        fs::read_link(path).ok()?.hash(&mut hasher);
    } else if about.is_file() && about.len() <= COMPARED {
        fs::read(path).ok()?.hash(&mut hasher);
    } else {
        return None;
    }
    // Whether it may be executed gets into an image too.
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()).hash(&mut hasher);
    Some(hasher.finish())
}

/// Says whether a file is one that an editor keeps for itself while a file is written or open:
/// those of Vim (`4913`, `.x.swp`, `x~`), Emacs (`.#x`, `#x#`), `JetBrains` (`x___jb_tmp___`),
/// KDE (`x.kate-swp`), and what GTK writes before it renames (`.goutputstream-*`).
pub(crate) fn is_scratch(name: &str) -> bool {
    let swap = |it: &str| matches!(it, "swp" | "swo" | "swx" | "kate-swp");
    name == "4913"
        || name.ends_with('~')
        || name.starts_with(".#")
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || name.starts_with(".goutputstream-")
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
        || (name.starts_with('.') && name.rsplit('.').next().is_some_and(swap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_keep_for_themselves_is_known() {
        for name in ["4913", ".main.py.swp", "main.py~", ".#main.py", "#main.py#", ".a.kate-swp"] {
            assert!(is_scratch(name), "{name}");
        }
        for name in ["main.py", ".dockerignore", "#", "Dockerfile", "a.swp", "values.yaml"] {
            assert!(!is_scratch(name), "{name}");
        }
    }
}
