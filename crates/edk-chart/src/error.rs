use std::{io, path::PathBuf};

use edk_model::{Code, Explain, Finding};

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

fn first(findings: &[Finding]) -> String {
    findings.first().map(ToString::to_string).unwrap_or_default()
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::Archive { source, .. } => source.code(),
            Self::NotAChart { .. } | Self::DependencyNotFound { .. } => Code::NotFound,
            _ => Code::InvalidInput,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotAChart { .. } => {
                vec!["Name the folder which holds Chart.yaml, or a packaged chart (.tgz).".into()]
            }
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
