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
use xattr::FileExt as _;

/// The name of the attribute by which overlayfs marks a folder that hides those below.
pub(crate) fn opaque_attribute(rootless: bool) -> &'static str {
    if rootless { "user.overlay.opaque" } else { "trusted.overlay.opaque" }
}

/// Says whether overlayfs takes the entry for a deletion.
pub(crate) fn is_whiteout(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

/// Looks `path` up in `layers` stacked, topmost first; returns the layer it shows through from. What
/// a layer hides is not found: below an opaque folder, or below what is no folder there (a whiteout,
/// a file, or a link, which leads anywhere on the host).
pub(crate) fn find_in(
    layers: &[PathBuf],
    path: &Path,
    opaque: &str,
) -> io::Result<Option<(PathBuf, Metadata)>> {
    for layer in layers {
        match open_in(layer, path, OFlag::O_PATH | OFlag::O_NOFOLLOW) {
            Ok(file) => return Ok(Some((layer.clone(), file.metadata()?))),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Ok(None),
            Err(_) if is_hidden(layer, path, opaque)? => return Ok(None),
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Says whether a folder of `layer` on the way to `path` hides what the layers below have there.
fn is_hidden(layer: &Path, path: &Path, opaque: &str) -> io::Result<bool> {
    let folders: Vec<_> = path.ancestors().skip(1).collect();
    for folder in folders.into_iter().rev() {
        let Ok(folder) = open_in(layer, folder, OFlag::O_DIRECTORY) else { break };
        if folder.get_xattr(opaque)?.is_some_and(|value| value == b"y") {
            return Ok(true);
        }
    }
    Ok(false)
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
