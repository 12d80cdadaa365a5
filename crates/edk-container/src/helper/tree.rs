//! What unpacking a layer and reading a layer back have in common: overlayfs's own marks.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2},
    sys::{
        stat::{UtimensatFlags, utimensat},
        time::{TimeSpec, TimeValLike as _},
    },
};

/// The name of the attribute by which overlayfs marks a folder that hides those below.
pub(crate) fn opaque_attribute(rootless: bool) -> &'static str {
    if rootless { "user.overlay.opaque" } else { "trusted.overlay.opaque" }
}

/// Says whether overlayfs takes the entry for a deletion.
pub(crate) fn is_whiteout(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

/// Looks `path` up in the layers `below`, topmost first. Opaque folders are not heeded: the answer
/// may name something hidden, which costs at most a superfluous entry in a layer. A layer in which
/// `path` passes a link does not have it: the link leads anywhere on the host.
pub(crate) fn find_below(below: &[PathBuf], path: &Path) -> Option<(PathBuf, Metadata)> {
    below.iter().find_map(|layer| {
        let file = open_in(layer, path, OFlag::O_PATH | OFlag::O_NOFOLLOW).ok()?;
        file.metadata().ok().map(|metadata| (layer.clone(), metadata))
    })
}

/// Opens `path` of a layer; nothing on the way may be a link.
pub(crate) fn open_in(layer: &Path, path: &Path, flags: OFlag) -> io::Result<File> {
    let folder = File::open(layer)?;
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    Ok(openat2(&folder, path, how)?.into())
}

/// Sets both times of a file, folder or symbolic link, in seconds since the epoch.
pub(crate) fn set_time(path: &Path, seconds: u64) -> io::Result<()> {
    let time = TimeSpec::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    Ok(utimensat(AT_FDCWD, path, &time, &time, UtimensatFlags::NoFollowSymlink)?)
}
