//! Arguments of the commands of charts.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{
    ChartArg, ChartDiffRequest, ChartDiffSide, ChartLintRequest, ChartPart, ChartPreflightRequest,
    ChartRenderRequest, ChartSetting, ChartShowRequest, ChartValues, Command,
};

use crate::args::pair;

/// Examples for the help of all of them.
pub(crate) const EXAMPLES: &str = "Examples:
  edk chart show my-ext/extension/my-workflow
  edk chart render my-workflow-0.1.0.tgz -f values.yaml";

/// Rules of the preflight that may be broken.
#[derive(Debug, ClapArgs)]
pub(crate) struct ForceArg {
    /// Let a rule of the preflight be broken, by its id; may be given several times.
    #[arg(long = "force", value_name = "RULE")]
    pub(crate) rules: Vec<String>,
}

use crate::deps::{DepsAction, PackageChartArgs};

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
    /// Values as `a.b=1,c={x,y}`; numbers, true, false and null are what they look like.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Values as `a.b=1`, all of them texts.
    #[arg(long, value_name = "KEY=TEXT")]
    set_string: Vec<String>,
    /// A value as JSON: `a=[1,2]`, or a whole object.
    #[arg(long, value_name = "KEY=JSON")]
    set_json: Vec<String>,
    /// The content of a file as a value: `a=path`.
    #[arg(long, value_name = "KEY=FILE")]
    set_file: Vec<String>,
    /// A text in which nothing has a meaning: `a=x,y=z`.
    #[arg(long, value_name = "KEY=TEXT")]
    set_literal: Vec<String>,
}

impl Values {
    fn request(&self) -> ChartValues {
        let settings = [
            self.set.iter().cloned().map(ChartSetting::Set).collect::<Vec<_>>(),
            self.set_string.iter().cloned().map(ChartSetting::SetString).collect(),
            self.set_json.iter().cloned().map(ChartSetting::SetJson).collect(),
            self.set_file.iter().cloned().map(ChartSetting::SetFile).collect(),
            self.set_literal.iter().cloned().map(ChartSetting::SetLiteral).collect(),
        ];
        ChartValues { files: self.files.clone(), settings: settings.concat() }
    }
}

/// What a chart is rendered for.
#[derive(Debug, ClapArgs)]
struct Rendering {
    #[command(flatten)]
    values: Values,
    /// Name of the release [default: release-name, on a platform the chart's].
    #[arg(long)]
    name: Option<String>,
    /// Namespace of the release [default: default, on a platform admin].
    #[arg(long)]
    namespace: Option<String>,
    /// Version of Kubernetes [default: 1.32].
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// A further API of the cluster, such as `example.org/v1/Thing`; may be given several times.
    #[arg(long, short = 'a', value_name = "API", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Render an upgrade, not an installation.
    #[arg(long)]
    is_upgrade: bool,
    /// Give the chart the values that a platform gives, below those of the options above.
    #[arg(long)]
    as_platform: bool,
    /// An answer to an extension parameter on a platform; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, requires = "as_platform")]
    param: Vec<(String, String)>,
}

