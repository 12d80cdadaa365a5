use edk_engine::{
    BasePullRequest, BaseRebaseRequest, Engine, EngineError, ImageDiffRequest, ImageExportRequest,
    ImageLoadRequest, ImageLookRequest, ImageSaveRequest, ImageSendRequest,
};
use edk_model::Monitor;

use crate::Response;

/// What can be done with images and the bases they stand on.
#[derive(Debug, Clone)]
pub enum ImageCommand {
    /// List the bases that can be made and those that are there.
    BaseList,
    /// Pull an image to build on.
    BasePull(BasePullRequest),
    /// Put an image on another base without building it.
    BaseRebase(Box<BaseRebaseRequest>),
    /// Write images to an archive.
    Save(ImageSaveRequest),
    /// Take the images of an archive.
    Load(ImageLoadRequest),
    /// Look at an image, or at those of an archive.
    Inspect(ImageLookRequest),
    /// Tell what made an image.
    History(ImageLookRequest),
    /// Compare two images file by file.
    Diff(ImageDiffRequest),
    /// Write the files of an image to a tar.
    Export(ImageExportRequest),
    /// Send images to a target as an archive.
    Send(ImageSendRequest),
}

impl ImageCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::BaseList => "base list",
            Self::BasePull(_) => "base pull",
            Self::BaseRebase(_) => "base rebase",
            Self::Save(_) => "image save",
            Self::Load(_) => "image load",
            Self::Inspect(_) => "image inspect",
            Self::History(_) => "image history",
            Self::Diff(_) => "image diff",
            Self::Export(_) => "image export",
            Self::Send(_) => "image send",
        }
    }

    pub(crate) fn call(&self, engine: &Engine, monitor: &Monitor) -> Result<Response, EngineError> {
        Ok(match self {
            Self::BaseList => Response::BaseList(engine.base_listing()?),
            Self::BasePull(request) => Response::Base(engine.base_pull(request, monitor)?),
            Self::BaseRebase(request) => Response::Base(engine.base_rebase(request, monitor)?),
            Self::Save(request) => Response::ImageSave(engine.image_save(request, monitor)?),
            Self::Load(request) => Response::Imported(engine.image_load(request, monitor)?),
            Self::Inspect(request) => {
                Response::ImageInspect(engine.image_inspect(request, monitor)?)
            }
            Self::History(request) => {
                Response::ImageHistory(engine.image_history(request, monitor)?)
            }
            Self::Diff(request) => Response::ImageDiff(engine.image_diff(request, monitor)?),
            Self::Export(request) => Response::Exported(engine.image_export(request, monitor)?),
            Self::Send(request) => Response::ImageSend(engine.image_send(request, monitor)?),
        })
    }
}
