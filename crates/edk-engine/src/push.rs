use std::{collections::BTreeMap, path::PathBuf};

use edk_extension::Role;
use edk_image::{Access, EngineChoice, Ledger, Parcel, PushedImage};
use edk_model::{Digest, Monitor, Outcome, Reference};
use serde::{Deserialize, Serialize};

use crate::{
    BuildOutcome, Engine, EngineError, build::BuiltImages, engine::version_of,
    target::SANDBOX_BUILD_VERSION,
};

/// Build the images of an extension and put them into the registry of this machine, or into another
/// as well.
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
    /// Who builds; without one, as the settings of the extension or the machine say.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
    /// Another registry, with the beginning of its repositories, such as
    /// `registry.example.org/team`.
    pub registry: Option<String>,
    /// A certificate to trust there.
    pub certificate: Option<PathBuf>,
    /// The platform's build version, under which its operators ask for processing containers;
    /// without one, the sandbox's.
    pub build_version: Option<String>,
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
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Pushed {
    /// Repository and tag.
    pub name: String,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Whether the name stood for this very image before.
    pub unchanged: bool,
    /// How many bytes were copied: none into the registry of this machine, because the builder
    /// writes into its store.
    pub bytes: u64,
    /// How many bytes another registry had already; none for the registry of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reused: Option<u64>,
}

impl Engine {
    /// Builds and pushes every image of an extension but its bases.
    ///
    /// A DAG image gets the version of the extension as its tag, because the installer's job asks
    /// for it under the version of its chart; a processing container also gets the build version
    /// of the platform, under which operators ask for it.
    ///
    /// # Errors
    /// As [`Engine::build`], [`EngineError::Store`] if a tag can't be written,
    /// [`EngineError::Registry`] for a name that is none of a registry, and [`EngineError::Image`] if
    /// it does not take an image.
    pub fn push(
        &self,
        request: &PushRequest,
        monitor: &Monitor,
    ) -> Result<PushOutcome, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        let version = version_of(&project, request.version.as_deref())?;
        let build_version = request.build_version.as_deref().unwrap_or(SANDBOX_BUILD_VERSION);
        // A name that can't be used is told before anything is built.
        let registry =
            request.registry.as_deref().map(|text| named_in(text, "x", "1").map(|_| text));
        let registry = registry.transpose()?;
        let chosen = self.chosen(request.engine.as_ref(), &project.root)?;
        let built = self.build_images(&project, &request.args, &chosen, monitor)?;
        let mut pushed = self.push_images(&built, &version, build_version, monitor)?;
        if let Some(registry) = registry {
            let access = self.access(request.certificate.as_ref());
            let names = (version.as_str(), build_version);
            pushed.extend(self.push_elsewhere(&built, names, registry, &access, monitor)?);
        }
        Ok(PushOutcome { build: built.outcome, pushed })
    }

    /// Sends images to another registry under the tags they have here.
    pub(crate) fn push_elsewhere(
        &self,
        built: &BuiltImages,
        (version, build_version): (&str, &str),
        registry: &str,
        access: &Access,
        monitor: &Monitor,
    ) -> Result<Vec<Pushed>, EngineError> {
        let mut parcels = Vec::new();
        for (name, role, image) in &built.images {
            for tag in tags(*role, version, build_version) {
                let to = named_in(registry, name, tag)?;
                parcels.push(Parcel { image: image.descriptor.clone(), to });
            }
        }
        self.send_parcels(&parcels, registry, access, monitor)
    }

    /// Sends images to another registry: what it lacks of them, and remembers what it has.
    pub(crate) fn send_parcels(
        &self,
        parcels: &[Parcel],
        registry: &str,
        access: &Access,
        monitor: &Monitor,
    ) -> Result<Vec<Pushed>, EngineError> {
        let monitor = monitor.stage("push");
        let (path, mut ledger) = self.registry_ledger(registry)?;
        let told = |done: &PushedImage| {
            let PushedImage { to, copied, unchanged } = done;
            let outcome = if *unchanged { Outcome::Reused } else { Outcome::Done };
            let (moved, reused) = (copied.moved, copied.reused);
            let summary = format!("{moved} bytes sent, {reused} were there");
            monitor.finished(&to.to_string(), outcome, &summary);
        };
        let done = edk_image::push(self.store()?, parcels, access, &mut ledger, &monitor, told);
        // What went over before it broke is worth knowing as well. It is only a memory: what is
        // forgotten costs a question the next time.
        if let Err(error) = ledger.save(&path) {
            monitor.line(&error.to_string());
        }
        Ok(done?.into_iter().map(pushed).collect())
    }

    /// What a registry is known to have, whatever the path in it.
    pub(crate) fn registry_ledger(&self, registry: &str) -> Result<(PathBuf, Ledger), EngineError> {
        let path = self.ledger_path(registry.split('/').next().unwrap_or(registry));
        let ledger = Ledger::load(&path)?;
        Ok((path, ledger))
    }

    /// The file of what a target or registry is known to have.
    pub(crate) fn ledger_path(&self, target: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '_' };
        let name: String = target.chars().map(plain).collect();
        self.setup.data.join("ledgers").join(format!("{}.json", name.trim_start_matches('.')))
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
            for tag in tags(*role, version, build_version) {
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
                pushed.push(Pushed { name, digest, unchanged, bytes: 0, reused: None });
            }
        }
        Ok(pushed)
    }
}

/// The tags of an image: a DAG image is asked for under the version of its chart, a processing
/// container under the build version of the platform.
pub(crate) fn tags<'a>(role: Role, version: &'a str, build_version: &'a str) -> Vec<&'a str> {
    match role {
        Role::Base => Vec::new(),
        Role::Dag => vec![version],
        Role::Container if version == build_version => vec![version],
        Role::Container => vec![version, build_version],
    }
}

/// The name of an image in another registry, `<registry>/<image>:<tag>`.
pub(crate) fn named_in(registry: &str, name: &str, tag: &str) -> Result<Reference, EngineError> {
    let bare = registry.trim_start_matches("https://").trim_start_matches("http://");
    let text = format!("{}/{name}:{tag}", bare.trim_end_matches('/'));
    let wrong = |reason: String| EngineError::Registry { name: registry.to_owned(), reason };
    let reference: Reference =
        text.parse().map_err(|error: edk_model::ReferenceError| wrong(error.reason.to_owned()))?;
    match reference.registry {
        Some(_) => Ok(reference),
        None => Err(wrong("it has no host such as registry.example.org".to_owned())),
    }
}

fn pushed(done: PushedImage) -> Pushed {
    let PushedImage { to, copied, unchanged } = done;
    let (digest, bytes, reused) = (copied.digest, copied.moved, Some(copied.reused));
    Pushed { name: to.to_string(), digest, unchanged, bytes, reused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_below_the_beginning_of_its_registry() {
        let name = |registry: &str| named_in(registry, "app", "1").map(|it| it.to_string());
        assert_eq!(name("r.example").unwrap(), "r.example/app:1");
        assert_eq!(name("https://r.example:5000/team/").unwrap(), "r.example:5000/team/app:1");
        assert_eq!(name("localhost/a").unwrap(), "localhost/a/app:1");
        for bad in ["", "team", "r.example/Team", "r.example//x"] {
            assert!(matches!(name(bad), Err(EngineError::Registry { .. })), "{bad}");
        }
    }
}
