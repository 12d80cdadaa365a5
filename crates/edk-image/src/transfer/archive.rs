//! OCI archives: an image layout in one tar file, which skopeo, podman and containerd read and write
//! (OCI image specification, "Image Layout").

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use edk_archive::{Bounds, Guarded};
use edk_model::{Descriptor, Digest, Monitor, Reference, Unit};
use edk_store::Store;
use flate2::read::MultiGzDecoder;

use crate::{ImageArchive, ImageError, transfer::document::Document};

/// Name of the image in an index (OCI image specification, "Annotations").
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The same for containerd, which wants it with everything.
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// How large the index of an archive may be, in bytes.
const INDEX_LIMIT: u64 = 4 << 20;

/// What an archive brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedImages {
    /// The names and manifests which are in the store now.
    pub images: Vec<(Reference, Digest)>,
    /// Bytes of blobs which were not there before.
    pub new: u64,
}

/// Takes the images of the archive `file`, compressed with gzip or not, into the store: under the
/// names it gives them, or all as `name` (for an archive of one image). What `docker save` writes is
/// taken as well.
///
/// # Errors
/// [`ImageError::Archived`] for a file that is no such archive, lacks something, or whose images
/// have no name and none is given; [`ImageError::BadArchive`] for a damaged one of docker;
/// [`ImageError::Store`] if a blob is not what its name says or can't be kept;
/// [`ImageError::Cancelled`]. Tags are written only when everything is there.
pub fn load(
    store: &Store,
    file: &Path,
    name: Option<&Reference>,
    monitor: &Monitor,
) -> Result<ImportedImages, ImageError> {
    let _lease = store.lease()?;
    let mut reading = Reading { store, file, index: None, docker: false, new: 0 };
    reading.all(monitor)?;
    if let Some(index) = reading.index.take() {
        return reading.images(&index, name);
    }
    if !reading.docker {
        return Err(
            reading.wrong("it holds neither an OCI image layout nor what `docker save` writes")
        );
    }
    let mut images = Vec::new();
    for from in ImageArchive::open(file)?.import(store, monitor)? {
        let given = name.map(|name| vec![name.clone()]);
        for name in given.unwrap_or(from.names) {
            let name = Reference { registry: None, ..name };
            let tag = name.tag_or_latest().unwrap_or("latest");
            store.tag(&name.repository, tag, &from.image.descriptor)?;
            images.push((name.with_tag(tag), from.image.descriptor.digest));
        }
    }
    Ok(ImportedImages { images, new: reading.new })
}

/// The name an archive gives an image: with repository and tag, or only the tag.
fn named(descriptor: &Descriptor, file: &Path) -> Option<Reference> {
    let annotation = |name: &str| descriptor.annotations.get(name).map(String::as_str);
    let full = annotation(CONTAINERD_NAME).or(annotation(REF_NAME).filter(|it| it.contains(':')));
    if let Some(full) = full.and_then(|text| text.parse::<Reference>().ok()) {
        return Some(Reference { registry: None, ..full });
    }
    let stem = file.file_stem()?.to_str()?.trim_end_matches(".tar").to_lowercase();
    let reference: Reference = stem.parse().ok()?;
    let tag = annotation(REF_NAME).filter(|it| edk_model::names::tag(it).is_ok());
    Some(reference.with_tag(tag.unwrap_or("latest")))
}

/// Checks that everything is there that `digest` needs, and makes the manifests of an index
/// readable in `repository`.
fn complete(store: &Store, digest: &Digest, repository: &str) -> Result<(), ImageError> {
    let document = Document::parse(store.read(digest)?, *digest)?;
    for blob in document.blobs() {
        if store.claim(&blob.digest)?.is_none() {
            return Err(edk_store::StoreError::NoBlob(blob.digest).into());
        }
    }
    for child in &document.manifests {
        complete(store, &child.descriptor.digest, repository)?;
        store.add_manifest(repository, &child.descriptor)?;
    }
    Ok(())
}

struct Reading<'a> {
    store: &'a Store,
    file: &'a Path,
    index: Option<Vec<u8>>,
    docker: bool,
    new: u64,
}

