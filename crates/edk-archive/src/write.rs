use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use crate::{Error, Result, pax::Records};

const BLOCK: usize = 512;
/// Largest values of the numeric fields of a ustar header: 7 and 11 octal digits.
const MAX_ID: u64 = 0o7_777_777;
const MAX_LONG: u64 = 0o77_777_777_777;

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Length of its content in bytes.
        size: u64,
    },
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it points to, as it is.
        target: PathBuf,
    },
    /// A second name of an earlier entry.
    HardLink {
        /// Name of the earlier entry.
        target: PathBuf,
    },
}

/// One thing in an archive, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name, relative, parts separated by `/`; need not be UTF-8.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// User id of the owner.
    pub uid: u64,
    /// Group id of the owner.
    pub gid: u64,
    /// Time of the last change, in seconds since the Unix epoch.
    pub mtime: u64,
    /// Extended attributes, such as `security.capability`.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// Returns an entry owned by root, changed at [`edk_model::SOURCE_DATE_EPOCH`], without
    /// extended attributes.
    pub fn new(path: impl Into<PathBuf>, kind: Kind, mode: u32) -> Self {
        let mtime = edk_model::SOURCE_DATE_EPOCH;
        Self { path: path.into(), kind, mode, uid: 0, gid: 0, mtime, xattrs: Vec::new() }
    }
}

/// Writes a tar archive: ustar headers, with pax records only where a value doesn't fit.
///
/// Entries come out in the order of [`TarWriter::append`]. The archive is complete only after
/// [`TarWriter::finish`]; after an error the writer must be thrown away.
pub struct TarWriter<W: Write> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> TarWriter<W> {
    /// Starts an archive.
    pub fn new(out: W) -> Self {
        Self { out, buffer: vec![0; 64 * 1024] }
    }

    /// Appends `entry`; `content` is read for a file only, to its end.
    ///
    /// # Errors
    /// [`Error::Changed`] if the content is shorter or longer than the entry says,
    /// [`Error::Name`] for a name that can't be in an archive, [`Error::Io`] if the content can't
    /// be read, [`Error::Stream`] if the archive can't be written.
    pub fn append(&mut self, entry: &Entry, mut content: impl Read) -> Result<()> {
        let header = header_of(entry)?;
        self.write(&header)?;
        if let Kind::File { size } = entry.kind {
            self.copy(&entry.path, &mut content, size)?;
            self.pad(size)?;
        }
        Ok(())
    }

    /// Writes the end of the archive and returns the inner writer.
    ///
    /// # Errors
    /// [`Error::Stream`] if the archive can't be written.
    pub fn finish(mut self) -> Result<W> {
        self.write(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }

    fn copy(&mut self, path: &Path, content: &mut impl Read, size: u64) -> Result<()> {
        let changed = || Error::Changed { path: path.to_owned(), expected: size };
        let mut left = size;
        loop {
            // One byte more than announced is asked for, to notice a file that grows.
            let want = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX).max(1));
            let got = match content.read(&mut self.buffer[..want]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(|source| Error::Io {
                    action: "read",
                    path: path.to_owned(),
                    source,
                })?,
            };
            match (got, left) {
                (0, 0) => return Ok(()),
                (0, _) | (_, 0) => return Err(changed()),
                _ => {}
            }
            self.out.write_all(&self.buffer[..got]).map_err(written)?;
            left -= got as u64;
        }
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let over = (size % BLOCK as u64) as usize;
        if over > 0 { self.write(&[0; BLOCK][over..]) } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(written)
    }
}

fn written(source: std::io::Error) -> Error {
    Error::Stream { action: "written", source }
}

