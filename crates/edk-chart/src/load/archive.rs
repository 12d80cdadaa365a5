//! The files of a packaged chart, whoever packed it.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read},
};

use edk_archive::{Limits, read_small_files};

use super::{Budget, MAX_FILE, without_bom};
use crate::{Error, File, Result};

/// Returns the files of the archive `origin`, named relative to the chart in it.
///
/// Stricter than Helm where Helm is careless: members that are no files, and two of one name, are
/// refused.
pub(super) fn files(reader: impl Read, origin: &str, budget: &mut Budget) -> Result<Vec<File>> {
    let unusable = |source| Error::Archive { origin: origin.to_owned(), source };
    let unreadable = |source| unusable(edk_archive::Error::Stream { action: "read", source });
    let mut reader = BufReader::new(reader);
    let start = reader.fill_buf().map_err(unreadable)?;
    if !start.starts_with(&[0x1f, 0x8b]) {
        return Err(unreadable(io::Error::other("it is not compressed with gzip")));
    }
    let limits = Limits { total_bytes: budget.bytes, entries: budget.entries };
    let members = read_small_files(reader, &limits, MAX_FILE).map_err(unusable)?;
    let mut names = BTreeSet::new();
    let mut files = Vec::new();
    for (path, data) in members {
        budget.take(data.len() as u64);
        let name = name(&path).map_err(|reason| unusable(refused(&path, reason)))?;
        if !names.insert(name.clone()) {
            return Err(unusable(edk_archive::Error::Twice { path }));
        }
        files.push(File { name, data: without_bom(data) });
    }
    Ok(files)
}

fn refused(path: &std::path::Path, reason: &'static str) -> edk_archive::Error {
    edk_archive::Error::Name { path: path.to_owned(), reason }
}

/// Returns the name of a member below the folder that all members lie in, whatever it is called.
///
/// Archives made on Windows have `\` between the parts of names; Helm takes one `\` for the sign that
/// the whole name is of that kind.
fn name(path: &std::path::Path) -> std::result::Result<String, &'static str> {
    let text = path.to_str().ok_or("it is not UTF-8")?;
    let between = if text.contains('\\') { '\\' } else { '/' };
    let outside = "it lies outside of the folder of the chart";
    let (_, name) = text.split_once(between).ok_or(outside)?;
    let name = name.replace('\\', "/");
    let mut parts = Vec::new();
    for part in name.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return Err("it leaves the folder of the chart");
        }
        parts.push(part);
    }
    match parts.first().map(|part| part.as_bytes()) {
        None => Err(outside),
        Some([letter, b':', ..]) if letter.is_ascii_alphabetic() => {
            Err("it names a drive of Windows")
        }
        Some(_) if name.starts_with('/') => Err("it is absolute"),
        Some(_) => Ok(parts.join("/")),
    }
}
