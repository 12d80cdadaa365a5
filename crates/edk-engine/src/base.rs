use std::path::PathBuf;

use edk_image::{RECIPES, Recipe, adopt_base, bootstrap};
use edk_model::{Digest, Monitor, Outcome, Reference};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Make a base image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct BaseRequest {
    /// Name of the base, as in `local-only/<name>`.
    pub name: String,
    /// A registry image to take as this base, instead of making it from Debian packages.
    pub from: Option<Reference>,
    /// Address of a Debian mirror.
    pub mirror: Option<String>,
    /// A folder with Dockerfiles of bases, such as that of a Kaapana checkout, to make it from
    /// instead.
    pub checkout: Option<PathBuf>,
    /// Whether to make it again from the packages of today.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub refresh: bool,
}

/// A base that is there now.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct BaseOutcome {
    /// Its name for `FROM`.
    pub reference: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// Size of its layers as stored, in bytes.
    pub size: u64,
    /// Whether it was there before.
    pub reused: bool,
}

/// A base that can be made from Debian packages.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct BaseRecipe {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub description: &'static str,
}

impl Engine {
    /// Returns the bases that can be made from Debian packages.
    pub fn base_recipes(&self) -> Vec<BaseRecipe> {
        let recipe =
            |recipe: &Recipe| BaseRecipe { name: recipe.name, description: recipe.description };
        RECIPES.iter().map(recipe).collect()
    }

    /// Makes a base image, or finds it made.
    ///
    /// # Errors
    /// [`EngineError::Image`] for an unknown recipe, a missing mmdebstrap, an unreachable registry
    /// or mirror, and a disk that is full.
    pub fn base(
        &self,
        request: &BaseRequest,
        monitor: &Monitor,
    ) -> Result<BaseOutcome, EngineError> {
        let monitor = monitor.stage("base");
        // Until it has its tag, nothing else names what is made.
        let _lease = self.store()?.lease()?;
        let reference = format!("local-only/{}:latest", request.name);
        if let Some(from) = &request.from {
            monitor.started(&request.name);
            let access = &self.setup.host.registries;
            let image = adopt_base(self.store()?, &request.name, from, access, &monitor)?;
            monitor.finished(&request.name, Outcome::Done, &format!("taken from {from}"));
            let (digest, size) = (image.descriptor.digest, image.size());
            return Ok(BaseOutcome { reference, digest, size, reused: false });
        }
        if let Some(checkout) = &request.checkout {
            return self.base_of_checkout(&request.name, checkout, &monitor);
        }
        let recipe = Recipe::find(&request.name)?;
        let (mirror, refresh) = (request.mirror.as_deref(), request.refresh);
        let made = bootstrap(&self.builder()?, recipe, mirror, refresh, &monitor)?;
        let (digest, size) = (made.image.descriptor.digest, made.image.size());
        Ok(BaseOutcome { reference, digest, size, reused: made.reused })
    }
}
