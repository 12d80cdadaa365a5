//! Layers that are written without a container: copied files and folders that must be there.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use edk_archive::{Entry, GzWriter, Kind, TarWriter, gzip};
use edk_model::{Digest, Hasher, Monitor, media};
use edk_store::{BlobWriter, Store};

use crate::{
    ImageError, Layer,
    context::{self, Content, Source},
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
    /// The file with its content, and the digest it had when it was planned.
    pub(crate) from: Option<(PathBuf, Digest)>,
}

/// What a `COPY` puts where, apart from its sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    /// Absolute path inside.
    pub(crate) path: &'a str,
    pub(crate) into_folder: bool,
    pub(crate) owner: (u64, u64),
    pub(crate) mode: Option<u32>,
}

/// Returns the entries of the layer that a `COPY` makes on `tree`: parents that are missing first,
/// links on the way followed.
pub(crate) fn copied(
    tree: &Tree,
    sources: &[Source],
    destination: Destination<'_>,
) -> Result<Vec<Planned>, String> {
    let mut layer = Entries::new(tree, destination.owner);
    let target = tree.resolve(destination.path)?;
    // As cp(1): what is copied to a folder that exists goes into it.
    let into_folder = destination.into_folder || tree.node(&target) == Node::Dir;
    for source in sources {
        let base = match (source.is_dir, into_folder) {
            (true, _) => target.clone(),
            (false, true) => join(&target, &source.name),
            (false, false) => target.clone(),
        };
        if source.is_dir {
            layer.folder(&base)?;
        }
        for entry in &source.entries {
            layer.add(&base, entry, destination.mode)?;
        }
    }
    Ok(layer.planned)
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
    owner: (u64, u64),
    planned: Vec<Planned>,
    folders: BTreeSet<String>,
}

impl<'a> Entries<'a> {
    fn new(tree: &'a Tree, owner: (u64, u64)) -> Self {
        Self { tree, owner, planned: Vec::new(), folders: BTreeSet::new() }
    }

    fn add(&mut self, base: &str, found: &context::Entry, mode: Option<u32>) -> Result<(), String> {
        // A folder of the source may meet a link of the image; what is in it goes where it leads.
        let wanted = match found.relative.to_str() {
            Some("") => base.to_owned(),
            Some(relative) => join(base, relative),
            None => return Err(format!("`{}` is not named in UTF-8", found.path.display())),
        };
        let (parent, name) = wanted.rsplit_once('/').unwrap_or(("", &wanted));
        let parent = self.tree.resolve(parent)?;
        self.folder(&parent)?;
        let path = join(&parent, name);
        let mode = mode.unwrap_or(found.mode);
        let (kind, from) = match &found.content {
            Content::Dir if self.tree.resolve(&path)? != path => return Ok(()),
            Content::Dir => (Kind::Directory, None),
            Content::Link(target) => (Kind::Symlink { target: target.clone() }, None),
            Content::File { size, digest } => {
                (Kind::File { size: *size }, Some((found.path.clone(), *digest)))
            }
        };
        if kind == Kind::Directory && !self.folders.insert(path.clone()) {
            return Ok(());
        }
        self.push(path, kind, mode, from);
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
        self.push(path.to_owned(), Kind::Directory, 0o755, None);
        Ok(())
    }

    fn push(&mut self, path: String, kind: Kind, mode: u32, from: Option<(PathBuf, Digest)>) {
        let mut entry = Entry::new(path, kind, mode);
        (entry.uid, entry.gid) = self.owner;
        self.planned.push(Planned { entry, from });
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
    for Planned { entry, from } in planned {
        monitor.check()?;
        let Some((path, digest)) = from else {
            tar.append(entry, io::empty())?;
            continue;
        };
        let file = fs::File::open(path).map_err(|source| ImageError::io(path, source))?;
        let mut content = Checked { file, hasher: Hasher::new() };
        tar.append(entry, &mut content)?;
        // The result is kept under the digest that was planned; another content would poison it.
        if content.hasher.finish() != *digest {
            let error = io::Error::other("it changed while it was read; build again");
            return Err(ImageError::io(path, error));
        }
    }
    tar.finish()?.finish()
}

struct Checked {
    file: fs::File,
    hasher: Hasher,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
