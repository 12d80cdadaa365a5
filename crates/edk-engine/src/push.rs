use std::{collections::BTreeMap, path::PathBuf};

use edk_extension::Role;
use edk_model::{Digest, Monitor, Outcome};
use serde::{Deserialize, Serialize};

use crate::{
    BuildOutcome, Engine, EngineError, build::BuiltImages, engine::version_of,
    target::SANDBOX_BUILD_VERSION,
};

/// Build the images of an extension and put them into the registry of this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PushRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Version of the extension; without one, its chart's.
    pub version: Option<String>,
    /// Values for `ARG`s.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub args: BTreeMap<String, String>,
    /// Rules of the guard (such as `G02`) whose findings may go into images and charts.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub allow: Vec<String>,
}

/// What was pushed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PushOutcome {
    /// How the images were built.
    pub build: BuildOutcome,
    /// The names they have in the registry.
    pub pushed: Vec<Pushed>,
}

/// An image under a name in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Pushed {
    /// Repository and tag.
    pub name: String,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Whether the name stood for this very image before.
    pub unchanged: bool,
    /// How many bytes were copied: none, because the builder writes into the registry's store.
    pub bytes: u64,
}

impl Engine {
    /// Builds and pushes every image of an extension but its bases.
    ///
    /// A DAG image gets the version of the extension as its tag, because the installer's job asks
    /// for it under the version of its chart; a processing container also gets the build version
    /// of the platform, under which operators ask for it.
    ///
    /// # Errors
    /// As [`Engine::build`], and [`EngineError::Store`] if a tag can't be written.
    pub fn push(
        &self,
        request: &PushRequest,
        monitor: &Monitor,
    ) -> Result<PushOutcome, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        let version = version_of(&project, request.version.as_deref())?;
        let built = self.build_images(&project, &request.args, monitor)?;
        let pushed = self.push_images(&built, &version, SANDBOX_BUILD_VERSION, monitor)?;
        Ok(PushOutcome { build: built.outcome, pushed })
    }

    pub(crate) fn push_images(
        &self,
        built: &BuiltImages,
        version: &str,
        build_version: &str,
        monitor: &Monitor,
    ) -> Result<Vec<Pushed>, EngineError> {
        let monitor = monitor.stage("push");
        let store = self.store()?;
        let mut pushed = Vec::new();
        for (name, role, image) in &built.images {
            let tags: &[&str] = match role {
                Role::Base => &[],
                Role::Dag => &[version],
                Role::Container => &[version, build_version],
            };
            for tag in tags {
                monitor.check()?;
                monitor.started(&format!("{name}:{tag}"));
                let digest = image.descriptor.digest;
                let before = store.resolve(name, tag)?.map(|descriptor| descriptor.digest);
                let unchanged = before == Some(digest);
                if !unchanged {
                    store.tag(name, tag, &image.descriptor)?;
                }
                let name = format!("{name}:{tag}");
                let outcome = if unchanged { Outcome::Reused } else { Outcome::Done };
                monitor.finished(&name, outcome, "0 bytes copied");
                pushed.push(Pushed { name, digest, unchanged, bytes: 0 });
            }
        }
        Ok(pushed)
    }
}
