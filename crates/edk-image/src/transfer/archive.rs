//! OCI archives: an image layout in one tar file, which skopeo, podman and containerd read and write
//! (OCI image specification, "Image Layout").

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read, Write as _},
    path::Path,
};

use edk_archive::{Entry, Kind, TarWriter};
use edk_model::{Descriptor, Digest, Monitor, Reference, Unit, media};
use edk_store::Store;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::{
    ImageError,
    transfer::{Access, document::Document, place::Place},
};

/// Name of the image in an index (OCI image specification, "Annotations").
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The same for containerd, which wants it with everything.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

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

/// Writes the image `reference` of the store, with all images of an index, to the archive `file`:
/// the same image gives the same bytes. Returns digest of the image and size of the archive.
///
/// # Errors
/// [`ImageError::NoImage`], [`ImageError::Store`] for a missing blob, [`ImageError::Io`] if the file
/// can't be written, [`ImageError::Cancelled`]; then there is no file.
pub fn export(
    store: &Store,
    reference: &Reference,
    file: &Path,
    monitor: &Monitor,
) -> Result<(Digest, u64), ImageError> {
    let _lease = store.lease()?;
    let (root, documents) = tree(store, reference)?;
    let blobs = contents(&documents);
    let total = blobs.values().map(|blob| blob.size).sum();
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |source| ImageError::io(file, source);
    let out = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut tar = TarWriter::new(io::BufWriter::new(out));
    for (name, value) in [
        ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
        ("index.json", index(&root, reference)),
    ] {
        let bytes = value.to_string().into_bytes();
        let entry = Entry::new(name, Kind::File { size: bytes.len() as u64 }, 0o644);
        tar.append(&entry, bytes.as_slice())?;
    }
    let mut done = 0;
    for blob in blobs.values() {
        monitor.check()?;
        let path = format!("blobs/{}/{}", blob.digest.algorithm().name(), blob.digest.hex());
        let size = store.size(&blob.digest).unwrap_or(blob.size);
        tar.append(&Entry::new(path, Kind::File { size }, 0o644), store.reader(&blob.digest)?)?;
        done += blob.size;
        monitor.progress(&reference.to_string(), done, Some(total), Unit::Bytes, 0);
    }
    let out = tar.finish()?.into_inner().map_err(|error| failed(error.into_error()))?;
    let size = out.as_file().metadata().map_err(failed)?.len();
    use std::os::unix::fs::PermissionsExt as _;
    out.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    out.persist(file).map_err(|error| failed(error.error))?;
    Ok((root.digest, size))
}

/// The document which `reference` names, and it with all below it.
fn tree(store: &Store, reference: &Reference) -> Result<(Descriptor, Vec<Document>), ImageError> {
    let place = Place::of(store, reference, &Access::default())?;
    let Place::Store { .. } = place else {
        return Err(ImageError::NoImage { reference: reference.to_string() });
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| ImageError::io(store.root(), error))?;
    runtime.block_on(async {
        let root = place.document(None).await?;
        let (descriptor, mut documents, mut at) = (root.descriptor(), vec![root], 0);
        while at < documents.len() {
            for child in documents[at].manifests.clone() {
                documents.push(place.document(Some(&child.descriptor.digest)).await?);
            }
            at += 1;
        }
        Ok((descriptor, documents))
    })
}

/// Everything that goes into an archive, by digest, so that the order is always the same.
fn contents(documents: &[Document]) -> BTreeMap<Digest, Descriptor> {
    let blobs = documents.iter().flat_map(|document| document.blobs().cloned());
    let all = documents.iter().map(Document::descriptor).chain(blobs);
    all.map(|descriptor| (descriptor.digest, descriptor)).collect()
}

fn index(root: &Descriptor, reference: &Reference) -> Value {
    let mut entry = root.clone();
    if let Some(tag) = reference.tag_or_latest() {
        let name = format!("{}:{tag}", reference.repository);
        entry.annotations.insert(REF_NAME.to_owned(), name);
    }
    json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [entry] })
}

