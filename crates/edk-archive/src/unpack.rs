use std::{
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use edk_model::{Monitor, Unit};

use crate::{
    Error, Limits, Result,
    read::{Budget, broken, inside, limited, name_of, open},
};

/// What [`unpack`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Number of entries.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
}

/// Unpacks a tar or tar.gz archive into the new folder `dest`.
///
/// Everything is written to a temporary folder beside `dest`, which takes the name `dest` at the
/// end: either all of the archive is there, or nothing. Owners and extended attributes are not
/// taken over; of the mode, the permission bits are.
///
/// # Errors
/// [`Error::Exists`] if `dest` is there and not an empty folder; [`Error::Escapes`],
/// [`Error::UnsafeLink`], [`Error::Special`] and [`Error::Twice`] for entries that are refused;
/// [`Error::TooLarge`] and [`Error::TooMany`]; [`Error::Stream`] if it is no archive;
/// [`Error::Io`] if the disk can't be written; [`Error::Cancelled`].
pub fn unpack(
    reader: impl Read,
    dest: &Path,
    limits: &Limits,
    monitor: &Monitor,
) -> Result<Unpacked> {
    if fs::read_dir(dest).is_ok_and(|mut entries| entries.next().is_some()) || dest.is_file() {
        return Err(Error::Exists { path: dest.to_owned() });
    }
    let parent = match dest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(at("create", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(".unpack-")
        .tempdir_in(parent)
        .map_err(at("create a folder in", parent))?;
    let root = temporary.path().join("root");
    fs::create_dir(&root).map_err(at("create", &root))?;
    let unpacked = write_all(reader, &root, limits, monitor)?;
    fs::rename(&root, dest).map_err(at("create", dest))?;
    Ok(unpacked)
}

fn write_all(
    reader: impl Read,
    root: &Path,
    limits: &Limits,
    monitor: &Monitor,
) -> Result<Unpacked> {
    let mut budget = Budget::new(limits);
    let mut archive = open(reader, limits)?;
    for entry in archive.entries().map_err(broken)? {
        monitor.check()?;
        let mut entry = entry.map_err(|error| limited(error, limits))?;
        let Some(path) = name_of(&entry)? else { continue };
        budget.take(entry.size())?;
        write_one(&mut entry, root, &path, limits)?;
        monitor.progress("archive", budget.bytes, None, Unit::Bytes, 0);
    }
    Ok(Unpacked { entries: budget.entries, bytes: budget.bytes })
}

fn write_one<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    root: &Path,
    path: &Path,
    limits: &Limits,
) -> Result<()> {
    let kind = entry.header().entry_type();
    if kind.is_pax_global_extensions() {
        return Ok(());
    }
    let mode = entry.header().mode().map_err(broken)? & 0o777;
    if kind.is_dir() {
        let folder = folder(root, path)?;
        return set_mode(&folder, mode | 0o700);
    }
    let place = folder(root, path.parent().unwrap_or(Path::new("")))?
        .join(path.file_name().unwrap_or_default());
    if place.symlink_metadata().is_ok() {
        return Err(Error::Twice { path: path.to_owned() });
    }
    if kind.is_file() || kind.is_contiguous() {
        let mut file = fs::File::create_new(&place).map_err(at("write", path))?;
        copy(entry, &mut file, path, limits)?;
        return set_mode(&place, mode);
    }
    let target = entry.link_name().map_err(broken)?.unwrap_or_default().into_owned();
    if kind.is_symlink() {
        return symlink(path, &target, &place);
    }
    if kind.is_hard_link() {
        return hard_link(root, path, &target, &place);
    }
    Err(Error::Special { path: path.to_owned() })
}

/// Copies the content, telling an archive that can't be read from a disk that can't be written.
fn copy(entry: &mut impl Read, file: &mut fs::File, path: &Path, limits: &Limits) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let got = entry.read(&mut buffer).map_err(|error| limited(error, limits))?;
        if got == 0 {
            return Ok(());
        }
        io::Write::write_all(file, &buffer[..got]).map_err(at("write", path))?;
    }
}

/// Returns the folder `path` below `root`, making what is missing and never passing a link.
///
/// The disk is asked for every part, not a list of our own: on a file system which takes `A` and
/// `a` for one name, only the disk knows.
fn folder(root: &Path, path: &Path) -> Result<PathBuf> {
    let mut folder = root.to_owned();
    for part in path.components() {
        folder.push(part);
        match folder.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(Error::Escapes { path: path.to_owned() }),
            Err(_) => fs::create_dir(&folder).map_err(at("create", path))?,
        }
    }
    Ok(folder)
}

/// Makes a symbolic link if its target can't lie outside.
///
/// `..` is allowed at the start only. There it climbs from the folder the link lies in, which is a
/// real one; further on it could climb from wherever another link leads.
fn symlink(path: &Path, target: &Path, place: &Path) -> Result<()> {
    let unsafe_link = || Error::UnsafeLink { path: path.to_owned(), target: target.to_owned() };
    let ups = target.components().take_while(|part| *part == Component::ParentDir).count();
    let rest: PathBuf = target.components().skip(ups).collect();
    let depth = path.components().count() - 1;
    if ups > depth || inside(&rest).is_none() || target.as_os_str().is_empty() {
        return Err(unsafe_link());
    }
    #[cfg(unix)]
    return std::os::unix::fs::symlink(target, place).map_err(at("write", path));
    #[cfg(not(unix))]
    {
        let _ = place;
        Err(Error::Special { path: path.to_owned() })
    }
}

