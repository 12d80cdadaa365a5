//! The root file system of an image as one tar.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use edk_archive::{Entry, Kind as Writes, TarWriter};
use edk_model::{Monitor, Unit};
use edk_store::Store;

use crate::{
    Image, ImageError,
    flat::{Flat, Kind, Node, Origin, contents},
};

/// Writes the files of an image to the tar `file`, as they would be in a container of it: owners,
/// modes, links, hard links and attributes included, devices and pipes left out. The same image gives
/// the same bytes. Returns the size of the tar in bytes.
///
/// # Errors
/// [`ImageError::Store`] for a missing layer, [`ImageError::Malformed`] for one that makes no sense,
/// [`ImageError::Io`] if the file can't be written, [`ImageError::Cancelled`]; then there is no file.
pub fn export_rootfs(
    store: &Store,
    image: &Image,
    file: &Path,
    monitor: &Monitor,
) -> Result<u64, ImageError> {
    let _lease = store.lease()?;
    let flat = Flat::of(store, &image.layers, monitor)?;
    let failed = |source| ImageError::io(file, source);
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let out = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut tar = TarWriter::new(io::BufWriter::with_capacity(1 << 20, out));
    write(store, image, &flat, &mut tar, file, monitor)?;
    let out = tar.finish()?.into_inner().map_err(|error| failed(error.into_error()))?;
    let size = out.as_file().metadata().map_err(failed)?.len();
    out.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    out.as_file().sync_data().map_err(failed)?;
    out.persist(file).map_err(|error| failed(error.error))?;
    Ok(size)
}

fn write<W: io::Write>(
    store: &Store,
    image: &Image,
    flat: &Flat,
    tar: &mut TarWriter<W>,
    file: &Path,
    monitor: &Monitor,
) -> Result<(), ImageError> {
    let mut files: BTreeMap<Origin, Vec<&Vec<u8>>> = BTreeMap::new();
    // Folders first: everything else lies in one.
    for (path, node) in &flat.nodes {
        match &node.kind {
            Kind::Folder => tar.append(&entry(path, node, Writes::Directory), io::empty())?,
            Kind::Link { target } => {
                let target = path_of(target);
                tar.append(&entry(path, node, Writes::Symlink { target }), io::empty())?;
            }
            Kind::File { .. } => files.entry(node.origin).or_default().push(path),
            Kind::Special => {}
        }
    }
    let wanted: BTreeSet<Origin> = files.keys().copied().collect();
    let (mut done, total) = (0, wanted.len() as u64);
    let subject = file.display().to_string();
    contents(store, &image.layers, &wanted, monitor, |origin, content| {
        let mut first: Option<PathBuf> = None;
        for path in files.get(&origin).into_iter().flatten() {
            let node = &flat.nodes[*path];
            match (&first, &node.kind) {
                (Some(target), _) => {
                    let kind = Writes::HardLink { target: target.clone() };
                    tar.append(&entry(path, node, kind), io::empty())?;
                }
                (None, Kind::File { size }) => {
                    tar.append(&entry(path, node, Writes::File { size: *size }), &mut *content)?;
                    first = Some(path_of(path));
                }
                (None, _) => {}
            }
        }
        done += 1;
        monitor.progress(&subject, done, Some(total), Unit::Files, 0);
        Ok(())
    })
}

fn entry(path: &[u8], node: &Node, kind: Writes) -> Entry {
    Entry {
        uid: node.uid,
        gid: node.gid,
        mtime: node.mtime,
        xattrs: node.xattrs.clone(),
        ..Entry::new(path_of(path), kind, node.mode)
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}
