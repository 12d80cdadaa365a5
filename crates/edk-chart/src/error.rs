use std::{io, path::PathBuf};

use edk_model::{Cancelled, Code, Digest, Explain, Finding};
use edk_store::StoreError;

/// Why a chart could not be loaded, resolved, rendered or packaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder can't be read or written.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder or an archive without a `Chart.yaml`.
    #[error("{origin} is not a chart: it has no Chart.yaml")]
    NotAChart {
        /// The folder or archive.
        origin: String,
    },
    /// A chart that lies in no folder, so that nothing can be put beside it.
    #[error("{origin} is no folder, so that no charts can be put into it")]
    NotAFolder {
        /// The archive.
        origin: String,
    },
    /// Files of the chart are broken.
    #[error("the chart {origin} is broken: {}", first(findings))]
    Broken {
        /// The folder or archive.
        origin: String,
        /// What is wrong, at least one.
        findings: Vec<Finding>,
    },
    /// The archive of a chart can't be read, or a package can't be written.
    #[error("the archive of the chart {origin} is unusable")]
    Archive {
        /// The archive or the chart.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: edk_archive::Error,
    },
    /// A file or folder that can't be a part of a chart.
    #[error("{} can't be a part of the chart: {reason}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        reason: String,
    },
    /// A dependency that is in no source.
    #[error("the chart {chart} needs the chart {dependency}, which was not found")]
    DependencyNotFound {
        /// The chart that needs it.
        chart: String,
        /// Name of the needed chart.
        dependency: String,
        /// Where it was looked for.
        searched: Vec<String>,
        /// The most similar name that exists.
        nearest: Option<String>,
    },
    /// A range of versions that is none.
    #[error("the dependency {dependency} asks for the version `{range}`, which is no range")]
    Range {
        /// Name of the needed chart.
        dependency: String,
        /// The range.
        range: String,
    },
    /// No version of a needed chart is in the range.
    #[error("no version of {dependency} in {place} is in the range `{range}`")]
    NoVersion {
        /// Name of the needed chart.
        dependency: String,
        /// The range.
        range: String,
        /// Where it was looked for.
        place: String,
        /// Some of the versions that are there.
        known: Vec<String>,
    },
    /// A repository without a needed chart.
    #[error("the repository {repository} has no chart {dependency}")]
    NotInRepository {
        /// Name of the needed chart.
        dependency: String,
        /// Address of the repository.
        repository: String,
        /// The most similar name that exists.
        nearest: Option<String>,
    },
    /// A `repository` of a dependency that nobody can follow.
    #[error("the dependency {dependency} comes from `{repository}`, which {reason}")]
    Repository {
        /// Name of the needed chart.
        dependency: String,
        /// What stands in the user's file.
        repository: String,
        /// What is wrong with it, as the end of a sentence.
        reason: String,
    },
    /// A lock file that was made for other dependencies.
    #[error("the lock file ({lock}) is out of sync with the dependencies file ({file})")]
    OutOfSync {
        /// Name of the lock file.
        lock: &'static str,
        /// Name of the file with the dependencies.
        file: &'static str,
    },
    /// A repository or a registry does not do what it is asked.
    #[error("could not fetch {what}")]
    Remote {
        /// What was asked for.
        what: String,
        /// What it comes down to.
        problem: RemoteProblem,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something that is not kept, while nobody may be asked.
    #[error("{what} was never fetched, and nobody may be asked offline")]
    Offline {
        /// What is needed.
        what: String,
    },
    /// A file that is not the one that was announced.
    #[error("{what} has the digest {actual}, not {expected} as announced")]
    Digest {
        /// Where it came from.
        what: String,
        /// The announced digest.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// The folder of fetched charts can't be used.
    #[error("the folder of fetched charts is unusable")]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Charts that need each other.
    #[error("charts depend on each other in a circle: {}", chain.join(" -> "))]
    Circle {
        /// The names, the first one repeated at the end.
        chain: Vec<String>,
    },
    /// Values that the schema of the chart, or of a chart in it, does not take.
    #[error("the values don't fit the chart {chart}: {}", first(findings))]
    Values {
        /// Name of the chart.
        chart: String,
        /// What does not fit, at least one.
        findings: Vec<Finding>,
    },
    /// A template can't be parsed or executed.
    #[error("{template}:{line}:{column}: {message}")]
    Template {
        /// Name of the template, such as `chart/templates/job.yaml`.
        template: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The same as Helm says it, with the calls that led there.
        helm: String,
    },
    /// A chart that can't be rendered, whatever its templates say.
    #[error("the chart {chart} can't be rendered: {reason}")]
    Unrenderable {
        /// Name of the chart.
        chart: String,
        /// Why not.
        reason: String,
    },
    /// A `--set` or its like that can't be understood.
    #[error("`{text}` can't be understood at character {position}: {reason}")]
    Setting {
        /// What was given.
        text: String,
        /// Where reading stopped, from 1.
        position: usize,
        /// What is wrong.
        reason: String,
    },
    /// A template gave something that is no Kubernetes object.
    #[error("{template} renders to something which is not YAML: {}", finding.message)]
    Output {
        /// Name of the template.
        template: String,
        /// What is wrong, with its place in the rendered text.
        finding: Finding,
    },
}

/// What the trouble with a repository or a registry comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteProblem {
    /// It can't be reached.
    Unreachable,
    /// It wants another login, or one at all.
    Unauthorised,
    /// It does not have what was asked for.
    NotFound,
    /// It answered, and the answer is a refusal or makes no sense.
    Refused,
}

