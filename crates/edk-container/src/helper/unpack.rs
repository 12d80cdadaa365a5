//! A layer's tar stream -> a folder that overlayfs can stack.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::{self, Read},
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink},
    },
    path::{Component, Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::stat::{Mode, SFlag, makedev, mknod},
};
use tar::{Archive, Entry, EntryType};

use crate::identity::Privilege;

use super::{
    fault::{Fault, Step as _},
    resolve::{MAX_LINKS, parts},
    tree::{find_in, is_whiteout, opaque_attribute, open_in, set_time},
};

/// OCI image specification, "Whiteouts".
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Unpacks `tar` into the empty folder `target`, which lies on the layers `below` (topmost first).
pub(crate) fn unpack(
    tar: impl Read,
    target: &Path,
    below: &[PathBuf],
    privilege: Privilege,
) -> Result<(), Fault> {
    let rootless = privilege.is_rootless();
    let known = BTreeSet::from([PathBuf::new()]);
    let opaque = opaque_attribute(rootless);
    let layers: Vec<_> = [target.to_owned()].into_iter().chain(below.to_owned()).collect();
    let mut unpacker = Unpacker { target, layers, known, times: Vec::new(), opaque, privilege };
    unpacker.imply_root(below).step("make the layer's folder")?;
    let mut archive = Archive::new(tar);
    for entry in archive.entries().step("read the layer")? {
        let mut entry = entry.step("read the layer")?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        unpacker.entry(&mut entry).step(format!("unpack `{name}`"))?;
    }
    // Folders last, and deepest first: writing into a folder changes its time.
    for (path, time) in unpacker.times.iter().rev() {
        set_time(path, *time).step("set the times of folders")?;
    }
    // The parent waits for the answer, not for the end of its own stream.
    io::copy(&mut archive.into_inner(), &mut io::sink()).step("read the layer")?;
    Ok(())
}

struct Unpacker<'a> {
    target: &'a Path,
    /// The target and what it lies on, topmost first.
    layers: Vec<PathBuf>,
    /// Folders of the target that are there and no links, relative.
    known: BTreeSet<PathBuf>,
    times: Vec<(PathBuf, u64)>,
    opaque: &'static str,
    privilege: Privilege,
}

