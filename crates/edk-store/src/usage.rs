//! Where the bytes are.

use std::collections::{BTreeSet, HashMap};

use edk_model::Digest;

use crate::Census;

/// What a tag takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagUsage {
    /// The repository.
    pub repository: String,
    /// The tag, or `None` for a manifest without one.
    pub tag: Option<String>,
    /// The manifest.
    pub digest: Digest,
    /// Bytes of everything it needs.
    pub total: u64,
    /// Bytes which no other image and no build step needs: what its removal gives back.
    pub unique: u64,
}

/// Where the bytes of the store are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Every tag, and manifests without one, by repository and tag.
    pub tags: Vec<TagUsage>,
    /// Bytes which one image alone needs, by repository: what the removal of all its tags gives
    /// back.
    pub unique_to: HashMap<String, u64>,
    /// Bytes which the build cache alone needs, the results of steps themselves included.
    pub steps: u64,
    /// How many steps there are results of.
    pub step_count: usize,
    /// Bytes which nobody needs.
    pub unreferenced: u64,
    /// Bytes of everything.
    pub total: u64,
}

impl Census {
    /// Says where the bytes are.
    pub fn usage(&self) -> Usage {
        let mut holders: HashMap<Digest, Holders<'_>> = HashMap::new();
        for (at, manifest) in self.manifests.iter().enumerate() {
            for digest in &manifest.needs {
                let holders = holders.entry(*digest).or_default();
                holders.manifests.insert(at);
                holders.repositories.insert(&manifest.repository);
            }
        }
        for digest in self.steps.iter().flat_map(|step| &step.needs) {
            holders.entry(*digest).or_default().step = true;
        }
        let mut usage = Usage { step_count: self.steps.len(), ..Usage::default() };
        usage.steps = self.steps.iter().map(|step| step.fact.size).sum();
        usage.total = usage.steps;
        for (digest, fact) in &self.blobs {
            usage.total += fact.size;
            match holders.get(digest) {
                None => usage.unreferenced += fact.size,
                Some(it) if it.manifests.is_empty() => usage.steps += fact.size,
                Some(it) => {
                    if let (false, 1, Some(one)) =
                        (it.step, it.repositories.len(), it.repositories.first())
                    {
                        *usage.unique_to.entry((*one).to_owned()).or_default() += fact.size;
                    }
                }
            }
        }
        let partial: u64 = self.partials.iter().map(|(_, fact)| fact.size).sum();
        usage.unreferenced += partial;
        usage.total += partial;
        usage.tags = self.tag_usage(&holders);
        usage
    }

    fn tag_usage(&self, holders: &HashMap<Digest, Holders<'_>>) -> Vec<TagUsage> {
        let size = |digest: &Digest| self.blobs.get(digest).map_or(0, |fact| fact.size);
        let mut tags = Vec::new();
        for manifest in &self.manifests {
            let alone = |it: &&Digest| {
                holders.get(it).is_some_and(|it| !it.step && it.manifests.len() == 1)
            };
            let total = manifest.needs.iter().map(size).sum();
            let unique = manifest.needs.iter().filter(alone).map(size).sum();
            // Two tags of one manifest: the removal of one gives nothing back.
            let unique = if manifest.tags.len() > 1 { 0 } else { unique };
            let names = manifest.tags.iter().cloned().map(Some);
            let none = manifest.tags.is_empty().then_some(None);
            for tag in names.chain(none) {
                let (repository, digest) = (manifest.repository.clone(), manifest.digest);
                tags.push(TagUsage { repository, tag, digest, total, unique });
            }
        }
        tags.sort_by(|a, b| (&a.repository, &a.tag).cmp(&(&b.repository, &b.tag)));
        tags
    }
}

/// Who needs a blob.
#[derive(Default)]
struct Holders<'a> {
    manifests: BTreeSet<usize>,
    repositories: BTreeSet<&'a str>,
    step: bool,
}
