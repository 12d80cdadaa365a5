//! The tar of a layer as it comes out of the store: without its compression, within bounds, and with
//! the content that its image's configuration names.

use std::io::{self, BufReader, Read};

use edk_archive::{Bounds, Guarded};
use edk_model::{Descriptor, Hasher, Monitor};
use edk_store::Store;

use crate::{ImageError, Layer, compression::uncompressed};

/// The most that one layer may hold, unpacked: far above any in the field.
const MOST: Bounds = Bounds { bytes: 256 << 30, entries: 8_000_000, names: 1 << 30 };
/// How much larger than its blob a layer may be, unpacked. Files of zeros shrink to a thousandth, so
/// this counts only above what a disk that images are built on has to spare.
const BLOWN_UP: u64 = 200;
const BLOWN_UP_LEAST: u64 = 8 << 30;

/// The uncompressed tar of a layer. Reading fails with [`io::ErrorKind::FileTooLarge`] as soon as it
/// announces more than it may hold, and at its very end when it is not what its diff id says.
pub(crate) struct LayerTar<'a> {
    stream: Guarded<Box<dyn Read + 'a>>,
    layer: &'a Layer,
    hasher: Option<Hasher>,
    fault: Option<String>,
    /// Asked at every read: a single file may be large.
    monitor: &'a Monitor,
}

impl<'a> LayerTar<'a> {
    /// Opens a layer of the store.
    ///
    /// # Errors
    /// [`ImageError::Store`] if its blob is missing, [`ImageError::Unsupported`] for a kind of
    /// layer that is not handled.
    pub(crate) fn open(
        store: &'a Store,
        layer: &'a Layer,
        monitor: &'a Monitor,
    ) -> Result<Self, ImageError> {
        let blob = store.reader(&layer.descriptor.digest)?;
        Self::of(BufReader::with_capacity(256 << 10, blob), store, layer, monitor)
    }

    /// Reads a layer of the store from its blob.
    ///
    /// # Errors
    /// [`ImageError::Unsupported`] for a kind of layer that is not handled.
    pub(crate) fn of(
        blob: impl Read + 'a,
        store: &Store,
        layer: &'a Layer,
        monitor: &'a Monitor,
    ) -> Result<Self, ImageError> {
        let size = store.size(&layer.descriptor.digest).unwrap_or(0);
        let blown_up = size.saturating_mul(BLOWN_UP).max(BLOWN_UP_LEAST);
        let bounds = Bounds { bytes: MOST.bytes.min(blown_up), ..MOST };
        Self::within(blob, layer, bounds, monitor)
    }

    fn within(
        blob: impl Read + 'a,
        layer: &'a Layer,
        bounds: Bounds,
        monitor: &'a Monitor,
    ) -> Result<Self, ImageError> {
        let stream = Guarded::new(uncompressed(blob, &layer.descriptor)?, bounds);
        let hasher = Some(Hasher::with(layer.diff_id.algorithm()));
        Ok(Self { stream, layer, hasher, fault: None, monitor })
    }

    /// Reads what is left after the last entry, so that the whole layer has been looked at.
    ///
    /// # Errors
    /// As reading.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    /// Returns `error`, or what is wrong with the layer if that is why, or that the work was cancelled.
    pub(crate) fn blame(&mut self, error: ImageError) -> ImageError {
        if let Err(cancelled) = self.monitor.check() {
            return cancelled.into();
        }
        match self.fault.take() {
            Some(reason) => bad(self.layer, reason),
            None => error,
        }
    }

    fn is_itself(&mut self) -> io::Result<()> {
        let Some(found) = self.hasher.take().map(Hasher::finish) else { return Ok(()) };
        let named = self.layer.diff_id;
        if found == named {
            return Ok(());
        }
        let text = format!("its content is {found}, and its image says that it is {named}");
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
    }
}

impl Read for LayerTar<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.monitor.check().map_err(io::Error::other)?;
        let read = self.stream.read(buffer).and_then(|count| {
            if count == 0 && !buffer.is_empty() {
                self.is_itself()?;
            } else if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
            Ok(count)
        });
        // What the disk says is no fault of the layer.
        if let Err(error) = &read
            && error.raw_os_error().is_none()
        {
            self.fault = Some(error.to_string());
        }
        read
    }
}

