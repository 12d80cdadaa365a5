use std::{
    fs,
    io::{self, Read, Seek as _, Write},
};

use edk_model::{Algorithm, Descriptor, Digest, Hasher};

use crate::{Store, StoreError, persist};

/// Writes one blob: hashes while writing, and shows it under its digest only when complete.
#[derive(Debug)]
pub struct BlobWriter {
    store: Store,
    file: tempfile::NamedTempFile,
    hasher: Hasher,
    size: u64,
}

impl Store {
    /// Starts a new blob.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store can't be written.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        let (file, hasher) = (self.incoming()?, Hasher::new());
        Ok(BlobWriter { store: self.clone(), file, hasher, size: 0 })
    }

    /// Keeps `bytes` as a blob and returns its descriptor; writes nothing when it is there already.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it can't be written.
    pub fn put(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, StoreError> {
        self.put_with(Algorithm::Sha256, media_type, bytes)
    }

    /// Keeps `bytes` as a blob under its digest by `algorithm`; otherwise as [`Store::put`].
    ///
    /// # Errors
    /// [`StoreError::Io`] if it can't be written.
    pub fn put_with(
        &self,
        algorithm: Algorithm,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Descriptor, StoreError> {
        let digest = Digest::with(algorithm, bytes);
        if self.claim(&digest)? != Some(bytes.len() as u64) {
            let mut file = self.incoming()?;
            file.write_all(bytes)
                .map_err(|source| StoreError::io(&self.blob_path(&digest), source))?;
            self.persist_blob(file, &digest)?;
        }
        Ok(Descriptor::new(media_type, digest, bytes.len() as u64))
    }

    fn persist_blob(
        &self,
        file: tempfile::NamedTempFile,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let path = self.blob_path(digest);
        if digest.algorithm() != Algorithm::Sha256
            && let Some(folder) = path.parent()
        {
            fs::create_dir_all(folder).map_err(|source| StoreError::io(folder, source))?;
        }
        persist(file, &path)
    }

    /// Returns the size of a blob in bytes, or `None` when it is not there.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        fs::metadata(self.blob_path(digest)).ok().map(|metadata| metadata.len())
    }

    /// Returns how many bytes all blobs use on the disk.
    ///
    /// # Errors
    /// [`StoreError::Io`] if their folder can't be read.
    pub fn blob_bytes(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for algorithm in Algorithm::ALL {
            let folder = self.root().join("blobs").join(algorithm.name());
            for name in crate::tag::names_in(&folder)? {
                // One that another process removes meanwhile uses nothing.
                bytes += fs::metadata(folder.join(name)).map_or(0, |metadata| metadata.len());
            }
        }
        Ok(bytes)
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`StoreError::NoBlob`] if it is not there, [`StoreError::Io`] if it can't be opened.
    pub fn reader(&self, digest: &Digest) -> Result<fs::File, StoreError> {
        let path = self.blob_path(digest);
        fs::File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::NoBlob(*digest),
            _ => StoreError::io(&path, source),
        })
    }

    /// Reads a small blob (a manifest, a configuration) and verifies it.
    ///
    /// # Errors
    /// [`StoreError::NoBlob`] if it is not there, [`StoreError::TooLarge`] if it is larger than
    /// 4 MiB, [`StoreError::Corrupt`] if its bytes are not those of its digest.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        const LIMIT: u64 = 4 << 20;
        let mut bytes = Vec::new();
        let file = self.reader(digest)?;
        file.take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| StoreError::io(&self.blob_path(digest), source))?;
        if bytes.len() as u64 > LIMIT {
            return Err(StoreError::TooLarge(*digest));
        }
        if Digest::with(digest.algorithm(), &bytes) != *digest {
            return Err(self.corrupt(digest));
        }
        Ok(bytes)
    }

    /// Reads a whole blob and checks that its bytes are those of its digest.
    ///
    /// # Errors
    /// As [`Store::reader`], and [`StoreError::Corrupt`] if they are not.
    pub fn verify(&self, digest: &Digest) -> Result<(), StoreError> {
        let read = hash(&mut self.reader(digest)?, digest.algorithm())
            .map_err(|source| StoreError::io(&self.blob_path(digest), source))?;
        if read == *digest { Ok(()) } else { Err(self.corrupt(digest)) }
    }

    /// Takes a damaged blob away, so that the next build or pull makes it again.
    fn corrupt(&self, digest: &Digest) -> StoreError {
        match self.remove(digest) {
            Ok(()) => StoreError::Corrupt(*digest),
            Err(error) => error,
        }
    }

    /// Removes a blob; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it can't be removed.
    pub fn remove(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.blob_path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io(&path, error))
            }
            _ => Ok(()),
        }
    }
}

impl BlobWriter {
    /// Goes on with a file that holds `size` bytes, which `hasher` has seen.
    pub(crate) fn resumed(
        store: &Store,
        file: tempfile::NamedTempFile,
        hasher: Hasher,
        size: u64,
    ) -> Self {
        Self { store: store.clone(), file, hasher, size }
    }

    /// Returns how many bytes were written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the blob, whatever its digest, and returns its descriptor.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it can't be kept.
    pub fn commit(self, media_type: &str) -> Result<Descriptor, StoreError> {
        let digest = self.hasher.clone().finish();
        self.keep(digest, media_type)
    }

    /// Ends the blob if its digest is `expected`. One by another algorithm than SHA-256 is read
    /// once more for it, since nobody said so when it began.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if the bytes have another digest (nothing is kept),
    /// [`StoreError::Io`] if it can't be kept.
    pub fn commit_as(
        mut self,
        expected: &Digest,
        media_type: &str,
    ) -> Result<Descriptor, StoreError> {
        let actual = match expected.algorithm() {
            Algorithm::Sha256 => self.hasher.clone().finish(),
            other => {
                let file = self.file.as_file_mut();
                let read = file.rewind().and_then(|()| hash(file, other));
                read.map_err(|source| StoreError::io(&self.store.blob_path(expected), source))?
            }
        };
        if actual != *expected {
            // What was cut and went on is of no use to anybody.
            self.file.disable_cleanup(false);
            return Err(StoreError::Mismatch { expected: *expected, actual });
        }
        self.keep(actual, media_type)
    }

    fn keep(mut self, digest: Digest, media_type: &str) -> Result<Descriptor, StoreError> {
        self.file.disable_cleanup(false);
        if self.store.claim(&digest)? != Some(self.size) {
            self.store.persist_blob(self.file, &digest)?;
        }
        Ok(Descriptor::new(media_type, digest, self.size))
    }
}

fn hash(from: &mut impl Read, algorithm: Algorithm) -> io::Result<Digest> {
    let mut hasher = Hasher::with(algorithm);
    io::copy(from, &mut hasher)?;
    Ok(hasher.finish())
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
