//! Arguments of the commands of charts.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{
    ChartArg, ChartLintRequest, ChartPart, ChartRenderRequest, ChartShowRequest, ChartValues,
    Command,
};

/// The chart a command works on.
#[derive(Debug, ClapArgs)]
struct Which {
    /// The folder of a chart, a packaged chart (.tgz), or the folder of an extension with one chart.
    #[arg(default_value = ".")]
    chart: PathBuf,
    #[command(flatten)]
    sources: From,
}

/// Where the charts it needs come from.
#[derive(Debug, ClapArgs)]
struct From {
    /// Look below this folder for the charts it needs, by name; may be given several times
    /// [default: beside it].
    #[arg(long, value_name = "DIR")]
    workspace: Vec<PathBuf>,
    /// Stamp it and the charts in it with this version, as `edk package` does.
    #[arg(long)]
    version: Option<String>,
}

impl From {
    fn chart(&self, chart: &std::path::Path) -> ChartArg {
        let (workspace, version) = (self.workspace.clone(), self.version.clone());
        ChartArg { chart: chart.to_owned(), workspace, version }
    }
}

impl Which {
    fn arg(&self) -> ChartArg {
        self.sources.chart(&self.chart)
    }
}

/// Values over those of the chart.
#[derive(Debug, ClapArgs)]
struct Values {
    /// File of values; may be given several times, a later one wins.
    #[arg(long = "values", short = 'f', value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Values {
    fn request(&self) -> ChartValues {
        ChartValues { files: self.files.clone() }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    values: Values,
    /// Name of the release.
    #[arg(long, default_value = "release-name")]
    name: String,
    /// Namespace of the release.
    #[arg(long, default_value = "default")]
    namespace: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LintArgs {
    #[command(flatten)]
    which: Which,
    /// Charts it needs count only when they lie in it, as for `helm lint`.
    #[arg(long, conflicts_with_all = ["workspace", "version"])]
    as_is: bool,
    #[command(flatten)]
    values: Values,
    /// Namespace of the release that templates see.
    #[arg(long)]
    namespace: Option<String>,
    /// Version of Kubernetes, which decides what is deprecated [default: 1.32].
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
    /// The rules of Helm 4.
    #[arg(long)]
    helm4: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    which: Which,
    /// What Chart.yaml says.
    #[arg(long)]
    metadata: bool,
    /// The default values, with their comments.
    #[arg(long)]
    values: bool,
    /// The charts it needs, and where they were found.
    #[arg(long)]
    dependencies: bool,
    /// Its templates, and those of the charts in it.
    #[arg(long)]
    templates: bool,
    /// Its extension parameters.
    #[arg(long)]
    params: bool,
    /// Its NOTES.txt.
    #[arg(long)]
    notes: bool,
}

impl ShowArgs {
    fn parts(&self) -> Vec<ChartPart> {
        let all = [
            (self.metadata, ChartPart::Metadata),
            (self.values, ChartPart::Values),
            (self.dependencies, ChartPart::Dependencies),
            (self.templates, ChartPart::Templates),
            (self.params, ChartPart::Parameters),
            (self.notes, ChartPart::Notes),
        ];
        all.into_iter().filter_map(|(wanted, part)| wanted.then_some(part)).collect()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChartAction {
    /// Show what is in a chart: metadata, values, dependencies, templates, parameters, notes.
    #[command(after_help = "Examples:
  edk chart show my-ext
  edk chart show my-workflow-0.1.0.tgz --values > values.yaml
  edk chart show my-ext --dependencies --params -o json")]
    Show(ShowArgs),
    /// Render a chart as Helm does, without a cluster.
    #[command(after_help = "Examples:
  edk chart render my-ext
  edk chart render my-workflow-0.1.0.tgz -f values.yaml -f more.yaml --name my-release
  edk chart render my-ext -o json        the objects, each with its template")]
    Render(Box<RenderArgs>),
    /// Check a chart with the rules of `helm lint`: it passes when its package would pass there.
    #[command(after_help = "Examples:
  edk chart lint my-ext
  edk chart lint my-chart -f values.yaml --strict --kube-version 1.29
  edk chart lint my-workflow-0.1.0.tgz --helm4 -o json")]
    Lint(Box<LintArgs>),
}

impl ChartAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Show(_) => "chart show",
            Self::Render(_) => "chart render",
            Self::Lint(_) => "chart lint",
        }
    }

    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Show(args) => Command::ChartShow(ChartShowRequest {
                chart: args.which.arg(),
                parts: args.parts(),
            }),
            Self::Lint(args) => Command::ChartLint(ChartLintRequest {
                chart: args.which.arg(),
                as_is: args.as_is,
                values: args.values.request(),
                namespace: args.namespace.clone(),
                kube_version: args.kube_version.clone(),
                strict: args.strict,
                helm4: args.helm4,
            }),
            Self::Render(args) => Command::ChartRender(ChartRenderRequest {
                chart: args.which.arg(),
                values: args.values.request(),
                name: args.name.clone(),
                namespace: args.namespace.clone(),
            }),
        }
    }
}
