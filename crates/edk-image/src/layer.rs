//! Layers that are written without a container: copied files and folders that must be there.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::{self, Read, Write},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use edk_archive::{Entry, GzWriter, Kind, TarWriter, gzip};
use edk_model::{Digest, Hasher, Monitor, media};
use edk_store::{BlobWriter, Store};

use crate::{
    ImageError, Layer,
    context::{Content, Source},
    tree::{Node, Tree},
};

/// Fast: an edit waits for it. Level 6 would save 4 % of the size for 1.6 times the time.
const GZIP_LEVEL: u32 = 3;

/// Takes a layer's uncompressed tar and writes it, compressed, into the store; both digests come
/// from the one pass.
pub(crate) struct LayerWriter {
    diff_id: Hasher,
    blob: GzWriter<BlobWriter>,
}

impl LayerWriter {
    pub(crate) fn new(store: &Store) -> Result<Self, ImageError> {
        Ok(Self { diff_id: Hasher::new(), blob: gzip(store.writer()?, GZIP_LEVEL) })
    }

    pub(crate) fn finish(self) -> Result<Layer, ImageError> {
        let blob = self.blob.finish().map_err(|e| ImageError::io(Path::new("the new layer"), e))?;
        let descriptor = blob.commit(media::LAYER_GZIP)?;
        Ok(Layer { descriptor, diff_id: self.diff_id.finish() })
    }
}

impl Write for LayerWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.blob.write(bytes)?;
        self.diff_id.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.blob.flush()
    }
}

/// An entry of a layer to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) entry: Entry,
    payload: Payload,
}

/// Where the content of an entry comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Payload {
    None,
    /// A file with the digest it had when it was planned.
    Disk(PathBuf, Digest),
    Memory(Rc<[u8]>),
    /// The stream that the entry was read from.
    Stream,
}

/// What a `COPY` puts where, apart from its sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Absolute path inside.
    pub(crate) path: &'a str,
    pub(crate) into_folder: bool,
    /// `None`: root for files of the context, the owner they have for files of an image.
    pub(crate) owner: Option<(u64, u64)>,
    pub(crate) mode: Option<u32>,
}

/// Returns the entries of the layer that a `COPY` makes on `tree`: parents that are missing first,
/// links on the way followed.
pub(crate) fn copied(
    tree: &Tree,
    sources: &[Source],
    place: Place<'_>,
) -> Result<Vec<Planned>, String> {
    let mut layer = Entries::new(tree, place.owner.unwrap_or((0, 0)));
    let target = Target::new(tree, place)?;
    for source in sources {
        let base = target.base(source.is_dir, &source.name);
        if source.is_dir {
            layer.folder(&base)?;
        }
        for found in &source.entries {
            let (kind, payload) = match &found.content {
                Content::Dir => (Kind::Directory, Payload::None),
                Content::Link(target) => (Kind::Symlink { target: target.clone() }, Payload::None),
                Content::File { size, digest } => {
                    (Kind::File { size: *size }, Payload::Disk(found.path.clone(), *digest))
                }
                Content::Memory { bytes, .. } => {
                    (Kind::File { size: bytes.len() as u64 }, Payload::Memory(Rc::clone(bytes)))
                }
            };
            layer.add(&base, &found.relative, (kind, payload), place.mode.unwrap_or(found.mode))?;
        }
    }
    Ok(layer.planned)
}

/// Where sources go, once the image was looked at.
struct Target {
    path: String,
    into_folder: bool,
}

impl Target {
    fn new(tree: &Tree, place: Place<'_>) -> Result<Self, String> {
        let path = tree.resolve(place.path)?;
        // As cp(1): what is copied to a folder that exists goes into it.
        let into_folder = place.into_folder || tree.node(&path) == Node::Dir;
        Ok(Self { path, into_folder })
    }

    fn base(&self, is_dir: bool, name: &str) -> String {
        match (is_dir, self.into_folder) {
            (false, true) => join(&self.path, name),
            _ => self.path.clone(),
        }
    }
}

