//! Archives of images: an OCI image layout in a tar, or what `docker save` writes.
//!
//! Both are what a platform imports (containerd's `ctr image import`). An OCI layout may leave out
//! blobs which the store has already (OCI image layout specification, "Blobs"); what `docker save`
//! writes may not. When a file is both, the OCI layout counts, as it does there.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use edk_archive::{Limits, Span, Spans};
use edk_model::{Descriptor, Digest, Monitor, Reference, Unit, media};
use edk_store::Store;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Config, Image, ImageError, ShownImage,
    image::{Manifest, choose_platform},
    layer_tar,
    transfer::{Document, shown},
};

/// How much an archive may hold; only names and numbers of it are ever in memory.
const LIMITS: Limits = Limits { total_bytes: 1 << 40, entries: 100_000 };
/// The largest manifest, index or configuration, in bytes.
const DOCUMENT: u64 = 4 << 20;
/// How many bytes are copied before progress is told.
const PIECE: usize = 1 << 20;
/// How deep an index may lie in an index.
const DEPTH: usize = 3;

/// Annotations that name an image, in the order in which containerd looks for them; the second is
/// that of the OCI image layout.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

const MAKE: &str = "make one with its full name: `skopeo copy SOURCE oci-archive:FILE.tar:localhost:5577/NAME:TAG`";
const AGAIN: &str = "make the archive again, or copy it again";

/// An archive of images that was looked into.
#[derive(Debug)]
pub struct ImageArchive {
    path: PathBuf,
    file: File,
    spans: Spans,
    images: Vec<Archived>,
}

/// An image in an archive.
#[derive(Debug)]
struct Archived {
    /// Its names; most have one.
    names: Vec<Reference>,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    /// The manifest, among the blobs.
    Oci(Descriptor),
    /// Files of the archive; layers lowest first.
    Saved { config: PathBuf, layers: Vec<PathBuf> },
}

/// An image that came out of an archive.
#[derive(Debug)]
pub struct FromArchive {
    /// The image, in the store.
    pub image: Image,
    /// The names it has in the archive.
    pub names: Vec<Reference>,
}

/// A line of `manifest.json`, which `docker save` writes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: PathBuf,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<PathBuf>,
}

