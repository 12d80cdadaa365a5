use edk_model::{Digest, Monitor};
use edk_store::{TagUsage, Usage};
use serde::Serialize;

use super::{BASES, MIRRORED};
use crate::{Engine, EngineError};

/// Where the bytes of the store are.
#[derive(Debug, Clone, Serialize)]
pub struct UsageView {
    /// Images that were built or pushed.
    pub images: Vec<RepositoryUsage>,
    /// Bases, made here or pulled.
    pub bases: Vec<RepositoryUsage>,
    /// Images which another registry has as well.
    pub mirrored: Vec<RepositoryUsage>,
    /// Bytes which the build cache alone needs.
    pub build_cache: u64,
    /// Build steps with a result.
    pub steps: usize,
    /// Bytes which nobody needs; `edk registry gc` gives them back.
    pub unreferenced: u64,
    /// Bytes of everything.
    pub total: u64,
}

/// What a repository takes.
#[derive(Debug, Clone, Serialize)]
pub struct RepositoryUsage {
    /// Its path.
    pub repository: String,
    /// Bytes which nothing else needs.
    pub unique: u64,
    /// Its tags; one without a name for each manifest that has none.
    pub tags: Vec<TagUsageView>,
}

/// What a tag takes.
#[derive(Debug, Clone, Serialize)]
pub struct TagUsageView {
    /// The tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The manifest.
    pub digest: Digest,
    /// Bytes which nothing else needs.
    pub unique: u64,
    /// Bytes which other images or the build cache need as well.
    pub shared: u64,
}

impl Engine {
    /// Returns where the bytes of the store are.
    ///
    /// # Errors
    /// [`EngineError::Store`] if it can't be read, or it was cancelled.
    pub fn registry_usage(&self, monitor: &Monitor) -> Result<UsageView, EngineError> {
        Ok(view(self.store()?.census(monitor)?.usage()))
    }
}

fn view(usage: Usage) -> UsageView {
    let mut view = UsageView {
        images: Vec::new(),
        bases: Vec::new(),
        mirrored: Vec::new(),
        build_cache: usage.steps,
        steps: usage.step_count,
        unreferenced: usage.unreferenced,
        total: usage.total,
    };
    for TagUsage { repository, tag, digest, total, unique } in usage.tags {
        let list = match &repository {
            it if BASES.iter().any(|base| it.starts_with(base)) => &mut view.bases,
            it if it.starts_with(MIRRORED) => &mut view.mirrored,
            _ => &mut view.images,
        };
        if list.last().is_none_or(|last| last.repository != repository) {
            let unique = usage.unique_to.get(&repository).copied().unwrap_or_default();
            list.push(RepositoryUsage { repository, unique, tags: Vec::new() });
        }
        if let Some(last) = list.last_mut() {
            last.tags.push(TagUsageView { tag, digest, unique, shared: total - unique });
        }
    }
    view
}
