use std::io::{self, Read, Seek, SeekFrom};

use edk_model::Monitor;

/// A stream that ends with an error once the work is to stop: one file alone may be large.
///
/// Who reads through it asks the monitor why reading failed before blaming what was read.
pub struct Stoppable<'m, R> {
    inner: R,
    monitor: &'m Monitor,
}

impl<'m, R> Stoppable<'m, R> {
    /// Returns `inner` as a stream of the work that `monitor` belongs to.
    pub fn new(inner: R, monitor: &'m Monitor) -> Self {
        Self { inner, monitor }
    }
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.monitor.check().map_err(io::Error::other)?;
        self.inner.read(buffer)
    }
}

impl<R: Seek> Seek for Stoppable<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Cursor, sync::Arc};

    use edk_model::{CancellationToken, Silent};

    use super::*;

    #[test]
    fn a_stream_ends_when_the_work_does() {
        let cancel = CancellationToken::new();
        let monitor = Monitor::new(Arc::new(Silent), cancel.clone(), "");
        let mut stream = Stoppable::new(Cursor::new(b"abcd"), &monitor);
        let mut two = [0; 2];
        stream.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"ab");
        cancel.cancel();
        assert_eq!(stream.read_exact(&mut two).unwrap_err().to_string(), "cancelled");
        stream.seek(SeekFrom::Start(0)).unwrap();
        assert!(stream.read_to_end(&mut Vec::new()).is_err());
    }
}
