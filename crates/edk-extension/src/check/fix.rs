//! Changes that mend findings: first as a difference to look at, then written.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::Path,
};

use edk_model::{Edit, Finding};
use serde::Serialize;

use super::{
    facts::text::byte_of,
    tree::{Tree, join},
};

/// A file as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Fixed {
    /// Its path below the project.
    pub file: String,
    /// The difference, in the format of `diff -u`.
    pub diff: String,
    /// The rules that are mended.
    pub rules: Vec<String>,
    /// The text it would have.
    #[serde(skip)]
    pub text: String,
    /// The text it has; none for a new file.
    #[serde(skip)]
    pub before: Option<String>,
}

/// Returns what mending all findings that can be mended safely would change. Where changes of two
/// findings touch, the first wins; the other one is mended the next time.
pub fn plan(tree: &Tree, findings: &[Finding]) -> Vec<Fixed> {
    let mut files: BTreeMap<&str, Vec<(&Edit, &str)>> = BTreeMap::new();
    for finding in findings {
        // All or nothing of one finding: its changes may need each other.
        let fits = finding.edits.iter().all(|edit| {
            let taken = files.get(edit.file.as_str());
            inside(&edit.file)
                && !taken.is_some_and(|it| it.iter().any(|(other, _)| touch(edit, other)))
        });
        if fits {
            for edit in &finding.edits {
                files.entry(&edit.file).or_default().push((edit, &finding.rule));
            }
        }
    }
    let fixed = files.into_iter().filter_map(|(file, edits)| fixed(tree, file, &edits));
    fixed.collect()
}

/// Says whether a path stays below the project.
fn inside(file: &str) -> bool {
    !file.starts_with('/') && join("", file).is_some_and(|it| it == file)
}

fn touch(one: &Edit, other: &Edit) -> bool {
    let same = one == other;
    !same && one.start <= other.end && other.start <= one.end
}

fn fixed(tree: &Tree, file: &str, edits: &[(&Edit, &str)]) -> Option<Fixed> {
    let before = match tree.get(file) {
        Some(it) => Some(it.text()?.to_owned()),
        None => None,
    };
    let mut ordered: Vec<&Edit> = edits.iter().map(|(edit, _)| *edit).collect();
    ordered.sort();
    ordered.dedup();
    let mut text = before.clone().unwrap_or_default();
    for edit in ordered.into_iter().rev() {
        let (from, to) = (byte_of(&text, edit.start), byte_of(&text, edit.end));
        text.replace_range(from..to.max(from), &edit.text);
    }
    let mut rules: Vec<String> = edits.iter().map(|(_, rule)| (*rule).to_owned()).collect();
    rules.sort();
    rules.dedup();
    let diff = diff(file, before.as_deref().unwrap_or_default(), &text);
    let changed = before.as_deref() != Some(&text);
    changed.then(|| Fixed { file: file.to_owned(), diff, rules, text, before })
}

fn diff(file: &str, before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let (old, new) = (format!("a/{file}"), format!("b/{file}"));
    diff.unified_diff().context_radius(2).header(&old, &new).to_string()
}

/// Returns a file of `before` as `text` makes it; `None` when that is no change.
pub fn whole(before: &Tree, file: &str, text: &str, mut rules: Vec<String>) -> Option<Fixed> {
    rules.sort();
    rules.dedup();
    let old = before.text(file).map(str::to_owned);
    let diff = diff(file, old.as_deref().unwrap_or_default(), text);
    let changed = old.as_deref() != Some(text);
    changed.then(|| Fixed {
        file: file.to_owned(),
        diff,
        rules,
        text: text.to_owned(),
        before: old,
    })
}

/// Returns the tree as it would be.
#[must_use]
pub fn applied(tree: Tree, fixed: &[Fixed]) -> Tree {
    fixed.iter().fold(tree, |tree, it| tree.with(&it.file, it.text.as_bytes()))
}

/// Writes one file, whole or not at all. What somebody changed since it was read stays.
///
/// # Errors
/// What the disk says; `InvalidData` for a file that was changed in the meantime.
pub fn write(root: &Path, fixed: &Fixed) -> io::Result<()> {
    let path = root.join(&fixed.file);
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let current = found.as_ref().map(|_| fs::read(&path)).transpose()?;
    if found.as_ref().is_some_and(fs::Metadata::is_symlink)
        || current.as_deref() != fixed.before.as_deref().map(str::as_bytes)
    {
        let message = "it was changed while it was checked";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let folder = path.parent().unwrap_or(root);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(fixed.text.as_bytes())?;
    match found {
        Some(found) => file.as_file().set_permissions(found.permissions())?,
        None => {
            use std::os::unix::fs::PermissionsExt as _;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use edk_model::Span;

    use super::*;
    use crate::check::tree::File;

    fn edit(from: (usize, usize), to: (usize, usize), text: &str) -> Edit {
        let span = |(line, column)| Span { line, column };
        Edit { file: "a".to_owned(), start: span(from), end: span(to), text: text.to_owned() }
    }

    #[test]
    fn changes_that_touch_wait_for_the_next_time() {
        let tree = Tree::of([File::new("a", b"one\ntwo\nthree\n")]);
        let finding = |rule: &str, edit: Edit| Finding::error(rule, "x").edit(edit);
        let findings = [
            finding("A", edit((2, 1), (2, 4), "zwei")),
            finding("B", edit((2, 2), (2, 3), "no")),
            finding("C", edit((1, 1), (1, 1), "zero\n")),
        ];
        let plan = plan(&tree, &findings);
        assert_eq!(plan[0].text, "zero\none\nzwei\nthree\n");
        assert_eq!(plan[0].rules, ["A", "C"]);
        assert!(plan[0].diff.contains("-two\n+zwei\n"), "{}", plan[0].diff);
    }

    #[test]
    fn a_file_changed_in_the_meantime_or_outside_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "one\n").unwrap();
        let tree = Tree::open(folder.path(), None).unwrap();
        let finding = Finding::error("A", "x").edit(edit((1, 1), (1, 4), "eins"));
        let plan = plan(&tree, &[finding]);
        write(folder.path(), &plan[0]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "eins\n");
        assert_eq!(write(folder.path(), &plan[0]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut outside = edit((1, 1), (1, 1), "x");
        outside.file = "../b".to_owned();
        assert!(super::plan(&tree, &[Finding::error("A", "x").edit(outside)]).is_empty());
    }
}
