//! What may go, and why: a value made of a census and rules.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, SystemTime},
};

use edk_model::Digest;

use crate::{
    Census,
    census::{Manifest, Step},
};

/// What a collection goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What was used within this time stays, whoever needs it: the net below pushes of clients that
    /// hold no lease.
    pub grace: Duration,
    /// How many bytes the store may have; without one, only what nobody needs goes.
    pub budget: Option<u64>,
    /// Beginnings of repositories whose manifests stay although no tag names them.
    pub keep_untagged: &'a [&'a str],
    /// Beginnings of repositories which can be had again from elsewhere; for a budget they go after
    /// the build cache.
    pub can_be_had_again: &'a [&'a str],
}

/// What a removal removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A blob.
    Blob(Digest),
    /// A manifest of a repository, with its tags.
    Manifest {
        /// The repository.
        repository: String,
        /// The manifest.
        digest: Digest,
    },
    /// The result of a build step, by its key in hex digits.
    Step(String),
    /// What came of a blob before it was cut.
    Partial(Digest),
}

/// Why something may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No tag names it, no index holds it, and it is about no manifest that stays.
    Untagged,
    /// Its layer is gone, so the step has to be done again anyway.
    Stale,
    /// Nothing refers to it.
    Unreferenced,
    /// It was cut, and nobody went on with it.
    Cut,
    /// The least recently used of the build cache, to stay below the budget.
    OverBudget,
    /// The least recently used of what can be had again from elsewhere, likewise.
    CanBeHadAgain,
}

/// One thing that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// How many bytes that gives back: of the file itself, not of what it referred to.
    pub size: u64,
    /// When it was last used.
    pub(crate) used: SystemTime,
}

/// How many bytes stay, and for whom; a blob counts once, for the first that needs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// For images with a tag, what they hold and what is about them.
    pub images: u64,
    /// For the build cache, the results of steps themselves included.
    pub steps: u64,
    /// For nobody, but used so recently that somebody may be about to refer to it.
    pub recent: u64,
}

/// What may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which it goes: what refers before what is referred to.
    pub removals: Vec<Removal>,
    /// What stays.
    pub kept: Kept,
    /// How many bytes too many stay, because images need them.
    pub over_budget: u64,
}

impl Plan {
    /// Returns how many bytes the removals give back.
    pub fn freed(&self) -> u64 {
        self.removals.iter().map(|removal| removal.size).sum()
    }
}

impl Census {
    /// Says what may go by `rules`. Nothing that was used since the oldest lease began ever may.
    pub fn plan(&self, rules: Rules<'_>) -> Plan {
        let cut = self.now.checked_sub(rules.grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut planner = Planner::new(self, cut.min(self.oldest_lease));
        planner.untagged(rules.keep_untagged);
        planner.stale();
        planner.count_needs();
        planner.unreferenced();
        planner.partials();
        if let Some(budget) = rules.budget {
            planner.shrink(budget, rules.can_be_had_again);
        }
        planner.finish(rules.budget)
    }

    /// Returns which manifests stay: those with a tag, in repositories that begin with one of
    /// `keep_untagged`, or used since `cut`; what such an index holds, and what is about them.
    pub(crate) fn live(&self, keep_untagged: &[&str], cut: SystemTime) -> Vec<bool> {
        let starts = |it: &Manifest| keep_untagged.iter().any(|at| it.repository.starts_with(at));
        let mut live: Vec<bool> = self.manifests.iter().map(|_| false).collect();
        let place: HashMap<(&str, Digest), usize> = self
            .manifests
            .iter()
            .enumerate()
            .map(|(at, it)| ((it.repository.as_str(), it.digest), at))
            .collect();
        let mut about: HashMap<(&str, Digest), Vec<usize>> = HashMap::new();
        for (at, manifest) in self.manifests.iter().enumerate() {
            if let Some(subject) = manifest.subject {
                about.entry((&manifest.repository, subject)).or_default().push(at);
            }
        }
        let root = |it: &Manifest| !it.tags.is_empty() || it.used >= cut || starts(it);
        let roots = self.manifests.iter().enumerate().filter(|(_, it)| root(it));
        let mut open: Vec<usize> = roots.map(|(at, _)| at).collect();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut live[at], true) {
                continue;
            }
            let Manifest { repository, digest, children, .. } = &self.manifests[at];
            let children = children.iter().filter_map(|it| place.get(&(repository.as_str(), *it)));
            open.extend(children);
            open.extend(about.get(&(repository.as_str(), *digest)).into_iter().flatten());
        }
        live
    }
}

