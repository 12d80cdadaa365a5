use std::io::{self, Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};

/// The operating system "unknown" of RFC 1952, section 2.3.1.
const UNKNOWN_SYSTEM: u8 = 255;

/// Compresses what is written to it.
pub struct GzWriter<W: Write>(GzEncoder<W>);

/// Returns a writer that compresses into `w` at `level`, 0 (stored) to 9 (smallest).
///
/// The header holds no name, no time and no operating system, so the same bytes at the same level
/// give the same result everywhere.
pub fn gzip<W: Write>(w: W, level: u32) -> GzWriter<W> {
    let header = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    GzWriter(header.write(w, Compression::new(level.min(9))))
}

impl<W: Write> GzWriter<W> {
    /// Writes what is left and returns the inner writer.
    ///
    /// # Errors
    /// What the inner writer said.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for GzWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_nothing_about_the_machine() {
        let mut writer = gzip(Vec::new(), 6);
        writer.write_all(b"hello").unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }
}
