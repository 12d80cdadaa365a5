//! Folders that live as long as one run.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::ContainerError;

/// A folder for one run with a lock file beside it: whoever can take the lock knows that the run
/// is over and the folder is rubbish.
#[derive(Debug)]
pub(crate) struct WorkDir {
    path: PathBuf,
    lock: Option<tempfile::NamedTempFile>,
}

impl WorkDir {
    /// Makes a new folder in `root`.
    pub(crate) fn new(root: &Path) -> Result<Self, ContainerError> {
        let io = |source| ContainerError::io(root, source);
        let lock = tempfile::Builder::new()
            .prefix("run-")
            .suffix(".lock")
            .tempfile_in(root)
            .map_err(io)?;
        lock.as_file().lock().map_err(io)?;
        let path = lock.path().with_extension("d");
        fs::create_dir(&path).map_err(io)?;
        Ok(Self { path, lock: Some(lock) })
    }

    /// Returns the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder with `remove`, and then the lock.
    pub(crate) fn remove_with(
        mut self,
        remove: impl FnOnce(&Path) -> Result<(), ContainerError>,
    ) -> Result<(), ContainerError> {
        let result = remove(&self.path);
        if result.is_err()
            && let Some(lock) = self.lock.take()
        {
            // The lock file must outlive a folder that could not be removed, for the next sweep.
            let _ = lock.keep();
        }
        result
    }
}

/// Returns the folders in `root` whose run is over, each with the lock that keeps others off.
pub(crate) fn abandoned(root: &Path) -> Result<Vec<(PathBuf, fs::File)>, ContainerError> {
    let io = |source| ContainerError::io(root, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        match fs::File::open(&path) {
            Ok(file) if file.try_lock().is_ok() => found.push((path, file)),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
    }
    Ok(found)
}
