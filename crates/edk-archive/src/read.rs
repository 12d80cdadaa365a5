use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read},
    path::{Component, Path, PathBuf},
};

use crate::{Error, Result};

/// How much an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together, unpacked.
    pub total_bytes: u64,
    /// Number of entries.
    pub entries: u64,
}

impl Limits {
    /// What the stream may hold: the files, and per entry its headers and padding.
    fn stream(&self) -> u64 {
        self.total_bytes.saturating_add(self.entries.saturating_mul(4096)).saturating_add(65_536)
    }
}

/// Returns the regular files of a tar or tar.gz archive in their order, with normalised names.
///
/// Meant for archives that fit in memory. Folders are passed over.
///
/// # Errors
/// [`Error::Escapes`] for a name that is absolute or holds `..`, [`Error::Special`] for anything
/// but files and folders, [`Error::Twice`], [`Error::TooLarge`], [`Error::TooMany`], and
/// [`Error::Stream`] if it is no archive.
pub fn read_files(reader: impl Read, limits: &Limits) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    read_small_files(reader, limits, limits.total_bytes)
}

/// As [`read_files`], but each file may have at most `most` bytes.
///
/// # Errors
/// As [`read_files`], and [`Error::FileTooLarge`].
pub fn read_small_files(
    reader: impl Read,
    limits: &Limits,
    most: u64,
) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    let mut budget = Budget::new(limits);
    let mut archive = open(reader, limits)?;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(|error| limited(error, limits))?;
        let Some(path) = name_of(&entry)? else { continue };
        budget.take(entry.size())?;
        match entry.header().entry_type() {
            kind if kind.is_file() || kind.is_contiguous() => {}
            kind if kind.is_dir() => continue,
            kind if kind.is_pax_global_extensions() => continue,
            _ => return Err(Error::Special { path }),
        }
        if !names.insert(path.clone()) {
            return Err(Error::Twice { path });
        }
        if entry.size() > most {
            return Err(Error::FileTooLarge { path, limit: most });
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|error| limited(error, limits))?;
        files.push((path, bytes));
    }
    Ok(files)
}

/// An archive behind an optional decoder, cut off at the limits.
pub(crate) type Archive<'a> = tar::Archive<Cut<Box<dyn Read + 'a>>>;

/// Returns the archive in `reader`, which may be compressed with gzip.
pub(crate) fn open<'a>(reader: impl Read + 'a, limits: &Limits) -> Result<Archive<'a>> {
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    let start = reader.fill_buf().map_err(broken)?;
    let stream: Box<dyn Read + 'a> = if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(reader))
    } else if start.is_empty() {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    } else {
        Box::new(reader)
    };
    Ok(tar::Archive::new(Cut { inner: stream, left: limits.stream() }))
}

/// Ends with [`io::ErrorKind::FileTooLarge`] once `left` bytes were read.
pub(crate) struct Cut<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Cut<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let got = self.inner.read(&mut buffer[..most])?;
        self.left -= got as u64;
        Ok(got)
    }
}

/// Counts entries and bytes against [`Limits`].
pub(crate) struct Budget {
    limits: Limits,
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, bytes: 0, entries: 0 }
    }

    pub(crate) fn take(&mut self, size: u64) -> Result<()> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.entries > self.limits.entries {
            return Err(Error::TooMany { limit: self.limits.entries });
        }
        if self.bytes > self.limits.total_bytes {
            return Err(Error::TooLarge { limit: self.limits.total_bytes });
        }
        Ok(())
    }
}

/// Returns the name of `entry` without `.` parts; `None` for the root itself.
pub(crate) fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<Option<PathBuf>> {
    let path = entry.path().map_err(broken)?;
    let inside = inside(&path).ok_or_else(|| Error::Escapes { path: path.to_path_buf() })?;
    Ok((!inside.as_os_str().is_empty()).then_some(inside))
}

/// Returns `path` without `.` parts, or `None` if it is absolute or holds `..`.
pub(crate) fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => inside.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

pub(crate) fn broken(source: io::Error) -> Error {
    Error::Stream { action: "read", source }
}

/// Returns the error of a read, telling a reached limit from a broken archive.
pub(crate) fn limited(source: io::Error, limits: &Limits) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&source);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(io::ErrorKind::FileTooLarge) {
            return Error::TooLarge { limit: limits.total_bytes };
        }
        cause = error.source();
    }
    broken(source)
}
