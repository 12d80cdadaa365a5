use edk_image::{Image, RECIPES, local_only_repository};
use serde::Serialize;

use crate::{Engine, EngineError};

/// A base image that can be made from Debian packages.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct BaseView {
    /// Its name, as in `local-only/<name>`.
    pub name: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// Whether it is there.
    pub present: bool,
    /// Size of its layers as stored, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Engine {
    /// Returns the bases that can be made, and which of them are there.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the store can't be opened.
    pub fn base_list(&self) -> Result<Vec<BaseView>, EngineError> {
        let store = self.store()?;
        let mut bases = Vec::new();
        for recipe in RECIPES {
            let there = store.resolve(&local_only_repository(recipe.name), "latest")?;
            // One that is damaged has to be made again, so it counts as missing.
            let image = there.and_then(|descriptor| Image::load(store, &descriptor).ok());
            bases.push(BaseView {
                name: recipe.name,
                description: recipe.description,
                present: image.is_some(),
                size: image.map(|image| image.size()),
            });
        }
        Ok(bases)
    }
}
