//! Archives, member by member, within bounds.

use std::{
    cell::Cell,
    io::{self, Cursor, ErrorKind, Read, SeekFrom},
    rc::Rc,
};

use edk_archive::{Bounds, Guarded};
use zip::{CompressionMethod, ZipReadOptions, read::Config, unstable::read::ZipIterable};

use super::{
    At, Secrets, Source, What, fill,
    kinds::{HEAD, Kind, is_dicom, is_nifti},
    scan::{WINDOW, scan},
};

/// An archive in an archive is looked into, and no deeper one.
const DEPTH: usize = 2;
/// A zip has to be read from its end: one in an archive is held in memory, up to this size.
const HELD: usize = 32 << 20;
/// Bytes of all names in a tar.
const NAMES: u64 = 64 << 20;
/// Letters of a member's name that are told.
const NAME: usize = 200;

const DEEP: &str = "it is an archive in an archive in an archive";
const LARGE: &str = "it unpacks to more than is looked at";
const BROKEN: &str = "it breaks off or is damaged";
const ENCRYPTED: &str = "it is encrypted";
const UNKNOWN: &str = "it is packed in a way that is not known here";
const HELD_LARGE: &str = "it is a zip of more than 32 MB in another archive";

/// How much an archive may unpack to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// So much is looked at whatever the size of the archive, in bytes.
    least: u64,
    /// And so much at most, unless the archive itself is that large.
    most: u64,
    /// Between them, so many times the size of the archive.
    ratio: u64,
    /// Members of all archives in it.
    entries: u64,
}

/// Real archives unpack to a few times their size; the worst that deflate can do is a thousand.
pub(super) const LIMITS: Limits =
    Limits { least: 64 << 20, most: 2 << 30, ratio: 200, entries: 100_000 };

impl Limits {
    /// Returns bytes and entries that an archive of this size may unpack to.
    pub(super) fn of(self, size: u64) -> (u64, u64) {
        let most = self.most.max(size.saturating_mul(2));
        (size.saturating_mul(self.ratio).clamp(self.least, most), self.entries)
    }
}

/// A look into one file.
pub(super) struct Look<'s> {
    secrets: &'s mut Secrets,
    /// Bytes that may still be unpacked; each level of packing counts.
    left: Rc<Cell<u64>>,
    entries: u64,
}

impl<'s> Look<'s> {
    pub(super) fn new(secrets: &'s mut Secrets, (bytes, entries): (u64, u64)) -> Self {
        Self { secrets, left: Rc::new(Cell::new(bytes)), entries }
    }

