//! Watches a tar stream of unknown origin as it passes.
//!
//! A reader of tar archives keeps names, extended headers and tables of holes in memory before it
//! says a word, and believes every size that it is told. The guard sees each header before that
//! reader does, and ends the stream with an error when there is too much of something: at the
//! header that announces it, not after the bytes were read.

use std::io::{self, ErrorKind, Read};

use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;
/// The longest name and target of a link, in bytes (`PATH_MAX` of Linux).
const NAME: u64 = 4096;
/// The most that may describe one entry, in bytes: extended headers, or a table of holes.
const DESCRIPTION: u64 = 2 << 20;

/// How much a tar stream may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the stream, and as many of its files with all holes filled.
    pub bytes: u64,
    /// Number of entries.
    pub entries: u64,
    /// Bytes of names, targets of links and extended headers of all entries.
    pub names: u64,
}

/// A tar stream that ends with an error of the kind [`ErrorKind::FileTooLarge`] before it holds too
/// much. What is no tar passes, up to the number of bytes.
#[derive(Debug)]
pub struct Guarded<R> {
    inner: R,
    bounds: Bounds,
    /// Bytes that have passed.
    passed: u64,
    /// Bytes of all files so far, holes filled.
    unpacked: u64,
    entries: u64,
    names: u64,
    at: At,
    /// What was read of a header, or of an extended one.
    kept: Vec<u8>,
    /// The size that an extended header gave the entry that follows.
    size: Option<u64>,
}

/// Where in the tar the stream is.
#[derive(Debug, Clone, Copy)]
enum At {
    Header,
    /// In the extended header of the next entry; so many of its bytes and of those that fill its
    /// last block are to come.
    Extended {
        left: u64,
        padding: u64,
    },
    /// In a table of holes; the content comes after it.
    Holes {
        content: u64,
        table: u64,
    },
    /// So many bytes are to come before the next header.
    Content(u64),
    /// After the last entry, or in something that is no tar.
    End,
}

impl<R: Read> Guarded<R> {
    /// Watches over `inner`.
    pub fn new(inner: R, bounds: Bounds) -> Self {
        let (passed, unpacked, entries, names) = (0, 0, 0, 0);
        let (at, kept, size) = (At::Header, Vec::with_capacity(BLOCK), None);
        Self { inner, bounds, passed, unpacked, entries, names, at, kept, size }
    }

