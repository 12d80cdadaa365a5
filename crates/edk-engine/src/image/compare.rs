use edk_image::{Change, ChangeKind, FileFact, diff};
use edk_model::{Monitor, Reference};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Compare two images file by file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageDiffRequest {
    /// The image of the store that counts as before.
    pub before: Reference,
    /// The one that counts as after.
    pub after: Reference,
}

/// What differs in two images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageDiff {
    /// Every path that differs, sorted.
    pub changes: Vec<FileChange>,
    /// How many paths only the second has.
    pub added: usize,
    /// How many only the first has.
    pub removed: usize,
    /// How many differ.
    pub changed: usize,
}

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// The path, from the root on.
    pub path: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// What differs: `type`, `content`, `mode`, `owner`, `target` or `attributes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<&'static str>,
    /// What it is in the first image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<FileFactView>,
    /// What it is in the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<FileFactView>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileFactView {
    /// `file`, `folder`, `link` or `special`.
    pub kind: &'static str,
    /// Length in bytes, of a file.
    pub size: u64,
    /// Permission bits in octal digits, such as `0644`.
    pub mode: String,
    /// User id.
    pub uid: u64,
    /// Group id.
    pub gid: u64,
    /// Where it leads, of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Engine {
    /// Compares two images of the store.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn image_diff(
        &self,
        request: &ImageDiffRequest,
        monitor: &Monitor,
    ) -> Result<ImageDiff, EngineError> {
        let (before, after) = (self.stored(&request.before)?, self.stored(&request.after)?);
        let changes = diff(self.store()?, &before, &after, &monitor.stage("diff"))?;
        let count = |kind| changes.iter().filter(|it| it.kind == kind).count();
        Ok(ImageDiff {
            added: count(ChangeKind::Added),
            removed: count(ChangeKind::Removed),
            changed: count(ChangeKind::Changed),
            changes: changes.into_iter().map(change).collect(),
        })
    }
}

fn change(change: Change) -> FileChange {
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
    };
    let (before, after) = (change.before.map(fact), change.after.map(fact));
    FileChange { path: change.path, change: kind, what: change.what, before, after }
}

fn fact(fact: FileFact) -> FileFactView {
    let FileFact { kind, size, mode, owner: (uid, gid), target } = fact;
    FileFactView { kind, size, mode: format!("{mode:04o}"), uid, gid, target }
}
