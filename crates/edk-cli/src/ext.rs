//! Arguments of the commands on extensions of a target, and on its workflows.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use edk_api::{
    AllowRequest, Command, CompleteRequest, Engine, ExtCommand, ExtKind, ExtListRequest,
    ExtShowRequest, Failure, Hardware, InstallRequest, Maturity, RemoveRequest, TargetRequest,
    TaskLogRequest, UploadRequest, WorkflowJobsRequest, WorkflowListRequest, WorkflowStartRequest,
};

use crate::{
    args::{TargetArg, pair},
    chart::ForceArg,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ExtAction {
    /// List what is on a target, with the filters of the platform's own page.
    #[command(after_help = "Examples:
  edk ext list
  edk ext list lung --kind workflow --installed
  edk ext list --hardware gpu --maturity stable --target ward
  edk ext list -o json             with parameters, pods and links")]
    List(ListArgs),
    /// Look at one extension: versions, parameters, releases, and what was sent from here.
    #[command(after_help = "Examples:
  edk ext show my-workflow
  edk ext show my-workflow --target ward -o json")]
    Show(NamedArgs),
    /// Install a chart that is on a target, and follow it until it is ready.
    #[command(after_help = "Examples:
  edk ext install my-workflow                    its newest version
  edk ext install my-workflow --version 0.1.0 --param task_ids=lung")]
    Install(InstallArgs),
    /// Launch one more release of a chart that can be installed several times.
    #[command(after_help = "Examples:
  edk ext launch jupyterlab --target ward
  edk ext launch my-viewer --version 0.2.0 --param display_name=mine")]
    Launch(InstallArgs),
    /// Remove a release, whoever made it, and wait until it is gone.
    #[command(after_help = "Examples:
  edk ext uninstall my-workflow
  edk ext uninstall jupyterlab-0a1b2c --target ward
  edk ext uninstall my-workflow --no-hooks    when its own clean-up hangs")]
    Uninstall(UninstallArgs),
    /// Send a packaged chart, or an archive of images, to a target.
    #[command(after_help = "Examples:
  edk ext upload my-ext/dist/my-workflow-0.1.0.tgz
  edk ext upload my-images.tar     an OCI layout in a tar, or what `docker save` writes")]
    Upload(UploadArgs),
    /// List the applications that are open on a target.
    #[command(after_help = "Examples:
  edk ext apps --target ward
  edk ext apps --target ward -o json")]
    Apps(AppsArgs),
    /// Complete an application that a workflow opened: the workflow goes on.
    #[command(after_help = "Examples:
  edk ext complete mitk-workbench-0a1b2c --target ward")]
    Complete(NamedArgs),
    /// Allow DAGs in the project of a target: before, nobody sees them there.
    #[command(after_help = "Examples:
  edk ext allow --target ward                    the DAGs of the extension in this folder
  edk ext allow my-dag other-dag --target ward")]
    Allow(AllowArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListArgs {
    /// Only what has this text in its name, description, versions or keywords.
    text: Option<String>,
    #[command(flatten)]
    target: TargetArg,
    /// Only of this kind.
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Only of this maturity; the platform's page hides what is experimental.
    #[arg(long, value_enum)]
    maturity: Option<MaturityArg>,
    /// Only with this need of hardware.
    #[arg(long, value_enum)]
    hardware: Option<HardwareArg>,
    /// Only what is installed.
    #[arg(long)]
    installed: bool,
    /// Only what is not installed.
    #[arg(long, conflicts_with = "installed")]
    not_installed: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArg {
    Workflow,
    Application,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MaturityArg {
    Stable,
    Experimental,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HardwareArg {
    Cpu,
    Gpu,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NamedArgs {
    /// Name of the chart or of the release.
    name: String,
    #[command(flatten)]
    target: TargetArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InstallArgs {
    /// Name of the chart.
    name: String,
    #[command(flatten)]
    target: TargetArg,
    /// Version of the chart [default: the newest].
    #[arg(long)]
    version: Option<String>,
    /// A value for an extension parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Send images of this machine that the chart asks for and the target never got, without asking.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UninstallArgs {
    /// Name of the release.
    release: String,
    #[command(flatten)]
    target: TargetArg,
    /// Leave the release's own clean-up jobs out.
    #[arg(long)]
    no_hooks: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UploadArgs {
    /// The packaged chart, `<name>-<version>.tgz`, or the archive of images, `.tar`.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    force: ForceArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AppsArgs {
    #[command(flatten)]
    target: TargetArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AllowArgs {
    /// Ids of the DAGs [default: those of the extension].
    dags: Vec<String>,
    #[command(flatten)]
    target: TargetArg,
    /// Folder of the extension.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
}

impl ExtAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "ext list",
            Self::Show(_) => "ext show",
            Self::Install(_) => "ext install",
            Self::Launch(_) => "ext launch",
            Self::Uninstall(_) => "ext uninstall",
            Self::Upload(_) => "ext upload",
            Self::Apps(_) => "ext apps",
            Self::Complete(_) => "ext complete",
            Self::Allow(_) => "ext allow",
        }
    }

    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        Ok(match self {
            Self::List(args) => Command::Ext(ExtCommand::List(args.request(engine)?)),
            Self::Show(NamedArgs { name, target }) => {
                let (target, name) = (target.name(engine)?, name.clone());
                Command::Ext(ExtCommand::Show(ExtShowRequest { target, name }))
            }
            Self::Install(args) => Command::Install(args.request(engine, false)?),
            Self::Launch(args) => Command::Install(args.request(engine, true)?),
            Self::Uninstall(UninstallArgs { release, target, no_hooks }) => {
                // Whatever version it has.
                Command::Remove(RemoveRequest {
                    target: target.name(engine)?,
                    release: release.clone(),
                    version: String::new(),
                    no_hooks: *no_hooks,
                })
            }
            Self::Upload(UploadArgs { file, target, force }) => {
                let (target, file) = (target.name(engine)?, file.clone());
                Command::Upload(UploadRequest { target, file, force: force.rules.clone() })
            }
            Self::Apps(AppsArgs { target }) => {
                let target = target.name(engine)?;
                Command::Ext(ExtCommand::Apps(TargetRequest { target }))
            }
            Self::Complete(NamedArgs { name, target }) => {
                let (target, release) = (target.name(engine)?, name.clone());
                Command::Ext(ExtCommand::Complete(CompleteRequest { target, release }))
            }
            Self::Allow(AllowArgs { dags, target, project }) => {
                let (target, dags) = (target.name(engine)?, dags.clone());
                let project = project.clone();
                Command::Ext(ExtCommand::Allow(AllowRequest { target, dags, project }))
            }
        })
    }
}

impl ListArgs {
    fn request(&self, engine: &Engine) -> Result<ExtListRequest, Failure> {
        let installed = match (self.installed, self.not_installed) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        Ok(ExtListRequest {
            target: self.target.name(engine)?,
            kind: self.kind.map(|kind| match kind {
                KindArg::Workflow => ExtKind::Workflow,
                KindArg::Application => ExtKind::Application,
            }),
            maturity: self.maturity.map(|maturity| match maturity {
                MaturityArg::Stable => Maturity::Stable,
                MaturityArg::Experimental => Maturity::Experimental,
            }),
            hardware: self.hardware.map(|hardware| match hardware {
                HardwareArg::Cpu => Hardware::Cpu,
                HardwareArg::Gpu => Hardware::Gpu,
            }),
            installed,
            text: self.text.clone(),
        })
    }
}

impl InstallArgs {
    fn request(&self, engine: &Engine, launch: bool) -> Result<InstallRequest, Failure> {
        let params = self.param.iter().cloned().map(|(key, text)| (key, text.into())).collect();
        Ok(InstallRequest {
            target: self.target.name(engine)?,
            name: self.name.clone(),
            version: self.version.clone().unwrap_or_default(),
            params,
            launch: Some(launch),
            send_missing: self.yes,
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowAction {
    /// Start a workflow on a dataset of a target, and follow its jobs.
    #[command(after_help = "Examples:
  edk workflow start my-dag --dataset ct --target ward
  edk workflow start my-dag --dataset ct --limit 2 --set threshold=0.5 --target ward
  edk workflow start my-dag --dataset ct --follow 0 --target ward   starts it and leaves")]
    Start(StartArgs),
    /// List the workflows of a target, newest first.
    #[command(after_help = "Examples:
  edk workflow list --target ward
  edk workflow list my-dag --limit 5 --target ward")]
    List(WorkflowListArgs),
    /// Show the jobs of a workflow and their tasks.
    #[command(after_help = "Examples:
  edk workflow jobs my-dag-aB3xYz --target ward")]
    Jobs(JobsArgs),
    /// Print the log of a task; only administrators of a platform may read it.
    #[command(after_help = "Examples:
  edk workflow logs my-dag-aB3xYz --target ward             of the task that failed
  edk workflow logs my-dag-aB3xYz get-input --job 17 --try 2 --target ward")]
    Logs(LogsArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StartArgs {
    /// Id of the DAG.
    dag: String,
    #[command(flatten)]
    target: TargetArg,
    /// Name of the dataset.
    #[arg(long)]
    dataset: String,
    /// What the run is called [default: as the DAG].
    #[arg(long)]
    name: Option<String>,
    /// At most so many series of the dataset.
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// A value of the DAG's form; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// For how long to follow its jobs; 0 starts it and leaves.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    follow: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WorkflowListArgs {
    /// A part of the name.
    search: Option<String>,
    #[command(flatten)]
    target: TargetArg,
    /// How many.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct JobsArgs {
    /// The platform's name of the workflow.
    workflow: String,
    #[command(flatten)]
    target: TargetArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    /// The platform's name of the workflow.
    workflow: String,
    /// The task [default: the first that failed].
    task: Option<String>,
    #[command(flatten)]
    target: TargetArg,
    /// Number of the job [default: the first that failed].
    #[arg(long)]
    job: Option<u64>,
    /// Which try of the task.
    #[arg(long = "try", value_name = "NUMBER", default_value_t = 1)]
    attempt: u32,
}

impl WorkflowAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "workflow start",
            Self::List(_) => "workflow list",
            Self::Jobs(_) => "workflow jobs",
            Self::Logs(_) => "workflow logs",
        }
    }

    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        Ok(Command::Ext(match self {
            Self::Start(args) => ExtCommand::Start(WorkflowStartRequest {
                target: args.target.name(engine)?,
                dag: args.dag.clone(),
                dataset: args.dataset.clone(),
                name: args.name.clone(),
                limit: args.limit,
                form: args.set.iter().cloned().collect(),
                follow: args.follow,
            }),
            Self::List(args) => ExtCommand::Workflows(WorkflowListRequest {
                target: args.target.name(engine)?,
                search: args.search.clone(),
                limit: args.limit,
            }),
            Self::Jobs(args) => ExtCommand::Jobs(WorkflowJobsRequest {
                target: args.target.name(engine)?,
                workflow: args.workflow.clone(),
            }),
            Self::Logs(args) => ExtCommand::Log(TaskLogRequest {
                target: args.target.name(engine)?,
                workflow: args.workflow.clone(),
                task: args.task.clone(),
                job: args.job,
                attempt: args.attempt,
            }),
        }))
    }
}
