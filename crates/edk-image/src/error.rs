use std::{io, path::PathBuf};

use edk_model::{Cancelled, Code, Digest, Explain, Finding};
use edk_store::StoreError;

use crate::machine::ContainerError;

/// Why an image could not be built, made or read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The user's files are wrong; nothing was started.
    #[error("{subject} can't be built")]
    Findings {
        /// The Dockerfile.
        subject: String,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// A base image is not there.
    #[error("base image `{reference}` is not there")]
    NoBase {
        /// The reference after `FROM`.
        reference: String,
        /// Where `FROM` stands, as `file:line`.
        place: String,
    },
    /// A recipe that nobody wrote.
    #[error("there is no recipe for a base called `{name}`")]
    NoRecipe {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A program that makes bases is not installed.
    #[error("`{program}` is needed to make a base from Debian packages and is not installed")]
    NoProgram {
        /// The program, which is also the name of its Debian package.
        program: &'static str,
    },
    /// A builder that was chosen and is not installed.
    #[error("`{program}` was chosen to build images and is not installed")]
    NoEngine {
        /// The program.
        program: &'static str,
    },
    /// A command of a Dockerfile or of a recipe ended with an error.
    #[error("`{command}` ended with exit code {code}")]
    CommandFailed {
        /// The instruction, or the program.
        command: String,
        /// Where it stands, as `file:line`; empty for a program of ours.
        place: String,
        /// Its exit code.
        code: i32,
        /// The last lines of its output.
        output: Vec<String>,
    },
    /// What `ADD` names by its address can't be had.
    #[error("could not fetch `{address}`: {reason}")]
    Fetch {
        /// The address.
        address: String,
        /// Where the instruction stands, as `file:line`.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// A manifest or configuration that makes no sense.
    #[error("image {digest} is malformed: {reason}")]
    Malformed {
        /// The blob.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A layer that makes no sense, holds more than any should, or is another than its image says.
    #[error("layer {digest} can't be used: {reason}")]
    BadLayer {
        /// Its blob.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A kind of image that is not handled.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// A file that is not, or not wholly, an archive of images.
    #[error("`{file}` can't be used: {reason}")]
    BadArchive {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        fix: String,
    },
    /// A registry can't be reached, or refuses.
    #[error("could not pull `{reference}`")]
    Pull {
        /// The image.
        reference: String,
        /// What it comes down to.
        problem: RegistryProblem,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A registry can't be reached, or does not take an image.
    #[error("could not push `{reference}`")]
    Push {
        /// The image.
        reference: String,
        /// What it comes down to.
        problem: RegistryProblem,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An image whose layers can't simply be moved to another base.
    #[error("it has to be built again: {}", reasons.join("; "))]
    CannotRebase {
        /// Everything that is in the way.
        reasons: Vec<String>,
    },
    /// An image that is not in the store.
    #[error("`{reference}` is not in the registry of this machine")]
    NoImage {
        /// The image.
        reference: String,
    },
    /// A file that is no archive of images, or not a whole one.
    #[error("`{}` can't be imported: {reason}", path.display())]
    Archived {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
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
    /// A layer could not be written.
    #[error(transparent)]
    Archive(#[from] edk_archive::Error),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A container could not be run.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What a registry's trouble comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryProblem {
    /// It can't be reached.
    Unreachable,
    /// The connection was made, and broke.
    Broken,
    /// It wants another login, or one at all.
    Unauthorised,
    /// It knows who asks, and does not allow it.
    Forbidden,
    /// It does not have the image.
    NotFound,
    /// It wants to be asked less often.
    Busy,
    /// It is in trouble of its own.
    Failing,
    /// It takes no blob of this size, or has no space left.
    Full,
    /// It answered, and the answer is a refusal or makes no sense.
    Refused,
}

impl RegistryProblem {
    fn code(self) -> Code {
        match self {
            Self::Unreachable | Self::Broken => Code::Unreachable,
            Self::Unauthorised | Self::Forbidden => Code::Unauthorised,
            Self::NotFound => Code::NotFound,
            Self::Busy | Self::Failing | Self::Full | Self::Refused => Code::Refused,
        }
    }

    fn hints(self, reference: &str) -> Vec<String> {
        let registry = reference.split('/').next().unwrap_or_default();
        match self {
            Self::Unreachable => {
                vec!["check the address, the network and the proxy settings".to_owned()]
            }
            Self::Unauthorised => vec![format!(
                "log in: `podman login {registry}` or `docker login {registry}`; the login is found where they keep it"
            )],
            Self::NotFound => vec!["check the name and the tag".to_owned()],
            Self::Broken => vec![
                "run the command again: what went over stays, and it goes on from there".to_owned(),
            ],
            Self::Forbidden => vec![format!(
                "ask for the right to this repository, or log in as somebody who has it: `podman login {registry}`"
            )],
            Self::Busy => vec![
                "wait a while, then run the command again; with a login some registries allow more"
                    .to_owned(),
            ],
            Self::Failing => vec![
                "run the command again later; whoever runs the registry finds more in its log"
                    .to_owned(),
            ],
            Self::Full => vec![
                "the registry, or a proxy before it, takes no more: whoever runs it can raise the limit or free some space".to_owned(),
            ],
            Self::Refused => Vec::new(),
        }
    }
}

impl ImageError {
    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Explain for ImageError {
    fn code(&self) -> Code {
        match self {
            Self::Findings { .. } | Self::BadArchive { .. } | Self::Archived { .. } => {
                Code::InvalidInput
            }
            Self::NoBase { .. } | Self::NoRecipe { .. } | Self::NoImage { .. } => Code::NotFound,
            Self::NoProgram { .. } | Self::NoEngine { .. } => Code::Precondition,
            Self::CommandFailed { .. } => Code::CommandFailed,
            Self::Fetch { .. } => Code::Unreachable,
            Self::Malformed { .. } | Self::BadLayer { .. } => Code::Refused,
            Self::Unsupported { .. } | Self::CannotRebase { .. } => Code::Unsupported,
            Self::Pull { problem, .. } | Self::Push { problem, .. } => problem.code(),
            Self::Io { source, .. } => Code::of_io(source),
            Self::Archive(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Container(error) => error.code(),
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoBase { reference, place } => base_hints(reference, place),
            Self::BadArchive { fix, .. } => vec![fix.clone()],
            Self::NoRecipe { known, .. } => {
                vec![format!("there are recipes for {}", known.join(", "))]
            }
            Self::NoEngine { program } => vec![format!(
                "install `{program}`, or choose another: `--engine edk` builds without one"
            )],
            Self::NoProgram { program } => vec![
                format!("install it: `apt-get install {program}`"),
                "or make the base from a registry image: `edk base NAME --from IMAGE`".to_owned(),
            ],
            Self::CommandFailed { place, output, .. } => {
                let mut hints = Vec::new();
                if !place.is_empty() {
                    hints.push(format!("the step stands at {place}"));
                }
                if !output.is_empty() {
                    hints.push(format!("it said last:\n{}", output.join("\n")));
                }
                hints
            }
            Self::Fetch { place, .. } => vec![
                format!("it is named at {place}"),
                "check the address, the network and the proxy settings".to_owned(),
            ],
            Self::Pull { problem: RegistryProblem::Unreachable, .. } => {
                vec!["check the network and the proxy settings, or make the base from Debian packages: `edk base`".to_owned()]
            }
            Self::Pull { reference, problem, .. } | Self::Push { reference, problem, .. } => {
                problem.hints(reference)
            }
            Self::BadLayer { .. } => vec![
                "nothing of it was kept; ask whoever made the image to make it again, or take another".to_owned(),
            ],
            Self::CannotRebase { .. } => {
                vec!["change the `FROM` of its Dockerfile, then `edk build`".to_owned()]
            }
            Self::NoImage { .. } => vec![
                "`edk registry list` tells what is; to pull, name the registry: `docker.io/library/debian:12`".to_owned(),
            ],
            Self::Archived { .. } => vec![
                "make one with `edk image save`, or `skopeo copy docker://IMAGE oci-archive:FILE`".to_owned(),
            ],
            Self::Archive(error) => error.hints(),
            Self::Store(error) => error.hints(),
            Self::Container(error) => error.hints(),
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

fn base_hints(reference: &str, place: &str) -> Vec<String> {
    let mut hints = vec![format!("it is named at {place}")];
    let local = reference.strip_prefix("local-only/").map(|name| name.split(':').next());
    if let Some(Some(name)) = local {
        hints.push(format!(
            "make it: `edk base {name}`, or `edk base {name} --from IMAGE` from a registry image"
        ));
    }
    hints
}