/// Takes the images of the archive `file`, compressed with gzip or not, into the store: under the
/// names it gives them, or all as `name` (for an archive of one image).
///
/// # Errors
/// [`ImageError::Archived`] for a file that is no such archive, lacks something, or whose images
/// have no name and none is given; [`ImageError::Store`] if a blob is not what its name says or
/// can't be kept; [`ImageError::Cancelled`]. Tags are written only when everything is there.
pub fn import(
    store: &Store,
    file: &Path,
    name: Option<&Reference>,
    monitor: &Monitor,
) -> Result<ImportedImages, ImageError> {
    let _lease = store.lease()?;
    let mut reading = Reading { store, file, index: None, docker: false, new: 0 };
    reading.all(monitor)?;
    let wrong = |reason: String| ImageError::Archived { path: file.to_owned(), reason };
    let Some(index) = reading.index else {
        let reason = match reading.docker {
            true => "it is laid out as `docker save` does, not as an OCI image layout",
            false => "it has no `index.json`, so it is no OCI archive",
        };
        return Err(wrong(reason.to_owned()));
    };
    let index = Document::parse(index.clone(), Digest::of(&index))?;
    if name.is_some() && index.manifests.len() != 1 {
        let count = index.manifests.len();
        return Err(wrong(format!("it has {count} images, and one name is given")));
    }
    let mut images = Vec::new();
    for child in &index.manifests {
        let named = match name {
            Some(name) => name.clone(),
            None => named(&child.descriptor, file)
                .ok_or_else(|| wrong("its images have no name".to_owned()))?,
        };
        complete(store, &child.descriptor.digest, &named.repository).map_err(
            |error| match error {
                ImageError::Store(edk_store::StoreError::NoBlob(digest)) => {
                    wrong(format!("it lacks {digest}"))
                }
                other => other,
            },
        )?;
        let descriptor = Descriptor { annotations: BTreeMap::new(), ..child.descriptor.clone() };
        match named.tag_or_latest() {
            Some(tag) => store.tag(&named.repository, tag, &descriptor)?,
            None => store.add_manifest(&named.repository, &descriptor)?,
        }
        images.push((named, descriptor.digest));
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

impl Reading<'_> {
    fn all(&mut self, monitor: &Monitor) -> Result<(), ImageError> {
        let failed = |source| ImageError::io(self.file, source);
        let mut file = BufReader::new(File::open(self.file).map_err(failed)?);
        let total = file.get_ref().metadata().map_err(failed)?.len();
        let gzip = io::BufRead::fill_buf(&mut file).map_err(failed)?.starts_with(&[0x1f, 0x8b]);
        let stream: Box<dyn Read> =
            if gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let path = self.file.to_owned();
        let broken = |error: io::Error| ImageError::Archived {
            path: path.clone(),
            reason: format!("it can't be read: {error}"),
        };
        let subject = self.file.display().to_string();
        for entry in tar::Archive::new(stream).entries().map_err(broken)? {
            monitor.check()?;
            let mut entry = entry.map_err(broken)?;
            let name = entry.path().map_err(broken)?.into_owned();
            let at = entry.raw_file_position();
            self.entry(&name, &mut entry)?;
            let total = (!gzip).then_some(total);
            monitor.progress(&subject, at, total, Unit::Bytes, 0);
        }
        Ok(())
    }

    fn entry(&mut self, name: &Path, content: &mut impl Read) -> Result<(), ImageError> {
        let name = name.strip_prefix(".").unwrap_or(name);
        match name.to_str() {
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
        io::copy(content, &mut writer).map_err(|source| ImageError::io(self.file, source))?;
        writer.flush().map_err(|source| ImageError::io(self.store.root(), source))?;
        self.new += writer.commit_as(digest, "application/octet-stream")?.size;
        Ok(())
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
