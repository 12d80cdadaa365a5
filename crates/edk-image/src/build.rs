use std::{collections::BTreeMap, num::NonZero};

use edk_model::{Cancelled, Code, Descriptor, Digest, Explain as _, Monitor, Reference};
use edk_store::Store;

use crate::{
    Access, ExplainedStep, Image, ImageError, Layer, Plan, PlanRequest,
    base::find_base,
    explain::{Memory, Told, explain},
    fetch::fetch,
    image::diff_ids,
    key::KeyMaker,
    machine::{Bind, Containers, Content},
    plan::{self, PlannedBase, Sources},
    schedule::in_parallel,
    steps::StageRun,
};

/// What `RUN` steps need of this machine to reach package registries: its resolver, proxies, CA
/// bundle and package indexes.
///
/// None of it is stored in an image or counts for a step's key.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// Environment variables, such as `https_proxy` and `PIP_INDEX_URL`.
    pub env: Vec<(String, String)>,
    /// Files, such as the resolver's configuration and the CA bundle.
    pub binds: Vec<Bind>,
    /// How the registries of bases are reached.
    pub registries: Access,
}

/// How a plan is carried out.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Whether every step is carried out, whatever is there (`--no-cache`).
    pub fresh: bool,
    /// What `RUN --mount=type=secret` shows, by id.
    pub secrets: BTreeMap<String, Content>,
    /// How many stages are built at the same time, at most.
    pub workers: usize,
}

impl Default for BuildOptions {
    /// Returns options that reuse what is there, have no secret, and use every processor.
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { fresh: false, secrets: BTreeMap::new(), workers }
    }
}

/// Builds images into a store.
#[derive(Debug, Clone, Copy)]
pub struct Builder<'a> {
    /// Where blobs, tags and the results of steps are kept.
    pub store: &'a Store,
    /// Where `RUN` steps run.
    pub containers: &'a Containers,
    /// What they need of this machine.
    pub host: &'a HostSettings,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The image.
    pub image: Image,
    /// How many steps it has that make a layer.
    pub steps: usize,
    /// How many of them were found done.
    pub reused: usize,
    /// Whether the very image was in the store before: nothing was written at all.
    pub unchanged: bool,
    /// What became of each step, and why.
    pub explained: Vec<ExplainedStep>,
}

/// The store, and what it does not have from elsewhere.
struct Online<'a> {
    builder: Builder<'a>,
    monitor: &'a Monitor,
}

impl Sources for Online<'_> {
    fn image(&mut self, reference: &Reference, place: &str) -> Result<Image, ImageError> {
        let Builder { store, host, .. } = self.builder;
        find_base(store, reference, place, &host.registries, self.monitor)
    }

    fn fetch(
        &mut self,
        address: &str,
        checksum: Option<&Digest>,
        place: &str,
    ) -> Result<Descriptor, ImageError> {
        let Builder { store, host, .. } = self.builder;
        fetch(store, address, checksum, place, &host.registries, self.monitor)
    }
}

impl Builder<'_> {
    /// Plans a build; bases are looked up in the store, made when they are built in, and pulled
    /// when they lie in a registry.
    ///
    /// # Errors
    /// As [`plan::plan`], [`ImageError::NoBase`], [`ImageError::Pull`] and [`ImageError::Fetch`].
    pub fn plan(&self, request: &PlanRequest<'_>, monitor: &Monitor) -> Result<Plan, ImageError> {
        plan::plan(request, &mut Online { builder: *self, monitor })
    }

    /// Carries a plan out, with default options.
    ///
    /// # Errors
    /// As [`Builder::build_with`].
    pub fn build(&self, plan: &Plan, monitor: &Monitor) -> Result<Built, ImageError> {
        self.build_with(plan, &BuildOptions::default(), monitor)
    }

    /// Carries a plan out; stages that do not need each other at the same time.
    ///
    /// # Errors
    /// [`ImageError::CommandFailed`] when a `RUN` step does, [`ImageError::Cancelled`], and what
    /// can go wrong with the disk. Finished steps are kept, so the next build goes on from there.
    pub fn build_with(
        &self,
        plan: &Plan,
        options: &BuildOptions,
        monitor: &Monitor,
    ) -> Result<Built, ImageError> {
        let _lease = self.store.lease()?;
        self.claim_bases(plan)?;
        let memory = Memory::load(self.store, plan);
        let run = StageRun::new(*self, plan, options);
        let needs: Vec<_> = plan.stages.iter().map(plan::PlannedStage::needs).collect();
        let cancelled = |error: &ImageError| error.code() == Code::Cancelled;
        let stages = in_parallel(&needs, options.workers, monitor, cancelled, |at, done, part| {
            run.stage(at, done, part)
        });
        let stages: Vec<(Vec<Layer>, Vec<Told>)> = match stages {
            // A part that was cancelled because another failed is not what the user asked for.
            Err(error) if monitor.check().is_err() => {
                return Err(if cancelled(&error) { error } else { Cancelled.into() });
            }
            other => other?,
        };
        let told: Vec<Told> = stages.iter().flat_map(|(_, told)| told).cloned().collect();
        let (Some(stage), Some((layers, _))) = (plan.stages.last(), stages.into_iter().next_back())
        else {
            return Err(ImageError::Unsupported {
                what: "a Dockerfile without a stage".to_owned(),
            });
        };
        let reused = told.iter().filter(|step| step.reused).count();
        let before = self.known_manifest(&stage.config, &layers);
        let image = Image::assemble(self.store, stage.config.clone(), layers)?;
        let unchanged = before == Some(image.descriptor.digest);
        self.remember_manifest(&image)?;
        Memory::keep(self.store, plan, &told)?;
        let explained = explain(&told, memory.as_ref(), options.fresh);
        Ok(Built { image, steps: plan.steps(), reused, unchanged, explained })
    }

    /// Keeps the layers of the bases, and what was fetched, whatever becomes of their tags
    /// meanwhile.
    fn claim_bases(&self, plan: &Plan) -> Result<(), ImageError> {
        for stage in &plan.stages {
            let base = match &stage.base {
                PlannedBase::Image(image) => Some(image.as_ref()),
                PlannedBase::Scratch | PlannedBase::Stage(_) => None,
            };
            for image in stage.images().chain(base) {
                for layer in &image.layers {
                    let digest = layer.descriptor.digest;
                    if self.store.claim(&digest)?.is_none() {
                        return Err(edk_store::StoreError::NoBlob(digest).into());
                    }
                }
            }
        }
        Ok(())
    }

    /// The manifest that was made of the same configuration and layers before.
    fn known_manifest(&self, config: &crate::Config, layers: &[Layer]) -> Option<Digest> {
        let known: Descriptor = self.store.step(&manifest_key(config, layers))?;
        self.store.size(&known.digest).map(|_| known.digest)
    }

    fn remember_manifest(&self, image: &Image) -> Result<(), ImageError> {
        let key = manifest_key(image.config(), &image.layers);
        if self.store.step::<Descriptor>(&key).as_ref() != Some(&image.descriptor) {
            self.store.put_step(&key, &image.descriptor)?;
        }
        Ok(())
    }
}

pub(crate) fn manifest_key(config: &crate::Config, layers: &[Layer]) -> Digest {
    let diff_ids = diff_ids(layers);
    let mut key = KeyMaker::new("manifest", &diff_ids);
    key.bytes(&config.to_json(&diff_ids));
    for layer in layers {
        key.add(&layer.descriptor.digest.to_string());
    }
    key.finish()
}
