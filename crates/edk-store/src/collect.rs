//! Removing what may go.

use std::{fs, io, path::Path};

use edk_model::{Monitor, Unit};

use crate::{Plan, Reason, Removal, Store, StoreError, Subject};

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many files.
    pub removed: usize,
    /// How many bytes they had.
    pub freed: u64,
    /// How many were used since the plan was made, and stay.
    pub spared: usize,
}

impl Store {
    /// Removes what `plan` says, but for what was used since the plan was made. May be stopped at
    /// any point and made anew.
    ///
    /// # Errors
    /// [`StoreError::Io`] if something can't be removed, [`StoreError::Cancelled`].
    pub fn collect(&self, plan: &Plan, monitor: &Monitor) -> Result<Collected, StoreError> {
        let (mut done, total) = (Collected::default(), plan.removals.len() as u64);
        for (at, removal) in plan.removals.iter().enumerate() {
            monitor.check()?;
            if self.remove_unused(removal)? {
                done.removed += 1;
                done.freed += removal.size;
            } else {
                done.spared += 1;
            }
            monitor.progress("the store", at as u64 + 1, Some(total), Unit::Files, 0);
        }
        Ok(done)
    }

    fn remove_unused(&self, removal: &Removal) -> Result<bool, StoreError> {
        let _gate = self.lone_gate()?;
        let path = match &removal.subject {
            Subject::Blob(digest) => self.blob_path(digest),
            Subject::Step(key) => self.root().join("steps").join(key),
            Subject::Manifest { repository, digest } => self.manifest_path(repository, digest)?,
            Subject::Partial(digest) => {
                let path = self.partial_path(digest);
                if !Self::is_idle(&path) {
                    return Ok(false);
                }
                path
            }
        };
        let used = match fs::metadata(&path).and_then(|it| it.modified()) {
            Ok(used) => used,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(StoreError::io(&path, source)),
        };
        if used > removal.used {
            return Ok(false);
        }
        if let (Subject::Manifest { repository, digest }, Reason::CanBeHadAgain) =
            (&removal.subject, removal.reason)
        {
            return self.remove_manifest(repository, digest);
        }
        remove_file(&path)
    }
}

fn remove_file(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::io(path, source)),
    }
}
