//! Blobs that come from elsewhere and were cut: what is here of them is kept, so that the next
//! attempt, in this process or another, goes on from there.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use edk_model::{Algorithm, Digest, Hasher};
use tempfile::{NamedTempFile, TempPath};

use crate::{BlobWriter, Store, StoreError, census, lease};

/// The folder of what was cut.
const PARTIAL: &str = "partial";

impl Store {
    /// Goes on with the blob `digest` where somebody was cut: [`BlobWriter::size`] of what is
    /// returned says how many of its bytes are here. They count only when all are there and
    /// [`BlobWriter::commit_as`] has found the digest right; when it is wrong, they are removed. A
    /// blob which another process works on just now is begun apart from it.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store can't be read or written.
    pub fn resume(&self, digest: &Digest) -> Result<BlobWriter, StoreError> {
        let path = self.partial_path(digest);
        let failed = |source| StoreError::io(&path, source);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let open = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let mut file = open.map_err(failed)?;
        // Whoever had it may have finished it meanwhile, so that the file has another name now.
        if file.try_lock().is_err() || !is_at(&file, &path) {
            return self.writer();
        }
        let mut hasher = Hasher::new();
        let size = io::copy(&mut file, &mut hasher).map_err(failed)?;
        lease::touch(&path)?;
        let mut path = TempPath::try_from_path(&path).map_err(failed)?;
        path.disable_cleanup(true);
        let file = NamedTempFile::from_parts(file, path);
        Ok(BlobWriter::resumed(self, file, hasher, size))
    }

    pub(crate) fn partial_path(&self, digest: &Digest) -> PathBuf {
        let name = format!("{}-{}", digest.algorithm().name(), digest.hex());
        self.root().join(PARTIAL).join(name)
    }

    /// What was cut, each with its size and when it was last worked on.
    pub(crate) fn partials(&self) -> Result<Vec<(Digest, census::Fact)>, StoreError> {
        let folder = self.root().join(PARTIAL);
        let mut found = Vec::new();
        for name in crate::tag::names_in(&folder)? {
            let digest = name.split_once('-').and_then(|(algorithm, hex)| {
                Algorithm::named(algorithm)?;
                format!("{algorithm}:{hex}").parse().ok()
            });
            let fact = census::fact(&folder.join(&name))?;
            found.extend(digest.zip(fact));
        }
        Ok(found)
    }

    /// Says whether nobody works on a file.
    pub(crate) fn is_idle(path: &Path) -> bool {
        File::open(path).is_ok_and(|file| file.try_lock().is_ok())
    }
}

/// Says whether `path` names this very file.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(|(a, b)| same(a, b))
}
