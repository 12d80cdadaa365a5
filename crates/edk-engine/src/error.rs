use std::{io, path::PathBuf};

use edk_container::ContainerError;
use edk_extension::{ExtensionError, Misfit};
use edk_image::ImageError;
use edk_model::{Cancelled, Code, Explain, Finding};
use edk_runner::RunnerError;
use edk_sandbox::SandboxError;
use edk_store::StoreError;
use edk_target::TargetError;

use crate::VaultError;

/// Why something a user asked for could not be done: an error of a room, or one of the few which
/// only the engine can see.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A version which platforms can't compare with others.
    #[error("version `{version}` {reason}")]
    Version {
        /// The version.
        version: String,
        /// The rule it breaks.
        reason: String,
    },
    /// A target nobody knows.
    #[error("there is no target called `{name}`")]
    NoTarget {
        /// Its name.
        name: String,
        /// The targets there are.
        known: Vec<String>,
    },
    /// A name that another target has.
    #[error("there is a target called `{name}` already")]
    TargetKnown {
        /// The name.
        name: String,
    },
    /// A setting that can't be used.
    #[error("`{what}` {reason}")]
    Setting {
        /// The setting, or the file it is in.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A platform elsewhere that was not made known.
    #[error("`{url}` is not on this machine and was not made known as a target")]
    ForeignTarget {
        /// Its address.
        url: String,
    },
    /// The chart would break the platform or not be listed, or the file can't be sent under its name.
    #[error("`{chart}` can't be delivered")]
    Preflight {
        /// The chart, or the file.
        chart: String,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// A workflow chart names a DAG image that the extension does not make.
    #[error("chart `{chart}` installs the DAG image `{image}`, which the extension does not make")]
    NoDagImage {
        /// The chart.
        chart: String,
        /// The image.
        image: String,
        /// The images the extension makes.
        known: Vec<String>,
    },
    /// A parameter the chart does not have, or a value it does not take.
    #[error("parameter `{name}` {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Values which the form of the workflow does not take.
    #[error("{}", misfits.iter().map(|it| format!("`{}` {}", it.name, it.reason)).collect::<Vec<_>>().join("; "))]
    Form {
        /// What does not fit.
        misfits: Vec<Misfit>,
        /// What the form asks, each with its type.
        known: Vec<String>,
    },
    /// A tag that is not in the registry.
    #[error("`{name}` is not in the registry")]
    NoTag {
        /// Repository and tag.
        name: String,
    },
    /// A chart that is not on the target.
    #[error("chart {chart} is not on {target}")]
    NotListed {
        /// Name of the target.
        target: String,
        /// Name and version of the chart.
        chart: String,
    },
    /// A release that is there already.
    #[error("release `{release}` is on {target} already")]
    Installed {
        /// Name of the target.
        target: String,
        /// Name of the release.
        release: String,
    },
    /// A chart that is launched, or is not.
    #[error("chart `{chart}` is {}", if *multi { "launched, each time as a release of its own" } else { "installed, and only once" })]
    Launch {
        /// Name of the chart.
        chart: String,
        /// Whether it is launched.
        multi: bool,
    },
    /// Something that the target has not.
    #[error("there is no {what} `{name}` on {target}")]
    NotOnTarget {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Name of the target.
        target: String,
        /// What there is.
        known: Vec<String>,
    },
    /// An extension without a DAG.
    #[error("the extension in `{}` has no DAG with a written id", folder.display())]
    NoDag {
        /// Its folder.
        folder: PathBuf,
    },
    /// A platform whose registry nobody knows.
    #[error("nobody knows from which registry {target} pulls images")]
    NoRegistry {
        /// Name of the target.
        target: String,
    },
    /// A name that is none of an image.
    #[error("`{name}` is no name of an image")]
    ImageName {
        /// The name.
        name: String,
    },
    /// A release that another process deploys.
    #[error("release `{release}` is being deployed by another process")]
    Busy {
        /// Name of the release.
        release: String,
    },
    /// What is remembered of a target makes no sense.
    #[error("`{}` makes no sense", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The chart of a release that is to be put back is on nobody's disk.
    #[error("chart `{chart}` {version} was replaced, and its archive is not kept here")]
    NoArchive {
        /// Name of the chart.
        chart: String,
        /// Its version.
        version: String,
    },
    /// A new release did not become ready, and the old one was put back.
    #[error("`{release}` {version} failed on {target}; {old} was put back and is ready")]
    PutBack {
        /// Name of the release.
        release: String,
        /// The version that failed.
        version: String,
        /// Name of the target.
        target: String,
        /// The version that is there now.
        old: String,
        /// Why it failed.
        #[source]
        source: Box<EngineError>,
    },
    /// A new release did not become ready, and the old one could not be put back.
    #[error("`{release}` {version} failed on {target}, and {old} could not be put back: {second}")]
    NotPutBack {
        /// Name of the release.
        release: String,
        /// The version that failed.
        version: String,
        /// Name of the target.
        target: String,
        /// The version that was there before.
        old: String,
        /// Why it failed.
        #[source]
        source: Box<EngineError>,
        /// Why the old one could not be put back.
        second: Box<EngineError>,
    },
    /// A port of a server of ours is taken.
    #[error("port {port} of this machine is taken")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The registry of this very store is served by another process.
    #[error("the registry of this machine is served at localhost:{port} already{}", by(*process))]
    RegistryServed {
        /// The port.
        port: u16,
        /// Number of the process, when it told.
        process: Option<u32>,
    },
    /// The registry's port belongs to another program.
    #[error("port {port} is taken by another program, so the registry is not served")]
    RegistryPort {
        /// The port.
        port: u16,
    },
    /// The demo's own steps went wrong.
    #[error("the demo failed: {reason}")]
    Demo {
        /// What went wrong.
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
    /// The machine refused to start what a server or client needs.
    #[error("could not start the network")]
    Network(#[source] io::Error),
    /// An address of the user's at which nothing can listen.
    #[error("could not listen at {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The accounts of the registry.
    #[error(transparent)]
    Access(#[from] edk_registry::AccessError),
    /// The certificate of the registry.
    #[error(transparent)]
    Certificate(#[from] edk_registry::CertificateError),
    /// From `edk-store`.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From `edk-container`.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// From `edk-image`.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// From `edk-template`.
    #[error(transparent)]
    Template(#[from] edk_template::Error),
    /// From `edk-chart`.
    #[error(transparent)]
    Chart(#[from] edk_chart::Error),
    /// From `edk-extension`.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    /// From `edk-target`.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// From `edk-sandbox`.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// From `edk-runner`.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Who it is, as the end of a sentence.
fn by(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(", by process {process}"))
}

impl EngineError {
    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// The room's error, when it is one.
    fn room(&self) -> Option<&dyn Explain> {
        match self {
            Self::Vault(error) => Some(error),
            Self::Access(error) => Some(error),
            Self::Certificate(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Container(error) => Some(error),
            Self::Image(error) => Some(error),
            Self::Template(error) => Some(error),
            Self::Chart(error) => Some(error),
            Self::Extension(error) => Some(error),
            Self::Target(error) => Some(error),
            Self::Sandbox(error) => Some(error),
            Self::Runner(error) => Some(error),
            _ => None,
        }
    }
}

impl Explain for EngineError {
    fn code(&self) -> Code {
        match self {
            Self::Version { .. }
            | Self::Preflight { .. }
            | Self::NoDagImage { .. }
            | Self::Listen { .. }
            | Self::Setting { .. }
            | Self::Parameter { .. }
            | Self::Form { .. } => Code::InvalidInput,
            Self::NoTarget { .. } | Self::NoTag { .. } | Self::NotListed { .. } => Code::NotFound,
            Self::ForeignTarget { .. } => Code::NotFound,
            Self::PortTaken { .. } | Self::Installed { .. } | Self::TargetKnown { .. } => {
                Code::Conflict
            }
            Self::Busy { .. } => Code::Conflict,
            Self::Launch { .. } | Self::NoRegistry { .. } | Self::ImageName { .. } => {
                Code::InvalidInput
            }
            Self::NotOnTarget { .. } | Self::NoDag { .. } => Code::NotFound,
            Self::Memory { .. } => Code::InvalidInput,
            Self::NoArchive { .. } => Code::NotFound,
            Self::PutBack { source, .. } | Self::NotPutBack { source, .. } => source.code(),
            Self::RegistryServed { .. } | Self::RegistryPort { .. } => Code::Conflict,
            Self::Demo { .. } => Code::CommandFailed,
            Self::Io { source, .. } | Self::Network(source) => Code::of_io(source),
            Self::Cancelled(_) => Code::Cancelled,
            _ => self.room().map_or(Code::Bug, Explain::code),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = |text: &str| vec![text.to_owned()];
        match self {
            Self::Version { .. } => hint("name one: `--version 0.1.1`, or set it in Chart.yaml"),
            Self::NoTarget { known, .. } => vec![
                format!("name one that is there: `--target {}`", known.join("` or `--target ")),
                "make it known: `edk target add NAME https://kaapana.example.org`".to_owned(),
            ],
            Self::TargetKnown { .. } => hint("choose another name, or replace it: `--replace`"),
            Self::ForeignTarget { .. } => {
                hint("make it known: `edk target add NAME URL`; or use `--target sandbox`")
            }
            Self::NoDagImage { known, .. } => vec![format!(
                "set global.image in its values.yaml to one of {}",
                if known.is_empty() {
                    "the extension's DAG images (it has none)".to_owned()
                } else {
                    known.join(", ")
                }
            )],
            Self::Form { misfits, known } => {
                let meant = misfits.iter().filter_map(|it| it.meant.as_ref());
                let mut hints: Vec<String> =
                    meant.map(|name| format!("did you mean `{name}`?")).collect();
                hints.push(format!("the form asks {}", known.join(", ")));
                hints
            }
            Self::NotListed { .. } => hint("upload it first, or choose a version that is listed"),
            Self::Installed { .. } => {
                hint("uninstall it first: a platform can't change a release that is there")
            }
            Self::Launch { multi: true, .. } => hint("launch it: `edk ext launch`"),
            Self::Launch { multi: false, .. } => hint("install it: `edk ext install`"),
            Self::NotOnTarget { what: "DAG", .. } => {
                hint("install its extension, then allow it in the project: `edk ext allow`")
            }
            Self::NotOnTarget { known, .. } if known.is_empty() => hint("there is none at all"),
            Self::NotOnTarget { known, .. } => vec![format!("there are {}", known.join(", "))],
            Self::NoDag { .. } => hint("name the DAG: `edk ext allow DAG`"),
            Self::NoRegistry { .. } => hint(
                "name it: `edk target add` with `--registry`; an administrator knows it, no call of the platform tells it",
            ),
            Self::ImageName { .. } => hint("correct the registry of the target"),
            Self::Busy { .. } => hint("wait until it has ended, or stop it"),
            Self::Memory { .. } => hint(
                "remove the file: then nothing is known of what was sent from here, and nothing else is lost",
            ),
            Self::NoArchive { .. } => hint(
                "package that version of the chart again (`edk package`), then `edk ext upload` and `edk ext install`",
            ),
            Self::PutBack { source, .. } => source.hints(),
            Self::NotPutBack { source, second, .. } => {
                let mut hints = [source.hints(), second.hints()].concat();
                hints.push("nothing works there now; `edk deploy` goes on from here".to_owned());
                hints.dedup();
                hints
            }
            Self::Listen { .. } => hint(
                "name an address of this machine and a free port, such as `--listen 192.168.1.5:5577`",
            ),
            Self::PortTaken { .. } => hint("name another port, or `--port 0` for any that is free"),
            Self::RegistryServed { .. } => {
                hint("pull from there: it is the same registry; `--port 0` serves it once more")
            }
            Self::RegistryPort { port } => vec![
                format!("stop that program (`ss -ltnp sport = :{port}` names it), then try again"),
                "or serve the registry at a port of its own: `edk registry serve --port 0`"
                    .to_owned(),
            ],
            Self::Io { source, .. } if Code::of_io(source) == Code::DiskFull => {
                hint("free some space on the disk, then run the command again")
            }
            _ => match self.room().map_or_else(Vec::new, Explain::hints) {
                hints if hints.is_empty() && self.code() == Code::DiskFull => {
                    hint("free some space on the disk, then run the command again")
                }
                hints => hints,
            },
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Preflight { findings, .. } => findings.clone(),
            Self::PutBack { source, .. } => source.findings(),
            Self::NotPutBack { source, second, .. } => {
                [source.findings(), second.findings()].concat()
            }
            _ => self.room().map_or_else(Vec::new, Explain::findings),
        }
    }
}
