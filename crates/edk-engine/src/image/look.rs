use std::path::{Path, PathBuf};

use edk_image::{ImageArchive, ShownImage};
use edk_model::{Digest, Monitor, Reference};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, ImageDetails, registry::details};

/// Look at images.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageLookRequest {
    /// An image of the store or of another registry, or the file of an archive.
    pub image: String,
    /// A certificate to trust when another registry is asked.
    pub certificate: Option<PathBuf>,
}

/// An instruction in the history of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// What it says; empty when the history does not tell.
    pub created_by: String,
    /// When it was carried out (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Digest of the layer it made; none for a setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Digest>,
    /// Size of the layer as stored, in bytes.
    pub size: u64,
}

impl Engine {
    /// Looks at an image, or at all images of an archive.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn image_inspect(
        &self,
        request: &ImageLookRequest,
        monitor: &Monitor,
    ) -> Result<Vec<ImageDetails>, EngineError> {
        let shown = self.shown(request, monitor)?;
        Ok(shown.into_iter().map(|(name, shown)| details(&name, shown)).collect())
    }

    /// Returns the history of an image, oldest first.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn image_history(
        &self,
        request: &ImageLookRequest,
        monitor: &Monitor,
    ) -> Result<Vec<HistoryLine>, EngineError> {
        let shown = self.shown(request, monitor)?;
        let entries = shown.iter().flat_map(|(_, shown)| shown.history());
        let line = |entry: edk_image::HistoryEntry| HistoryLine {
            created_by: entry.created_by,
            created: entry.created,
            layer: entry.layer.as_ref().map(|layer| layer.digest),
            size: entry.layer.map_or(0, |layer| layer.size),
        };
        Ok(entries.map(line).collect())
    }

    fn shown(
        &self,
        request: &ImageLookRequest,
        monitor: &Monitor,
    ) -> Result<Vec<(Reference, ShownImage)>, EngineError> {
        let path = Path::new(&request.image);
        if path.is_file() {
            let images = ImageArchive::open(path)?.shown()?.into_iter();
            return Ok(images
                .filter_map(|(names, shown)| Some((names.into_iter().next()?, shown)))
                .collect());
        }
        let wrong = |_| EngineError::NoSuchImage { name: request.image.clone() };
        let reference: Reference = request.image.parse().map_err(wrong)?;
        let access = self.access(request.certificate.as_ref());
        let shown = edk_image::show(self.store()?, &reference, &access, monitor)?;
        Ok(vec![(reference, shown)])
    }
}