    /// Looks into a whole file.
    pub(super) fn whole(&mut self, reader: &mut dyn Source, path: &str) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Err(error) = self.source(reader, name) {
            self.unseen(reason(&error), &[]);
        }
    }

    fn source(&mut self, reader: &mut dyn Source, name: &str) -> io::Result<()> {
        let mut head = Vec::new();
        fill(reader, &mut head, HEAD)?;
        reader.seek(SeekFrom::Start(0))?;
        self.patient(&head, &[]);
        match Kind::of(&head) {
            Kind::Zip => {
                self.zip(reader, &[], 1);
                Ok(())
            }
            kind => self.stream(reader, kind, &[], name, 1),
        }
    }

    /// Looks at what can be read only once.
    fn stream(
        &mut self,
        reader: &mut dyn Read,
        kind: Kind,
        member: &[String],
        name: &str,
        depth: usize,
    ) -> io::Result<()> {
        match kind {
            Kind::Plain => return self.plain(reader, member),
            Kind::Closed(why) => self.unseen(why, member),
            _ if depth > DEPTH => self.unseen(DEEP, member),
            Kind::Tar => self.tar(reader, member, depth),
            Kind::Packed => self.packed(reader, member, name, depth),
            Kind::Zip => {
                let mut held = Vec::new();
                if fill(reader, &mut held, HELD)? {
                    self.zip(&mut Cursor::new(held), member, depth);
                } else {
                    self.unseen(HELD_LARGE, member);
                }
            }
        }
        Ok(())
    }

    fn plain(&mut self, reader: &mut dyn Read, member: &[String]) -> io::Result<()> {
        let mut found = Vec::new();
        let ended = scan(reader, WINDOW, &mut found);
        for (what, at) in found {
            self.secrets.add(what, at, member);
        }
        ended
    }

    fn patient(&mut self, head: &[u8], member: &[String]) {
        if is_dicom(head) {
            self.secrets.add(What::Dicom, At::Whole, member);
        }
        if is_nifti(head) {
            self.secrets.add(What::Nifti, At::Whole, member);
        }
    }

    /// Looks at a member of an archive.
    fn member(
        &mut self,
        reader: &mut dyn Read,
        size: u64,
        member: &[String],
        depth: usize,
    ) -> io::Result<()> {
        let name = member.last().map(String::as_str).unwrap_or_default();
        self.secrets.weights(name, size, member);
        let mut reader = Metered { inner: reader, left: Rc::clone(&self.left) };
        let mut head = Vec::new();
        fill(&mut reader, &mut head, HEAD)?;
        self.patient(&head, member);
        let kind = Kind::of(&head);
        self.stream(&mut Cursor::new(head).chain(reader), kind, member, name, depth + 1)
    }

    fn tar(&mut self, reader: &mut dyn Read, member: &[String], depth: usize) {
        let bounds = Bounds { bytes: self.left.get(), entries: self.entries, names: NAMES };
        let mut archive = tar::Archive::new(Guarded::new(reader, bounds));
        let mut all = || -> io::Result<()> {
            for entry in archive.entries()? {
                let mut entry = entry?;
                self.entry()?;
                let kind = entry.header().entry_type();
                if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
                    let (inner, size) = (below(member, &entry.path_bytes()), entry.size());
                    self.member(&mut entry, size, &inner, depth)?;
                }
            }
            Ok(())
        };
        if let Err(error) = all() {
            self.unseen(reason(&error), member);
        }
    }

    /// Looks at what one file was compressed to: a tar, or any other file, which then has the name
    /// without its ending.
    fn packed(&mut self, reader: &mut dyn Read, member: &[String], name: &str, depth: usize) {
        let bounds = Bounds { bytes: self.left.get(), entries: self.entries, names: NAMES };
        let unpacked = || -> io::Result<()> {
            let stream = edk_image::decompressed(reader, bounds)?;
            let mut stream = Metered { inner: stream, left: Rc::clone(&self.left) };
            let mut head = Vec::new();
            let began = fill(&mut stream, &mut head, HEAD);
            self.patient(&head, member);
            began?;
            let kind = Kind::of(&head);
            let mut stream = Cursor::new(head).chain(stream);
            if kind == Kind::Tar {
                self.tar(&mut stream, member, depth);
                return Ok(());
            }
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            let inner = below(member, stem.as_bytes());
            self.stream(&mut stream, kind, &inner, stem, depth + 1)
        };
        if let Err(error) = unpacked() {
            self.unseen(reason(&error), member);
        }
    }

    fn zip(&mut self, reader: &mut dyn Source, member: &[String], depth: usize) {
        let opened = match ZipIterable::try_new(&mut *reader, Config::default()) {
            Ok(mut zip) => self.members(&mut zip, member, depth),
            Err(_) => Err(ErrorKind::InvalidData.into()),
        };
        let Err(error) = opened else { return };
        self.unseen(reason(&error), member);
        // What a broken one holds may still be in the clear.
        if error.kind() != ErrorKind::FileTooLarge && reader.seek(SeekFrom::Start(0)).is_ok() {
            let _ = self.plain(reader, member);
        }
    }

    fn members<R: Source>(
        &mut self,
        zip: &mut ZipIterable<R>,
        member: &[String],
        depth: usize,
    ) -> io::Result<()> {
        let entries = zip.files()?;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            self.entry()?;
            if !entry.is_file() {
                continue;
            }
            let (inner, size) = (below(member, entry.name_raw()), entry.size());
            if entry.encrypted() {
                self.unseen(ENCRYPTED, &inner);
                continue;
            }
            if !matches!(
                entry.compression(),
                CompressionMethod::Stored | CompressionMethod::Deflated
            ) {
                self.unseen(UNKNOWN, &inner);
                continue;
            }
            let mut file = entry.with_reader(entries.reader_mut(), ZipReadOptions::new())?;
            match self.member(&mut file, size, &inner, depth) {
                Err(error) if error.kind() == ErrorKind::FileTooLarge => return Err(error),
                Err(_) => self.unseen(BROKEN, &inner),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn entry(&mut self) -> io::Result<()> {
        self.entries = self.entries.checked_sub(1).ok_or(ErrorKind::FileTooLarge)?;
        Ok(())
    }

    fn unseen(&mut self, why: &'static str, member: &[String]) {
        self.secrets.add(What::Unseen(why), At::Whole, member);
    }
}

/// The path of a member in that of its archive. Its name is of unknown origin: what a terminal would
/// act on is left out.
fn below(member: &[String], name: &[u8]) -> Vec<String> {
    let name = String::from_utf8_lossy(name);
    let plain = name.chars().map(|it| if it.is_control() || it == '`' { '?' } else { it });
    let mut path = member.to_vec();
    path.push(plain.take(NAME).collect());
    path
}

/// Why reading ended.
fn reason(error: &io::Error) -> &'static str {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(it) = cause {
        let kind = it.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(ErrorKind::FileTooLarge) {
            return LARGE;
        }
        cause = it.source();
    }
    BROKEN
}

/// Ends with an error of the kind [`ErrorKind::FileTooLarge`] when nothing is left to be unpacked.
struct Metered<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        match self.left.get().checked_sub(got as u64) {
            Some(left) => self.left.set(left),
            None => {
                self.left.set(0);
                return Err(ErrorKind::FileTooLarge.into());
            }
        }
        Ok(got)
    }
}