impl Unpacker<'_> {
    /// The root itself shows through from below unless the layer has an entry for it.
    fn imply_root(&self, below: &[PathBuf]) -> io::Result<()> {
        let mode = match find_in(below, Path::new(""), self.opaque)? {
            Some((_, metadata)) => metadata.mode() & 0o7777,
            None => 0o755,
        };
        fs::set_permissions(self.target, Permissions::from_mode(mode))
    }

    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
        let path = safe_path(&entry.path_bytes())?;
        let Some(name) = path.file_name().map(ToOwned::to_owned) else {
            return self.attributes(entry, self.target);
        };
        let parent = self.parent(path.parent().unwrap_or(Path::new("")))?;
        if name.as_bytes() == OPAQUE {
            return xattr::set(self.target.join(parent), self.opaque, b"y");
        }
        if let Some(hidden) = name.as_bytes().strip_prefix(WHITEOUT) {
            return self.whiteout(&parent.join(std::ffi::OsStr::from_bytes(hidden)));
        }
        let relative = parent.join(name);
        let path = self.target.join(&relative);
        self.make_room(entry.header().entry_type(), &relative, &path)?;
        self.create(entry, &relative, &path)
    }

    fn whiteout(&mut self, relative: &Path) -> io::Result<()> {
        let path = self.target.join(relative);
        self.make_room(EntryType::Regular, relative, &path)?;
        Ok(mknod(&path, SFlag::S_IFCHR, Mode::empty(), makedev(0, 0))?)
    }

    /// Removes what an earlier entry of the same layer put there, except a folder for a folder.
    fn make_room(&mut self, kind: EntryType, relative: &Path, path: &Path) -> io::Result<()> {
        let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
        if !metadata.is_dir() {
            return fs::remove_file(path);
        }
        if kind.is_dir() {
            return Ok(());
        }
        // Those below come after it, one after the other.
        let below = self.known.range(relative.to_owned()..);
        let below: Vec<_> = below.take_while(|it| it.starts_with(relative)).cloned().collect();
        for gone in &below {
            self.known.remove(gone);
        }
        fs::remove_dir_all(path)
    }

    fn create(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        relative: &Path,
        path: &Path,
    ) -> io::Result<()> {
        match entry.header().entry_type() {
            EntryType::Directory => {
                if !path.is_dir() {
                    fs::create_dir(path)?;
                }
                self.known.insert(relative.to_owned());
            }
            EntryType::Symlink => symlink(link_name(entry)?, path)?,
            EntryType::Link => return self.hard_link(&link_name(entry)?, path),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                if !self.node(entry.header(), path)? {
                    return Ok(());
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut file = File::create_new(path)?;
                io::copy(entry, &mut file)?;
            }
            // Global headers and the like carry no file.
            _ => return Ok(()),
        }
        self.attributes(entry, path)
    }

    /// Makes a device node or a pipe; says whether it is there. An ordinary user can't make
    /// devices, and a container brings its own /dev.
    fn node(&self, header: &tar::Header, path: &Path) -> io::Result<bool> {
        let (kind, device) = match header.entry_type() {
            EntryType::Fifo => (SFlag::S_IFIFO, 0),
            kind => {
                let number =
                    |n: io::Result<Option<u32>>| Ok::<_, io::Error>(n?.unwrap_or(0).into());
                let device =
                    makedev(number(header.device_major())?, number(header.device_minor())?);
                (if kind == EntryType::Char { SFlag::S_IFCHR } else { SFlag::S_IFBLK }, device)
            }
        };
        match mknod(path, kind, Mode::empty(), device) {
            Err(Errno::EPERM) if self.privilege.is_rootless() => Ok(false),
            result => result.map(|()| true).map_err(io::Error::from),
        }
    }

    fn hard_link(&mut self, to: &Path, path: &Path) -> io::Result<()> {
        let to = safe_path(to.as_os_str().as_bytes())?;
        let parent = self.parent(to.parent().unwrap_or(Path::new("")))?;
        let relative = parent.join(to.file_name().unwrap_or_default());
        let here = self.target.join(&relative);
        if fs::symlink_metadata(&here).is_ok() {
            return fs::hard_link(here, path);
        }
        // The link's other end lies in a layer below: the file is copied up, as overlayfs would.
        let Some((layer, metadata)) = find_in(&self.layers, &relative, self.opaque)? else {
            return Err(io::Error::other(format!("a hard link to `{}`", relative.display())));
        };
        if metadata.is_symlink() {
            symlink(fs::read_link(layer.join(&relative))?, path)?;
            return own(path, metadata.uid(), metadata.gid(), self.privilege);
        }
        if !metadata.is_file() {
            return Err(io::Error::other("a hard link to what is no file"));
        }
        let mut from = open_in(&layer, &relative, OFlag::O_RDONLY)?;
        io::copy(&mut from, &mut File::create_new(path)?)?;
        own(path, metadata.uid(), metadata.gid(), self.privilege)?;
        fs::set_permissions(path, Permissions::from_mode(metadata.mode() & 0o7777))
    }

    fn attributes(&mut self, entry: &mut Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
        let header = entry.header();
        let number = |id: u64| u32::try_from(id).map_err(io::Error::other);
        let (uid, gid) = (number(header.uid()?)?, number(header.gid()?)?);
        let (mode, time, kind) = (header.mode()?, header.mtime()?, header.entry_type());
        // A changed owner clears the set-uid bit, so the mode comes second.
        own(path, uid, gid, self.privilege)?;
        if kind != EntryType::Symlink {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o7777))?;
        }
        for (name, value) in extended_attributes(entry)? {
            match xattr::set(path, name, &value) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
                // Capabilities need more than one id.
                Err(_) if self.privilege == Privilege::Single => {}
                result => result?,
            }
        }
        if kind.is_dir() {
            self.times.push((path.to_owned(), time));
            return Ok(());
        }
        set_time(path, time)
    }

    /// Returns where `path` really lies, links followed through all layers, and makes the folders
    /// on the way that only lower layers have, looking as they look there.
    fn parent(&mut self, path: &Path) -> io::Result<PathBuf> {
        if self.known.contains(path) {
            return Ok(path.to_owned());
        }
        let (mut todo, mut done, mut links) = (parts(path), PathBuf::new(), 0);
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                done.pop();
                continue;
            }
            let next = done.join(part);
            let Some(link) = self.enter(&next)? else {
                done = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("too many symbolic links"));
            }
            if link.is_absolute() {
                done.clear();
            }
            for part in parts(&link).into_iter().rev() {
                todo.push_front(part);
            }
        }
        Ok(done)
    }

    /// Makes sure that the folder `relative` is in the target; returns where it leads when it is a
    /// symbolic link.
    fn enter(&mut self, relative: &Path) -> io::Result<Option<PathBuf>> {
        if self.known.contains(relative) {
            return Ok(None);
        }
        let path = self.target.join(relative);
        let found = find_in(&self.layers, relative, self.opaque)?;
        let made_here = found.as_ref().is_some_and(|(layer, _)| layer == self.target);
        match found {
            Some((layer, metadata)) if metadata.is_symlink() => {
                return Ok(Some(fs::read_link(layer.join(relative))?));
            }
            Some((_, metadata)) if metadata.is_dir() => {
                if !made_here {
                    imply(&path, &metadata, self.privilege)?;
                    let time = u64::try_from(metadata.mtime()).unwrap_or(0);
                    self.times.push((path, time));
                }
            }
            Some((_, metadata)) if !is_whiteout(&metadata) && made_here => {
                return Err(io::Error::from(io::ErrorKind::NotADirectory));
            }
            Some((_, metadata)) if is_whiteout(&metadata) && made_here => {
                // Deleted and made again in the same layer: nothing below shows through.
                fs::remove_file(&path)?;
                fs::create_dir(&path)?;
                xattr::set(&path, self.opaque, b"y")?;
            }
            _ => fs::create_dir(&path)?,
        }
        self.known.insert(relative.to_owned());
        Ok(None)
    }
}