fn hard_link(root: &Path, path: &Path, target: &Path, place: &Path) -> Result<()> {
    let unsafe_link = || Error::UnsafeLink { path: path.to_owned(), target: target.to_owned() };
    let inner = inside(target).ok_or_else(unsafe_link)?;
    let name = inner.file_name().ok_or_else(unsafe_link)?;
    let original = folder(root, inner.parent().unwrap_or(Path::new("")))?.join(name);
    if !original.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Err(unsafe_link());
    }
    fs::hard_link(original, place).map_err(at("write", path))
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at("write", path))?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, Kind, TarWriter};

    const LIMITS: Limits = Limits { total_bytes: 1000, entries: 10 };

    fn archive(entries: &[(&str, Kind)]) -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        for (path, kind) in entries {
            let size = if let Kind::File { size } = kind { *size } else { 0 };
            let content = vec![b'x'; size as usize];
            tar.append(&Entry::new(path, kind.clone(), 0o640), content.as_slice()).unwrap();
        }
        tar.finish().unwrap()
    }

    fn link(target: &str) -> Kind {
        Kind::Symlink { target: target.into() }
    }

    /// Unpacks into a fresh folder; checks that a refusal leaves nothing behind.
    fn check(bytes: &[u8]) -> Result<(tempfile::TempDir, Unpacked)> {
        let folder = tempfile::tempdir().unwrap();
        let result = unpack(bytes, &folder.path().join("out"), &LIMITS, &Monitor::silent());
        if result.is_err() {
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        result.map(|unpacked| (folder, unpacked))
    }

    #[test]
    fn files_folders_and_links_inside_come_out() {
        let bytes = archive(&[
            ("a", Kind::Directory),
            ("a/f", Kind::File { size: 3 }),
            ("a/up", link("../a/f")),
            ("same", Kind::HardLink { target: "a/f".into() }),
        ]);
        let (folder, unpacked) = check(&bytes).unwrap();
        assert_eq!(unpacked, Unpacked { entries: 4, bytes: 3 });
        for name in ["a/f", "a/up", "same"] {
            assert_eq!(fs::read(folder.path().join("out").join(name)).unwrap(), b"xxx", "{name}");
        }
    }

    #[test]
    fn links_that_lead_outside_are_refused() {
        for target in ["/etc", "..", "../x", "a/../..", ""] {
            let result = check(&archive(&[("l", link(target))]));
            assert!(matches!(result, Err(Error::UnsafeLink { .. })), "{target}");
        }
        let result = check(&archive(&[("h", Kind::HardLink { target: "../x".into() })]));
        assert!(matches!(result, Err(Error::UnsafeLink { .. })));
        let through = [("d", Kind::Directory), ("d/l", link("../..")), ("m", link("d/l/.."))];
        assert!(matches!(check(&archive(&through)), Err(Error::UnsafeLink { .. })));
    }

    #[test]
    fn nothing_is_written_through_an_earlier_link() {
        let bytes =
            archive(&[("d", Kind::Directory), ("l", link("d")), ("l/f", Kind::File { size: 1 })]);
        assert!(matches!(check(&bytes), Err(Error::Escapes { .. })));
        let over = archive(&[("l", link("f")), ("l", Kind::File { size: 1 })]);
        assert!(matches!(check(&over), Err(Error::Twice { .. })));
    }

    #[test]
    fn names_that_escape_are_refused() {
        for name in [b"../evil".as_slice(), b"/evil", b"a/../../evil"] {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name);
            header.set_mode(0o644);
            header.set_size(0);
            header.set_cksum();
            let mut bytes = header.as_bytes().to_vec();
            bytes.resize(2048, 0);
            assert!(matches!(check(&bytes), Err(Error::Escapes { .. })));
            let read = crate::read_files(bytes.as_slice(), &LIMITS);
            assert!(matches!(read, Err(Error::Escapes { .. })));
        }
    }

    #[test]
    fn an_archive_over_the_limits_is_refused() {
        let big = archive(&[("f", Kind::File { size: 1001 })]);
        assert!(matches!(check(&big), Err(Error::TooLarge { limit: 1000 })));
        let names: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), Kind::Directory)).collect();
        assert!(matches!(check(&archive(&many)), Err(Error::TooMany { limit: 10 })));
    }

    #[test]
    fn a_bomb_of_headers_is_cut_off() {
        let mut writer = crate::gzip(Vec::new(), 9);
        let mut entry = Entry::new("f", Kind::File { size: 0 }, 0o644);
        entry.xattrs = vec![("user.big".to_owned(), vec![b'x'; 4 << 20])];
        let mut tar = TarWriter::new(&mut writer);
        tar.append(&entry, io::empty()).unwrap();
        tar.finish().unwrap();
        let bytes = writer.finish().unwrap();
        assert!(bytes.len() < 20_000);
        assert!(matches!(check(&bytes), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn a_cut_off_archive_and_rubbish_are_refused() {
        let whole = archive(&[("f", Kind::File { size: 900 })]);
        for bytes in [&whole[..700], b"not an archive", b"", b"\x1f\x8bxx"] {
            assert!(matches!(check(bytes), Err(Error::Stream { .. })));
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine"), "").unwrap();
        let bytes = archive(&[("f", Kind::File { size: 1 })]);
        let result = unpack(bytes.as_slice(), folder.path(), &LIMITS, &Monitor::silent());
        assert!(matches!(result, Err(Error::Exists { .. })));
        assert!(folder.path().join("mine").is_file());
    }
}