/// Returns all header blocks of `entry`.
fn header_of(entry: &Entry) -> Result<Vec<u8>> {
    let mut records = Records::default();
    let mut block = Block::new();
    let name = name_of(entry)?;
    match split(&name) {
        Some((prefix, name)) => block.name(prefix, name),
        None => {
            records.set("path", &name);
            block.name(b"", &shortened(&name));
        }
    }
    let (flag, size, target) = match &entry.kind {
        Kind::File { size } => (b'0', *size, None),
        Kind::HardLink { target } => (b'1', 0, Some(target)),
        Kind::Symlink { target } => (b'2', 0, Some(target)),
        Kind::Directory => (b'5', 0, None),
    };
    if let Some(target) = target {
        let bytes = bytes_of(target)?;
        if bytes.len() > 100 || !bytes.is_ascii() {
            records.set("linkpath", &bytes);
            block.field(157, &shortened(&bytes));
        } else {
            block.field(157, &bytes);
        }
    }
    let mut number = |at, width, keyword, value: u64, max| {
        if value > max {
            records.set(keyword, value.to_string().as_bytes());
        }
        block.octal(at, width, if value > max { 0 } else { value });
    };
    number(108, 7, "uid", entry.uid, MAX_ID);
    number(116, 7, "gid", entry.gid, MAX_ID);
    number(124, 11, "size", size, MAX_LONG);
    number(136, 11, "mtime", entry.mtime, MAX_LONG);
    block.octal(100, 7, u64::from(entry.mode & 0o7777));
    for (key, value) in &entry.xattrs {
        records.set(&format!("SCHILY.xattr.{key}"), value);
    }
    let mut bytes = pax_of(&records);
    bytes.extend_from_slice(&block.done(flag));
    Ok(bytes)
}

/// Returns the header and the content of an extended header, or nothing if there are no records.
fn pax_of(records: &Records) -> Vec<u8> {
    if records.is_empty() {
        return Vec::new();
    }
    let content = records.to_bytes();
    let mut block = Block::new();
    // Readers that know pax ignore this name; a fixed one keeps it out of the bytes' way.
    block.name(b"", b"PaxHeaders.0/entry");
    block.octal(100, 7, 0o644);
    block.octal(108, 7, 0);
    block.octal(116, 7, 0);
    block.octal(124, 11, content.len() as u64);
    block.octal(136, 11, 0);
    let mut bytes = block.done(b'x').to_vec();
    bytes.extend_from_slice(&content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn name_of(entry: &Entry) -> Result<Vec<u8>> {
    let error = |reason| Error::Name { path: entry.path.clone(), reason };
    let mut name = bytes_of(&entry.path)?;
    while name.last() == Some(&b'/') {
        name.pop();
    }
    if name.is_empty() {
        return Err(error("it is empty"));
    }
    if name[0] == b'/' || name.split(|&byte| byte == b'/').any(|part| part == b"..") {
        return Err(error("it must be relative and hold no `..`"));
    }
    if entry.kind == Kind::Directory {
        name.push(b'/');
    }
    Ok(name)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
    #[cfg(not(unix))]
    let bytes = path.to_string_lossy().replace('\\', "/").into_bytes();
    if bytes.contains(&0) {
        return Err(Error::Name { path: path.to_owned(), reason: "it holds a NUL byte" });
    }
    Ok(bytes)
}

/// Splits a name into the `prefix` and `name` fields of a ustar header, if it fits them.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= 100 {
        return Some((b"", name));
    }
    let end = name.len().min(156) - usize::from(name.len() <= 156 && name.ends_with(b"/"));
    let slash = name[..end].iter().rposition(|&byte| byte == b'/').filter(|&at| at > 0)?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!rest.is_empty() && rest.len() <= 100).then_some((prefix, rest))
}

/// Returns what a reader without pax support sees of a name: ASCII, at most 100 bytes.
fn shortened(name: &[u8]) -> Vec<u8> {
    name.iter().take(100).map(|&byte| if byte.is_ascii() { byte } else { b'_' }).collect()
}

/// A ustar header block.
struct Block([u8; BLOCK]);

impl Block {
    fn new() -> Self {
        Self([0; BLOCK])
    }

    fn field(&mut self, at: usize, value: &[u8]) {
        self.0[at..at + value.len()].copy_from_slice(value);
    }

    fn name(&mut self, prefix: &[u8], name: &[u8]) {
        self.field(0, name);
        self.field(345, prefix);
    }

