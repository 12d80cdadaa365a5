//! Who needs what: everything in the store, and what it refers to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::Path,
    time::SystemTime,
};

use edk_model::{Algorithm, Digest, Monitor};

use crate::{Lease, Links, Store, StoreError, tag};

/// How large a manifest may be, in bytes; what is larger is none.
const MANIFEST_LIMIT: u64 = 4 << 20;

/// What is in the store, and who needs what of it. A value: it does not change with the store.
#[derive(Debug)]
pub struct Census {
    pub(crate) blobs: HashMap<Digest, Fact>,
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) steps: Vec<Step>,
    /// Blobs that were cut on their way here.
    pub(crate) partials: Vec<(Digest, Fact)>,
    /// When it began, and what everything that may go was last used before.
    pub(crate) now: SystemTime,
    pub(crate) oldest_lease: SystemTime,
    /// Held so that no other collection takes what this one counts on.
    _lease: Lease,
}

/// A file: its size in bytes, and when it was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) size: u64,
    pub(crate) used: SystemTime,
}

/// A manifest of a repository.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) repository: String,
    pub(crate) digest: Digest,
    pub(crate) tags: Vec<String>,
    pub(crate) used: SystemTime,
    /// Every blob it needs, itself and all it refers to included.
    pub(crate) needs: BTreeSet<Digest>,
    /// The manifests of an index.
    pub(crate) children: Vec<Digest>,
    pub(crate) subject: Option<Digest>,
}

/// The result of a build step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) key: String,
    pub(crate) fact: Fact,
    pub(crate) needs: BTreeSet<Digest>,
}

impl Store {
    /// Counts what is in the store. What is written meanwhile may be missing; a [`crate::Plan`]
    /// made of it takes nothing of that.
    ///
    /// # Errors
    /// [`StoreError::Io`] if something can't be read, [`StoreError::Cancelled`].
    pub fn census(&self, monitor: &Monitor) -> Result<Census, StoreError> {
        self.sweep()?;
        let lease = self.lease()?;
        // Before anything is looked at: what began later finds its blobs, or keeps them.
        let oldest_lease = self.oldest_lease(&lease)?;
        let mut reader = Reader { store: self, known: HashMap::new() };
        let manifests = reader.manifests(monitor)?;
        let steps = reader.steps(monitor)?;
        // Last, so that every blob which a manifest above needs is in it.
        let blobs = self.facts(monitor)?;
        let partials = self.partials()?;
        Ok(Census {
            blobs,
            manifests,
            steps,
            partials,
            now: lease.began(),
            oldest_lease,
            _lease: lease,
        })
    }

    fn facts(&self, monitor: &Monitor) -> Result<HashMap<Digest, Fact>, StoreError> {
        let mut facts = HashMap::new();
        for algorithm in Algorithm::ALL {
            let folder = self.root().join("blobs").join(algorithm.name());
            for name in tag::names_in(&folder)? {
                monitor.check()?;
                let Ok(digest) = format!("{}:{name}", algorithm.name()).parse() else { continue };
                facts.extend(fact(&folder.join(name))?.map(|fact| (digest, fact)));
            }
        }
        Ok(facts)
    }
}

/// Size and time of a file, or `None` when it is gone.
pub(crate) fn fact(path: &Path) -> Result<Option<Fact>, StoreError> {
    match fs::metadata(path).and_then(|it| Ok(Fact { size: it.len(), used: it.modified()? })) {
        Ok(fact) => Ok(Some(fact)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, error)),
    }
}

struct Reader<'a> {
    store: &'a Store,
    known: HashMap<Digest, Links>,
}

impl Reader<'_> {
    fn manifests(&mut self, monitor: &Monitor) -> Result<Vec<Manifest>, StoreError> {
        let mut found = Vec::new();
        for repository in self.store.repositories()? {
            let mut tags: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
            let mut records = BTreeSet::new();
            for tag in self.store.tags(&repository)? {
                if let Some(descriptor) = self.store.resolve(&repository, &tag)? {
                    records.insert(descriptor.digest);
                    tags.entry(descriptor.digest).or_default().push(tag);
                }
            }
            // Records after tags: a tag is written after its record.
            records.extend(self.store.manifests(&repository)?.iter().map(|it| it.digest));
            for digest in records {
                monitor.check()?;
                let path = self.store.manifest_path(&repository, &digest)?;
                let tags = tags.remove(&digest).unwrap_or_default();
                let Some(Fact { used, .. }) = fact(&path)? else { continue };
                let links = self.links(&digest)?;
                found.push(Manifest {
                    needs: self.needs(&digest)?,
                    children: links.documents,
                    subject: links.subject,
                    repository: repository.clone(),
                    digest,
                    tags,
                    used,
                });
            }
        }
        Ok(found)
    }

    fn steps(&mut self, monitor: &Monitor) -> Result<Vec<Step>, StoreError> {
        let folder = self.store.root().join("steps");
        let mut found = Vec::new();
        for key in tag::names_in(&folder)? {
            monitor.check()?;
            let path = folder.join(&key);
            let Some(fact) = fact(&path)? else { continue };
            let bytes = read(&path)?.unwrap_or_default();
            let Links { blobs, documents, .. } = Links::of(&bytes);
            let mut needs: BTreeSet<Digest> = blobs.into_iter().collect();
            for document in documents {
                needs.extend(self.needs(&document)?);
            }
            found.push(Step { key, fact, needs });
        }
        Ok(found)
    }

    /// Every blob that is needed to have what `digest` names, itself included.
    fn needs(&mut self, digest: &Digest) -> Result<BTreeSet<Digest>, StoreError> {
        let (mut needs, mut open) = (BTreeSet::new(), vec![*digest]);
        while let Some(document) = open.pop() {
            if needs.insert(document) {
                let links = self.links(&document)?;
                needs.extend(links.blobs);
                open.extend(links.documents);
            }
        }
        Ok(needs)
    }

    fn links(&mut self, digest: &Digest) -> Result<Links, StoreError> {
        if let Some(links) = self.known.get(digest) {
            return Ok(links.clone());
        }
        let path = self.store.blob_path(digest);
        let small = fact(&path)?.is_some_and(|fact| fact.size <= MANIFEST_LIMIT);
        let bytes = if small { read(&path)? } else { None };
        let links = Links::of(&bytes.unwrap_or_default());
        self.known.insert(*digest, links.clone());
        Ok(links)
    }
}

/// Reads a file; `None` when it is gone. Any other error stops the census: what can't be read must
/// not count as needing nothing.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, error)),
    }
}