/// Gives a file its owner. Where there is one id only, everything is its.
fn own(path: &Path, uid: u32, gid: u32, privilege: Privilege) -> io::Result<()> {
    match privilege {
        Privilege::Single => Ok(()),
        _ => lchown(path, Some(uid), Some(gid)),
    }
}

/// Makes a folder that the layer only implies, as it looks below.
fn imply(path: &Path, below: &fs::Metadata, privilege: Privilege) -> io::Result<()> {
    fs::create_dir(path)?;
    own(path, below.uid(), below.gid(), privilege)?;
    fs::set_permissions(path, Permissions::from_mode(below.mode() & 0o7777))
}

/// Returns the path of an entry relative to the root; one that climbs is refused.
fn safe_path(bytes: &[u8]) -> io::Result<PathBuf> {
    let path = PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(io::Error::other("the path climbs out of the layer"));
    }
    Ok(parts(&path).into_iter().collect())
}

fn link_name(entry: &Entry<'_, impl Read>) -> io::Result<PathBuf> {
    let bytes = entry.link_name_bytes().unwrap_or_default().into_owned();
    if bytes.is_empty() {
        return Err(io::Error::other("a link without a target"));
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// Extended attributes lie in PAX records `SCHILY.xattr.<name>`.
fn extended_attributes(entry: &mut Entry<'_, impl Read>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let Some(records) = entry.pax_extensions()? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for record in records {
        let record = record?;
        if let Some(name) = record.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) {
            found.push((name.to_owned(), record.value_bytes().to_vec()));
        }
    }
    Ok(found)
}
