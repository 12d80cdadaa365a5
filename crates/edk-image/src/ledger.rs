//! What a target is known to have, so that it is not sent again.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use edk_archive::{Readers, write_whole};
use edk_model::Digest;
use serde::{Deserialize, Serialize};

use crate::ImageError;

/// The number of the format; a file of another is as good as none.
const VERSION: u32 = 1;

/// How many blobs are remembered; those recorded first are forgotten first.
const LIMIT: usize = 20_000;

/// The blobs which a target was seen to take: one small file for each target.
///
/// It is a memory, not the truth. A registry is always asked; a platform can't be asked, so what it
/// refuses is sent whole, and [`Ledger::forget_all`] begins anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    version: u32,
    /// Each with its size in bytes and where it is: repositories of a registry.
    blobs: BTreeMap<Digest, Entry>,
    /// Counts recordings, so that the oldest are known.
    #[serde(default)]
    next: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    size: u64,
    at: u64,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    repositories: BTreeSet<String>,
}

impl Ledger {
    /// Reads the ledger in `path`. One that is not there, or makes no sense, knows nothing: then
    /// more is sent than need be, and nothing goes wrong.
    ///
    /// # Errors
    /// [`ImageError::Io`] if a file is there and can't be read.
    pub fn load(path: &Path) -> Result<Self, ImageError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ImageError::io(path, source)),
        };
        Ok(Self::parse(&bytes).unwrap_or_default())
    }

    /// Reads a ledger; `None` for anything else.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let ledger: Self = serde_json::from_slice(bytes).ok()?;
        (ledger.version == VERSION).then_some(ledger)
    }

    /// Writes the ledger to `path`, whole or not at all.
    ///
    /// # Errors
    /// [`ImageError::Io`] if it can't be written.
    pub fn save(&self, path: &Path) -> Result<(), ImageError> {
        let ledger = Self { version: VERSION, ..self.clone() };
        let bytes = serde_json::to_vec(&ledger).unwrap_or_default();
        write_whole(path, &bytes, Readers::Owner).map_err(|source| ImageError::io(path, source))
    }

    /// Says whether the target was seen to take this blob.
    pub fn has(&self, digest: &Digest) -> bool {
        self.blobs.contains_key(digest)
    }

    /// Returns how many blobs are known to be there.
    pub fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Says whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// Records that the target has these blobs now, each with its size in bytes.
    pub fn record(&mut self, blobs: impl IntoIterator<Item = (Digest, u64)>) {
        self.add(None, blobs);
    }

    /// Records that a repository of the target has these blobs now.
    pub fn has_in(&mut self, repository: &str, blobs: impl IntoIterator<Item = (Digest, u64)>) {
        self.add(Some(repository), blobs);
    }

    fn add(&mut self, repository: Option<&str>, blobs: impl IntoIterator<Item = (Digest, u64)>) {
        for (digest, size) in blobs {
            let entry = self.blobs.entry(digest).or_default();
            (entry.size, entry.at) = (size, self.next);
            entry.repositories.extend(repository.map(str::to_owned));
            self.next += 1;
        }
        while self.blobs.len() > LIMIT {
            let oldest = self.blobs.iter().min_by_key(|(_, entry)| entry.at);
            let Some(oldest) = oldest.map(|(digest, _)| *digest) else { return };
            self.blobs.remove(&oldest);
        }
    }

    /// Forgets everything: the target was seen to lack something of it.
    pub fn forget_all(&mut self) {
        self.blobs.clear();
    }

    /// The repositories of a registry, each with what it was seen to take.
    pub(crate) fn repositories(&self) -> BTreeMap<&str, Vec<&Digest>> {
        let mut all: BTreeMap<&str, Vec<&Digest>> = BTreeMap::new();
        for (digest, entry) in &self.blobs {
            for repository in &entry.repositories {
                all.entry(repository).or_default().push(digest);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_read_as_it_was_written_and_a_broken_one_knows_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledgers/a.json");
        assert!(Ledger::load(&path).unwrap().is_empty());
        let mut ledger = Ledger::default();
        ledger.record([(Digest::of(b"a"), 1)]);
        ledger.has_in("team/app", [(Digest::of(b"b"), 2), (Digest::of(b"a"), 1)]);
        ledger.save(&path).unwrap();
        let read = Ledger::load(&path).unwrap();
        assert!(read.has(&Digest::of(b"a")) && !read.has(&Digest::of(b"c")));
        assert_eq!(read.repositories()["team/app"].len(), 2);
        for text in ["", "{", "{\"version\":9,\"blobs\":{}}", "[]"] {
            std::fs::write(&path, text).unwrap();
            assert!(Ledger::load(&path).unwrap().is_empty(), "{text}");
        }
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut ledger = Ledger::default();
        let digest = |at: usize| Digest::of(&at.to_le_bytes());
        ledger.record((0..LIMIT).map(|at| (digest(at), 1)));
        ledger.record([(digest(0), 1), (digest(LIMIT), 1)]);
        assert_eq!(ledger.len(), LIMIT);
        assert!(ledger.has(&digest(0)) && ledger.has(&digest(LIMIT)) && !ledger.has(&digest(1)));
    }
}
