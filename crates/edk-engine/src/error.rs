use std::{io, path::PathBuf};

use edk_container::ContainerError;
use edk_extension::{ExtensionError, Misfit};
use edk_image::ImageError;
use edk_model::{Cancelled, Code, Explain, Finding, Severity};
use edk_runner::RunnerError;
use edk_sandbox::SandboxError;
use edk_store::StoreError;
use edk_target::TargetError;
use edk_watch::WatchError;

use crate::VaultError;

/// Why something a user asked for could not be done: an error of a room, or one of the few which
/// only the engine can see.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A folder that can't be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A version which platforms can't compare with others.
    #[error("version `{version}` {reason}")]
    Version {
        /// The version.
        version: String,
        /// The rule it breaks.
        reason: String,
    },
    /// Something was asked for that does not fit the extension.
    #[error("{what}")]
    Choice {
        /// What is wrong.
        what: String,
        /// What to do about it.
        fix: String,
    },
    /// A text that names no registry, or no place in one.
    #[error("`{name}` does not name a registry: {reason}")]
    Registry {
        /// The text.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A text that is neither an image nor a file with one.
    #[error("`{name}` is neither a file nor the name of an image")]
    NoSuchImage {
        /// The text.
        name: String,
    },
    /// A file of settings that makes no sense.
    #[error("{}:{line}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        line: usize,
        /// What is wrong.
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
    /// A rule nobody knows.
    #[error("there is no rule `{name}`")]
    NoRule {
        /// Its name.
        name: String,
    },
    /// Something that must not leave this machine would get into an image or a chart.
    #[error("`{}` would give patient data or secrets away", folder.display())]
    Guarded {
        /// The folder of the extension.
        folder: PathBuf,
        /// What is in the way.
        findings: Vec<Finding>,
    },
    /// A package, whose files can't be mended.
    #[error("`{}` is a package; nothing in it can be mended", path.display())]
    Packaged {
        /// The package.
        path: PathBuf,
    },
    /// The chart would break the platform or not be listed, or the file can't be sent under its name.
    #[error("`{chart}` can't be delivered")]
    Preflight {
        /// The chart, or the file.
        chart: String,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// A rule that can't be let pass.
    #[error("the rule `{rule}` can't be forced")]
    Force {
        /// Its id.
        rule: String,
        /// Whether there is such a rule.
        known: bool,
    },
    /// A target that does not tell what a release consists of.
    #[error("{target} does not tell what its releases consist of")]
    NoManifest {
        /// Name of the target.
        target: String,
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
    /// A name that is none of those there are.
    #[error("there is no {kind} called `{name}`")]
    NoSuch {
        /// What it should be.
        kind: &'static str,
        /// The name.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// A release, or a pod of one, that is not in the sandbox.
    #[error("the sandbox has no `{name}`")]
    NoRelease {
        /// The name.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The sandbox ended as soon as it was started.
    #[error("the sandbox did not start{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    SandboxStart {
        /// What it wrote.
        log: PathBuf,
        /// The end of that.
        said: String,
    },
    /// A sandbox runs, but not as it was asked for.
    #[error(
        "the sandbox runs at {url} already, with another profile, other faults or another login"
    )]
    SandboxDiffers {
        /// Where it is served.
        url: String,
    },
    /// The sandbox is served by a process that does more.
    #[error("the sandbox is part of process {process}, a window or a command that runs")]
    SandboxHosted {
        /// The process.
        process: u32,
    },
    /// The sandbox does not end.
    #[error("the sandbox (process {process}) was told to stop and still runs")]
    SandboxStuck {
        /// The process.
        process: u32,
    },
    /// The sandbox is served.
    #[error("the sandbox is running")]
    SandboxRuns,
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

/// How to let the errors among `findings` pass, where that can be done.
fn forceable(findings: &[Finding]) -> Vec<String> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let mut rules: Vec<&str> = errors.map(|finding| finding.rule.as_str()).collect();
    rules.dedup();
    let all =
        rules.iter().all(|id| edk_chart::platform::rule(id).is_some_and(|it| it.can_be_forced));
    if !all || rules.is_empty() {
        return Vec::new();
    }
    let options = rules.iter().map(|id| format!("--force {id}")).collect::<Vec<_>>().join(" ");
    vec![format!("correct it, or, if you know better than the rule: `{options}`")]
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
    pub(crate) fn room(&self) -> Option<&dyn Explain> {
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
            Self::Watch(error) => Some(error),
            _ => None,
        }
    }
}