impl RemoteProblem {
    fn code(self) -> Code {
        match self {
            Self::Unreachable => Code::Unreachable,
            Self::Unauthorised => Code::Unauthorised,
            Self::NotFound => Code::NotFound,
            Self::Refused => Code::Refused,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "Check the address and the network; proxies are taken from the \
                environment (HTTPS_PROXY, NO_PROXY)."
            }
            Self::Unauthorised => {
                "Log in first: `docker login`, `podman login`, or a user in the \
                file of repositories."
            }
            Self::NotFound => "Check name and version; both are taken as they stand in the chart.",
            Self::Refused => {
                "Open the address in a browser: it should be a chart repository or a \
                registry."
            }
        }
    }
}

fn first(findings: &[Finding]) -> String {
    findings.first().map(ToString::to_string).unwrap_or_default()
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::Archive { source, .. } => source.code(),
            Self::Remote { problem, .. } => problem.code(),
            Self::Offline { .. } => Code::Unreachable,
            Self::Digest { .. } => Code::Refused,
            Self::Store(source) => source.code(),
            Self::Cancelled(_) => Code::Cancelled,
            Self::NoVersion { .. } | Self::NotInRepository { .. } => Code::NotFound,
            Self::OutOfSync { .. } => Code::Conflict,
            Self::NotAChart { .. } | Self::DependencyNotFound { .. } => Code::NotFound,
            _ => Code::InvalidInput,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotAChart { .. } => {
                vec!["Name the folder which holds Chart.yaml, or a packaged chart (.tgz).".into()]
            }
            Self::NotAFolder { origin } => vec![format!("Unpack it first: `tar xf {origin}`.")],
            Self::DependencyNotFound { dependency, searched, nearest, .. } => {
                let mut hints = vec![format!("Searched: {}.", searched.join("; "))];
                if let Some(nearest) = nearest {
                    hints.push(format!("Did you mean `{nearest}`?"));
                }
                hints.push(format!(
                    "Put the chart into charts/{dependency}, or add its folder to the workspace."
                ));
                hints
            }
            Self::Range { .. } => {
                vec!["Write a range such as `1.2.3`, `^1.2` or `>=1.2.0 <2.0.0`.".into()]
            }
            Self::NoVersion { known, .. } if known.is_empty() => Vec::new(),
            Self::NoVersion { known, .. } => {
                vec![format!(
                    "There are: {}. Change the range, or add a version.",
                    known.join(", ")
                )]
            }
            Self::NotInRepository { nearest: Some(nearest), .. } => {
                vec![format!("Did you mean `{nearest}`?")]
            }
            Self::Repository { .. } => vec![
                "Write an address (https://…, oci://…, file://…), or the name of a repository as \
                 `@name` and give it with `--repository name=address`."
                    .into(),
            ],
            Self::OutOfSync { .. } => {
                vec!["Run `edk chart deps update` to choose versions again.".into()]
            }
            Self::Remote { problem, .. } => vec![problem.hint().into()],
            Self::Offline { .. } => vec!["Run it once without --offline.".into()],
            Self::Digest { .. } => vec![
                "Nothing of it was kept. Ask whoever keeps the repository: its index and its files \
                 don't fit."
                    .into(),
            ],
            Self::Store(source) => source.hints(),
            Self::Unusable { .. } => {
                vec!["Name it in the chart's .helmignore, or move it out of the chart.".into()]
            }
            Self::Archive { source, .. } if source.hints().is_empty() => vec![
                "Package the chart again where it comes from; this archive was not made by Helm or \
                 by `edk chart package`."
                    .into(),
            ],
            Self::Archive { source, .. } => source.hints(),
            Self::Circle { .. } => vec!["Remove one of these dependencies.".into()],
            Self::Template { message, .. } if message.contains("nil pointer") => vec![
                "Give the missing value a default in values.yaml, or test for it with `if`.".into(),
            ],
            _ => Vec::new(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Broken { findings, .. } | Self::Values { findings, .. } => findings.clone(),
            Self::Template { template, line, column, message, .. } => {
                vec![Finding::error("chart/template", message).in_file(template).at(*line, *column)]
            }
            Self::Output { finding, .. } => vec![finding.clone()],
            _ => Vec::new(),
        }
    }
}
