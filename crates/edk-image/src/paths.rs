//! Sets of paths that are quick to read.

use std::{cmp::Ordering, collections::BTreeSet};

use serde::{Deserialize, Serialize};

/// Ends a path: no relative path without `.` and doubled slashes has it.
const END: &[u8] = b"//";

/// Relative paths, parts separated by one `/`. Those that were kept stay the one text they are kept
/// as: a base has tens of thousands, and an edit looks up a few.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct Paths {
    /// Sorted, an [`END`] after each.
    kept: String,
    added: BTreeSet<String>,
}

impl Paths {
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.added.contains(path) || is_kept(self.kept.as_bytes(), path.as_bytes())
    }

    /// Adds a path; says whether it was not there.
    pub(crate) fn insert(&mut self, path: String) -> bool {
        !is_kept(self.kept.as_bytes(), path.as_bytes()) && self.added.insert(path)
    }

    /// Takes a path away that was added since the set was read.
    pub(crate) fn remove(&mut self, path: &str) {
        self.added.remove(path);
    }
}

impl From<String> for Paths {
    fn from(kept: String) -> Self {
        Self { kept, added: BTreeSet::new() }
    }
}

impl From<Paths> for String {
    fn from(paths: Paths) -> Self {
        if paths.added.is_empty() {
            return paths.kept;
        }
        let mut all: BTreeSet<&str> = paths.added.iter().map(String::as_str).collect();
        all.extend(paths.kept.split_terminator("//"));
        all.into_iter().flat_map(|path| [path, "//"]).collect()
    }
}

/// Says whether `path` is one of `kept`, halving what is left of it.
fn is_kept(mut kept: &[u8], path: &[u8]) -> bool {
    while !kept.is_empty() {
        let middle = kept.len() / 2;
        let before = kept[..middle].windows(END.len()).rposition(|it| it == END);
        let start = before.map_or(0, |at| at + END.len());
        let Some(length) = kept[start..].windows(END.len()).position(|it| it == END) else {
            // Not what this program wrote.
            return false;
        };
        match path.cmp(&kept[start..start + length]) {
            Ordering::Equal => return true,
            Ordering::Less => kept = &kept[..start],
            Ordering::Greater => kept = &kept[start + length + END.len()..],
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set("([ab.ä\n]{1,2}(/[ab0]{1,2}){0,2})?", 0..20)
    }

    proptest! {
        #[test]
        fn a_path_is_in_the_set_it_was_put_in(first in paths(), more in paths(), others in paths()) {
            let mut set = Paths::default();
            for path in &first {
                prop_assert!(set.insert(path.clone()));
            }
            let text = serde_json::to_string(&set).unwrap();
            let mut set: Paths = serde_json::from_str(&text).unwrap();
            for path in &more {
                prop_assert_eq!(set.insert(path.clone()), !first.contains(path));
            }
            for path in first.iter().chain(&more).chain(&others) {
                let there = first.contains(path) || more.contains(path);
                prop_assert_eq!(set.contains(path), there, "{:?}", path);
            }
            let all: BTreeSet<String> = first.union(&more).cloned().collect();
            let again: Paths = String::from(set).into();
            prop_assert!(all.iter().all(|path| again.contains(path)));
            prop_assert!(again.kept.split_terminator("//").eq(all.iter()));
        }

        #[test]
        fn a_text_that_is_no_set_holds_nothing_and_hangs_nobody(text in "[a/]{0,12}", path in "[a/]{0,4}") {
            let _ = Paths::from(text).contains(&path);
        }
    }
}
