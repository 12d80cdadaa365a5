//! Images into an archive: all of them, or what a target lacks.

use std::{collections::BTreeMap, fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use edk_archive::{Entry, Kind, Stoppable, TarWriter};
use edk_model::{Descriptor, Digest, Monitor, Reference, Unit, media};
use edk_store::Store;
use serde_json::{Value, json};

use crate::{
    ImageError,
    transfer::{
        Parcel,
        archive::{CONTAINERD_NAME, REF_NAME},
        document::Document,
    },
};

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Size of the file, in bytes.
    pub size: u64,
    /// Every blob the images need, those that were left out included, each with its size in bytes:
    /// what a target has once it has taken the archive.
    pub blobs: Vec<(Digest, u64)>,
    /// How many layers were left out.
    pub left_out: usize,
    /// How many bytes these have.
    pub left_bytes: u64,
}

/// Writes images of the store to the OCI archive `file`, each under its full name: the same images
/// give the same bytes. Layers for which `known` is true are left out; then only a target that has
/// them can take it, and one that lacks some refuses it (OCI image layout specification, "Blobs").
///
/// # Errors
/// [`ImageError::Store`] for a missing blob, [`ImageError::Io`] if the file can't be written,
/// [`ImageError::Cancelled`]; then there is no file.
pub fn save(
    store: &Store,
    parcels: &[Parcel],
    known: impl Fn(&Digest) -> bool,
    file: &Path,
    monitor: &Monitor,
) -> Result<Saved, ImageError> {
    let _lease = store.lease()?;
    let mut documents = Vec::new();
    for parcel in parcels {
        documents.extend(documents_of(store, &parcel.image)?);
    }
    let names = |parcel: &Parcel| {
        let tag = parcel.to.tag_or_latest().unwrap_or("latest");
        parcel.to.with_tag(tag).to_string()
    };
    let entries = parcels.iter().map(|parcel| (parcel.image.clone(), Some(names(parcel))));
    write(store, &documents, entries.collect(), &known, file, monitor)
}

/// Returns the blobs of an image, or of all images of an index: layers and configurations.
///
/// # Errors
/// [`ImageError::Store`] and [`ImageError::Malformed`] for what is damaged here.
pub fn blobs(store: &Store, image: &Descriptor) -> Result<Vec<Descriptor>, ImageError> {
    let documents = documents_of(store, image)?;
    Ok(documents.iter().flat_map(Document::blobs).cloned().collect())
}

/// Reads a manifest or index, and all below it.
pub(crate) fn documents_of(store: &Store, image: &Descriptor) -> Result<Vec<Document>, ImageError> {
    let read = |descriptor: &Descriptor| {
        let document = Document::parse(store.read(&descriptor.digest)?, descriptor.digest)?;
        Ok::<_, ImageError>(Document { media_type: descriptor.media_type.clone(), ..document })
    };
    let (mut documents, mut at) = (vec![read(image)?], 0);
    while at < documents.len() {
        for child in documents[at].manifests.clone() {
            documents.push(read(&child.descriptor)?);
        }
        at += 1;
    }
    Ok(documents)
}

/// Writes documents and their blobs, those that are `known` left out, below an index of `entries`.
fn write(
    store: &Store,
    documents: &[Document],
    entries: Vec<(Descriptor, Option<String>)>,
    known: &dyn Fn(&Digest) -> bool,
    file: &Path,
    monitor: &Monitor,
) -> Result<Saved, ImageError> {
    let layers = documents.iter().flat_map(|it| &it.layers).map(|layer| (layer.digest, layer.size));
    let left: BTreeMap<Digest, u64> = layers.filter(|(digest, _)| known(digest)).collect();
    let all = contents(documents);
    let blobs: Vec<&Descriptor> =
        all.values().filter(|blob| !left.contains_key(&blob.digest)).collect();
    let total = blobs.iter().map(|blob| blob.size).sum();
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |source| ImageError::io(file, source);
    let out = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut tar = TarWriter::new(io::BufWriter::with_capacity(1 << 20, out));
    for (name, value) in
        [("oci-layout", json!({"imageLayoutVersion": "1.0.0"})), ("index.json", index(entries))]
    {
        let bytes = value.to_string().into_bytes();
        let entry = Entry::new(name, Kind::File { size: bytes.len() as u64 }, 0o644);
        tar.append(&entry, bytes.as_slice()).map_err(|error| in_file(file, error))?;
    }
    let (mut done, subject) = (0, file.display().to_string());
    for blob in blobs {
        monitor.check()?;
        let path = format!("blobs/{}/{}", blob.digest.algorithm().name(), blob.digest.hex());
        let size = store.size(&blob.digest).unwrap_or(blob.size);
        let told = |read| monitor.progress(&subject, done + read, Some(total), Unit::Bytes, 0);
        let content = crate::image::Counting::new(store.reader(&blob.digest)?, told);
        let content = Stoppable::new(content, monitor);
        let written = tar.append(&Entry::new(path, Kind::File { size }, 0o644), content);
        monitor.check()?;
        written.map_err(|error| in_file(file, error))?;
        done += blob.size;
    }
    let out = tar.finish().map_err(|error| in_file(file, error))?.into_inner();
    let out = out.map_err(|error| failed(error.into_error()))?;
    let size = out.as_file().metadata().map_err(failed)?.len();
    out.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    out.as_file().sync_data().map_err(failed)?;
    out.persist(file).map_err(|error| failed(error.error))?;
    let blobs = all.values().map(|blob| (blob.digest, blob.size)).collect();
    Ok(Saved { size, blobs, left_out: left.len(), left_bytes: left.values().sum() })
}

/// A disk that is full is told with the name of the archive.
fn in_file(file: &Path, error: edk_archive::Error) -> ImageError {
    match error {
        edk_archive::Error::Stream { source, .. } => ImageError::io(file, source),
        other => other.into(),
    }
}

/// Everything that goes into an archive, by digest, so that the order is always the same.
fn contents(documents: &[Document]) -> BTreeMap<Digest, Descriptor> {
    let blobs = documents.iter().flat_map(|document| document.blobs().cloned());
    let all = documents.iter().map(Document::descriptor).chain(blobs);
    all.map(|descriptor| (descriptor.digest, descriptor)).collect()
}

/// The index of an archive. Platforms read the whole name in either of the two places.
fn index(entries: Vec<(Descriptor, Option<String>)>) -> Value {
    let named = |(descriptor, name): (Descriptor, Option<String>)| {
        let mut entry = Descriptor { annotations: BTreeMap::new(), ..descriptor };
        if let Some(name) = name {
            if name.parse::<Reference>().is_ok_and(|it| it.registry.is_some()) {
                entry.annotations.insert(CONTAINERD_NAME.to_owned(), name.clone());
            }
            entry.annotations.insert(REF_NAME.to_owned(), name);
        }
        entry
    };
    let manifests: Vec<Descriptor> = entries.into_iter().map(named).collect();
    json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": manifests })
}
