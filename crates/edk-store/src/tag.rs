use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use edk_model::{Descriptor, Digest, names};

use crate::{Links, Store, StoreError, lease};

const TAGS: &str = "_tags";
const MANIFESTS: &str = "_manifests";

impl Store {
    /// Gives the manifest `descriptor` the name `repository:tag`, replacing an older one.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a repository or tag that breaks the rules of the OCI
    /// distribution specification, [`StoreError::NoBlob`] if the manifest is not in the store.
    pub fn tag(
        &self,
        repository: &str,
        tag: &str,
        descriptor: &Descriptor,
    ) -> Result<(), StoreError> {
        names::tag(tag).map_err(|reason| StoreError::bad_name(tag, reason))?;
        self.add_manifest(repository, descriptor)?;
        self.write_descriptor(&self.folder(repository)?.join(TAGS).join(tag), descriptor)
    }

    /// Makes the manifest `descriptor` readable in `repository` by its digest. It and all it refers
    /// to count as used.
    ///
    /// # Errors
    /// As [`Store::tag`].
    pub fn add_manifest(
        &self,
        repository: &str,
        descriptor: &Descriptor,
    ) -> Result<(), StoreError> {
        if self.claim(&descriptor.digest)?.is_none() {
            return Err(StoreError::NoBlob(descriptor.digest));
        }
        self.claim_all(&descriptor.digest)?;
        let path = self.manifest_path(repository, &descriptor.digest)?;
        {
            let _gate = self.shared_gate()?;
            if read_descriptor(&path).as_ref() == Some(descriptor) {
                return lease::touch(&path);
            }
        }
        self.write_descriptor(&path, descriptor)
    }

    /// Claims what the manifest refers to, as far as it is there.
    fn claim_all(&self, manifest: &Digest) -> Result<(), StoreError> {
        // One that can't be read is told by whoever reads it.
        let Ok(bytes) = self.read(manifest) else { return Ok(()) };
        let links = Links::of(&bytes);
        for digest in &links.blobs {
            self.claim(digest)?;
        }
        for digest in links.documents.iter().filter(|digest| *digest != manifest) {
            if self.claim(digest)?.is_some() {
                self.claim_all(digest)?;
            }
        }
        Ok(())
    }

    pub(crate) fn manifest_path(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> Result<PathBuf, StoreError> {
        Ok(self.folder(repository)?.join(MANIFESTS).join(digest.hex()))
    }

    /// Returns the manifest that `repository:tag` names, or `None`.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a malformed repository or tag.
    pub fn resolve(&self, repository: &str, tag: &str) -> Result<Option<Descriptor>, StoreError> {
        names::tag(tag).map_err(|reason| StoreError::bad_name(tag, reason))?;
        Ok(read_descriptor(&self.folder(repository)?.join(TAGS).join(tag)))
    }

    /// Returns when `repository:tag` was last written, or `None` when it is not there.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a malformed repository or tag.
    pub fn tagged_at(&self, repository: &str, tag: &str) -> Result<Option<SystemTime>, StoreError> {
        names::tag(tag).map_err(|reason| StoreError::bad_name(tag, reason))?;
        let path = self.folder(repository)?.join(TAGS).join(tag);
        Ok(fs::metadata(path).and_then(|it| it.modified()).ok())
    }

    /// Returns the manifest of `repository` with this digest, or `None`.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a malformed repository.
    pub fn manifest(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Descriptor>, StoreError> {
        Ok(read_descriptor(&self.manifest_path(repository, digest)?))
    }

    /// Returns the manifests of `repository`, sorted by digest; none when there is no such
    /// repository.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a malformed repository, [`StoreError::Io`] if its folder can't
    /// be read.
    pub fn manifests(&self, repository: &str) -> Result<Vec<Descriptor>, StoreError> {
        let folder = self.folder(repository)?.join(MANIFESTS);
        let mut names = names_in(&folder)?;
        names.sort();
        // One that another process removes meanwhile is simply not there.
        Ok(names.iter().filter_map(|name| read_descriptor(&folder.join(name))).collect())
    }

    /// Returns the tags of `repository`, sorted; none when there is no such repository.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a malformed repository, [`StoreError::Io`] if its folder can't
    /// be read.
    pub fn tags(&self, repository: &str) -> Result<Vec<String>, StoreError> {
        let mut tags = names_in(&self.folder(repository)?.join(TAGS))?;
        tags.sort();
        Ok(tags)
    }

    /// Returns all repositories that hold a manifest, sorted.
    ///
    /// # Errors
    /// [`StoreError::Io`] if a folder can't be read.
    pub fn repositories(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        collect(&self.root.join("repositories"), "", &mut found)?;
        found.sort();
        Ok(found)
    }

    /// Takes the name `repository:tag` away; says whether it was there. The manifest stays.
    ///
    /// # Errors
    /// [`StoreError::BadName`] for a malformed name, [`StoreError::Io`] if it can't be removed.
    pub fn untag(&self, repository: &str, tag: &str) -> Result<bool, StoreError> {
        names::tag(tag).map_err(|reason| StoreError::bad_name(tag, reason))?;
        remove(&self.folder(repository)?.join(TAGS).join(tag))
    }

    /// Takes a manifest and every tag that names it out of `repository`; says whether it was there.
    ///
    /// # Errors
    /// As [`Store::untag`].
    pub fn remove_manifest(&self, repository: &str, digest: &Digest) -> Result<bool, StoreError> {
        let folder = self.folder(repository)?;
        for tag in self.tags(repository)? {
            if self.resolve(repository, &tag)?.is_some_and(|found| found.digest == *digest) {
                remove(&folder.join(TAGS).join(tag))?;
            }
        }
        remove(&folder.join(MANIFESTS).join(digest.hex()))
    }

    fn folder(&self, repository: &str) -> Result<PathBuf, StoreError> {
        names::repository(repository).map_err(|reason| StoreError::bad_name(repository, reason))?;
        Ok(self.root.join("repositories").join(repository))
    }

    fn write_descriptor(&self, path: &Path, descriptor: &Descriptor) -> Result<(), StoreError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| StoreError::io(parent, source))?;
        }
        let bytes = serde_json::to_vec(descriptor)
            .map_err(|source| StoreError::io(path, io::Error::other(source)))?;
        self.write_small(path, &bytes)
    }
}

pub(crate) fn read_descriptor(path: &Path) -> Option<Descriptor> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io(path, error)),
    }
}

/// Names of the entries of a folder; none when the folder is not there.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(folder, error)),
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()
        .map_err(|source| StoreError::io(folder, source))
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), StoreError> {
    for name in names_in(folder)? {
        match name.as_str() {
            MANIFESTS if !names_in(&folder.join(MANIFESTS))?.is_empty() => {
                found.push(prefix.to_owned());
            }
            MANIFESTS | TAGS => {}
            _ if prefix.is_empty() => collect(&folder.join(&name), &name, found)?,
            _ => collect(&folder.join(&name), &format!("{prefix}/{name}"), found)?,
        }
    }
    Ok(())
}
