//! Other builders: used only when the user has chosen one, for those who outgrow this machine or
//! need what ours can't do.
//!
//! Each is a way to write a build down as commands ([`Engine::commands`], a function without
//! effects); [`build_with`] runs them and takes the image they make into the store. They get the
//! bases which only we have from us, and nothing else: how they reach registries and what they
//! cache is theirs.

mod choice;
mod commands;
mod process;

use std::path::Path;

pub use choice::{EngineChoice, EngineChoiceError};
pub use commands::{BaseForEngine, Engine, EngineBuild, Invocation};
use edk_model::{Monitor, Reference};
use edk_store::Store;

use crate::{Image, ImageArchive, ImageError, Parcel, base::find_local_base, save};

/// What another engine is to build.
#[derive(Debug, Clone, Copy)]
pub struct OtherBuild<'a> {
    /// Name of the image; the engine keeps it under a name of ours, so that it can use it again.
    pub name: &'a str,
    /// The Dockerfile.
    pub dockerfile: &'a Path,
    /// The build context.
    pub context: &'a Path,
    /// Values for `ARG`s, in order.
    pub args: &'a [(String, String)],
    /// Labels beside those of the Dockerfile, in order.
    pub labels: &'a [(String, String)],
    /// The stage that becomes the image, instead of the last one.
    pub target: Option<&'a str>,
    /// Whether nothing that the engine has may be used again.
    pub no_cache: bool,
    /// The bases `local-only/<name>` it stands on.
    pub bases: &'a [Reference],
    /// A folder for archives on their way, to be removed by the caller.
    pub folder: &'a Path,
}

/// Lets `engine` build an image, and takes it into the store. What it says goes to `monitor`, with
/// each command before it is run.
///
/// # Errors
/// [`ImageError::NoEngine`] if its program is not installed, [`ImageError::CommandFailed`] if it
/// fails, [`ImageError::NoBase`] for a base that is not in the store, [`ImageError::Cancelled`], and
/// those of an archive.
pub fn build_with(
    engine: &dyn Engine,
    store: &Store,
    build: OtherBuild<'_>,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    let mut bases = Vec::new();
    for (at, reference) in build.bases.iter().enumerate() {
        let no_base = || ImageError::NoBase {
            reference: reference.to_string(),
            place: build.dockerfile.display().to_string(),
        };
        let image = find_local_base(store, reference)?.ok_or_else(no_base)?;
        let name = reference.with_tag(reference.tag.as_deref().unwrap_or("latest"));
        let archive = build.folder.join(format!("base-{at}.tar"));
        if let Some(registry) = engine.registry_of_bases() {
            let to = Reference { registry: Some(registry.to_owned()), ..name.clone() };
            let parcel = Parcel { image: image.descriptor.clone(), to };
            save(store, &[parcel], |_| false, &archive, monitor)?;
        }
        let digest = image.descriptor.digest;
        bases.push(BaseForEngine { name: name.to_string(), digest, archive });
    }
    let out = build.folder.join("image.tar");
    let wanted = EngineBuild {
        tag: format!("localhost/edk/{}:built", build.name),
        dockerfile: build.dockerfile.to_owned(),
        context: build.context.to_owned(),
        args: build.args.to_vec(),
        labels: build.labels.to_vec(),
        target: build.target.map(str::to_owned),
        no_cache: build.no_cache,
        bases,
        store: store.root().to_owned(),
        out: out.clone(),
    };
    for command in engine.commands(&wanted) {
        monitor.line(&command.to_string());
        process::run(&command, monitor)?;
    }
    let images = ImageArchive::open(&out)?.import(store, monitor)?;
    let image = images.into_iter().next().map(|it| it.image);
    image.ok_or_else(|| ImageError::Unsupported {
        what: format!("an archive without an image, which {} wrote,", engine.name()),
    })
}
