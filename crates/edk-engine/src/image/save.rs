use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use edk_image::{ImageArchive, Ledger, Parcel, export_rootfs};
use edk_model::{Digest, Monitor, Outcome, Reference};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, ExportOutcome, ImportOutcome, ImportedImage, push::named_in};

/// Write images of the store to an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageSaveRequest {
    /// The images.
    pub images: Vec<Reference>,
    /// The archive.
    pub file: PathBuf,
    /// Registry, and the beginning of its repositories, which the images are named for in it, such
    /// as `registry.example.org/team`.
    pub registry: Option<String>,
    /// What the reader of the archive has already: the file of a ledger, an archive it has taken, or
    /// an image of the store. Layers of it are left out.
    pub delta: Vec<String>,
}

/// An archive that was written.
#[derive(Debug, Clone, Serialize)]
pub struct SaveOutcome {
    /// The archive.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The images in it.
    pub images: Vec<SavedImage>,
    /// How many layers were left out.
    pub left_out: usize,
    /// How many bytes these have.
    pub left_bytes: u64,
}

/// An image in an archive.
#[derive(Debug, Clone, Serialize)]
pub struct SavedImage {
    /// Its name there.
    pub name: Reference,
    /// Digest of its manifest or index.
    pub digest: Digest,
}

/// Take the images of an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageLoadRequest {
    /// The archive.
    pub file: PathBuf,
    /// Name for its image; without one, the name the archive gives it.
    pub name: Option<Reference>,
}

/// Write the files of an image to a tar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageExportRequest {
    /// The image of the store.
    pub image: Reference,
    /// The tar.
    pub file: PathBuf,
}

impl Engine {
    /// Writes images to an OCI archive, all of them or what a reader lacks.
    ///
    /// # Errors
    /// [`EngineError::Registry`] for a name that is none of a registry, [`EngineError::Image`].
    pub fn image_save(
        &self,
        request: &ImageSaveRequest,
        monitor: &Monitor,
    ) -> Result<SaveOutcome, EngineError> {
        let monitor = monitor.stage("save");
        let subject = request.file.display().to_string();
        monitor.started(&subject);
        let parcels = self.parcels(&request.images, request.registry.as_deref())?;
        let mut known: BTreeSet<Digest> = BTreeSet::new();
        let mut ledgers = Vec::new();
        for text in &request.delta {
            match self.reader_has(text)? {
                Has::Ledger(ledger) => ledgers.push(ledger),
                Has::Blobs(blobs) => known.extend(blobs),
            }
        }
        let has = |digest: &Digest| {
            known.contains(digest) || ledgers.iter().any(|ledger| ledger.has(digest))
        };
        let saved = edk_image::save(self.store()?, &parcels, has, &request.file, &monitor)?;
        let summary = match saved.left_out {
            0 => format!("{} bytes", saved.size),
            count => format!("{} bytes; {count} layers left out", saved.size),
        };
        monitor.finished(&subject, Outcome::Done, &summary);
        let images = parcels.into_iter();
        let images = images.map(|it| SavedImage { name: it.to, digest: it.image.digest }).collect();
        let (file, size) = (request.file.clone(), saved.size);
        let (left_out, left_bytes) = (saved.left_out, saved.left_bytes);
        Ok(SaveOutcome { file, size, images, left_out, left_bytes })
    }

    /// The images of the store, each with the name it is to have elsewhere.
    pub(crate) fn parcels(
        &self,
        images: &[Reference],
        registry: Option<&str>,
    ) -> Result<Vec<Parcel>, EngineError> {
        let parcel = |reference: &Reference| {
            let image = self.described(reference)?;
            let tag = reference.tag_or_latest().unwrap_or("latest");
            let to = match registry {
                None => reference.with_tag(tag),
                Some(registry) => named_in(registry, &reference.repository, tag)?,
            };
            Ok(Parcel { image, to })
        };
        images.iter().map(parcel).collect()
    }

    /// The manifest or index which a name of the store, or of an image that was pulled, stands for.
    fn described(&self, reference: &Reference) -> Result<edk_model::Descriptor, EngineError> {
        let store = self.store()?;
        let found = match (&reference.registry, &reference.digest, reference.tag_or_latest()) {
            (None, Some(digest), _) => store.manifest(&reference.repository, digest)?,
            (None, None, Some(tag)) => store.resolve(&reference.repository, tag)?,
            _ => None,
        };
        match found {
            Some(descriptor) => Ok(descriptor),
            None => Ok(self.stored(reference)?.descriptor),
        }
    }

    /// What the reader of an archive has: by the file of a ledger, by an archive, or by an image.
    fn reader_has(&self, text: &str) -> Result<Has, EngineError> {
        let path = Path::new(text);
        if path.is_file() {
            if path.extension().is_some_and(|it| it == "json") {
                return Ok(Has::Ledger(Ledger::load(path)?));
            }
            let blobs = ImageArchive::open(path)?.blobs()?;
            return Ok(Has::Blobs(blobs.into_iter().map(|(digest, _)| digest).collect()));
        }
        let reference: Reference =
            text.parse().map_err(|_| EngineError::NoSuchImage { name: text.to_owned() })?;
        let image = self.stored(&reference)?;
        Ok(Has::Blobs(image.layers.iter().map(|layer| layer.descriptor.digest).collect()))
    }

    /// Takes the images of an archive into the store.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn image_load(
        &self,
        request: &ImageLoadRequest,
        monitor: &Monitor,
    ) -> Result<ImportOutcome, EngineError> {
        let monitor = monitor.stage("load");
        let ImageLoadRequest { file, name } = request;
        let subject = file.display().to_string();
        monitor.started(&subject);
        let done = edk_image::load(self.store()?, file, name.as_ref(), &monitor)?;
        let outcome = if done.new == 0 { Outcome::Reused } else { Outcome::Done };
        monitor.finished(&subject, outcome, &format!("{} new bytes", done.new));
        let images = done.images.into_iter().map(|(name, digest)| ImportedImage { name, digest });
        Ok(ImportOutcome { images: images.collect(), new: done.new })
    }

    /// Writes the files of an image to a tar.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn image_export(
        &self,
        request: &ImageExportRequest,
        monitor: &Monitor,
    ) -> Result<ExportOutcome, EngineError> {
        let monitor = monitor.stage("export");
        let ImageExportRequest { image, file } = request;
        monitor.started(&image.to_string());
        let stored = self.stored(image)?;
        let size = export_rootfs(self.store()?, &stored, file, &monitor)?;
        monitor.finished(&image.to_string(), Outcome::Done, &format!("{size} bytes written"));
        let digest = stored.descriptor.digest;
        Ok(ExportOutcome { image: image.clone(), digest, file: file.clone(), size })
    }
}

/// What a reader has.
enum Has {
    Ledger(Ledger),
    Blobs(Vec<Digest>),
}
