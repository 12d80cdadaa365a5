use std::{io, path::PathBuf};

use edk_model::{Cancelled, Code, Explain, Finding};

use crate::{Conflict, Refusal};

/// Why a template could not be found, answered, planned or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No template has this name.
    #[error("there is no template `{name}`")]
    UnknownTemplate {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// The known name that is most like it, if one is.
        nearest: Option<String>,
    },
    /// Files of a template are broken.
    #[error("the template {template} is broken")]
    Broken {
        /// The template, by its folder.
        template: String,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// Answers were refused.
    #[error("{}", refusals(.0))]
    Answers(Vec<Refusal>),
    /// A file of the template could not be rendered with the answers.
    #[error("the template file {file} could not be rendered{}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Render {
        /// The file, below the template's folder.
        file: String,
        /// Line in the file, from 1, when known.
        line: Option<usize>,
        /// What the renderer said.
        #[source]
        source: Box<minijinja::Error>,
    },
    /// The name of a file became one that can't be written.
    #[error("the template file {file} would be written to `{path}`, which {reason}")]
    Path {
        /// The file, below the template's folder.
        file: String,
        /// The name it became.
        path: String,
        /// What is wrong with it: the end of a sentence.
        reason: &'static str,
    },
    /// Files are in the way, and none may be replaced. Nothing was written.
    #[error("{} of the files to write exist already in {} and differ", conflicts.len(), dest.display())]
    Conflicts {
        /// The folder to write to.
        dest: PathBuf,
        /// The files in the way.
        conflicts: Vec<Conflict>,
    },
    /// Something in the destination leads elsewhere or is not a folder. Nothing was written.
    #[error("{} {reason}", path.display())]
    Unsafe {
        /// What is in the way.
        path: PathBuf,
        /// What is wrong with it: the end of a sentence.
        reason: &'static str,
    },
    /// The disk could not be read or written.
    #[error("could not {verb} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        verb: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The work was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn refusals(refusals: &[Refusal]) -> String {
    let each: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    each.join("; ")
}

impl Error {
    /// Returns a function that tells that `verb` failed on `path`, for `map_err`.
    pub(crate) fn io(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::UnknownTemplate { .. } => Code::NotFound,
            Self::Broken { .. } | Self::Answers(_) | Self::Render { .. } | Self::Path { .. } => {
                Code::InvalidInput
            }
            Self::Conflicts { .. } | Self::Unsafe { .. } => Code::Conflict,
            Self::Io { source, .. } => Code::of_io(source),
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownTemplate { nearest: Some(nearest), .. } => {
                vec![format!("Did you mean `{nearest}`?")]
            }
            Self::UnknownTemplate { known, .. } if known.is_empty() => {
                vec!["No templates were found there at all.".to_owned()]
            }
            Self::UnknownTemplate { known, .. } => {
                vec![format!("Templates there are: {}.", known.join(", "))]
            }
            Self::Answers(refusals) => refusals.iter().filter_map(Refusal::hint).collect(),
            Self::Conflicts { conflicts, .. } => {
                let names: Vec<&str> = conflicts.iter().map(|c| c.path.as_str()).collect();
                vec![
                    format!("In the way: {}.", shortened(&names)),
                    "Choose another folder, or replace the files that are there: `--overwrite`."
                        .to_owned(),
                ]
            }
            Self::Unsafe { .. } => vec!["Choose another folder, or move it away.".to_owned()],
            Self::Render { .. } | Self::Path { .. } => {
                vec!["Correct the template, or answer differently.".to_owned()]
            }
            Self::Broken { .. } | Self::Io { .. } | Self::Cancelled(_) => Vec::new(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Broken { findings, .. } => findings.clone(),
            _ => Vec::new(),
        }
    }
}

/// Returns the first few names, and how many more there are.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let first = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}
