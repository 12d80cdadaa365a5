//! How the tar of a layer is compressed.

use std::{
    io::{self, Read, Write},
    path::Path,
};

use edk_archive::{GzWriter, gzip};
use edk_model::{Descriptor, media};
use edk_store::{BlobWriter, Store};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use zstd::stream::{read::Decoder, write::Encoder};

use crate::ImageError;

/// Fast: a build waits for it. Level 6 would save 8 % of the size for 2.3 times the time.
const GZIP_LEVEL: u32 = 1;
/// The format's own default.
const ZSTD_LEVEL: i32 = 3;

/// How layers are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// gzip, which everything reads.
    #[default]
    Gzip,
    /// zstd: smaller and faster, for registries and nodes that know it (containerd since 1.5).
    Zstd,
}

impl Compression {
    /// Returns the media type of a layer that is compressed so.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Gzip => media::LAYER_GZIP,
            Self::Zstd => media::LAYER_ZSTD,
        }
    }
}

/// A blob of the store that is compressed on its way.
pub(crate) enum Compressor {
    Gzip(GzWriter<BlobWriter>),
    Zstd(Encoder<'static, BlobWriter>),
}

impl Compressor {
    pub(crate) fn new(store: &Store, compression: Compression) -> Result<Self, ImageError> {
        let blob = store.writer()?;
        Ok(match compression {
            Compression::Gzip => Self::Gzip(gzip(blob, GZIP_LEVEL)),
            Compression::Zstd => Self::Zstd(Encoder::new(blob, ZSTD_LEVEL).map_err(failed)?),
        })
    }

    /// Writes what is left and keeps the blob.
    pub(crate) fn commit(self) -> Result<Descriptor, ImageError> {
        let (blob, compression) = match self {
            Self::Gzip(writer) => (writer.finish(), Compression::Gzip),
            Self::Zstd(writer) => (writer.finish(), Compression::Zstd),
        };
        Ok(blob.map_err(failed)?.commit(compression.media_type())?)
    }
}

impl Write for Compressor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(writer) => writer.write(bytes),
            Self::Zstd(writer) => writer.write(bytes),
        }
    }

    /// Does nothing: what a blob holds must not depend on who flushes when.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(source: io::Error) -> ImageError {
    ImageError::io(Path::new("the new layer"), source)
}

/// Returns what the blob of a layer holds, without its compression.
///
/// # Errors
/// [`ImageError::Unsupported`] for a kind of layer that is not handled.
pub(crate) fn uncompressed<'a>(
    blob: impl Read + 'a,
    descriptor: &Descriptor,
) -> Result<Box<dyn Read + 'a>, ImageError> {
    match descriptor.media_type.as_str() {
        media::LAYER_GZIP | media::DOCKER_LAYER => Ok(Box::new(MultiGzDecoder::new(blob))),
        media::LAYER_ZSTD => Ok(Box::new(Decoder::new(blob).map_err(failed)?)),
        media::LAYER => Ok(Box::new(blob)),
        other => Err(ImageError::Unsupported { what: format!("a layer of type {other}") }),
    }
}
