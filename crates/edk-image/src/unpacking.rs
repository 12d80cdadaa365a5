//! Archives that `ADD` takes apart: tar, also compressed with gzip, bzip2, xz or zstd. They are
//! known by their content alone (Dockerfile reference, ADD).

use std::io::{self, BufRead, BufReader, Read};

use edk_archive::{Bounds, Guarded};

/// The most that one archive may hold, unpacked: far above any in the field, and an end to what
/// was made to fill disks.
pub(crate) const LIMITS: Bounds = Bounds { bytes: 64 << 30, entries: 4_000_000, names: 1 << 30 };

/// Says whether the content is an archive: its first entry can be read.
pub(crate) fn is_archive(content: impl Read) -> bool {
    let Ok(stream) = decompressed(content, LIMITS) else { return false };
    let mut archive = tar::Archive::new(stream);
    let Ok(mut entries) = archive.entries() else { return false };
    entries.next().is_some_and(|entry| entry.is_ok())
}

/// Returns the content without its compression with gzip, bzip2, xz or zstd, as `ADD` sees it. It ends
/// with an error of the kind [`io::ErrorKind::FileTooLarge`] at the limits.
///
/// # Errors
/// [`io::Error`] if its start can't be read.
pub fn decompressed<'a>(content: impl Read + 'a, limits: Bounds) -> io::Result<Box<dyn Read + 'a>> {
    let mut content = BufReader::with_capacity(64 << 10, content);
    let start = content.fill_buf()?;
    let stream: Box<dyn Read + 'a> = if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(content))
    } else if start.starts_with(b"BZh") {
        Box::new(bzip2::bufread::MultiBzDecoder::new(content))
    } else if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Box::new(lzma_rust2::XzReader::new(content, true))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::stream::read::Decoder::with_buffer(content)?)
    } else {
        Box::new(content)
    };
    Ok(Box::new(Guarded::new(stream, limits)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn tar() -> Vec<u8> {
        edk_testkit::tar(&[edk_testkit::TarEntry::File("f", 0o644, b"content")])
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn an_archive_is_known_by_its_content() {
        let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz.write_all(&tar()).unwrap();
        let zst = zstd::stream::encode_all(&tar()[..], 1).unwrap();
        for bytes in [tar(), gzip(&tar()), bz.finish().unwrap(), zst] {
            assert!(is_archive(&bytes[..]));
            let mut unpacked = Vec::new();
            decompressed(&bytes[..], LIMITS).unwrap().read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, tar());
        }
        for bytes in [b"".to_vec(), b"plain text".to_vec(), gzip(b"plain"), vec![0x1f, 0x8b]] {
            assert!(!is_archive(&bytes[..]));
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = gzip(&vec![0; 4 << 20]);
        let limits = Bounds { bytes: 1 << 20, entries: 1, names: 100 };
        let read = io::copy(&mut decompressed(&bomb[..], limits).unwrap(), &mut io::sink());
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