struct Planner<'a> {
    census: &'a Census,
    cut: SystemTime,
    /// Who stays, by their places in the census.
    manifests: Vec<bool>,
    steps: Vec<bool>,
    /// How many of those who stay need a blob: manifests, then steps.
    needs: HashMap<Digest, (usize, usize)>,
    /// What stays, in bytes.
    total: u64,
    removals: Vec<Removal>,
}

impl<'a> Planner<'a> {
    fn new(census: &'a Census, cut: SystemTime) -> Self {
        let blobs = census.blobs.values().map(|blob| blob.size);
        let partials = census.partials.iter().map(|(_, fact)| fact.size);
        let steps = census.steps.iter().map(|step| step.fact.size);
        let total = blobs.chain(steps).chain(partials).sum();
        let (manifests, steps) = (Vec::new(), vec![true; census.steps.len()]);
        Self { census, cut, manifests, steps, needs: HashMap::new(), total, removals: Vec::new() }
    }

    fn untagged(&mut self, keep: &[&str]) {
        self.manifests = self.census.live(keep, self.cut);
        for (at, manifest) in self.census.manifests.iter().enumerate() {
            if !self.manifests[at] {
                self.removals.push(removal(manifest, Reason::Untagged));
            }
        }
    }

    /// Steps whose blobs are gone; those of a build under way are only about to come.
    fn stale(&mut self) {
        for (at, step) in self.census.steps.iter().enumerate() {
            let whole = step.needs.iter().all(|it| self.census.blobs.contains_key(it));
            if !whole && step.fact.used < self.cut {
                self.drop_step(at, step, Reason::Stale);
            }
        }
    }

    fn count_needs(&mut self) {
        for (at, manifest) in self.census.manifests.iter().enumerate() {
            for digest in manifest.needs.iter().filter(|_| self.manifests[at]) {
                self.needs.entry(*digest).or_default().0 += 1;
            }
        }
        for (at, step) in self.census.steps.iter().enumerate() {
            for digest in step.needs.iter().filter(|_| self.steps[at]) {
                self.needs.entry(*digest).or_default().1 += 1;
            }
        }
    }

    fn unreferenced(&mut self) {
        let mut found: Vec<_> =
            self.census.blobs.keys().filter(|it| !self.needs.contains_key(it)).copied().collect();
        found.sort();
        for digest in found {
            self.drop_blob(digest, Reason::Unreferenced);
        }
    }

    /// What was cut, when nobody goes on with it: it can be had again, so the time of grace is long enough.
    fn partials(&mut self) {
        for (digest, fact) in self.census.partials.iter().filter(|(_, it)| it.used < self.cut) {
            self.total -= fact.size;
            let (subject, reason) = (Subject::Partial(*digest), Reason::Cut);
            self.removals.push(Removal { subject, reason, size: fact.size, used: fact.used });
        }
    }

