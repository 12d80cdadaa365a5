//! One folder that holds every blob, tag and build step.
//!
//! Blobs lie in the blob folders of an OCI image layout (`blobs/sha256/<hex>`), so the builder, the
//! registry and the archives share them and no byte is stored twice. What is made here is named by
//! SHA-256; what others push under a SHA-512 digest lies in a folder of its own. A blob is hashed while it is
//! written and appears under its digest only when it is complete: a crash leaves at most a file in
//! `incoming/`, which nothing reads and [`Store::sweep`] removes.
//!
//! ```text
//! oci-layout                            version marker of the OCI image layout
//! blobs/<algorithm>/<hex>               content
//! repositories/<path>/_tags/<tag>       descriptor of the manifest, JSON
//! repositories/<path>/_manifests/<hex>  descriptor of a manifest that belongs to the repository
//! steps/<hex>                           result of a build step, keyed by the digest of its inputs
//! incoming/                             files being written
//! partial/<algorithm>-<hex>             blobs from elsewhere that were cut, to go on with
//! leases/                               one locked file for each piece of work under way
//! ```
//!
//! [`Store::census`] tells who needs what, [`Census::plan`] what may go and why, [`Store::collect`]
//! removes it, all of it while builds and pushes run, here or in other processes: they hold a
//! [`Lease`], claim what they find ([`Store::claim`]), and nothing that was touched since the oldest
//! lease began is taken. The time of a file is when it was last used; of a step that is the measure
//! for which of the build cache goes first.
//!
//! The store knows no HTTP and no Dockerfile, and of a manifest only which digests it names.

mod blob;
mod census;
mod collect;
mod error;
mod lease;
mod links;
mod partial;
mod plan;
mod tag;
mod usage;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use blob::BlobWriter;
pub use census::Census;
pub use collect::Collected;
use edk_model::Digest;
pub use error::StoreError;
pub use lease::Lease;
use links::Links;
pub use plan::{Kept, Plan, Reason, Removal, Rules, Subject};
use serde::{Serialize, de::DeserializeOwned};
pub use usage::{TagUsage, Usage};

/// A store in a folder. Cheap to clone; many processes may use one folder at the same time.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store in `root`, making it when it is not there.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder can't be made or written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self { root: root.to_owned() };
        let marker = root.join("oci-layout");
        if !marker.exists() {
            for folder in ["blobs/sha256", "repositories", "steps", "incoming"] {
                let path = root.join(folder);
                fs::create_dir_all(&path).map_err(|source| StoreError::io(&path, source))?;
            }
            store.write_small(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        Ok(store)
    }

    /// Returns the folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the earlier result of the build step `key`, or `None` when there is none or it
    /// can't be read (then the step is simply done again). The step and its blobs count as used.
    pub fn step<T: DeserializeOwned>(&self, key: &Digest) -> Option<T> {
        let path = self.step_path(key);
        let bytes = fs::read(&path).ok()?;
        let result = serde_json::from_slice(&bytes).ok()?;
        let Links { blobs, documents, .. } = Links::of(&bytes);
        let _gate = self.shared_gate().ok()?;
        for used in blobs.iter().chain(&documents).map(|digest| self.blob_path(digest)) {
            lease::touch(&used).ok()?;
        }
        lease::touch(&path).ok()?;
        Some(result)
    }

    /// Keeps the result of the build step `key`.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it can't be written.
    pub fn put_step<T: Serialize>(&self, key: &Digest, result: &T) -> Result<(), StoreError> {
        let path = self.step_path(key);
        let bytes = serde_json::to_vec(result)
            .map_err(|source| StoreError::io(&path, io::Error::other(source)))?;
        self.write_small(&path, &bytes)
    }

    /// Removes what writers that no longer run left in `incoming/`.
    ///
    /// A file that a live writer holds is locked and stays.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder can't be read.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let incoming = self.root.join("incoming");
        let failed = |source| StoreError::io(&incoming, source);
        let gate = fs::File::open(&incoming).map_err(failed)?;
        gate.lock().map_err(failed)?;
        for entry in fs::read_dir(&incoming).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let abandoned = fs::File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if abandoned {
                // Another process may sweep at the same time; a file that is gone is what we want.
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    fn step_path(&self, key: &Digest) -> PathBuf {
        self.root.join("steps").join(key.hex())
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// Writes a small file under its final name at once, or not at all.
    fn write_small(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.incoming()?;
        io::Write::write_all(&mut file, bytes).map_err(|source| StoreError::io(path, source))?;
        persist(file, path)
    }

    /// Opens a file in `incoming/`, locked for as long as this process holds it.
    fn incoming(&self) -> Result<tempfile::NamedTempFile, StoreError> {
        self.locked_file(&self.root.join("incoming"))
    }

    /// Opens a new file in `folder`, locked for as long as this process holds it.
    fn locked_file(&self, folder: &Path) -> Result<tempfile::NamedTempFile, StoreError> {
        let failed = |source| StoreError::io(folder, source);
        // Between its creation and its lock a file looks abandoned; no sweep may see it so. The
        // folder itself is the lock between writers that start and sweeps.
        let gate = fs::File::open(folder).map_err(failed)?;
        gate.lock_shared().map_err(failed)?;
        let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.as_file().lock().map_err(failed)?;
        Ok(file)
    }
}

/// Moves a finished file to its final name, its bytes safe on the disk first, so that neither a
/// crash of the program nor of the machine can leave half a file there. It counts as used from now.
fn persist(file: tempfile::NamedTempFile, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let io = |source| StoreError::io(path, source);
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(io)?;
    lease::touch(file.path())?;
    file.as_file().sync_data().map_err(io)?;
    file.persist(path).map_err(|error| StoreError::io(path, error.error))?;
    Ok(())
}
