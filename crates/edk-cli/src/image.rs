//! Arguments of the commands for images as files.

use std::path::PathBuf;

use clap::Subcommand;
use edk_api::{
    Command, Engine, Failure, ImageCommand, ImageDiffRequest, ImageExportRequest, ImageLoadRequest,
    ImageLookRequest, ImageSaveRequest, ImageSendRequest,
};
use edk_model::Reference;

use crate::{args::TargetArg, registry::Trust};

#[derive(Debug, Subcommand)]
pub(crate) enum ImageAction {
    /// Write images to an OCI archive: all of them, or only what its reader lacks.
    #[command(after_help = "Examples:
  edk image save my-image:0.1.0 --file my-image.tar
  edk image save my-image:0.1.0 --file my-image.tar --registry registry.example.org/team
  edk image save my-image:0.1.1 --file delta.tar --delta-against my-image:0.1.0
A platform that lacks what a delta leaves out refuses it; then it has to be sent a whole one.")]
    Save {
        /// The images; without a registry, those of this machine.
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<Reference>,
        /// The archive.
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
        /// Name the images for this registry, below the path after its host.
        #[arg(long, value_name = "REGISTRY[/PATH]")]
        registry: Option<String>,
        /// Leave out the layers of this image, of this archive, or of those in this ledger (.json);
        /// may be given several times.
        #[arg(long, value_name = "IMAGE|FILE")]
        delta_against: Vec<String>,
    },
    /// Take the images of an archive: an OCI image layout, or what `docker save` writes.
    #[command(after_help = "Examples:
  edk image load my-image.tar
  edk image load my-image.tar --name other:1.0    under another name")]
    Load {
        /// The archive.
        file: PathBuf,
        /// Name for its image [default: the one the archive gives it].
        #[arg(long, value_name = "IMAGE")]
        name: Option<Reference>,
    },
    /// Show manifest, configuration and layers of an image, or of those in an archive.
    #[command(after_help = "Examples:
  edk image inspect my-image:0.1.0
  edk image inspect my-image.tar -o json")]
    Inspect {
        /// An image, or the file of an archive.
        image: String,
        #[command(flatten)]
        trust: Trust,
    },
    /// Tell what made an image, oldest first, with the size of each layer.
    #[command(after_help = "Examples:
  edk image history my-image:0.1.0")]
    History {
        /// An image, or the file of an archive.
        image: String,
        #[command(flatten)]
        trust: Trust,
    },
    /// Compare the files of two images; times don't count.
    #[command(after_help = "Examples:
  edk image diff my-image:0.1.0 my-image:0.2.0")]
    Diff {
        /// The image before.
        before: Reference,
        /// The image after.
        after: Reference,
    },
    /// Write the files of an image to a tar, as a container of it would see them.
    #[command(after_help = "Examples:
  edk image export my-image:0.1.0 rootfs.tar")]
    Export {
        /// The image.
        image: Reference,
        /// The tar.
        file: PathBuf,
    },
    /// Send images to a target as an archive of what it lacks; of all, when it refuses that.
    #[command(after_help = "Examples:
  edk image send my-image:0.1.0
  edk image send my-image:0.1.0 --full")]
    Send {
        /// The images.
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<Reference>,
        #[command(flatten)]
        target: TargetArg,
        /// Send everything, whatever the target is known to have.
        #[arg(long)]
        full: bool,
    },
}

impl ImageAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Save { .. } => "image save",
            Self::Load { .. } => "image load",
            Self::Inspect { .. } => "image inspect",
            Self::History { .. } => "image history",
            Self::Diff { .. } => "image diff",
            Self::Export { .. } => "image export",
            Self::Send { .. } => "image send",
        }
    }

    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        Ok(Command::Image(Box::new(match self {
            Self::Save { images, file, registry, delta_against } => {
                ImageCommand::Save(ImageSaveRequest {
                    images: images.clone(),
                    file: file.clone(),
                    registry: registry.clone(),
                    delta: delta_against.clone(),
                })
            }
            Self::Load { file, name } => {
                let (file, name) = (file.clone(), name.clone());
                ImageCommand::Load(ImageLoadRequest { file, name })
            }
            Self::Inspect { image, trust } => ImageCommand::Inspect(look(image, trust)),
            Self::History { image, trust } => ImageCommand::History(look(image, trust)),
            Self::Diff { before, after } => {
                let (before, after) = (before.clone(), after.clone());
                ImageCommand::Diff(ImageDiffRequest { before, after })
            }
            Self::Export { image, file } => {
                let (image, file) = (image.clone(), file.clone());
                ImageCommand::Export(ImageExportRequest { image, file })
            }
            Self::Send { images, target, full } => ImageCommand::Send(ImageSendRequest {
                images: images.clone(),
                target: target.name(engine)?,
                full: *full,
            }),
        })))
    }
}

fn look(image: &str, trust: &Trust) -> ImageLookRequest {
    ImageLookRequest { image: image.to_owned(), certificate: trust.certificate.clone() }
}
