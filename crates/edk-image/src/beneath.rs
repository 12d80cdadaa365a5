//! Files of a folder that nobody can lead out of, whatever is exchanged for a link meanwhile.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A folder that is held open.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    #[cfg(target_os = "linux")]
    handle: fs::File,
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

/// What lies at a path.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) kind: Kind,
    /// Permission bits.
    pub(crate) mode: u32,
    /// What a file with several names has in common with its other names.
    pub(crate) twin: Option<(u64, u64)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Dir,
    Link(PathBuf),
    /// A device, pipe or socket.
    Special,
}

impl Root {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        #[cfg(target_os = "linux")]
        let handle = fs::File::open(&path)?;
        Ok(Self {
            path,
            #[cfg(target_os = "linux")]
            handle,
        })
    }

    /// Returns the folder, links resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns somebody who looks at many paths, one folder after the other.
    pub(crate) fn look(&self) -> Look<'_> {
        Look {
            root: self,
            #[cfg(target_os = "linux")]
            folder: None,
        }
    }

    /// Opens what is at `relative`, in which nothing is a link.
    #[cfg(target_os = "linux")]
    fn open_beneath(&self, relative: &Path, flags: nix::fcntl::OFlag) -> io::Result<fs::File> {
        use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
        let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
        Ok(fs::File::from(openat2(&self.handle, relative, how)?))
    }

    /// Opens the regular file `relative`, in which nothing is a link.
    #[cfg(target_os = "linux")]
    pub(crate) fn file(&self, relative: &Path) -> io::Result<fs::File> {
        use nix::fcntl::OFlag;
        // A pipe that took the file's place must not make us wait.
        let file = self.open_beneath(relative, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Err(io::Error::other("it is no regular file any more"))
    }

    /// Opens the regular file `relative`.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn file(&self, relative: &Path) -> io::Result<fs::File> {
        let path = self.path.join(relative);
        if fs::symlink_metadata(&path)?.is_file() && path.canonicalize()?.starts_with(&self.path) {
            return fs::File::open(path);
        }
        Err(io::Error::other("it is no regular file of the folder any more"))
    }
}

/// Looks at paths of a folder without ever leaving it. It holds the folder open in which it looked
/// last, so that a whole tree costs little more than if links were followed; it is not kept.
pub(crate) struct Look<'a> {
    root: &'a Root,
    #[cfg(target_os = "linux")]
    folder: Option<(PathBuf, fs::File)>,
}

impl Look<'_> {
    /// Tells what is at `relative`, in which nothing is a link but the last part, and that is not
    /// followed.
    #[cfg(target_os = "linux")]
    pub(crate) fn about(&mut self, relative: &Path) -> io::Result<About> {
        use nix::{
            fcntl::{AtFlags, OFlag, readlinkat},
            sys::stat::fstatat,
        };
        let (parent, name) = match (relative.parent(), relative.file_name()) {
            (Some(parent), Some(name)) => (parent, Path::new(name)),
            _ => (Path::new(""), Path::new(".")),
        };
        if self.folder.as_ref().is_none_or(|(path, _)| path != parent) {
            let folder = self.root.open_beneath(parent, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
            self.folder = Some((parent.to_owned(), folder));
        }
        let Some((_, folder)) = &self.folder else { return Err(io::ErrorKind::NotFound.into()) };
        let stat = fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let kind = match stat.st_mode & nix::libc::S_IFMT {
            nix::libc::S_IFDIR => Kind::Dir,
            nix::libc::S_IFLNK => Kind::Link(readlinkat(folder, name)?.into()),
            nix::libc::S_IFREG => Kind::File,
            _ => Kind::Special,
        };
        let several = kind == Kind::File && stat.st_nlink > 1;
        let twin = several.then_some((stat.st_dev, stat.st_ino));
        Ok(About { mode: stat.st_mode & 0o7777, twin, kind })
    }

    /// Tells what is at `relative`, which is not followed.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn about(&mut self, relative: &Path) -> io::Result<About> {
        let path = self.root.path.join(relative);
        let metadata = fs::symlink_metadata(&path)?;
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Dir,
            kind if kind.is_symlink() => Kind::Link(fs::read_link(&path)?),
            kind if kind.is_file() => Kind::File,
            _ => Kind::Special,
        };
        Ok(About { mode: mode(&metadata), twin: twin(&metadata, &kind), kind })
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777
}

/// Systems without permission bits: what is read there may be read and started by all.
#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> u32 {
    0o755
}

#[cfg(all(unix, not(target_os = "linux")))]
fn twin(metadata: &fs::Metadata, kind: &Kind) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let several = *kind == Kind::File && metadata.nlink() > 1;
    several.then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn twin(_metadata: &fs::Metadata, _kind: &Kind) -> Option<(u64, u64)> {
    None
}

/// Returns the extended attributes that belong to an image: capabilities and the user's own,
/// sorted.
#[cfg(unix)]
pub(crate) fn attributes(file: &fs::File) -> io::Result<Vec<(String, Vec<u8>)>> {
    use xattr::FileExt as _;
    let names = match file.list_xattr() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Vec::new()),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        let Some(name) = name.to_str() else { continue };
        if (name == "security.capability" || name.starts_with("user."))
            && let Some(value) = file.get_xattr(name)?
        {
            found.push((name.to_owned(), value));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(not(unix))]
pub(crate) fn attributes(_file: &fs::File) -> io::Result<Vec<(String, Vec<u8>)>> {
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_takes_a_files_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        fs::create_dir_all(context.join("sub")).unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        fs::write(context.join("sub/f"), "f").unwrap();
        let root = Root::open(&context).unwrap();
        assert!(root.file(Path::new("sub/f")).is_ok());
        // Planned as a file; then somebody exchanges the file, or its folder, for a link.
        fs::remove_file(context.join("sub/f")).unwrap();
        symlink("../../secret", context.join("sub/f")).unwrap();
        assert!(root.file(Path::new("sub/f")).is_err());
        fs::rename(context.join("sub"), context.join("old")).unwrap();
        symlink("..", context.join("sub")).unwrap();
        assert!(root.file(Path::new("sub/secret")).is_err());
        assert!(root.file(Path::new("../secret")).is_err());
        let about = |path: &str| root.look().about(Path::new(path)).map(|it| it.kind);
        assert_eq!(about("old/f").unwrap(), Kind::Link("../../secret".into()));
        assert_eq!(about("sub").unwrap(), Kind::Link("..".into()));
        assert!(about("sub/secret").is_err());
        assert!(about("../secret").is_err());
        assert_eq!(about("").unwrap(), Kind::Dir);
    }
}
