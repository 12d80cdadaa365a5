//! Arguments of `edk chart package` and `edk chart deps`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{ChartDepsListRequest, ChartDepsRequest, ChartPackageRequest, ChartSources, Command};

/// Where the charts come from that a chart needs.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Where charts come from")]
struct SourceArgs {
    /// Look below this folder for charts by name; may be given several times
    /// [default: beside the chart].
    #[arg(long, value_name = "DIR")]
    workspace: Vec<PathBuf>,
    /// Packaged charts of a platform (a file, or a folder of them); may be given several times.
    #[arg(long, value_name = "PATH")]
    collection: Vec<PathBuf>,
    /// A checkout of a platform, searched for charts by name.
    #[arg(long, value_name = "DIR")]
    checkout: Option<PathBuf>,
    /// Address of a repository: what `@NAME` in a chart stands for; may be given several times.
    #[arg(long = "repository", value_name = "NAME=URL", value_parser = pair)]
    repositories: Vec<(String, String)>,
    /// A file of repositories as Helm keeps it (repositories.yaml).
    #[arg(long = "repositories", value_name = "FILE")]
    repositories_file: Option<PathBuf>,
    /// Trust this certificate (PEM) beside those of the system.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Ask nobody; use what was fetched before.
    #[arg(long)]
    offline: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, url) = text.split_once('=').ok_or("write NAME=URL")?;
    Ok((name.to_owned(), url.to_owned()))
}

impl SourceArgs {
    fn sources(&self) -> ChartSources {
        ChartSources {
            workspace: self.workspace.clone(),
            collection: self.collection.clone(),
            checkout: self.checkout.clone(),
            repositories: self.repositories.iter().cloned().collect(),
            repositories_file: self.repositories_file.clone(),
            certificate: self.certificate.clone(),
            offline: self.offline,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PackageChartArgs {
    /// The folder of a chart, a packaged chart (.tgz), or the folder of an extension with one chart.
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// Version in the package [default: the chart's].
    #[arg(long)]
    version: Option<String>,
    /// Application version in the package [default: the chart's].
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// Give a chart in it the same versions; may be given several times.
    #[arg(long, value_name = "NAME")]
    stamp: Vec<String>,
    /// Give all charts in it the same versions, as `edk package` does.
    #[arg(long, conflicts_with = "stamp")]
    stamp_all: bool,
    /// Folder for the archive.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Tell where the charts come from, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    sources: SourceArgs,
}

impl PackageChartArgs {
    pub(crate) fn command(&self) -> Command {
        Command::ChartPackage(ChartPackageRequest {
            chart: self.chart.clone(),
            sources: self.sources.sources(),
            version: self.version.clone(),
            app_version: self.app_version.clone(),
            stamp: self.stamp.clone(),
            stamp_all: self.stamp_all,
            output: self.dir.clone(),
            dry_run: self.dry_run,
        })
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UpdateArgs {
    /// The folder of a chart, or of an extension with one chart.
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// Tell where the charts come from, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    sources: SourceArgs,
}

impl UpdateArgs {
    fn command(&self, locked: bool) -> Command {
        Command::ChartDeps(ChartDepsRequest {
            chart: self.chart.clone(),
            sources: self.sources.sources(),
            locked,
            dry_run: self.dry_run,
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DepsAction {
    /// List the charts it needs, and whether they lie in its charts/.
    #[command(after_help = "Examples:
  edk chart deps list my-chart
  edk chart deps list my-chart -o json")]
    List {
        /// The folder of a chart, a packaged chart (.tgz), or the folder of an extension with one
        /// chart.
        #[arg(default_value = ".")]
        chart: PathBuf,
    },
    /// Choose versions anew, put the charts into charts/ and write the lock file.
    #[command(after_help = "Examples:
  edk chart deps update my-chart
  edk chart deps update my-chart --dry-run           where each chart would come from
  edk chart deps update my-chart --checkout kaapana --collection charts-of-the-platform
  edk chart deps update my-chart --repository mine=https://charts.example.org")]
    Update(UpdateArgs),
    /// Put the charts of the lock file into charts/.
    #[command(after_help = "Examples:
  edk chart deps build my-chart
  edk chart deps build my-chart --offline            from what was fetched before")]
    Build(UpdateArgs),
}

impl DepsAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "chart deps list",
            Self::Update(_) => "chart deps update",
            Self::Build(_) => "chart deps build",
        }
    }

    pub(crate) fn command(&self) -> Command {
        match self {
            Self::List { chart } => {
                Command::ChartDepsList(ChartDepsListRequest { chart: chart.clone() })
            }
            Self::Update(args) => args.command(false),
            Self::Build(args) => args.command(true),
        }
    }
}
