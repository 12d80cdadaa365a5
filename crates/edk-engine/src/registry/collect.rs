use std::time::Duration;

use edk_model::{Monitor, Outcome};
use edk_store::{Plan, Reason, Removal, Rules, Subject};
use serde::{Deserialize, Serialize};

use super::{BASES, IMPORTED, MIRRORED};
use crate::{
    Engine, EngineError,
    settings::{MACHINE, Settings},
};

/// Remove what nobody needs any more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RegistryGcRequest {
    /// Tell what would go, and remove nothing.
    pub dry_run: bool,
    /// How many bytes the store may have; the build cache shrinks for it.
    pub budget: Option<u64>,
    /// What was used within so many minutes stays.
    pub grace_minutes: u64,
}

/// What went, or would go.
#[derive(Debug, Clone, Serialize)]
pub struct GcOutcome {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// What went or would go, and why.
    pub removed: Vec<GcRemoval>,
    /// Bytes that are or would be free.
    pub freed: u64,
    /// How many of them were used since the plan was made, and stay.
    pub spared: usize,
    /// Bytes that stay.
    pub kept: GcKept,
    /// Bytes above the budget that stay, because images or work under way need them.
    pub over_budget: u64,
}

/// Something that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GcRemoval {
    /// `blob`, `manifest`, `step` or `partial blob`.
    pub kind: &'static str,
    /// Its digest, with the repository before it for a manifest; the key of a step.
    pub name: String,
    /// Bytes of its own.
    pub size: u64,
    /// Why, in words.
    pub why: &'static str,
}

/// Bytes that stay, by who needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GcKept {
    /// Images and bases.
    pub images: u64,
    /// The build cache.
    pub build_cache: u64,
    /// Nobody yet, but they were used a short time ago.
    pub recent: u64,
}

impl Engine {
    /// Removes what no tag, no referrer and no build step needs; and, for a budget, what was used
    /// least recently of the build cache, then of mirrored images. Builds and pushes may go on.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the store can't be read or written, or it was cancelled; what was
    /// removed until then is gone.
    pub fn registry_gc(
        &self,
        request: &RegistryGcRequest,
        monitor: &Monitor,
    ) -> Result<GcOutcome, EngineError> {
        let monitor = monitor.stage("gc");
        let store = self.store()?;
        monitor.started("the store");
        let census = store.census(&monitor)?;
        let plan = census.plan(Rules {
            grace: Duration::from_secs(request.grace_minutes.saturating_mul(60)),
            budget: request.budget,
            keep_untagged: &[BASES[0], BASES[1], IMPORTED, MIRRORED],
            can_be_had_again: &[MIRRORED],
        });
        let (freed, spared) = match request.dry_run {
            true => (plan.freed(), 0),
            false => {
                let done = store.collect(&plan, &monitor)?;
                (done.freed, done.spared)
            }
        };
        let outcome = if plan.removals.is_empty() { Outcome::Reused } else { Outcome::Done };
        monitor.finished(
            "the store",
            outcome,
            &format!("{} of {freed} bytes", plan.removals.len()),
        );
        Ok(view(&plan, request.dry_run, freed, spared))
    }
}

/// What was used within so many minutes stays when a build makes room.
const BUILD_GRACE: u64 = 10;

impl Engine {
    /// Makes the build cache fit the budget which the settings of this machine give the store, if
    /// any: what was used least recently goes. What the build under way uses stays.
    ///
    /// # Errors
    /// [`EngineError::Settings`], and those of [`Engine::registry_gc`].
    pub(crate) fn keep_budget(&self, monitor: &Monitor) -> Result<(), EngineError> {
        let settings = Settings::read(&self.setup.data.join(MACHINE))?;
        let Some(budget) = settings.store_budget else { return Ok(()) };
        if self.store()?.blob_bytes()? <= budget {
            return Ok(());
        }
        let request =
            RegistryGcRequest { dry_run: false, budget: Some(budget), grace_minutes: BUILD_GRACE };
        self.registry_gc(&request, monitor).map(drop)
    }
}

fn view(plan: &Plan, dry_run: bool, freed: u64, spared: usize) -> GcOutcome {
    let kept = plan.kept;
    GcOutcome {
        dry_run,
        removed: plan.removals.iter().map(removal).collect(),
        freed,
        spared,
        kept: GcKept { images: kept.images, build_cache: kept.steps, recent: kept.recent },
        over_budget: plan.over_budget,
    }
}

fn removal(removal: &Removal) -> GcRemoval {
    let (kind, name) = match &removal.subject {
        Subject::Blob(digest) => ("blob", digest.to_string()),
        Subject::Manifest { repository, digest } => ("manifest", format!("{repository}@{digest}")),
        Subject::Step(key) => ("step", key.clone()),
        Subject::Partial(digest) => ("partial blob", digest.to_string()),
    };
    let why = match removal.reason {
        Reason::Untagged => "no tag names it",
        Reason::Stale => "its layer is gone",
        Reason::Unreferenced => "nothing refers to it",
        Reason::Cut => "it was cut on its way, and nobody went on with it",
        Reason::OverBudget => "least recently used of the build cache",
        Reason::CanBeHadAgain => "least recently used of what is mirrored",
    };
    GcRemoval { kind, name, size: removal.size, why }
}
