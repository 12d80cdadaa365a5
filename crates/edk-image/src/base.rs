//! Where the image after `FROM` comes from.

use edk_archive::{Entry, Kind, TarWriter};
use edk_model::{Monitor, Reference};
use edk_store::Store;

use crate::{
    Access, Compression, Config, Image, ImageError, key::KeyMaker, layer::LayerWriter, pull,
};

/// The static program of `installer/`, built by this room's build script.
const INSTALLER: &[u8] = include_bytes!(env!("EDK_INSTALLER"));

/// The base of DAG images, under the name which Kaapana's own layout uses.
const INSTALLER_BASE: &str = "base-installer";

/// Returns the repository of the base `local-only/<name>` in the store.
pub fn local_only_repository(name: &str) -> String {
    format!("local-only/{name}")
}

/// Returns the image for a reference after `FROM`: `local-only/<name>` from the store, anything
/// else from the store or, when it is not there, from its registry.
pub(crate) fn find_base(
    store: &Store,
    reference: &Reference,
    place: &str,
    access: &Access,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    if reference.local_only().is_none() {
        return pull::find_or_pull(store, reference, access, monitor);
    }
    if let Some(image) = find_local_base(store, reference)? {
        return Ok(image);
    }
    Err(ImageError::NoBase { reference: reference.to_string(), place: place.to_owned() })
}

/// Returns the image for a reference after `FROM`, if it is in the store or built in.
pub(crate) fn find_local_base(
    store: &Store,
    reference: &Reference,
) -> Result<Option<Image>, ImageError> {
    let Some(name) = reference.local_only() else { return pull::find(store, reference) };
    if let Some(descriptor) = store.resolve(&local_only_repository(name), tag_of(reference))? {
        return Image::load(store, &descriptor).map(Some);
    }
    if name == INSTALLER_BASE { installer_base(store).map(Some) } else { Ok(None) }
}

fn tag_of(reference: &Reference) -> &str {
    reference.tag.as_deref().unwrap_or("latest")
}

/// Returns the base of DAG images, making it when it is not there: nothing but our static
/// installer, which copies what lies in `/kaapana/tmp` to where the platform looks for it.
///
/// # Errors
/// [`ImageError::Store`] if it can't be written.
pub fn installer_base(store: &Store) -> Result<Image, ImageError> {
    let mut key = KeyMaker::new("installer", &[]);
    key.bytes(INSTALLER);
    let key = key.finish();
    if let Some(descriptor) = store.step(&key)
        && let Ok(image) = Image::load(store, &descriptor)
    {
        return Ok(image);
    }
    let mut tar = TarWriter::new(LayerWriter::new(store, Compression::Gzip)?);
    let size = INSTALLER.len() as u64;
    tar.append(&Entry::new("installer", Kind::File { size }, 0o755), INSTALLER)?;
    let layer = tar.finish()?.finish()?;
    let mut config = Config { cmd: vec!["/installer".to_owned()], ..Config::default() };
    config.record("COPY installer /installer", false);
    config.record("CMD [\"/installer\"]", true);
    let image = Image::assemble(store, config, vec![layer])?;
    store.put_step(&key, &image.descriptor)?;
    Ok(image)
}