    /// Takes the least recently used of what may go for the budget, until the rest fits.
    fn shrink(&mut self, budget: u64, can_be_had_again: &[&str]) {
        let census = self.census;
        let mut steps: Vec<usize> = (0..census.steps.len()).filter(|&at| self.steps[at]).collect();
        steps.sort_by_key(|&at| (census.steps[at].fact.used, census.steps[at].key.clone()));
        for at in steps {
            let step = &census.steps[at];
            let for_images = |it: &Digest| self.needs.get(it).is_some_and(|needs| needs.0 > 0);
            // What an image needs stays with or without the step, which costs next to nothing.
            let frees = step.needs.is_empty() || !step.needs.iter().all(for_images);
            if self.total > budget && frees && step.fact.used < self.cut {
                self.drop_step(at, step, Reason::OverBudget);
                self.release(&step.needs, Reason::OverBudget, |needs| &mut needs.1);
            }
        }
        let starts =
            |it: &Manifest| can_be_had_again.iter().any(|at| it.repository.starts_with(at));
        let mut images: Vec<usize> = (0..census.manifests.len())
            .filter(|&at| self.manifests[at] && starts(&census.manifests[at]))
            .collect();
        images.sort_by_key(|&at| census.manifests[at].used);
        for at in images {
            let manifest = &census.manifests[at];
            if self.total > budget && manifest.used < self.cut {
                self.manifests[at] = false;
                self.removals.push(removal(manifest, Reason::CanBeHadAgain));
                self.release(&manifest.needs, Reason::CanBeHadAgain, |needs| &mut needs.0);
            }
        }
    }

    fn drop_step(&mut self, at: usize, step: &Step, reason: Reason) {
        self.steps[at] = false;
        self.total -= step.fact.size;
        let (subject, size) = (Subject::Step(step.key.clone()), step.fact.size);
        self.removals.push(Removal { subject, reason, size, used: step.fact.used });
    }

    /// One fewer needs these blobs; those that nobody needs any more go.
    fn release(
        &mut self,
        blobs: &BTreeSet<Digest>,
        reason: Reason,
        count: impl Fn(&mut (usize, usize)) -> &mut usize,
    ) {
        for digest in blobs {
            let Some(needs) = self.needs.get_mut(digest) else { continue };
            *count(needs) -= 1;
            if *needs == (0, 0) {
                self.needs.remove(digest);
                self.drop_blob(*digest, reason);
            }
        }
    }

    fn drop_blob(&mut self, digest: Digest, reason: Reason) {
        if let Some(fact) = self.census.blobs.get(&digest).filter(|fact| fact.used < self.cut) {
            self.total -= fact.size;
            let (subject, size) = (Subject::Blob(digest), fact.size);
            self.removals.push(Removal { subject, reason, size, used: fact.used });
        }
    }

    fn finish(mut self, budget: Option<u64>) -> Plan {
        let gone: HashSet<Digest> = self.removals.iter().filter_map(Removal::blob).collect();
        let mut kept = Kept::default();
        for (digest, fact) in self.census.blobs.iter().filter(|(it, _)| !gone.contains(it)) {
            match self.needs.get(digest) {
                None => kept.recent += fact.size,
                Some((0, _)) => kept.steps += fact.size,
                Some(_) => kept.images += fact.size,
            }
        }
        let steps = self.census.steps.iter().enumerate().filter(|(at, _)| self.steps[*at]);
        kept.steps += steps.map(|(_, step)| step.fact.size).sum::<u64>();
        let cut = self.census.partials.iter().filter(|(_, fact)| fact.used >= self.cut);
        kept.recent += cut.map(|(_, fact)| fact.size).sum::<u64>();
        // A blob may go only after everything that refers to it; the sort is stable.
        self.removals.sort_by_key(|it| it.blob().is_some());
        let over_budget = budget.map_or(0, |budget| self.total.saturating_sub(budget));
        Plan { removals: self.removals, kept, over_budget }
    }
}

impl Removal {
    fn blob(&self) -> Option<Digest> {
        match self.subject {
            Subject::Blob(digest) => Some(digest),
            _ => None,
        }
    }
}

fn removal(manifest: &Manifest, reason: Reason) -> Removal {
    let (repository, digest) = (manifest.repository.clone(), manifest.digest);
    Removal {
        subject: Subject::Manifest { repository, digest },
        reason,
        size: 0,
        used: manifest.used,
    }
}
