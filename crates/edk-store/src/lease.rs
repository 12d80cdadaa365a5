//! What tells a garbage collection in another process that work is under way.

use std::{fs, io, path::Path, time::SystemTime};

use edk_model::Digest;
use nix::{
    fcntl::AT_FDCWD,
    sys::{
        stat::{UtimensatFlags, utimensat},
        time::TimeSpec,
    },
};

use crate::{Store, StoreError};

/// Keeps whatever its holder writes, or finds in the store, from being collected, until dropped.
///
/// It is a file that is locked for as long as the process lives. A collection takes nothing that
/// was touched since the oldest lease began, so nobody has to keep a list of blobs.
#[derive(Debug)]
pub struct Lease {
    _file: tempfile::NamedTempFile,
    began: SystemTime,
}

impl Lease {
    /// When it began, by the clock of the file system.
    pub(crate) fn began(&self) -> SystemTime {
        self.began
    }
}

impl Store {
    /// Begins a lease. Take one before the first blob of an image is written or found, and keep it
    /// until the image has its tag.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store can't be written.
    pub fn lease(&self) -> Result<Lease, StoreError> {
        let folder = self.leases()?;
        let file = self.locked_file(&folder)?;
        let began = file.as_file().metadata().and_then(|it| it.modified());
        let began = began.map_err(|source| StoreError::io(&folder, source))?;
        Ok(Lease { _file: file, began })
    }

    /// Returns the beginning of the oldest lease that is held, the own included.
    pub(crate) fn oldest_lease(&self, own: &Lease) -> Result<SystemTime, StoreError> {
        let folder = self.leases()?;
        let failed = |source| StoreError::io(&folder, source);
        let gate = fs::File::open(&folder).map_err(failed)?;
        gate.lock().map_err(failed)?;
        let mut oldest = own.began;
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // One that is gone meanwhile was given back.
            let Ok(file) = fs::File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                let _ = fs::remove_file(&path);
            } else if let Ok(began) = file.metadata().and_then(|it| it.modified()) {
                oldest = oldest.min(began);
            }
        }
        Ok(oldest)
    }

    fn leases(&self) -> Result<std::path::PathBuf, StoreError> {
        let folder = self.root().join("leases");
        fs::create_dir_all(&folder).map_err(|source| StoreError::io(&folder, source))?;
        Ok(folder)
    }

    /// Returns the size of a blob in bytes, or `None` when it is not there; and counts it as used
    /// now, so that no collection takes it while the caller's lease lasts.
    ///
    /// Whoever is about to refer to a blob which somebody else wrote claims it.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store refuses.
    pub fn claim(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let _gate = self.shared_gate()?;
        let Some(size) = self.size(digest) else { return Ok(None) };
        touch(&self.blob_path(digest))?;
        Ok(Some(size))
    }

    /// Held together while something that exists is counted as used.
    pub(crate) fn shared_gate(&self) -> Result<fs::File, StoreError> {
        self.collection_gate(fs::File::lock_shared)
    }

    /// Held alone while something that nobody used is removed.
    pub(crate) fn lone_gate(&self) -> Result<fs::File, StoreError> {
        self.collection_gate(fs::File::lock)
    }

    fn collection_gate(
        &self,
        lock: impl Fn(&fs::File) -> io::Result<()>,
    ) -> Result<fs::File, StoreError> {
        let folder = self.root().join("blobs");
        let failed = |source| StoreError::io(&folder, source);
        let gate = fs::File::open(&folder).map_err(failed)?;
        lock(&gate).map_err(failed)?;
        Ok(gate)
    }
}

/// Counts a file as used now, by the clock of the file system. One that is not there, or that may
/// not be written, is left as it is: neither can be collected by us.
pub(crate) fn touch(path: &Path) -> Result<(), StoreError> {
    use nix::errno::Errno;
    let now = TimeSpec::UTIME_NOW;
    match utimensat(AT_FDCWD, path, &now, &now, UtimensatFlags::NoFollowSymlink) {
        Ok(()) | Err(Errno::ENOENT | Errno::EROFS | Errno::EACCES | Errno::EPERM) => Ok(()),
        Err(error) => Err(StoreError::io(path, error.into())),
    }
}
