use std::{io, path::PathBuf};

use edk_container::ContainerError;
use edk_image::ImageError;
use edk_model::{Cancelled, Code, Explain, Finding};

/// Why a processing container could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The input is not there.
    #[error("there is no input folder `{}`", path.display())]
    NoInput {
        /// The folder.
        path: PathBuf,
    },
    /// The input holds no file.
    #[error("the input folder `{}` holds no file", path.display())]
    EmptyInput {
        /// The folder.
        path: PathBuf,
    },
    /// The folder for the run is there already.
    #[error("`{}` is there already", path.display())]
    OutputExists {
        /// The folder.
        path: PathBuf,
    },
    /// A form value that would not reach the container.
    #[error("form value `{name}` can't be passed: {reason}")]
    FormValue {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The image names no command.
    #[error("image `{image}` has neither CMD nor ENTRYPOINT")]
    NoCommand {
        /// The image.
        image: String,
    },
    /// The disk refused.
    #[error("could not read or write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The image can't be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The container could not be run.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl RunnerError {
    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Explain for RunnerError {
    fn code(&self) -> Code {
        match self {
            Self::NoInput { .. } => Code::NotFound,
            Self::EmptyInput { .. } | Self::FormValue { .. } | Self::NoCommand { .. } => {
                Code::InvalidInput
            }
            Self::OutputExists { .. } => Code::Conflict,
            Self::Io { source, .. } => Code::of_io(source),
            Self::Image(error) => error.code(),
            Self::Container(error) => error.code(),
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoInput { .. } | Self::EmptyInput { .. } => {
                vec!["name a folder with DICOM, NIfTI or NRRD files: `--input FOLDER`".to_owned()]
            }
            Self::OutputExists { .. } => vec!["name another folder: `--out FOLDER`".to_owned()],
            Self::NoCommand { .. } => vec![
                "add a CMD to its Dockerfile: the platform ignores commands of operators"
                    .to_owned(),
            ],
            Self::Image(error) => error.hints(),
            Self::Container(error) => error.hints(),
            _ => Vec::new(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Image(error) => error.findings(),
            _ => Vec::new(),
        }
    }
}