impl ImageArchive {
    /// Looks into the archive at `path`: its headers and small documents only.
    ///
    /// # Errors
    /// [`ImageError::Io`] if it can't be opened; [`ImageError::BadArchive`] if it is no archive of
    /// images, is cut off, names none of its images in full, or has them for another platform than
    /// linux/amd64.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let file = File::open(path).map_err(|source| ImageError::io(path, source))?;
        let spans = Spans::of(&file, &LIMITS).map_err(|error| broken(path, &file, &error))?;
        let images = Vec::new();
        let mut archive = Self { path: path.to_owned(), file, spans, images };
        archive.images = match (archive.has("oci-layout"), archive.has("manifest.json")) {
            (true, _) => archive.oci_images()?,
            (false, true) => archive.saved_images()?,
            (false, false) => return Err(archive.no_layout()),
        };
        if archive.images.is_empty() {
            return Err(archive.bad("there is no image in it", MAKE));
        }
        for image in &archive.images {
            archive.check_platform(image)?;
        }
        Ok(archive)
    }

    /// Returns the names of all images in it, in their order.
    pub fn names(&self) -> Vec<String> {
        let names = self.images.iter().flat_map(|image| &image.names);
        names.map(ToString::to_string).collect()
    }

    /// Puts all images into the store, blob by blob; those that are there are not copied. Gives
    /// them no names.
    ///
    /// # Errors
    /// [`ImageError::BadArchive`] if a blob is damaged, or neither in it nor in the store;
    /// [`ImageError::Store`], [`ImageError::Cancelled`].
    pub fn import(&self, store: &Store, monitor: &Monitor) -> Result<Vec<FromArchive>, ImageError> {
        let total = self.spans.names().filter_map(|name| self.spans.find(name));
        let total = total.map(|span| span.size).sum();
        let mut copy = Copy { archive: self, store, monitor, done: 0, reused: 0, total };
        let mut imported = Vec::new();
        for Archived { names, parts } in &self.images {
            let image = match parts {
                Parts::Oci(manifest) => copy.oci(manifest)?,
                Parts::Saved { config, layers } => copy.saved(config, layers)?,
            };
            imported.push(FromArchive { image, names: names.clone() });
        }
        Ok(imported)
    }

    /// Returns the images in it under their names, as far as it holds them: one that leaves out what
    /// another had may lack configurations.
    ///
    /// # Errors
    /// [`ImageError::BadArchive`] for a document that makes no sense.
    pub fn shown(&self) -> Result<Vec<(Vec<Reference>, ShownImage)>, ImageError> {
        let shown = self.images.iter().map(|image| {
            let shown = match &image.parts {
                Parts::Oci(manifest) => self.shown_oci(manifest)?,
                Parts::Saved { config, layers } => self.shown_saved(config, layers)?,
            };
            Ok((image.names.clone(), shown))
        });
        shown.collect()
    }

    fn shown_oci(&self, manifest: &Descriptor) -> Result<ShownImage, ImageError> {
        let bytes = self.document(&blob_path(&manifest.digest))?;
        let document = Document::parse(bytes, manifest.digest)?;
        let config = document.config.as_ref().map(|config| blob_path(&config.digest));
        let config = config.filter(|path| self.spans.find(path).is_some());
        let config = config.map(|path| self.json(&path)).transpose()?;
        shown(&document, config)
    }

    fn shown_saved(&self, config: &Path, layers: &[PathBuf]) -> Result<ShownImage, ImageError> {
        let bytes = self.document(config)?;
        let wrong = |reason: String| self.bad(reason, AGAIN);
        let (_, diff_ids) = Config::parse(&bytes).map_err(wrong)?;
        let sizes = layers.iter().map(|path| self.spans.find(path).map_or(0, |span| span.size));
        let layers = diff_ids.iter().zip(sizes);
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media::MANIFEST.to_owned()),
            config: Descriptor::new(media::CONFIG, Digest::of(&bytes), bytes.len() as u64),
            layers: layers.map(|(id, size)| Descriptor::new(media::LAYER, *id, size)).collect(),
        };
        let text = serde_json::to_vec(&manifest).unwrap_or_default();
        let document = Document::parse(text.clone(), Digest::of(&text))?;
        shown(&document, Some(self.json(config)?))
    }

    /// Returns the blobs which a target has once it has taken this archive: those in it, and those
    /// it left out.
    ///
    /// # Errors
    /// As [`ImageArchive::shown`].
    pub fn blobs(&self) -> Result<Vec<(Digest, u64)>, ImageError> {
        let mut blobs = Vec::new();
        for (_, image) in self.shown()? {
            blobs.extend(image.layers.iter().map(|it| (it.descriptor.digest, it.descriptor.size)));
        }
        Ok(blobs)
    }

    fn has(&self, name: &str) -> bool {
        self.spans.find(Path::new(name)).is_some()
    }

    fn bad(&self, reason: impl Into<String>, fix: &str) -> ImageError {
        bad(&self.path, reason, fix)
    }

    fn no_layout(&self) -> ImageError {
        let holds = |name: &str| self.spans.names().any(|path| path.ends_with(name));
        if holds("Chart.yaml") {
            let fix = "a chart is sent as `<name>-<version>.tgz`, as `edk package` makes it";
            return self.bad("it is a chart, not an archive of images", fix);
        }
        if holds("etc/passwd") {
            let fix = "use `docker save` or `skopeo copy`; `docker export` leaves the image out";
            return self.bad("it holds the files of a container, not an image", fix);
        }
        self.bad("it holds neither an OCI image layout nor what `docker save` writes", MAKE)
    }

    /// Reads a small file of the archive whole.
    fn document(&self, name: &Path) -> Result<Vec<u8>, ImageError> {
        let missing = || self.bad(format!("`{}` is missing in it", name.display()), AGAIN);
        let span = self.spans.find(name).ok_or_else(missing)?;
        if span.size > DOCUMENT {
            return Err(self.bad(format!("`{}` is too large in it", name.display()), MAKE));
        }
        let mut bytes = Vec::new();
        let read = span.reader(&self.file)?.read_to_end(&mut bytes);
        read.map_err(|source| ImageError::io(&self.path, source))?;
        Ok(bytes)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &Path) -> Result<T, ImageError> {
        serde_json::from_slice(&self.document(name)?).map_err(|error| {
            self.bad(format!("`{}` makes no sense in it: {error}", name.display()), AGAIN)
        })
    }

    fn oci_images(&self) -> Result<Vec<Archived>, ImageError> {
        let index: Value = self.json(Path::new("index.json"))?;
        let entries = index["manifests"].as_array().into_iter().flatten();
        let mut images: Vec<Archived> = Vec::new();
        for entry in entries {
            let descriptor: Descriptor = serde_json::from_value(entry.clone())
                .map_err(|error| self.bad(format!("its index makes no sense: {error}"), AGAIN))?;
            let name = NAMES.iter().find_map(|key| descriptor.annotations.get(*key));
            let manifest = self.manifest(&descriptor, DEPTH)?;
            let name = self.full_name(name.map_or("", String::as_str))?;
            let same = |it: &&mut Archived| matches!(&it.parts, Parts::Oci(it) if it.digest == manifest.digest);
            match images.iter_mut().find(same) {
                Some(image) => image.names.push(name),
                None => images.push(Archived { names: vec![name], parts: Parts::Oci(manifest) }),
            }
        }
        Ok(images)
    }

    /// Returns the manifest for linux/amd64 behind an entry of an index.
    fn manifest(&self, entry: &Descriptor, depth: usize) -> Result<Descriptor, ImageError> {
        let is_index = [media::INDEX, media::DOCKER_INDEX].contains(&entry.media_type.as_str());
        if !is_index || depth == 0 {
            let descriptor = entry.clone();
            return Ok(Descriptor { annotations: BTreeMap::new(), ..descriptor });
        }
        let index: Value = self.json(&blob_path(&entry.digest))?;
        let chosen = choose_platform(&index, &entry.digest);
        let chosen = chosen.map_err(|_| self.other_platform("other platforms"))?;
        self.manifest(&chosen, depth - 1)
    }

    fn saved_images(&self) -> Result<Vec<Archived>, ImageError> {
        let saved: Vec<SavedImage> = self.json(Path::new("manifest.json"))?;
        let mut images = Vec::new();
        for SavedImage { config, repo_tags, layers } in saved {
            let tags = repo_tags.unwrap_or_default();
            let names = match tags.as_slice() {
                [] => vec![self.full_name("")?],
                tags => tags.iter().map(|tag| self.full_name(tag)).collect::<Result<_, _>>()?,
            };
            images.push(Archived { names, parts: Parts::Saved { config, layers } });
        }
        Ok(images)
    }

    /// Reads a name by which a chart can ask for the image: one with a tag, of a repository.
    fn full_name(&self, name: &str) -> Result<Reference, ImageError> {
        if !name.contains(['/', ':', '@']) {
            let reason = match name {
                "" => "it does not name its image, so no chart could ask for it".to_owned(),
                tag => format!("`{tag}` is not the full name of its image, which a chart asks for"),
            };
            return Err(self.bad(reason, MAKE));
        }
        name.parse().map_err(|error: edk_model::ReferenceError| self.bad(error.to_string(), MAKE))
    }

    fn check_platform(&self, image: &Archived) -> Result<(), ImageError> {
        let config = match &image.parts {
            Parts::Saved { config, .. } => config.clone(),
            Parts::Oci(manifest) => {
                let manifest: Value = self.json(&blob_path(&manifest.digest))?;
                let digest = manifest["config"]["digest"].as_str().unwrap_or_default();
                let digest = digest.parse::<Digest>();
                let reason = "a manifest in it names no configuration";
                blob_path(&digest.map_err(|_| self.bad(reason, MAKE))?)
            }
        };
        // An archive of what has changed may leave the configuration out as well.
        if self.spans.find(&config).is_none() && matches!(image.parts, Parts::Oci(_)) {
            return Ok(());
        }
        let config: Value = self.json(&config)?;
        let text = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
        match (text("os").as_str(), text("architecture").as_str()) {
            ("linux" | "", "amd64" | "") => Ok(()),
            (os, architecture) => Err(self.other_platform(&format!("{os}/{architecture}"))),
        }
    }

    fn other_platform(&self, platform: &str) -> ImageError {
        let fix =
            "build the image for linux/amd64, or name it: `skopeo copy --override-arch amd64 …`";
        self.bad(format!("its image is for {platform}; platforms run linux/amd64"), fix)
    }
}