impl Rendering {
    fn request(&self, chart: ChartArg) -> ChartRenderRequest {
        ChartRenderRequest {
            chart,
            values: self.values.request(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            kube_version: self.kube_version.clone(),
            api_versions: self.api_versions.clone(),
            is_upgrade: self.is_upgrade,
            as_platform: self.as_platform,
            params: self.param.iter().cloned().collect(),
            ..ChartRenderRequest::default()
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rendering: Rendering,
    /// Only what this template gives, as `templates/job.yaml` with `*` for any part; may be given
    /// several times.
    #[arg(long, short = 's', value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Leave hooks out.
    #[arg(long)]
    no_hooks: bool,
    /// Show what lies in crds/ as well.
    #[arg(long)]
    include_crds: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DiffArgs {
    /// The chart: a folder, a packaged chart, or an extension with one chart.
    from: PathBuf,
    /// The chart it is compared with [default: the same one].
    #[arg(required_unless_present_any = ["to_values", "to_set", "release"])]
    to: Option<PathBuf>,
    #[command(flatten)]
    sources: From,
    #[command(flatten)]
    rendering: Rendering,
    /// File of values for the second side alone; may be given several times.
    #[arg(long, value_name = "FILE")]
    to_values: Vec<PathBuf>,
    /// Values for the second side alone, as for `--set`.
    #[arg(long, value_name = "KEY=VALUE")]
    to_set: Vec<String>,
    /// Compare with this release: what an installation of the chart with its values would change.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to", "as_platform", "name"])]
    release: Option<String>,
    /// The target of the release; only the sandbox of this machine tells what a release consists of.
    #[arg(long, short, default_value = "sandbox", requires = "release")]
    target: String,
    /// Exit with 1 when something differs.
    #[arg(long)]
    exit_code: bool,
}

impl DiffArgs {
    fn request(&self) -> ChartDiffRequest {
        let from = self.rendering.request(self.sources.chart(&self.from));
        let to = self.to.as_ref().unwrap_or(&self.from);
        let mut to = self.rendering.request(self.sources.chart(to));
        to.values.files.extend(self.to_values.iter().cloned());
        to.values.settings.extend(self.to_set.iter().cloned().map(ChartSetting::Set));
        let from = match &self.release {
            Some(name) => {
                ChartDiffSide::Release { target: self.target.clone(), name: name.clone() }
            }
            None => ChartDiffSide::Chart(Box::new(from)),
        };
        ChartDiffRequest { from, to, exit_code: self.exit_code }
    }
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
pub(crate) struct PreflightArgs {
    #[command(flatten)]
    which: Which,
    /// Version of the platform [default: 0.6].
    #[arg(long, value_name = "VERSION")]
    platform: Option<String>,
    /// A version of the chart that is listed there already; may be given several times.
    #[arg(long, value_name = "VERSION")]
    listed: Vec<String>,
    #[command(flatten)]
    force: ForceArg,
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
    /// Its extension parameters, and what arrives of the answers on a platform.
    #[arg(long)]
    params: bool,
    /// An answer to an extension parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Version of the platform that gets the answers [default: 0.6].
    #[arg(long, value_name = "VERSION")]
    platform: Option<String>,
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
  edk chart show my-ext --dependencies -o json
  edk chart show my-ext --params --param 'title=Lungs & more'    what arrives of it")]
    Show(ShowArgs),
    /// Render a chart as Helm does, without a cluster.
    #[command(after_help = "Examples:
  edk chart render my-ext
  edk chart render my-workflow-0.1.0.tgz -f values.yaml --set image.tag=2 --name my-release
  edk chart render my-ext --as-platform --param task_ids=lung -s 'templates/*'
  edk chart render my-ext -o json        the objects, each with its template")]
    Render(Box<RenderArgs>),
    /// Package a chart as `helm package` does, with the charts it needs.
    #[command(after_help = "Examples:
  edk chart package my-chart
  edk chart package my-chart --version 1.2.3 --stamp-all --dir out
  edk chart package my-chart --dry-run -o json       where each chart would come from")]
    Package(Box<PackageChartArgs>),
    /// The charts a chart needs: list them, put them into its charts/, lock their versions.
    #[command(
        subcommand,
        after_help = "Examples:
  edk chart deps list my-chart
  edk chart deps update my-chart --dry-run
  edk chart deps build my-chart --offline"
    )]
    Deps(Box<DepsAction>),
    /// Tell what differs between two charts, a chart under other values, or a release and a chart.
    #[command(after_help = "Examples:
  edk chart diff old-0.1.0.tgz my-ext
  edk chart diff my-ext --set replicas=1 --to-set replicas=2
  edk chart diff my-ext --release my-workflow    what installing it again would change
  edk chart diff old.tgz new.tgz --as-platform -o json")]
    Diff(Box<DiffArgs>),
    /// Check a chart with the rules of `helm lint`: it passes when its package would pass there.
    #[command(after_help = "Examples:
  edk chart lint my-ext
  edk chart lint my-chart -f values.yaml --strict --kube-version 1.29
  edk chart lint my-workflow-0.1.0.tgz --helm4 -o json")]
    Lint(Box<LintArgs>),
    /// Tell what a platform would do with a chart, before it is sent.
    #[command(after_help = "Examples:
  edk chart preflight my-ext
  edk chart preflight my-workflow-0.1.0.tgz --platform 0.5.0 --listed 0.0.9
  edk chart preflight my-ext --force platform/keywords")]
    Preflight(PreflightArgs),
}

impl ChartAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Show(_) => "chart show",
            Self::Render(_) => "chart render",
            Self::Package(_) => "chart package",
            Self::Deps(action) => action.name(),
            Self::Diff(_) => "chart diff",
            Self::Lint(_) => "chart lint",
            Self::Preflight(_) => "chart preflight",
        }
    }

    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Package(args) => args.command(),
            Self::Deps(action) => action.command(),
            Self::Show(args) => Command::ChartShow(ChartShowRequest {
                chart: args.which.arg(),
                parts: args.parts(),
                params: args.param.iter().cloned().collect(),
                platform: args.platform.clone(),
            }),
            Self::Preflight(args) => Command::ChartPreflight(ChartPreflightRequest {
                chart: args.which.arg(),
                platform: args.platform.clone(),
                listed: args.listed.clone(),
                force: args.force.rules.clone(),
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
            Self::Diff(args) => Command::ChartDiff(Box::new(args.request())),
            Self::Render(args) => Command::ChartRender(Box::new(ChartRenderRequest {
                show_only: args.show_only.clone(),
                no_hooks: args.no_hooks,
                include_crds: args.include_crds,
                ..args.rendering.request(args.which.arg())
            })),
        }
    }
}
