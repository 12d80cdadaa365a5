//! What a process changed (the upper folder of overlayfs) -> a layer's tar stream.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::{self, Write},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use edk_model::SOURCE_DATE_EPOCH;
use nix::sys::stat::{major, minor};
use tar::{Builder, EntryType, Header};

use super::{
    fault::{Fault, Step as _},
    tree::{find_in, is_whiteout, opaque_attribute, set_time},
};

/// Writes the changes in `upper` against the layers `below` (topmost first) as a layer: sorted,
/// every time stamp the fixed one, deletions as whiteouts. The files in `upper` get the same time
/// stamps, so that they look as the layer will when it is unpacked.
pub(crate) fn write(
    upper: &Path,
    below: &[PathBuf],
    rootless: bool,
    to: impl Write,
) -> Result<(), Fault> {
    let mut builder = Builder::new(to);
    let mut differ = Differ {
        upper,
        below,
        builder: &mut builder,
        links: HashMap::new(),
        pending: Vec::new(),
        opaque: opaque_attribute(rootless),
        fresh: 0,
        prefix: PathBuf::new(),
        touch: true,
    };
    differ.folder(Path::new("")).step("read the changes")?;
    let mut to = builder.into_inner().step("write the changes")?;
    to.flush().step("write the changes")
}

/// Writes whole trees of files as they are, under new names; time stamps are the fixed one.
pub(crate) struct Exporter<W: Write> {
    builder: Builder<W>,
    opaque: &'static str,
}

impl<W: Write> Exporter<W> {
    pub(crate) fn new(to: W, rootless: bool) -> Self {
        Self { builder: Builder::new(to), opaque: opaque_attribute(rootless) }
    }

    /// Adds the file `path` as `<number>/f/<name>`, or what is in the folder `path` as
    /// `<number>/d/…`.
    pub(crate) fn add(&mut self, path: &Path, number: usize) -> io::Result<()> {
        let metadata = fs::symlink_metadata(path)?;
        let prefix = format!("{number}/{}", if metadata.is_dir() { 'd' } else { 'f' });
        self.walk(path, &metadata, PathBuf::from(prefix))
    }

    /// Adds the file or folder `path` as `<number>/d/<shown>`, each folder on the way an entry that
    /// looks as those `path` lies in.
    pub(crate) fn add_below(&mut self, path: &Path, number: usize, shown: &Path) -> io::Result<()> {
        let metadata = fs::symlink_metadata(path)?;
        let prefix = PathBuf::from(format!("{number}/d"));
        let depth = shown.components().count();
        let (own, folders) = if metadata.is_dir() { (0, depth) } else { (1, depth.max(1) - 1) };
        for at in (own..own + folders).rev() {
            let (Some(real), Some(name)) = (path.ancestors().nth(at), shown.ancestors().nth(at))
            else {
                continue;
            };
            let mut header = header(&fs::metadata(real)?, EntryType::Directory);
            self.builder.append_data(&mut header, prefix.join(name).join(""), io::empty())?;
        }
        let above = if metadata.is_dir() { shown } else { shown.parent().unwrap_or(shown) };
        self.walk(path, &metadata, prefix.join(above))
    }

    fn walk(&mut self, path: &Path, metadata: &Metadata, prefix: PathBuf) -> io::Result<()> {
        let root = if metadata.is_dir() { path } else { path.parent().unwrap_or(path) };
        let mut differ = Differ {
            upper: root,
            below: &[],
            builder: &mut self.builder,
            links: HashMap::new(),
            pending: Vec::new(),
            opaque: self.opaque,
            fresh: 0,
            prefix,
            touch: false,
        };
        if metadata.is_dir() {
            return differ.folder(Path::new(""));
        }
        differ.file(Path::new(path.file_name().unwrap_or_default()), path, metadata)
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.builder.into_inner()?.flush()
    }
}

struct Differ<'a, W: Write> {
    upper: &'a Path,
    below: &'a [PathBuf],
    builder: &'a mut Builder<W>,
    /// First path of each file that has several.
    links: HashMap<(u64, u64), PathBuf>,
    /// Folders on the way that are written only when something in them is.
    pending: Vec<(PathBuf, Metadata)>,
    opaque: &'static str,
    /// How many folders on the way show nothing of the layers below: nothing in them is there
    /// unless written.
    fresh: usize,
    /// Put before every name.
    prefix: PathBuf,
    /// Whether the files read get the fixed time stamp too.
    touch: bool,
}

