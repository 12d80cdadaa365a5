use std::{
    io::{self, Write},
    num::NonZero,
    thread::available_parallelism,
};

use flate2::Compression;
use gzp::{
    GzpError, ZWriter as _,
    deflate::Mgzip,
    par::compress::{ParCompress, ParCompressBuilder},
};
use libdeflater::{CompressionLvl, Compressor};

/// Up to this many bytes, starting threads would take longer than compressing. What is compressed how
/// depends on nothing else, for the result must be the same on every machine.
const SMALL: usize = 1 << 20;
/// How many bytes one thread compresses at a time, as a member of its own (RFC 1952, section 2.2): so
/// many that less than 1 % of the size is lost by it.
const BLOCK: usize = 1 << 19;
/// More threads would wait for the one that reads.
const MOST_THREADS: usize = 8;

/// Compresses what is written to it.
pub struct GzWriter<W: Write + Send + 'static> {
    state: State<W>,
    level: Compression,
}

enum State<W: Write + Send + 'static> {
    /// What there is so far.
    Small(Vec<u8>, W),
    Large(ParCompress<'static, Mgzip, W>),
    /// A write failed.
    Failed,
}

/// Returns a writer that compresses into `w` at `level`, 0 (stored) to 9 (smallest), with all
/// processors when there is much of it. Dropping it before [`GzWriter::finish`] leaves `w` with a part.
///
/// The header holds no name, no time and no operating system, so the same bytes at the same level
/// give the same result everywhere.
pub fn gzip<W: Write + Send + 'static>(w: W, level: u32) -> GzWriter<W> {
    GzWriter { state: State::Small(Vec::new(), w), level: Compression::new(level.min(9)) }
}

impl<W: Write + Send + 'static> GzWriter<W> {
    /// Writes what is left and returns the inner writer.
    ///
    /// # Errors
    /// What the inner writer said.
    pub fn finish(mut self) -> io::Result<W> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Small(bytes, mut w) => {
                w.write_all(&at_once(&bytes, self.level)?)?;
                Ok(w)
            }
            State::Large(mut threads) => threads.finish().map_err(plain),
            State::Failed => Err(failed_before()),
        }
    }

    /// Goes on with threads.
    fn grow(&mut self, threads: usize) -> io::Result<()> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        self.state = match state {
            State::Small(bytes, w) => {
                let builder = ParCompressBuilder::<Mgzip>::new()
                    .buffer_size(BLOCK)
                    .and_then(|it| it.num_threads(threads))
                    .map_err(plain)?;
                let mut threads = builder.compression_level(self.level).from_writer(w);
                threads.write_all(&bytes)?;
                State::Large(threads)
            }
            other => other,
        };
        Ok(())
    }
}

/// Compresses all of `bytes`; the header has no time, and says that the system is unknown.
fn at_once(bytes: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let level = i32::try_from(level.level()).map_err(io::Error::other)?;
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap_or_default());
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let length = compressor.gzip_compress(bytes, &mut out).map_err(io::Error::other)?;
    out.truncate(length);
    Ok(out)
}

fn failed_before() -> io::Error {
    io::Error::other("a write failed before")
}

fn plain(error: GzpError) -> io::Error {
    match error {
        GzpError::Io(error) => error,
        other => io::Error::other(other),
    }
}

fn threads() -> usize {
    available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS)
}

impl<W: Write + Send + 'static> Write for GzWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Small(held, _) if held.len() + bytes.len() <= SMALL => {
                held.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            State::Small(..) => {
                self.grow(threads())?;
                self.write(bytes)
            }
            State::Large(threads) => {
                let result = threads.write(bytes);
                if result.is_err() {
                    self.state = State::Failed;
                }
                result
            }
            State::Failed => Err(failed_before()),
        }
    }

    /// Does nothing: where blocks begin must not depend on who flushes when.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The crate's own end panics when the inner writer fails.
impl<W: Write + Send + 'static> Drop for GzWriter<W> {
    fn drop(&mut self) {
        if let State::Large(threads) = &mut self.state {
            // Nobody wants what was written.
            let _ = threads.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn packed(bytes: &[u8], pieces: usize, threads: usize) -> Vec<u8> {
        let mut writer = gzip(Vec::new(), 3);
        for piece in bytes.chunks(pieces) {
            if bytes.len() > SMALL {
                writer.grow(threads).unwrap();
            }
            writer.write_all(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    /// Neither all the same nor all different.
    fn sample(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at / 7 * at % 251) as u8 & 0x3f).collect()
    }

    #[test]
    fn the_header_tells_nothing_about_the_machine() {
        for length in [5, SMALL + 1] {
            let bytes = packed(&sample(length), 4096, 2);
            // What is large has a field with the length of its first member.
            let extra = if length > SMALL { 4 } else { 0 };
            assert_eq!(bytes[..10], [0x1f, 0x8b, 8, extra, 0, 0, 0, 0, 0, 255]);
        }
    }

    #[test]
    fn the_result_depends_on_neither_threads_nor_pieces() {
        for length in [0, 1, SMALL, SMALL + 1, 3 * SMALL + 17, 4 * BLOCK, 5 * BLOCK] {
            let bytes = sample(length);
            let one = packed(&bytes, 100_000, 1);
            for (pieces, threads) in [(4096, 2), (SMALL * 2, 8), (777, 3)] {
                assert!(packed(&bytes, pieces, threads) == one, "{length} {pieces} {threads}");
            }
            let mut back = Vec::new();
            MultiGzDecoder::new(&*one).read_to_end(&mut back).unwrap();
            assert!(back == bytes, "{length}");
        }
    }

    /// A disk that is full after some bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_and_a_drop_is_quiet() {
        let mut writer = gzip(Full(1000), 3);
        let bytes = sample(40 * SMALL);
        let result = writer.write_all(&bytes).and_then(|()| writer.finish().map(drop));
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
        let mut writer = gzip(Full(1000), 3);
        writer.write_all(&bytes[..2 * SMALL]).unwrap();
        drop(writer);
    }
}
