//! What unpacking a layer and reading a layer back have in common: overlayfs's own marks.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::AT_FDCWD,
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
/// may name something hidden, which costs at most a superfluous entry in a layer.
pub(crate) fn find_below(below: &[PathBuf], path: &Path) -> Option<(PathBuf, Metadata)> {
    below.iter().find_map(|layer| {
        let path = layer.join(path);
        fs::symlink_metadata(&path).ok().map(|metadata| (path, metadata))
    })
}

/// Sets both times of a file, folder or symbolic link, in seconds since the epoch.
pub(crate) fn set_time(path: &Path, seconds: u64) -> io::Result<()> {
    let time = TimeSpec::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    Ok(utimensat(AT_FDCWD, path, &time, &time, UtimensatFlags::NoFollowSymlink)?)
}