/// How many entries an archive may have.
const ENTRIES: u64 = 100_000;
/// How many bytes their names may have.
const NAMES: u64 = 64 << 20;
/// How much larger than its file an archive may be, unpacked: blobs are compressed already.
const BLOWN_UP: u64 = 200;
const BLOWN_UP_LEAST: u64 = 64 << 20;

impl Reading<'_> {
    fn wrong(&self, reason: impl Into<String>) -> ImageError {
        ImageError::Archived { path: self.file.to_owned(), reason: reason.into() }
    }

    /// Gives the images of an index their names, once everything they need is there.
    fn images(&self, index: &[u8], name: Option<&Reference>) -> Result<ImportedImages, ImageError> {
        let index = Document::parse(index.to_vec(), Digest::of(index))
            .map_err(|error| self.wrong(format!("its `index.json` makes no sense: {error}")))?;
        if name.is_some() && index.manifests.len() != 1 {
            let count = index.manifests.len();
            return Err(self.wrong(format!("it has {count} images, and one name is given")));
        }
        let mut ready = Vec::new();
        for child in &index.manifests {
            let named = match name {
                Some(name) => name.clone(),
                None => named(&child.descriptor, self.file)
                    .ok_or_else(|| self.wrong("its images have no name"))?,
            };
            let whole = complete(self.store, &child.descriptor.digest, &named.repository);
            whole.map_err(|error| match error {
                ImageError::Store(edk_store::StoreError::NoBlob(digest)) => {
                    self.wrong(format!("it lacks {digest}, and so does the store"))
                }
                other => other,
            })?;
            ready.push((named, child.descriptor.clone()));
        }
        let mut images = Vec::new();
        for (named, descriptor) in ready {
            let descriptor = Descriptor { annotations: BTreeMap::new(), ..descriptor };
            match named.tag_or_latest() {
                Some(tag) => self.store.tag(&named.repository, tag, &descriptor)?,
                None => self.store.add_manifest(&named.repository, &descriptor)?,
            }
            images.push((named, descriptor.digest));
        }
        Ok(ImportedImages { images, new: self.new })
    }

    fn all(&mut self, monitor: &Monitor) -> Result<(), ImageError> {
        let failed = |source| ImageError::io(self.file, source);
        let mut file = BufReader::new(File::open(self.file).map_err(failed)?);
        let total = file.get_ref().metadata().map_err(failed)?.len();
        let gzip = io::BufRead::fill_buf(&mut file).map_err(failed)?.starts_with(&[0x1f, 0x8b]);
        let stream: Box<dyn Read> =
            if gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        // A few bytes of zeros, compressed or sparse, can stand for more than any disk holds.
        let limit = total.saturating_mul(BLOWN_UP).max(BLOWN_UP_LEAST);
        let path = self.file.to_owned();
        let broken = |error: io::Error| ImageError::Archived {
            path: path.clone(),
            reason: format!("it can't be read: {error}"),
        };
        let stream = Guarded::new(stream, Bounds { bytes: limit, entries: ENTRIES, names: NAMES });
        let subject = self.file.display().to_string();
        for entry in tar::Archive::new(stream).entries().map_err(broken)? {
            monitor.check()?;
            let mut entry = entry.map_err(broken)?;
            let name = entry.path().map_err(broken)?.into_owned();
            let at = entry.raw_file_position();
            self.check(&name, entry.header().entry_type())?;
            self.entry(&name, &mut entry)?;
            let total = (!gzip).then_some(total);
            monitor.progress(&subject, at, total, Unit::Bytes, 0);
        }
        Ok(())
    }

    /// Refuses what has no place in an archive of images, though nothing would be written there.
    fn check(&self, name: &Path, kind: tar::EntryType) -> Result<(), ImageError> {
        use std::path::Component;
        let outside =
            |part: Component<'_>| matches!(part, Component::ParentDir | Component::RootDir);
        if name.components().any(outside) {
            return Err(self.wrong(format!("its entry `{}` leads out of it", name.display())));
        }
        let own = name.strip_prefix(".").unwrap_or(name);
        let link = kind.is_symlink() || kind.is_hard_link();
        let wanted = blob_name(own).is_some() || own == Path::new("index.json");
        if link && wanted {
            return Err(self.wrong(format!("its entry `{}` is a link", name.display())));
        }
        if kind.is_character_special() || kind.is_block_special() || kind.is_fifo() {
            return Err(self.wrong(format!("its entry `{}` is a device", name.display())));
        }
        Ok(())
    }

    fn entry(&mut self, name: &Path, content: &mut impl Read) -> Result<(), ImageError> {
        let name = name.strip_prefix(".").unwrap_or(name);
        match name.to_str() {
            Some("index.json") if self.index.is_some() => {
                return Err(self.wrong("it holds `index.json` twice"));
            }
            Some("index.json") => {
                let mut bytes = Vec::new();
                let read = content.take(INDEX_LIMIT).read_to_end(&mut bytes);
                read.map_err(|source| ImageError::io(self.file, source))?;
                self.index = Some(bytes);
            }
            Some("manifest.json") => self.docker = true,
            _ => {
                if let Some(digest) = blob_name(name) {
                    self.blob(&digest, content)?;
                }
            }
        }
        Ok(())
    }

    fn blob(&mut self, digest: &Digest, content: &mut impl Read) -> Result<(), ImageError> {
        if self.store.claim(digest)?.is_some() {
            return Ok(());
        }
        let mut writer = self.store.writer()?;
        copy(content, &mut writer, self.file, self.store)?;
        match writer.commit_as(digest, "application/octet-stream") {
            Err(edk_store::StoreError::Mismatch { actual, .. }) => {
                Err(self.wrong(format!("what it holds as {digest} is {actual}: it is damaged")))
            }
            kept => {
                self.new += kept?.size;
                Ok(())
            }
        }
    }
}

