//! Follow the files of a project.

use std::path::Path;

use edk_extension::check::SKIPPED;
use edk_watch::Watch;

use crate::{Engine, EngineError};

impl Engine {
    /// Watches what `edk check` looks at below a folder.
    ///
    /// # Errors
    /// [`EngineError::Watch`] if there is no such folder or it can't be read.
    pub fn watch(&self, folder: &Path) -> Result<Watch, EngineError> {
        Ok(Watch::start(folder, SKIPPED)?)
    }
}