    /// Looks at bytes before they are passed on.
    fn watch(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.passed += bytes.len() as u64;
        if self.passed > self.bounds.bytes {
            return Err(too_much(&format!("more than {} bytes", self.bounds.bytes)));
        }
        while !bytes.is_empty() {
            let take = |most: u64| bytes.len().min(usize::try_from(most).unwrap_or(usize::MAX));
            let used = match self.at {
                At::End => return Ok(()),
                At::Content(left) => {
                    let used = take(left);
                    let left = left - used as u64;
                    self.at = if left == 0 { At::Header } else { At::Content(left) };
                    used
                }
                At::Extended { left, padding } => {
                    let used = take(left);
                    self.kept.extend_from_slice(&bytes[..used]);
                    self.at = At::Extended { left: left - used as u64, padding };
                    if left == used as u64 {
                        self.extended()?;
                        self.at = if padding == 0 { At::Header } else { At::Content(padding) };
                    }
                    used
                }
                At::Header | At::Holes { .. } => {
                    let used = take((BLOCK - self.kept.len()) as u64);
                    self.kept.extend_from_slice(&bytes[..used]);
                    if self.kept.len() == BLOCK {
                        self.block()?;
                    }
                    used
                }
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    /// Looks at a whole block of a header or of a table of holes.
    fn block(&mut self) -> io::Result<()> {
        if let At::Holes { content, table } = self.at {
            let table = table + BLOCK as u64;
            if table > DESCRIPTION {
                return Err(too_much("a file with more holes than any should have"));
            }
            // The last byte but seven says whether another follows (GNU tar, "Sparse Formats").
            let more = self.kept[BLOCK - 8] == 1;
            self.at = if more { At::Holes { content, table } } else { after(content) };
            self.kept.clear();
            return Ok(());
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&self.kept);
        self.kept.clear();
        self.header(&header)
    }

    fn header(&mut self, header: &Header) -> io::Result<()> {
        let known = header.as_gnu().is_some() || header.as_ustar().is_some();
        let kind = header.entry_type();
        let describes = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        // A block of zeros ends the archive; whoever reads it says what is wrong with another.
        let (Ok(size), false) = (header.entry_size(), !is_header(header)) else {
            self.at = At::End;
            return Ok(());
        };
        let size = if describes { size } else { self.size.unwrap_or(size) };
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        let padded = padded.ok_or_else(|| too_much("a file of impossible size"))?;
        self.count(header, size)?;
        if describes && known && !kind.is_pax_global_extensions() {
            return self.describe(kind, size, padded - size);
        }
        self.size = None;
        let unpacked = match (kind.is_gnu_sparse(), header.as_gnu()) {
            (true, Some(gnu)) => gnu.real_size().unwrap_or(u64::MAX).max(size),
            _ => size,
        };
        self.unpacked = self.unpacked.saturating_add(unpacked);
        if self.unpacked > self.bounds.bytes {
            return Err(too_much(&format!("files of more than {} bytes", self.bounds.bytes)));
        }
        let holes =
            kind.is_gnu_sparse() && header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        self.at = if holes { At::Holes { content: padded, table: 0 } } else { after(padded) };
        Ok(())
    }

    /// Counts an entry, or what describes one.
    fn count(&mut self, header: &Header, size: u64) -> io::Result<()> {
        let kind = header.entry_type();
        let old = header.as_old();
        let length = |field: &[u8]| field.iter().take_while(|byte| **byte != 0).count() as u64;
        self.names += length(&old.name) + length(&old.linkname);
        if kind.is_gnu_longname() || kind.is_gnu_longlink() {
            // With the zero that ends it.
            if size > NAME + 1 {
                return Err(too_much(&format!("a name of more than {NAME} bytes")));
            }
            self.names += size;
        } else if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            if size > DESCRIPTION {
                return Err(too_much(&format!("attributes of more than {DESCRIPTION} bytes")));
            }
            self.names += size;
        }
        self.entries += 1;
        if self.entries > self.bounds.entries {
            return Err(too_much(&format!("more than {} entries", self.bounds.entries)));
        }
        if self.names > self.bounds.names {
            return Err(too_much(&format!("names of more than {} bytes", self.bounds.names)));
        }
        Ok(())
    }

    /// Goes into what describes the next entry.
    fn describe(&mut self, kind: EntryType, size: u64, padding: u64) -> io::Result<()> {
        self.at = if kind.is_pax_local_extensions() && size > 0 {
            At::Extended { left: size, padding }
        } else {
            after(size + padding)
        };
        Ok(())
    }

    /// Reads what was kept of an extended header (POSIX.1-2017, pax, "pax Extended Header").
    fn extended(&mut self) -> io::Result<()> {
        self.size = None;
        for record in PaxExtensions::new(&self.kept) {
            // A reader ends at the same record.
            let Ok(record) = record else { break };
            let long = record.value_bytes().len() as u64 > NAME;
            match record.key() {
                Ok("path" | "linkpath" | "GNU.sparse.name") if long => {
                    return Err(too_much(&format!("a name of more than {NAME} bytes")));
                }
                Ok("size") if self.size.is_none() => {
                    self.size = record.value().ok().and_then(|text| text.parse().ok());
                    if self.size.is_none() {
                        break;
                    }
                }
                _ => {}
            }
        }
        self.kept.clear();
        Ok(())
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.watch(&buffer[..count])?;
        Ok(count)
    }
}

fn after(content: u64) -> At {
    if content == 0 { At::Header } else { At::Content(content) }
}

/// Says whether the sum of a header is right; it is the sum of its bytes, those of the sum itself
/// taken for blanks (POSIX.1-2017, pax, "ustar Interchange Format").
fn is_header(header: &Header) -> bool {
    let bytes = header.as_bytes();
    let others = bytes[..148].iter().chain(&bytes[156..]);
    let sum = others.map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    header.cksum().is_ok_and(|told| told == sum)
}

fn too_much(what: &str) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("unpacked, it holds {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 1 << 20, entries: 50, names: 100_000 };

    fn header(kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_path("x").unwrap();
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        header
    }

    fn entry(kind: EntryType, content: &[u8]) -> Vec<u8> {
        let mut bytes = header(kind, content.len() as u64).as_bytes().to_vec();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn pax(key: &str, value: &str) -> Vec<u8> {
        // The length counts its own digits.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        entry(EntryType::XHeader, format!("{length} {key}={value}\n").as_bytes())
    }

    fn sparse(real: u64, more: bool) -> Vec<u8> {
        let mut header = header(EntryType::GNUSparse, 0);
        let gnu = header.as_gnu_mut().unwrap();
        // One hole up to the end.
        let octal = format!("{real:011o}\0");
        gnu.realsize.copy_from_slice(octal.as_bytes());
        gnu.sparse[0].offset.copy_from_slice(octal.as_bytes());
        gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
        gnu.isextended = [u8::from(more)];
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    /// Reads through the guard as a reader of archives does; how many entries came, or why not.
    fn read(bytes: &[u8]) -> Result<usize, String> {
        let mut archive = tar::Archive::new(Guarded::new(bytes, BOUNDS));
        let mut count = 0;
        for entry in archive.entries().unwrap() {
            entry.map_err(|error| error.to_string())?;
            count += 1;
        }
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| error.to_string())?;
        Ok(count)
    }

    #[track_caller]
    fn refused(bytes: &[u8], told: &str) {
        let error = read(bytes).unwrap_err();
        assert!(error.contains(told), "`{told}` is not in `{error}`");
    }

    #[test]
    fn what_is_announced_is_refused_before_it_comes() {
        let file = |size| header(EntryType::Regular, size).as_bytes().to_vec();
        refused(&file(2 << 20), "files of more than 1048576 bytes");
        refused(&file((1 << 33) - 1), "files of more than");
        refused(&[pax("size", "99999999999"), file(0)].concat(), "files of more than");
        refused(&[pax("size", &u64::MAX.to_string()), file(0)].concat(), "impossible size");
        refused(&sparse(1 << 32, false), "files of more than");
        // Many holes that each are small enough.
        refused(&sparse(400_000, false).repeat(3), "files of more than");
        let long = |kind| header(kind, NAME + 2).as_bytes().to_vec();
        refused(&long(EntryType::GNULongName), "a name of more than 4096 bytes");
        refused(&long(EntryType::GNULongLink), "a name of more than 4096 bytes");
        for kind in [EntryType::XHeader, EntryType::XGlobalHeader] {
            refused(header(kind, 3 << 20).as_bytes(), "attributes of more than");
        }
    }

    #[test]
    fn what_there_is_too_much_of_is_refused() {
        let file = entry(EntryType::Regular, b"x");
        assert_eq!(read(&file.repeat(50)), Ok(50));
        refused(&file.repeat(51), "more than 50 entries");
        refused(&[file.repeat(2), vec![0; 1 << 20]].concat(), "more than 1048576 bytes");
        let long = "n".repeat(4097);
        for key in ["path", "linkpath"] {
            refused(&[pax(key, &long), file.clone()].concat(), "a name of more than 4096 bytes");
        }
        let attribute = [pax("SCHILY.xattr.user.x", &"v".repeat(30_000)), file].concat();
        assert_eq!(read(&attribute.repeat(3)), Ok(3));
        refused(&attribute.repeat(4), "names of more than 100000 bytes");
        let mut table = sparse(0, true);
        let mut more = [0; BLOCK];
        more[BLOCK - 8] = 1;
        let wide = Bounds { bytes: 1 << 30, ..BOUNDS };
        for _ in 0..5000 {
            table.extend_from_slice(&more);
        }
        let mut guarded = Guarded::new(&table[..], wide);
        let error = io::copy(&mut guarded, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("more holes"), "{error}");
    }

    #[test]
    fn what_is_no_tar_passes() {
        for bytes in [&b""[..], b"text", &[7; 2000], &[0; 5000]] {
            let mut out = Vec::new();
            Guarded::new(bytes, BOUNDS).read_to_end(&mut out).unwrap();
            assert_eq!(out, bytes);
        }
    }

    /// An archive of pieces that a writer may or may not put together so.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            (0_usize..1500).prop_map(|size| entry(EntryType::Regular, &vec![b'c'; size])),
            Just(entry(EntryType::Directory, b"")),
            (0_usize..600).prop_map(|size| entry(EntryType::GNULongName, &vec![b'n'; size])),
            (0_usize..600).prop_map(|size| entry(EntryType::GNULongLink, &vec![b'l'; size])),
            (0_u64..2000).prop_map(|size| pax("size", &size.to_string())),
            "[a-z/]{1,300}".prop_map(|name| pax("path", &name)),
            Just(pax("size", "nonsense")),
            Just(entry(EntryType::XGlobalHeader, b"12 size=1024\n")),
            (0_u64..3000).prop_map(|size| sparse(size, false)),
            Just(entry(EntryType::Fifo, b"")),
            Just(vec![0; BLOCK]),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// The guard and the reader see the same headers, however the bytes arrive.
        #[test]
        fn the_guard_counts_what_the_reader_reads(bytes in pieces(), most in 1_usize..2000) {
            let sizes = |archive: &mut tar::Archive<&[u8]>| -> Vec<u64> {
                let entries = archive.entries().unwrap().map_while(Result::ok);
                entries.map(|entry| entry.size()).collect()
            };
            let expected = sizes(&mut tar::Archive::new(&bytes[..]));
            let mut guarded = Guarded::new(&bytes[..], BOUNDS);
            let mut piece = vec![0; most];
            let mut out = Vec::new();
            loop {
                let count = guarded.read(&mut piece).unwrap();
                if count == 0 {
                    break;
                }
                out.extend_from_slice(&piece[..count]);
            }
            prop_assert_eq!(&out, &bytes);
            // A reader may stop earlier than the guard, never later.
            let read: u64 = expected.iter().sum();
            prop_assert!(guarded.unpacked >= read, "{} < {read}", guarded.unpacked);
            prop_assert!(guarded.entries >= expected.len() as u64);
        }
    }
}