/// Writes the layer that a `COPY --from` makes on `tree`, from the stream of an export
/// ([`edk_container::Containers::export`]).
pub(crate) fn write_export(
    store: &Store,
    tree: &Tree,
    stream: &mut dyn Read,
    place: Place<'_>,
    monitor: &Monitor,
) -> Result<Layer, ImageError> {
    let odd = |reason: String| ImageError::Unsupported { what: reason };
    let target = Target::new(tree, place).map_err(odd)?;
    let mut layer = Entries::new(tree, place.owner.unwrap_or((0, 0)));
    let mut tar = TarWriter::new(LayerWriter::new(store)?);
    let io = |source| ImageError::io(Path::new("the files of the image"), source);
    let mut names: HashMap<Vec<u8>, PathBuf> = HashMap::new();
    for entry in tar::Archive::new(stream).entries().map_err(io)? {
        monitor.check()?;
        let mut entry = entry.map_err(io)?;
        let name = entry.path_bytes().into_owned();
        let text = String::from_utf8(name.clone())
            .map_err(|e| odd(format!("a name that is not UTF-8 ({e})")))?;
        let (is_dir, rest) = match text.split_once('/').map(|(_, rest)| rest) {
            Some(rest) if rest.starts_with("d/") => (true, &rest[2..]),
            Some(rest) => (false, rest.strip_prefix("f/").unwrap_or(rest)),
            None => continue,
        };
        let (base, relative) = match is_dir {
            true => (target.base(true, ""), Path::new(rest)),
            false => (target.base(false, rest), Path::new("")),
        };
        if is_dir {
            layer.folder(&base).map_err(odd)?;
        }
        let link = entry.link_name_bytes().map(|link| link.into_owned());
        let kind = match (entry.header().entry_type(), link) {
            (tar::EntryType::Directory, _) => (Kind::Directory, Payload::None),
            (tar::EntryType::Symlink, Some(link)) => {
                let target = PathBuf::from(std::ffi::OsString::from_vec(link));
                (Kind::Symlink { target }, Payload::None)
            }
            (tar::EntryType::Link, Some(link)) => match names.get(&link) {
                Some(target) => (Kind::HardLink { target: target.clone() }, Payload::None),
                None => return Err(odd(format!("a hard link to what is not copied ({text})"))),
            },
            (tar::EntryType::Regular, _) => (Kind::File { size: entry.size() }, Payload::Stream),
            // Devices and pipes are made where they are needed.
            _ => continue,
        };
        let mode = place.mode.map_or_else(|| entry.header().mode(), Ok).map_err(io)?;
        if place.owner.is_none() {
            let header = entry.header();
            layer.owner = (header.uid().map_err(io)?, header.gid().map_err(io)?);
        }
        layer.add(&base, relative, kind, mode).map_err(odd)?;
        for planned in layer.planned.drain(..) {
            names.insert(name.clone(), planned.entry.path.clone());
            match planned.payload {
                Payload::Stream => tar.append(&planned.entry, &mut entry)?,
                _ => tar.append(&planned.entry, io::empty())?,
            }
        }
    }
    tar.finish()?.finish()
}

/// Returns the entries of the layer that makes sure that the folder `path` is there.
pub(crate) fn folder(tree: &Tree, path: &str) -> Result<Vec<Planned>, String> {
    let mut layer = Entries::new(tree, (0, 0));
    let path = tree.resolve(path)?;
    layer.folder(&path)?;
    Ok(layer.planned)
}

struct Entries<'a> {
    tree: &'a Tree,
    /// Of folders on the way that had to be made.
    parents: (u64, u64),
    owner: (u64, u64),
    planned: Vec<Planned>,
    folders: BTreeSet<String>,
}

impl<'a> Entries<'a> {
    fn new(tree: &'a Tree, owner: (u64, u64)) -> Self {
        Self { tree, parents: owner, owner, planned: Vec::new(), folders: BTreeSet::new() }
    }

    fn add(
        &mut self,
        base: &str,
        relative: &Path,
        (kind, payload): (Kind, Payload),
        mode: u32,
    ) -> Result<(), String> {
        let wanted = match relative.to_str() {
            Some("") => base.to_owned(),
            Some(relative) => join(base, relative.trim_end_matches('/')),
            None => return Err(format!("`{}` is not named in UTF-8", relative.display())),
        };
        // A folder of the source may meet a link of the image; what is in it goes where it leads.
        let (parent, name) = wanted.rsplit_once('/').unwrap_or(("", &wanted));
        let parent = self.tree.resolve(parent)?;
        self.folder(&parent)?;
        let path = join(&parent, name);
        if kind == Kind::Directory
            && (self.tree.resolve(&path)? != path || !self.folders.insert(path.clone()))
        {
            return Ok(());
        }
        self.push(path, kind, mode, payload, self.owner);
        Ok(())
    }

    /// Adds the folders of `path` that the tree has not, root's and open to all.
    fn folder(&mut self, path: &str) -> Result<(), String> {
        if path.is_empty() || self.folders.contains(path) {
            return Ok(());
        }
        match self.tree.node(path) {
            Node::Dir => return Ok(()),
            Node::File => return Err(format!("`/{path}` is a file, not a folder")),
            Node::Missing | Node::Link(_) => {}
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folder(parent)?;
        }
        self.folders.insert(path.to_owned());
        self.push(path.to_owned(), Kind::Directory, 0o755, Payload::None, self.parents);
        Ok(())
    }

    fn push(
        &mut self,
        path: String,
        kind: Kind,
        mode: u32,
        payload: Payload,
        (uid, gid): (u64, u64),
    ) {
        let entry = Entry { uid, gid, ..Entry::new(path, kind, mode) };
        self.planned.push(Planned { entry, payload });
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Writes `planned` as a layer into the store.
pub(crate) fn write(
    store: &Store,
    planned: &[Planned],
    monitor: &Monitor,
) -> Result<Layer, ImageError> {
    let mut tar = TarWriter::new(LayerWriter::new(store)?);
    for Planned { entry, payload } in planned {
        monitor.check()?;
        let (path, digest) = match payload {
            Payload::Disk(path, digest) => (path, digest),
            Payload::Memory(bytes) => {
                tar.append(entry, &bytes[..])?;
                continue;
            }
            Payload::None | Payload::Stream => {
                tar.append(entry, io::empty())?;
                continue;
            }
        };
        let file = fs::File::open(path).map_err(|source| ImageError::io(path, source))?;
        let mut content = Checked { file, hasher: Hasher::new(), monitor };
        tar.append(entry, &mut content)?;
        // The result is kept under the digest that was planned; another content would poison it.
        if content.hasher.finish() != *digest {
            let error = io::Error::other("it changed while it was read; build again");
            return Err(ImageError::io(path, error));
        }
    }
    tar.finish()?.finish()
}

struct Checked<'a> {
    file: fs::File,
    hasher: Hasher,
    /// Asked at every read: a single file may be large.
    monitor: &'a Monitor,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.monitor.check().map_err(io::Error::other)?;
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
