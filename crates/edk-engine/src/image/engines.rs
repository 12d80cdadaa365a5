//! Who builds: we do, unless the user has chosen another, for one command, one extension or this
//! machine.

use std::path::Path;

use edk_extension::ImageDir;
use edk_image::{Compression, EngineChoice, Image, OtherBuild, build_with};
use edk_model::{Monitor, Reference};

use crate::{
    BuildChoices, Engine, EngineError,
    settings::{MACHINE, PROJECT, Settings},
};

/// Who builds, and who has said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) engine: EngineChoice,
    /// Where it was chosen, as the end of a sentence; nothing for the default.
    pub(crate) by: Option<String>,
    /// How we compress layers.
    pub(crate) compression: Compression,
}

impl Chosen {
    /// What is said of an image that another builder makes; nothing when we do.
    pub(crate) fn words(&self) -> Option<String> {
        let other = self.engine.other()?;
        let by = self.by.as_deref().unwrap_or("the default");
        Some(format!("built by {}, as {by} says", other.name()))
    }
}

impl Engine {
    /// Says who builds the images of the extension in `project`: whoever the command names, else its
    /// `edk.toml`, else the `config.toml` of this machine, else we.
    ///
    /// # Errors
    /// [`EngineError::Settings`] for a file that makes no sense, [`EngineError::Io`] for one that
    /// can't be read.
    pub(crate) fn chosen(
        &self,
        named: Option<&EngineChoice>,
        project: &Path,
    ) -> Result<Chosen, EngineError> {
        let [ours, machine] = self.settings(project)?;
        let compression = ours.compression.or(machine.compression).unwrap_or_default();
        let of = |engine: Option<EngineChoice>, by: String| Some((engine?, Some(by)));
        let (engine, by) = of(named.cloned(), "--engine".to_owned())
            .or_else(|| of(ours.engine, PROJECT.to_owned()))
            .or_else(|| of(machine.engine, format!("{MACHINE} in the data folder")))
            .unwrap_or((EngineChoice::Edk, None));
        Ok(Chosen { engine, by, compression })
    }

    /// Reads the settings of the extension in `project`, and those of this machine.
    ///
    /// # Errors
    /// As [`Engine::chosen`].
    fn settings(&self, project: &Path) -> Result<[Settings; 2], EngineError> {
        Ok([
            Settings::read(&project.join(PROJECT))?,
            Settings::read(&self.setup.data.join(MACHINE))?,
        ])
    }

    /// Lets another builder make an image, and takes it into the store; `None` when we build it.
    pub(crate) fn build_elsewhere(
        &self,
        chosen: &Chosen,
        image: &ImageDir,
        args: &std::collections::BTreeMap<String, String>,
        choices: &BuildChoices,
        last: bool,
        monitor: &Monitor,
    ) -> Result<Option<Image>, EngineError> {
        let Some(other) = chosen.engine.other() else { return Ok(None) };
        for (asked, option) in [
            (!choices.secrets.is_empty(), "--secret"),
            (choices.explain, "--explain"),
            (chosen.compression != Compression::Gzip, "compression"),
        ] {
            if asked {
                let what = format!("`{option}` is for our own builder, not for {}", other.name());
                let fix = "leave it away, or build with `--engine edk`".to_owned();
                return Err(EngineError::Choice { what, fix });
            }
        }
        let folder = self.setup.data.join("uploads");
        let failed = |source| EngineError::io(&folder, source);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let folder = tempfile::Builder::new().tempdir_in(&folder).map_err(failed)?;
        let bases = image.bases.iter().map(|base| {
            let text = format!("local-only/{base}");
            text.parse::<Reference>().map_err(|error| EngineError::NoSuchImage { name: error.text })
        });
        let bases: Vec<Reference> = bases.collect::<Result<_, _>>()?;
        let args: Vec<(String, String)> = args.clone().into_iter().collect();
        let labels: Vec<(String, String)> = choices.labels.clone().into_iter().collect();
        let build = OtherBuild {
            name: &image.name,
            dockerfile: &image.dockerfile,
            context: &image.context,
            args: &args,
            labels: &labels,
            target: choices.target.as_deref().filter(|_| last),
            no_cache: choices.no_cache,
            bases: &bases,
            folder: folder.path(),
        };
        Ok(Some(build_with(other.as_ref(), self.store()?, build, monitor)?))
    }
}