/// Copies so that it is known which side an error is on.
fn copy(
    from: &mut impl Read,
    to: &mut impl io::Write,
    file: &Path,
    store: &Store,
) -> Result<(), ImageError> {
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => return to.flush().map_err(|source| ImageError::io(store.root(), source)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let reason = format!("it can't be read: {error}");
                return Err(ImageError::Archived { path: file.to_owned(), reason });
            }
        };
        to.write_all(&piece[..count]).map_err(|source| ImageError::io(store.root(), source))?;
    }
}

/// The digest of a blob in an image layout, by its path.
fn blob_name(name: &Path) -> Option<Digest> {
    let parts: Vec<&str> = name.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    match parts.as_slice() {
        ["blobs", algorithm, hex] => format!("{algorithm}:{hex}").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use edk_model::media;

    use super::*;

    #[test]
    fn a_name_in_an_archive_is_whole_or_only_a_tag() {
        let check = |annotations: &[(&str, &str)], expected: &str| {
            let mut descriptor = Descriptor::new(media::MANIFEST, Digest::of(b""), 0);
            let own =
                annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            descriptor.annotations.extend(own);
            let name = named(&descriptor, &PathBuf::from("/tmp/My-App.tar")).unwrap();
            assert_eq!(name.to_string(), expected);
        };
        check(&[(REF_NAME, "team/app:1.0")], "team/app:1.0");
        check(&[(REF_NAME, "localhost/app:1.0")], "app:1.0");
        check(&[(REF_NAME, "1.0")], "my-app:1.0");
        check(&[], "my-app:latest");
        check(&[(REF_NAME, "1.0"), (CONTAINERD_NAME, "docker.io/library/x:2")], "library/x:2");
        check(&[(REF_NAME, "Not:A:Name")], "my-app:latest");
    }

    #[test]
    fn only_the_path_of_a_blob_is_one() {
        let digest = Digest::of(b"x");
        let path = |text: String| blob_name(Path::new(&text));
        assert_eq!(path(format!("blobs/sha256/{}", digest.hex())), Some(digest));
        for other in [
            format!("blobs/sha512/{}", digest.hex()),
            format!("blobs/sha256/../sha256/{}", digest.hex()),
            format!("x/blobs/sha256/{}", digest.hex()),
            "blobs/sha256/..".to_owned(),
        ] {
            assert_eq!(path(other.clone()), None, "{other}");
        }
    }
}
