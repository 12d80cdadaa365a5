//! Layers that are written without a container: copied files and folders that must be there.

use std::{
    collections::HashMap,
    ffi::OsString,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use edk_archive::{Bounds, Entry, Kind, Stoppable, TarWriter};
use edk_model::{Digest, Hasher, Monitor};
use edk_store::Store;

use crate::{
    ImageError, Layer,
    beneath::Root,
    compression::{Compression, Compressor},
    context::{self, Content, Source},
    mode::Mode,
    patterns::Rules,
    tree::{Node, Tree},
    unpacking,
};

/// Takes a layer's uncompressed tar and writes it, compressed, into the store; both digests come
/// from the one pass.
pub(crate) struct LayerWriter {
    diff_id: Hasher,
    blob: Compressor,
}

impl LayerWriter {
    pub(crate) fn new(store: &Store, compression: Compression) -> Result<Self, ImageError> {
        Ok(Self { diff_id: Hasher::new(), blob: Compressor::new(store, compression)? })
    }

    pub(crate) fn finish(self) -> Result<Layer, ImageError> {
        let descriptor = self.blob.commit()?;
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

/// Why a layer can't be written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The step asks for what can't be.
    Step(String),
    /// Something outside of the step failed.
    Error(Box<ImageError>),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Step(reason)
    }
}

impl<E: Into<ImageError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

/// What a `COPY` puts where, apart from its sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Absolute path inside.
    pub(crate) path: &'a str,
    pub(crate) into_folder: bool,
    /// `None`: root for files of the context, the owner they have for files of an image.
    pub(crate) owner: Option<(u64, u64)>,
    pub(crate) mode: Option<&'a Mode>,
}

/// Where a [`Composer`] finds contents.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    pub(crate) store: &'a Store,
    pub(crate) context: &'a Root,
    pub(crate) monitor: &'a Monitor,
}

/// Writes the entries of one layer: parents that are missing first, links on the way followed,
/// those of the layer itself too.
pub(crate) struct Composer<'a, W: Write> {
    contents: Contents<'a>,
    tree: Tree,
    tar: TarWriter<W>,
    place: Place<'a>,
    into_folder: bool,
    path: String,
    /// Of folders on the way that had to be made.
    parents: (u64, u64),
}

/// How an entry looks.
struct Look {
    mode: u32,
    owner: (u64, u64),
    xattrs: Vec<(String, Vec<u8>)>,
}

impl<'a, W: Write> Composer<'a, W> {
    /// Starts a layer on `tree` that puts things at `place`.
    pub(crate) fn new(
        contents: Contents<'a>,
        tree: Tree,
        place: Place<'a>,
        out: W,
    ) -> Result<Self, Fault> {
        let path = tree.resolve(place.path)?;
        // As cp(1): what is copied to a folder that exists goes into it.
        let into_folder = place.into_folder || tree.node(&path) == Node::Dir;
        let parents = place.owner.unwrap_or((0, 0));
        Ok(Self { contents, tree, tar: TarWriter::new(out), place, into_folder, path, parents })
    }

    /// Completes the layer.
    pub(crate) fn finish(self) -> Result<W, Fault> {
        Ok(self.tar.finish()?)
    }

    /// Adds the sources of a `COPY` or `ADD`.
    pub(crate) fn sources(&mut self, sources: &[Source]) -> Result<(), Fault> {
        sources.iter().try_for_each(|source| self.source(source))
    }

    /// Makes sure that the place is a folder.
    pub(crate) fn make_folder(&mut self) -> Result<(), Fault> {
        let path = self.path.clone();
        self.folder(&path)
    }

    fn base(&self, is_dir: bool, name: &str) -> String {
        match (is_dir, self.into_folder) {
            (false, true) => join(&self.path, name),
            _ => self.path.clone(),
        }
    }

    fn source(&mut self, source: &Source) -> Result<(), Fault> {
        if source.unpack
            && let [only] = source.entries.as_slice()
        {
            return self.archive(only);
        }
        let base = self.base(source.is_dir, &source.name);
        if source.is_dir {
            self.folder(&base)?;
        }
        let mut names = HashMap::new();
        for found in &source.entries {
            self.contents.monitor.check()?;
            let kind = match &found.content {
                Content::Dir => Kind::Directory,
                Content::Link(target) => Kind::Symlink { target: target.clone() },
                Content::File { size, .. } | Content::Blob { size, .. } => {
                    Kind::File { size: *size }
                }
                Content::Memory { bytes, .. } => Kind::File { size: bytes.len() as u64 },
                Content::HardLink(first) => match names.get(first) {
                    Some(target) => Kind::HardLink { target: PathBuf::from(target) },
                    None => return Err(Fault::Step(format!("`{}` is gone", first.display()))),
                },
            };
            let look = Look {
                mode: self.mode(found.mode, &kind),
                owner: self.place.owner.unwrap_or((0, 0)),
                xattrs: found.xattrs.clone(),
            };
            let written = match &found.content {
                Content::Memory { bytes, .. } => {
                    self.add(&base, &found.relative, kind, look, &mut &bytes[..])?
                }
                Content::File { digest, .. } => {
                    let mut content = self.open(found)?;
                    let written = self.add(&base, &found.relative, kind, look, &mut content)?;
                    content.expect(digest)?;
                    written
                }
                Content::Blob { digest, .. } => {
                    let mut content = self.contents.store.reader(digest)?;
                    self.add(&base, &found.relative, kind, look, &mut content)?
                }
                _ => self.add(&base, &found.relative, kind, look, &mut io::empty())?,
            };
            names.insert(found.relative.clone(), written);
        }
        Ok(())
    }

