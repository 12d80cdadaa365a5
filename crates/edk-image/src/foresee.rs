//! What a build would do, without doing it and without the network.

use edk_model::{Descriptor, Digest, Reference};
use edk_store::Store;

use crate::{
    Builder, Image, ImageError, Layer, Plan, PlanRequest,
    base::find_local_base,
    build::manifest_key,
    fetch,
    inputs::Inputs,
    plan::{self, PlannedBase, Sources},
};

/// What a build would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// How many steps make a layer.
    pub steps: usize,
    /// How many of them would be found done.
    pub reused: usize,
    /// The first instruction that would be carried out, as written.
    pub next: Option<String>,
    /// Digest of the image's manifest, when it is there already: nothing would be done at all.
    pub image: Option<Digest>,
}

/// What is in the store.
struct Offline<'a> {
    store: &'a Store,
}

impl Sources for Offline<'_> {
    fn image(&mut self, reference: &Reference, place: &str) -> Result<Image, ImageError> {
        let no_base =
            || ImageError::NoBase { reference: reference.to_string(), place: place.to_owned() };
        find_local_base(self.store, reference)?.ok_or_else(no_base)
    }

    fn fetch(
        &mut self,
        address: &str,
        checksum: Option<&Digest>,
        place: &str,
    ) -> Result<Descriptor, ImageError> {
        fetch::find(self.store, address, checksum).ok_or_else(|| ImageError::Fetch {
            address: address.to_owned(),
            place: place.to_owned(),
            reason: "it was not fetched yet".to_owned(),
        })
    }
}

impl Builder<'_> {
    /// Plans a build with the bases that are in the store.
    ///
    /// # Errors
    /// As [`Builder::plan`], and [`ImageError::NoBase`] for a base which a build would pull.
    pub fn plan_offline(&self, request: &PlanRequest<'_>) -> Result<Plan, ImageError> {
        plan::plan(request, &mut Offline { store: self.store })
    }

    /// Tells what carrying `plan` out would do. Step by step, as the key of each needs the layers
    /// below it; what comes after the first that is missing can't be known and counts as not done.
    pub fn foresee(&self, plan: &Plan) -> Foreseen {
        let mut reused = 0;
        let missing = |text: &str, reused| Foreseen {
            steps: plan.steps(),
            reused,
            next: Some(text.to_owned()),
            image: None,
        };
        let mut stages: Vec<Vec<Layer>> = Vec::new();
        for stage in &plan.stages {
            let mut layers = match &stage.base {
                PlannedBase::Scratch => Vec::new(),
                PlannedBase::Image(image) => Image::clone(image).layers,
                PlannedBase::Stage(at) => stages.get(*at).cloned().unwrap_or_default(),
            };
            for step in &stage.steps {
                let squashed = self.containers.squashes();
                let inputs = Inputs::of(plan, step, &layers, &stages, squashed);
                let found: Option<Layer> = self.store.step(&inputs.key());
                let found = found.filter(|layer| {
                    self.store.size(&layer.descriptor.digest) == Some(layer.descriptor.size)
                });
                let Some(layer) = found else { return missing(&step.text, reused) };
                layers.push(layer);
                reused += 1;
            }
            stages.push(layers);
        }
        let image = plan.stages.last().zip(stages.last()).and_then(|(stage, layers)| {
            let known: Descriptor = self.store.step(&manifest_key(&stage.config, layers))?;
            self.store.size(&known.digest).map(|_| known.digest)
        });
        Foreseen { steps: plan.steps(), reused, next: None, image }
    }
}
