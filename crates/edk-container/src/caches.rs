//! Folders that outlive runs (`RUN --mount=type=cache`).

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use edk_model::{Digest, Monitor};

use crate::{ContainerError, Containers, chain::folder_name};

/// Who may use a cache at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheSharing {
    /// Everybody.
    Shared,
    /// One run; another gets a cache of its own.
    Private,
    /// One run; another waits.
    Locked,
}

/// A cache that a run may use as long as this is kept.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    _lock: Option<File>,
}

impl Cache {
    /// Returns its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// How many runs may use private caches of one id at the same time.
const MAX_PRIVATE: u32 = 256;
/// How often somebody who waits for a cache looks whether it was cancelled.
const WAIT: std::time::Duration = std::time::Duration::from_millis(40);

impl Containers {
    /// Returns the cache `id`, making its folder when it is not there. Waits for a locked one.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if it can't be made, [`ContainerError::Cancelled`].
    pub fn cache(
        &self,
        id: &str,
        sharing: CacheSharing,
        monitor: &Monitor,
    ) -> Result<Cache, ContainerError> {
        let root = self.root().join("caches");
        for number in 0..MAX_PRIVATE {
            // Another private one has a number.
            let id = if number == 0 { id.to_owned() } else { format!("{id}\0{number}") };
            let path = root.join(folder_name(&Digest::of(id.as_bytes())));
            let io = |source| ContainerError::io(&path, source);
            fs::create_dir_all(&path).map_err(io)?;
            if sharing == CacheSharing::Shared {
                return Ok(Cache { path, _lock: None });
            }
            let lock = File::create(path.with_extension("lock")).map_err(io)?;
            loop {
                match lock.try_lock() {
                    Ok(()) => return Ok(Cache { path, _lock: Some(lock) }),
                    Err(fs::TryLockError::WouldBlock) if sharing == CacheSharing::Private => break,
                    Err(fs::TryLockError::WouldBlock) => {
                        monitor.check()?;
                        std::thread::sleep(WAIT);
                    }
                    Err(fs::TryLockError::Error(source)) => return Err(io(source)),
                }
            }
        }
        let error = std::io::Error::other("all private caches are in use");
        Err(ContainerError::io(&root, error))
    }
}