    fn mode(&self, mode: u32, kind: &Kind) -> u32 {
        match (self.place.mode, kind) {
            (_, Kind::Symlink { .. }) => 0o777,
            (Some(change), kind) => change.of(mode, *kind == Kind::Directory),
            (None, _) => mode,
        }
    }

    fn open(&self, entry: &context::Entry) -> Result<Checked<'a>, Fault> {
        let path = self.contents.context.path().join(&entry.path);
        let file = self.contents.context.file(&entry.path);
        let file = file.map_err(|source| ImageError::io(&path, source))?;
        let file = Stoppable::new(file, self.contents.monitor);
        Ok(Checked { file, path, hasher: Hasher::new() })
    }

    /// Adds what is in an archive.
    fn archive(&mut self, entry: &context::Entry) -> Result<(), Fault> {
        let base = self.path.clone();
        self.folder(&base)?;
        match &entry.content {
            Content::Blob { digest, .. } => {
                let content = self.contents.store.reader(digest)?;
                self.unpack(content, &base, unpacking::LIMITS)
            }
            Content::File { digest, .. } => {
                let mut content = self.open(entry)?;
                self.unpack(&mut content, &base, unpacking::LIMITS)?;
                // A tar ends before its file does.
                io::copy(&mut content, &mut io::sink())
                    .map_err(|source| ImageError::io(&content.path, source))?;
                content.expect(digest)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn unpack(
        &mut self,
        content: impl Read,
        base: &str,
        limits: Bounds,
    ) -> Result<(), Fault> {
        let broken = |error: io::Error| Fault::Step(format!("the archive can't be read: {error}"));
        let stream = unpacking::decompressed(content, limits).map_err(broken)?;
        let mut archive = tar::Archive::new(stream);
        let mut names: HashMap<PathBuf, String> = HashMap::new();
        for entry in archive.entries().map_err(broken)? {
            self.contents.monitor.check()?;
            let mut entry = entry.map_err(broken)?;
            let Some(name) = inner_name(&entry.path_bytes())? else { continue };
            let Some(kind) = kind_of(&entry, &name, |link| {
                let link = inner_name(link).ok().flatten()?;
                names.get(&link).cloned()
            })?
            else {
                continue;
            };
            let look = self.look_of(&mut entry, &kind, |(uid, gid)| (uid, gid))?;
            let written = self.add(base, &name, kind, look, &mut entry)?;
            names.insert(name, written);
        }
        Ok(())
    }

    /// Adds what an export of an image streams (`machine::export`).
    pub(crate) fn export(&mut self, stream: &mut dyn Read, exclude: &Rules) -> Result<(), Fault> {
        let io = |source| ImageError::io(Path::new("the files of the image"), source);
        let mut names: HashMap<Vec<u8>, String> = HashMap::new();
        for entry in tar::Archive::new(stream).entries().map_err(io)? {
            self.contents.monitor.check()?;
            let mut entry = entry.map_err(io)?;
            let name = entry.path_bytes().into_owned();
            let text = String::from_utf8(name.clone())
                .map_err(|e| Fault::Step(format!("a name that is not UTF-8 ({e})")))?;
            let (is_dir, rest) = match text.split_once('/').map(|(_, rest)| rest) {
                Some(rest) if rest.starts_with("d/") => (true, &rest[2..]),
                Some(rest) => (false, rest.strip_prefix("f/").unwrap_or(rest)),
                None => continue,
            };
            if exclude.ignores(Path::new(rest.trim_end_matches('/'))) {
                continue;
            }
            let (base, relative) = match is_dir {
                true => (self.base(true, ""), Path::new(rest)),
                false => (self.base(false, rest), Path::new("")),
            };
            if is_dir {
                self.folder(&base)?;
            }
            let kind = kind_of(&entry, Path::new(&text), |link| names.get(link).cloned());
            // Devices and pipes are made where they are needed.
            let Ok(Some(kind)) = kind else { continue };
            let look = self.look_of(&mut entry, &kind, |owner| owner)?;
            let written = self.add(&base, relative, kind, look, &mut entry)?;
            names.insert(name, written);
        }
        Ok(())
    }

    fn look_of(
        &self,
        entry: &mut tar::Entry<'_, impl Read>,
        kind: &Kind,
        own: impl Fn((u64, u64)) -> (u64, u64),
    ) -> Result<Look, Fault> {
        let odd = |error: io::Error| Fault::Step(format!("the archive can't be read: {error}"));
        let header = entry.header();
        let mode = self.mode(header.mode().map_err(odd)? & 0o7777, kind);
        let owner = own((header.uid().map_err(odd)?, header.gid().map_err(odd)?));
        let mut xattrs = Vec::new();
        for record in entry.pax_extensions().map_err(odd)?.into_iter().flatten().flatten() {
            let name = record.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr."));
            if let Some(name) = name
                && (name == "security.capability" || name.starts_with("user."))
            {
                xattrs.push((name.to_owned(), record.value_bytes().to_vec()));
            }
        }
        xattrs.sort();
        Ok(Look { mode, owner: self.place.owner.unwrap_or(owner), xattrs })
    }

    /// Adds one entry below `base`; returns where it came to lie.
    fn add(
        &mut self,
        base: &str,
        relative: &Path,
        kind: Kind,
        look: Look,
        content: &mut dyn Read,
    ) -> Result<String, Fault> {
        let wanted = match relative.to_str() {
            Some("") => base.to_owned(),
            Some(relative) => join(base, relative.trim_end_matches('/')),
            None => {
                let message = format!("`{}` is not named in UTF-8", relative.display());
                return Err(Fault::Step(message));
            }
        };
        // A folder of the source may meet a link of the image; what is in it goes where it leads.
        let (parent, name) = wanted.rsplit_once('/').unwrap_or(("", &wanted));
        let parent = self.tree.resolve(parent)?;
        self.folder(&parent)?;
        let path = join(&parent, name);
        if path.is_empty() {
            return Ok(path);
        }
        if kind == Kind::Directory {
            let real = self.tree.resolve(&path)?;
            if real != path {
                self.folder(&real)?;
                return Ok(real);
            }
            if self.tree.is_new_folder(&path) {
                return Ok(path);
            }
        } else if self.tree.node(&path) == Node::Dir {
            return Err(Fault::Step(format!("`/{path}` is a folder, and a file would replace it")));
        }
        self.push(path.clone(), kind, look, content)?;
        Ok(path)
    }

    /// Makes sure that the folder `path` is there: root's and open to all when it is made.
    pub(crate) fn folder(&mut self, path: &str) -> Result<(), Fault> {
        match self.tree.node(path) {
            Node::Dir => return Ok(()),
            Node::File => return Err(Fault::Step(format!("`/{path}` is a file, not a folder"))),
            Node::Missing | Node::Link(_) => {}
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folder(parent)?;
        }
        let look = Look { mode: 0o755, owner: self.parents, xattrs: Vec::new() };
        self.push(path.to_owned(), Kind::Directory, look, &mut io::empty())
    }

    fn push(
        &mut self,
        path: String,
        kind: Kind,
        look: Look,
        content: &mut dyn Read,
    ) -> Result<(), Fault> {
        self.tree.note(&path, &kind);
        let Look { mode, owner: (uid, gid), xattrs } = look;
        let entry = Entry { uid, gid, xattrs, ..Entry::new(path, kind, mode) };
        Ok(self.tar.append(&entry, content)?)
    }
}

/// The path of an entry of an archive below its destination; one that climbs is refused.
fn inner_name(bytes: &[u8]) -> Result<Option<PathBuf>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Fault::Step(format!("the archive has a name that is not UTF-8 ({error})"))
    })?;
    let mut path = PathBuf::new();
    for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return Err(Fault::Step(format!("`{text}` of the archive leads out of it")));
        }
        path.push(part);
    }
    Ok(if path.as_os_str().is_empty() { None } else { Some(path) })
}