    fn octal(&mut self, at: usize, width: usize, value: u64) {
        self.field(at, format!("{value:0width$o}").as_bytes());
    }

    /// Completes the block with type and checksum.
    fn done(mut self, flag: u8) -> [u8; BLOCK] {
        self.field(156, &[flag]);
        self.field(257, b"ustar\x0000");
        self.octal(329, 7, 0);
        self.octal(337, 7, 0);
        self.field(148, b"        ");
        let sum: u64 = self.0.iter().map(|&byte| u64::from(byte)).sum();
        self.field(148, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_as(entry: &Entry, content: &[u8]) -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        tar.append(entry, content).unwrap();
        tar.finish().unwrap()
    }

    type Attributes = Vec<(String, Vec<u8>)>;

    fn first(bytes: &[u8]) -> (Vec<u8>, u64, u64, Attributes) {
        let mut archive = tar::Archive::new(bytes);
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        let records = entry.pax_extensions().unwrap().map(|records| {
            records
                .map(|record| record.unwrap())
                .map(|record| (record.key().unwrap().to_owned(), record.value_bytes().to_vec()))
                .collect()
        });
        let (uid, gid) = (entry.header().uid().unwrap(), entry.header().gid().unwrap());
        (entry.path_bytes().into_owned(), uid, gid, records.unwrap_or_default())
    }

    fn file(path: impl Into<PathBuf>, size: u64) -> Entry {
        Entry::new(path, Kind::File { size }, 0o644)
    }

    #[test]
    fn a_plain_entry_needs_no_extended_header() {
        let bytes = written_as(&file("a/b.txt", 5), b"hello");
        assert_eq!(bytes.len(), 512 + 512 + 1024);
        assert_eq!(&bytes[257..265], b"ustar\x0000");
        let (name, uid, gid, records) = first(&bytes);
        assert_eq!((name.as_slice(), uid, gid, records.len()), (b"a/b.txt".as_slice(), 0, 0, 0));
    }

    #[test]
    fn names_of_any_length_and_alphabet_are_kept() {
        let deep = format!("{}/{}", "d".repeat(150), "f".repeat(100));
        for name in ["ä/ö.txt", &"x".repeat(101), &"y/".repeat(140), &deep, &"z".repeat(300)] {
            let (read, ..) = first(&written_as(&file(name, 0), b""));
            assert_eq!(String::from_utf8(read).unwrap(), name.trim_end_matches('/'));
        }
        assert!(first(&written_as(&file(deep, 0), b"")).3.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf_8_is_kept() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
        assert_eq!(first(&written_as(&file(name, 0), b"")).0, b"caf\xe9");
    }

    #[test]
    fn big_ids_and_extended_attributes_become_sorted_records() {
        let mut entry = file("f", 0);
        entry.uid = MAX_ID + 1;
        entry.xattrs = vec![("user.b".into(), vec![0, 1]), ("user.a".into(), b"x".to_vec())];
        let (_, uid, gid, records) = first(&written_as(&entry, b""));
        assert_eq!((uid, gid), (MAX_ID + 1, 0));
        let keys: Vec<_> = records.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["SCHILY.xattr.user.a", "SCHILY.xattr.user.b", "uid"]);
        assert_eq!(records[1].1, [0, 1]);
    }

    #[test]
    fn a_file_that_shrinks_or_grows_is_an_error() {
        for content in [b"four".as_slice(), b"sixsix"] {
            let result = TarWriter::new(Vec::new()).append(&file("f", 5), content);
            assert!(matches!(result, Err(Error::Changed { expected: 5, .. })), "{result:?}");
        }
    }

    #[test]
    fn a_name_that_could_escape_is_never_written() {
        for name in ["", "/", "/a", "../a", "a/../b", "a\0b"] {
            let result = TarWriter::new(Vec::new()).append(&file(name, 0), b"".as_slice());
            assert!(matches!(result, Err(Error::Name { .. })), "{name:?}");
        }
    }
}