impl<W: Write> Differ<'_, W> {
    fn folder(&mut self, relative: &Path) -> io::Result<()> {
        let path = self.upper.join(relative);
        let mut names: Vec<_> = fs::read_dir(&path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        for name in names {
            self.entry(&relative.join(name))?;
        }
        if self.touch { set_time(&path, SOURCE_DATE_EPOCH) } else { Ok(()) }
    }

    fn entry(&mut self, relative: &Path) -> io::Result<()> {
        let path = self.upper.join(relative);
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            return self.enter(relative, metadata);
        }
        if is_whiteout(&metadata) {
            return self.empty(&whiteout(relative, ".wh."));
        }
        if metadata.file_type().is_socket() {
            return Ok(());
        }
        if self.touch {
            set_time(&path, SOURCE_DATE_EPOCH)?;
        }
        self.flush_pending()?;
        self.file(relative, &path, &metadata)
    }

    fn enter(&mut self, relative: &Path, metadata: Metadata) -> io::Result<()> {
        let path = self.upper.join(relative);
        let opaque = xattr::get(&path, self.opaque)?.is_some_and(|value| value == b"y");
        let before = match opaque || self.fresh > 0 {
            true => None,
            false => find_in(self.below, relative, self.opaque)?.map(|(_, metadata)| metadata),
        };
        let changed = before.as_ref().is_none_or(|before| look(before) != look(&metadata));
        self.pending.push((relative.to_owned(), metadata));
        let depth = self.pending.len();
        if changed {
            self.flush_pending()?;
        }
        if opaque {
            self.empty(&relative.join(".wh..wh..opq"))?;
        }
        self.fresh += usize::from(before.is_none());
        self.folder(relative)?;
        self.fresh -= usize::from(before.is_none());
        if self.pending.len() == depth {
            // Nothing in it was written and it looks as before: it was only passed through.
            self.pending.pop();
        }
        Ok(())
    }

    /// Writes the folders on the way that were not written yet.
    fn flush_pending(&mut self) -> io::Result<()> {
        for (relative, metadata) in std::mem::take(&mut self.pending) {
            let mut header = header(&metadata, EntryType::Directory);
            self.attributes(&relative)?;
            self.builder.append_data(
                &mut header,
                self.prefix.join(&relative).join(""),
                io::empty(),
            )?;
        }
        Ok(())
    }

    fn file(&mut self, relative: &Path, path: &Path, metadata: &Metadata) -> io::Result<()> {
        if metadata.nlink() > 1 {
            let key = (metadata.dev(), metadata.ino());
            if let Some(first) = self.links.get(&key) {
                let mut header = header(metadata, EntryType::Link);
                return self.builder.append_link(
                    &mut header,
                    self.prefix.join(relative),
                    self.prefix.join(first),
                );
            }
            self.links.insert(key, relative.to_owned());
        }
        let kind = metadata.file_type();
        self.attributes(relative)?;
        if kind.is_symlink() {
            let mut header = header(metadata, EntryType::Symlink);
            return self.builder.append_link(
                &mut header,
                self.prefix.join(relative),
                fs::read_link(path)?,
            );
        }
        if kind.is_file() {
            let mut header = header(metadata, EntryType::Regular);
            header.set_size(metadata.len());
            return self.builder.append_data(
                &mut header,
                self.prefix.join(relative),
                File::open(path)?,
            );
        }
        let kind = match kind {
            kind if kind.is_char_device() => EntryType::Char,
            kind if kind.is_block_device() => EntryType::Block,
            _ => EntryType::Fifo,
        };
        let mut header = header(metadata, kind);
        let number = |n: u64| u32::try_from(n).map_err(io::Error::other);
        header.set_device_major(number(major(metadata.rdev()))?)?;
        header.set_device_minor(number(minor(metadata.rdev()))?)?;
        self.builder.append_data(&mut header, self.prefix.join(relative), io::empty())
    }

    fn empty(&mut self, relative: &Path) -> io::Result<()> {
        self.flush_pending()?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(0);
        header.set_mtime(SOURCE_DATE_EPOCH);
        self.builder.append_data(&mut header, self.prefix.join(relative), io::empty())
    }

    /// Writes the extended attributes that belong to an image: capabilities and the user's own.
    fn attributes(&mut self, relative: &Path) -> io::Result<()> {
        let path = self.upper.join(relative);
        let mut records = Vec::new();
        for name in xattr::list(&path)? {
            let Some(name) = name.to_str() else { continue };
            let ours = name == "security.capability"
                || name.starts_with("user.") && !name.starts_with("user.overlay.");
            if let (true, Some(value)) = (ours, xattr::get(&path, name)?) {
                records.push((format!("SCHILY.xattr.{name}"), value));
            }
        }
        records.sort();
        if records.is_empty() {
            return Ok(());
        }
        let records = records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        self.builder.append_pax_extensions(records)
    }
}

/// What of a folder's looks a layer keeps.
fn look(metadata: &Metadata) -> (u32, u32, u32) {
    (metadata.mode(), metadata.uid(), metadata.gid())
}

fn header(metadata: &Metadata, kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(metadata.mode() & 0o7777);
    header.set_uid(metadata.uid().into());
    header.set_gid(metadata.gid().into());
    header.set_mtime(SOURCE_DATE_EPOCH);
    header.set_size(0);
    header
}

/// Puts `prefix` before the name of `path`.
fn whiteout(path: &Path, prefix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(prefix);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}