/// Copies blobs from an archive into the store.
struct Copy<'a> {
    archive: &'a ImageArchive,
    store: &'a Store,
    monitor: &'a Monitor,
    done: u64,
    reused: u64,
    total: u64,
}

impl Copy<'_> {
    fn oci(&mut self, descriptor: &Descriptor) -> Result<Image, ImageError> {
        let bytes = self.archive.document(&blob_path(&descriptor.digest))?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
            self.archive.bad(format!("a manifest in it makes no sense: {error}"), AGAIN)
        })?;
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            self.blob(&blob_path(&blob.digest), &blob.digest, &blob.media_type)?;
        }
        for layer in &manifest.layers {
            // Refused here rather than by the first container that needs it.
            layer_tar::supported(layer)?;
        }
        self.blob(&blob_path(&descriptor.digest), &descriptor.digest, &descriptor.media_type)?;
        Image::load(self.store, descriptor)
    }

    fn saved(&mut self, config: &Path, layers: &[PathBuf]) -> Result<Image, ImageError> {
        let bytes = self.archive.document(config)?;
        let parsed = Config::parse(&bytes).map_err(|reason| {
            self.archive
                .bad(format!("`{}` makes no sense in it: {reason}", config.display()), AGAIN)
        })?;
        let diff_ids = parsed.1;
        if diff_ids.len() != layers.len() {
            let reason = "its configuration and its list count different layers";
            return Err(self.archive.bad(reason, AGAIN));
        }
        let mut descriptors = Vec::new();
        for (path, diff_id) in layers.iter().zip(&diff_ids) {
            if self.archive.spans.find(path).is_none() {
                // A platform says so too, whatever it has: only an OCI layout may leave layers out.
                let reason = format!("layer \"{}\" not found", path.display());
                return Err(self.archive.bad(reason, MAKE));
            }
            descriptors.push(self.blob(path, diff_id, media::LAYER)?);
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media::MANIFEST.to_owned()),
            config: self.store.put(media::CONFIG, &bytes)?,
            layers: descriptors,
        };
        let bytes = serde_json::to_vec(&manifest).unwrap_or_default();
        Image::load(self.store, &self.store.put(media::MANIFEST, &bytes)?)
    }

    /// Copies one blob, if the store does not have it.
    fn blob(
        &mut self,
        path: &Path,
        digest: &Digest,
        media_type: &str,
    ) -> Result<Descriptor, ImageError> {
        self.monitor.check()?;
        let span = self.archive.spans.find(path);
        if let Some(size) = self.store.claim(digest)? {
            let copied = span.map_or(0, |span| span.size);
            self.reused += copied;
            self.tell(copied);
            return Ok(Descriptor::new(media_type, *digest, size));
        }
        let Some(span) = span else {
            let fix = "make an archive of the whole image; this one leaves out what another had";
            return Err(self.archive.bad(format!("content digest {digest}: not found"), fix));
        };
        self.write(span, path, digest, media_type)
    }

    fn write(
        &mut self,
        span: Span,
        path: &Path,
        digest: &Digest,
        media_type: &str,
    ) -> Result<Descriptor, ImageError> {
        let mut writer = self.store.writer()?;
        let mut reader = span.reader(&self.archive.file)?;
        let mut piece = vec![0; PIECE];
        loop {
            self.monitor.check()?;
            let count = reader.read(&mut piece);
            let count = count.map_err(|source| ImageError::io(&self.archive.path, source))?;
            if count == 0 {
                break;
            }
            let written = writer.write_all(&piece[..count]);
            written.map_err(|source| ImageError::io(self.store.root(), source))?;
            self.tell(count as u64);
        }
        match writer.commit_as(digest, media_type) {
            Err(edk_store::StoreError::Mismatch { .. }) => {
                let reason = format!("`{}` is damaged in it", path.display());
                Err(self.archive.bad(reason, AGAIN))
            }
            kept => Ok(kept?),
        }
    }

    fn tell(&mut self, bytes: u64) {
        self.done += bytes;
        let name = self.archive.path.file_name().unwrap_or_default().to_string_lossy();
        let total = self.total.max(self.done);
        self.monitor.progress(&name, self.done, Some(total), Unit::Bytes, self.reused);
    }
}

fn blob_path(digest: &Digest) -> PathBuf {
    ["blobs", digest.algorithm().name(), &digest.hex()].iter().collect()
}

fn bad(path: &Path, reason: impl Into<String>, fix: &str) -> ImageError {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ImageError::BadArchive { file, reason: reason.into(), fix: fix.to_owned() }
}

/// Says what is wrong with a file that could not be read as a tar.
fn broken(path: &Path, file: &File, error: &edk_archive::Error) -> ImageError {
    let mut start = [0; 4];
    let zipped = (Span { offset: 0, size: 4 })
        .reader(file)
        .is_ok_and(|mut reader| reader.read_exact(&mut start).is_ok());
    let fix = "unpack it first; the layers in it are compressed already";
    match (zipped, start) {
        (true, [0x1f, 0x8b, ..]) => bad(path, "it is compressed with gzip", fix),
        (true, [0x28, 0xb5, 0x2f, 0xfd]) => bad(path, "it is compressed with zstd", fix),
        _ => match error {
            edk_archive::Error::Stream { .. } => bad(path, "it is no tar archive", MAKE),
            edk_archive::Error::CutOff { .. } => bad(path, error.to_string(), AGAIN),
            _ => bad(path, error.to_string(), MAKE),
        },
    }
}