/// What an entry becomes; `None` for what carries no file.
fn kind_of(
    entry: &tar::Entry<'_, impl Read>,
    name: &Path,
    linked: impl Fn(&[u8]) -> Option<String>,
) -> Result<Option<Kind>, Fault> {
    let link = entry.link_name_bytes().unwrap_or_default().into_owned();
    let odd = |what: &str| Fault::Step(format!("`{}` is {what}", name.display()));
    Ok(Some(match entry.header().entry_type() {
        tar::EntryType::Directory => Kind::Directory,
        tar::EntryType::Symlink if !link.is_empty() => {
            Kind::Symlink { target: PathBuf::from(os_string(link)) }
        }
        tar::EntryType::Link => match linked(&link) {
            Some(target) => Kind::HardLink { target: PathBuf::from(target) },
            None => return Err(odd("a hard link to what is not copied with it")),
        },
        tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
            Kind::File { size: entry.size() }
        }
        tar::EntryType::Char | tar::EntryType::Block | tar::EntryType::Fifo => {
            return Err(odd("a device or pipe, which no image takes"));
        }
        _ => return Ok(None),
    }))
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A file of the context, hashed as it is read.
struct Checked<'a> {
    file: Stoppable<'a, std::fs::File>,
    path: PathBuf,
    hasher: Hasher,
}

impl Checked<'_> {
    /// Expects that what was read is what was planned: the result is kept under that digest, and
    /// another content would poison it.
    fn expect(self, digest: &Digest) -> Result<(), Fault> {
        if self.hasher.finish() == *digest {
            return Ok(());
        }
        let error = io::Error::other("it changed while it was read; build again");
        Err(ImageError::io(&self.path, error).into())
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