/// The error of a layer that makes no sense.
pub(crate) fn bad(layer: &Layer, reason: impl Into<String>) -> ImageError {
    ImageError::BadLayer { digest: layer.descriptor.digest, reason: reason.into() }
}

/// The error of a layer that can't be read to its end: it makes no sense, unless the work was
/// cancelled.
pub(crate) fn broken(layer: &Layer, reason: impl Into<String>, monitor: &Monitor) -> ImageError {
    match monitor.check() {
        Err(cancelled) => cancelled.into(),
        Ok(()) => bad(layer, reason),
    }
}

/// Refuses a kind of layer that is not handled.
///
/// # Errors
/// [`ImageError::Unsupported`].
pub(crate) fn supported(descriptor: &Descriptor) -> Result<(), ImageError> {
    uncompressed(io::empty(), descriptor).map(drop)
}

/// Paths and what is kept of them, counted so that a layer whose folders lie in each other a
/// thousand deep can't fill the memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Held(u64);

impl Held {
    const MOST: u64 = 2 << 30;

    /// Counts a path.
    ///
    /// # Errors
    /// What is wrong, in words, when all paths together are too long.
    pub(crate) fn add(&mut self, path: usize) -> Result<(), String> {
        self.0 += path as u64 + 64;
        if self.0 <= Self::MOST {
            return Ok(());
        }
        Err(format!("its paths need more than {} bytes", Self::MOST))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::Arc};

    use edk_model::{CancellationToken, Code, Digest, Explain as _, Silent, media};

    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 1 << 20, entries: 100, names: 1 << 16 };

    fn layer(media_type: &str, tar: &[u8]) -> Layer {
        let descriptor = Descriptor::new(media_type, Digest::of(b"blob"), 0);
        Layer { descriptor, diff_id: Digest::of(tar) }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn a_layer_is_read_when_it_is_small_enough_and_what_it_says() {
        let tar = edk_testkit::tar(&[edk_testkit::TarEntry::File("f", 0o644, b"content")]);
        let monitor = Monitor::silent();
        let read = |layer: &Layer, blob: &[u8]| {
            let mut stream = LayerTar::within(blob, layer, BOUNDS, &monitor).unwrap();
            let read = stream.finish();
            let other = ImageError::NoImage { reference: String::new() };
            read.map_err(|_| stream.blame(other).to_string())
        };
        let own = layer(media::LAYER_GZIP, &tar);
        assert_eq!(read(&own, &gzip(&tar)), Ok(()));
        assert_eq!(read(&layer(media::LAYER, &tar), &tar), Ok(()));
        let other = read(&layer(media::LAYER_GZIP, b"other"), &gzip(&tar)).unwrap_err();
        assert!(other.contains("its content is") && other.contains("layer sha256:"), "{other}");
        let bomb = gzip(&vec![0; 4 << 20]);
        assert!(bomb.len() < 8000);
        let told = read(&own, &bomb).unwrap_err();
        assert!(told.contains("unpacked, it holds more than 1048576 bytes"), "{told}");
        let cut = &gzip(&tar)[..40];
        assert!(read(&own, cut).is_err(), "half a layer");
    }

    #[test]
    fn reading_a_layer_ends_when_the_work_is_cancelled_within_a_file() {
        let tar = edk_testkit::tar(&[edk_testkit::TarEntry::File("f", 0o644, &[1; 1 << 16])]);
        let cancel = CancellationToken::new();
        let monitor = Monitor::new(Arc::new(Silent), cancel.clone(), "");
        let layer = layer(media::LAYER, &tar);
        let mut stream = LayerTar::within(&tar[..], &layer, BOUNDS, &monitor).unwrap();
        assert_eq!(stream.read(&mut [0; 1000]).unwrap(), 1000);
        cancel.cancel();
        let error = stream.finish().unwrap_err();
        let told = broken(&layer, error.to_string(), &monitor);
        assert_eq!(told.code(), Code::Cancelled);
        assert_eq!(stream.blame(bad(&layer, "it is cut off")).code(), Code::Cancelled);
    }
}
