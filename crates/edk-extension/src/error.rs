use std::{io, path::PathBuf};

use edk_model::{Code, Explain, Finding};

/// Why a folder can't be understood as an extension.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// The folder is not there.
    #[error("there is no folder `{}`", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A packaged chart that can't be read.
    #[error("`{}` can't be read as a packaged chart", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The cause.
        #[source]
        source: edk_archive::Error,
    },
    /// The folder holds neither a chart nor an image.
    #[error("`{}` is no extension: there is neither a Chart.yaml nor a Dockerfile below it", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The files are wrong.
    #[error("the extension in `{}` can't be understood", path.display())]
    Findings {
        /// The folder of the extension.
        path: PathBuf,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// Something that was asked for by name is not in the extension.
    #[error("the extension has no {what} called `{name}`")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// There is none where one is meant.
    #[error("the extension has no {what}")]
    Lacking {
        /// What kind of thing.
        what: &'static str,
    },
    /// There are several where one is meant.
    #[error("the extension has {} {what}s, and none was named", known.len())]
    Several {
        /// What kind of thing.
        what: &'static str,
        /// Their names.
        known: Vec<String>,
    },
    /// The disk refused.
    #[error("could not read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl Explain for ExtensionError {
    fn code(&self) -> Code {
        match self {
            Self::NoFolder { .. } | Self::Unknown { .. } | Self::Lacking { .. } => Code::NotFound,
            Self::Empty { .. }
            | Self::Findings { .. }
            | Self::Several { .. }
            | Self::Archive { .. } => Code::InvalidInput,
            Self::Io { source, .. } => Code::of_io(source),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Empty { .. } => vec![
                "name the folder of an extension".to_owned(),
                "or make one from a template: `edk new radiomics FOLDER`".to_owned(),
            ],
            Self::Archive { .. } => {
                vec!["name a folder, or the `.tgz` that `edk package` makes".to_owned()]
            }
            Self::Lacking { .. } => {
                vec!["`edk inspect` shows what the extension consists of".to_owned()]
            }
            Self::Unknown { known, .. } | Self::Several { known, .. } => {
                vec![format!("name one of {}", known.join(", "))]
            }
            _ => Vec::new(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Findings { findings, .. } => findings.clone(),
            _ => Vec::new(),
        }
    }
}