impl Explain for EngineError {
    fn code(&self) -> Code {
        match self {
            Self::Version { .. }
            | Self::Choice { .. }
            | Self::Registry { .. }
            | Self::NoSuchImage { .. }
            | Self::Settings { .. }
            | Self::Preflight { .. }
            | Self::Guarded { .. }
            | Self::Packaged { .. }
            | Self::Force { .. }
            | Self::NoDagImage { .. }
            | Self::Listen { .. }
            | Self::Setting { .. }
            | Self::Parameter { .. }
            | Self::Form { .. } => Code::InvalidInput,
            Self::NoTarget { .. }
            | Self::NoTag { .. }
            | Self::NoRule { .. }
            | Self::NotListed { .. } => Code::NotFound,
            Self::NoSuch { .. } => Code::InvalidInput,
            Self::NoRelease { .. } => Code::NotFound,
            Self::NoManifest { .. } => Code::Unsupported,
            Self::SandboxStart { .. } | Self::SandboxStuck { .. } => Code::CommandFailed,
            Self::SandboxDiffers { .. } | Self::SandboxHosted { .. } | Self::SandboxRuns => {
                Code::Conflict
            }
            Self::ForeignTarget { .. } => Code::NotFound,
            Self::PortTaken { .. } | Self::Installed { .. } | Self::TargetKnown { .. } => {
                Code::Conflict
            }
            Self::Busy { .. } => Code::Conflict,
            Self::Launch { .. } | Self::NoRegistry { .. } => Code::InvalidInput,
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
            Self::Choice { fix, .. } => vec![fix.clone()],
            Self::Version { .. } => hint("name one: `--version 0.1.1`, or set it in Chart.yaml"),
            Self::NoManifest { .. } => hint(
                "compare the package that was installed with the new one: `edk chart diff OLD.tgz \
                 NEW.tgz --as-platform`",
            ),
            Self::Force { known: true, .. } => hint(
                "a platform would run what breaks it in a shell, or could not be repaired: correct \
                 the chart",
            ),
            Self::Force { .. } => hint("name a rule as the finding shows it: `platform/keywords`"),
            Self::Preflight { findings, .. } => forceable(findings),
            Self::NoTarget { known, .. } => vec![
                format!("name one that is there: `--target {}`", known.join("` or `--target ")),
                "make it known: `edk target add NAME https://kaapana.example.org`".to_owned(),
            ],
            Self::TargetKnown { .. } => hint("choose another name, or change it: `--change`"),
            Self::NoRule { .. } => hint("`edk check --explain all` lists the rules"),
            Self::Guarded { findings, .. } => {
                let mut rules: Vec<&str> = findings.iter().map(|it| it.rule.as_str()).collect();
                rules.sort_unstable();
                rules.dedup();
                let allow = rules.join(" --allow ");
                vec![format!(
                    "nothing was built or sent; when all of it may be given away: `--allow {allow}`"
                )]
            }
            Self::Packaged { .. } => hint("mend the folder it was packaged from"),
            Self::Settings { .. } => hint(
                "it may hold lines such as `engine = \"buildah\"`, and that of the machine `store_budget = \"20GB\"`",
            ),
            Self::NoSuchImage { .. } => hint(
                "name an image of this machine (`edk registry list`), an archive, or a ledger (`.json`)",
            ),
            Self::Registry { .. } => {
                hint("name host and place: `--registry registry.example.org/team`")
            }
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
            Self::NoSuch { known, .. } => vec![format!("there are {}", known.join(", "))],
            Self::NoRelease { known, .. } if known.is_empty() => {
                hint("`edk status --all` shows what is installed")
            }
            Self::NoRelease { known, .. } => vec![format!("there are {known}")],
            _ => self.hints_on_targets(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Preflight { findings, .. } | Self::Guarded { findings, .. } => findings.clone(),
            Self::PutBack { source, .. } => source.findings(),
            Self::NotPutBack { source, second, .. } => {
                [source.findings(), second.findings()].concat()
            }
            _ => self.room().map_or_else(Vec::new, Explain::findings),
        }
    }
}
