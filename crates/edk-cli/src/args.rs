//! The command line.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use edk_api::{
    BaseRequest, BuildRequest, Command, DEFAULT_REGISTRY_PORT, DEFAULT_SANDBOX_PORT, DemoRequest,
    DeployPlanRequest, DeployRequest, Engine, Failure, NewRequest, PackageRequest, PushRequest,
    RunRequest, ServeRequest, UninstallRequest,
};
use edk_model::{Code, Reference};

use crate::{
    ask,
    chart::ChartAction,
    ext::{ExtAction, WorkflowAction},
    looks::{InspectArgs, StatusArgs},
    registry::RegistryAction,
    serve,
    target::TargetAction,
};

/// Develop extensions for Kaapana: scaffold, build, push, package, deploy, run.
#[derive(Debug, Parser)]
#[command(name = "edk", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Action,
    /// Print results as text, or as one JSON document.
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        env = "EDK_OUTPUT",
        hide_env_values = true
    )]
    pub(crate) output: OutputFormat,
    /// Write every event as a line of JSON to this file.
    #[arg(long, global = true, value_name = "FILE", env = "EDK_EVENTS", hide_env_values = true)]
    pub(crate) events: Option<PathBuf>,
    /// Folder for images, layers and the sandbox [default: the user's data folder].
    #[arg(long, global = true, value_name = "DIR", env = "EDK_HOME", hide_env_values = true)]
    pub(crate) home: Option<PathBuf>,
    /// Show the output of every command that is run.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Show nothing but the result.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

const EXAMPLES: &str = "Examples:
  edk demo                                  go the whole way once, on this machine
  edk new radiomics my-ext --set name=lung  make an extension from a template
  edk deploy my-ext                         build it and install it on the sandbox
  edk run my-ext --input dicom/             run its processing container here
  edk status my-ext -o json                 how it is doing, for a script";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one document on standard output.
    Json,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an extension from a template.
    #[command(after_help = "Examples:
  edk new --list                              the templates and what they ask
  edk new radiomics                           asks for every answer
  edk new radiomics my-ext --set name=lung --set feature_classes=shape,glcm
  edk new radiomics my-ext --yes --dry-run    shows the files, writes nothing")]
    New(NewArgs),
    /// Make a base image for Dockerfiles that start FROM local-only/<NAME>.
    #[command(after_help = "Examples:
  edk base --list
  edk base base-python-cpu                        from Debian packages
  edk base base-python-cpu --mirror http://mirror.example/debian
  edk base base-python-cpu --from python:3.12-slim   from a registry image")]
    Base(BaseArgs),
    /// Build the images of an extension.
    #[command(after_help = "Examples:
  edk build                        the extension in this folder
  edk build my-ext --build-arg VERSION=2")]
    Build(BuildArgs),
    /// Build the images and put them into the registry of this machine.
    #[command(after_help = "Examples:
  edk push my-ext
  edk push my-ext --version 0.2.0
  edk registry serve               and another program can pull them")]
    Push(PushArgs),
    /// Package the charts with their dependencies.
    #[command(after_help = "Examples:
  edk package my-ext               to my-ext/dist
  edk package my-ext --version 0.2.0 --dir /tmp/charts")]
    Package(PackageArgs),
    /// Build, push, package, upload and install, and follow until it is ready.
    #[command(after_help = "Examples:
  edk deploy my-ext                            to the sandbox
  edk deploy my-ext --dry-run                  tells what it would do
  edk deploy my-ext --version 0.2.0 --param task_ids=lung
  edk deploy my-ext --target http://localhost:5578   to a sandbox served elsewhere")]
    Deploy(DeployArgs),
    /// Show how extensions are doing on a target.
    #[command(after_help = "Examples:
  edk status                       the extension in this folder
  edk status --all                 everything on the target
  edk status --truth               what of it is what this folder makes now")]
    Status(StatusArgs),
    /// Remove an extension from a target and wait until it is gone.
    #[command(after_help = "Examples:
  edk uninstall my-ext
  edk uninstall my-ext --no-hooks  when its own clean-up hangs")]
    Uninstall(UninstallArgs),
    /// Run a processing container on a folder of images, as the platform would.
    #[command(after_help = "Examples:
  edk run my-ext --input dicom/
  edk run my-ext --input dicom/ --set feature_classes=shape --set bin_width=10")]
    Run(RunArgs),
    /// Go the whole way once: new, base, build, package, deploy, run, uninstall.
    #[command(after_help = "Examples:
  edk demo                              in a new temporary folder
  edk demo --dir /tmp/edk-demo -o json  what each stage took, for a script")]
    Demo(DemoArgs),
    /// Show what an extension is made of, and what of it has changed since it was built.
    #[command(after_help = "Examples:
  edk inspect                      the extension in this folder
  edk inspect my-ext -o json")]
    Inspect(InspectArgs),
    /// Extensions on a target: list, look, install, launch, remove, upload, allow.
    #[command(
        subcommand,
        after_help = "Examples:
  edk ext list                     what is on the sandbox
  edk ext show my-workflow
  edk ext launch my-viewer --target ward"
    )]
    Ext(ExtAction),
    /// Workflows of a target: start one on a dataset, follow it, read its logs.
    #[command(
        subcommand,
        after_help = "Examples:
  edk workflow start my-dag --dataset ct --target ward
  edk workflow logs my-dag-aB3xYz --target ward"
    )]
    Workflow(WorkflowAction),
    /// Look at what the work needs of this machine.
    #[command(after_help = "Examples:
  edk doctor                       exits with 1 when something is broken")]
    Doctor,
    /// Serve the user interface of this machine to a browser, or the host of a window to a program.
    #[command(after_help = "Examples:
  edk serve --ui ui/dist           prints the address to open, with the token of this start
  edk serve --port 0               for a program: the API alone, at any free port")]
    Serve(ServeUiArgs),
    /// Charts: what is in one, and what it renders to.
    #[command(
        subcommand,
        after_help = "Examples:
  edk chart show my-ext/extension/my-workflow
  edk chart render my-workflow-0.1.0.tgz -f values.yaml"
    )]
    Chart(ChartAction),
    /// Platforms by name: where they are, whom they trust, who has logged in.
    #[command(
        subcommand,
        after_help = "Examples:
  edk target add ward https://kaapana.example.org
  edk target login ward
  edk target doctor ward
  edk target use ward              and every command goes there"
    )]
    Target(TargetAction),
    /// The registry of this machine.
    #[command(
        subcommand,
        after_help = "Examples:
  edk registry serve               at port 5577
  edk registry usage               where the bytes are
  edk registry gc --budget 20GB    gives back what nobody needs"
    )]
    Registry(RegistryAction),
    /// The sandbox: a platform on this machine for extension work.
    #[command(
        subcommand,
        after_help = "Examples:
  edk sandbox serve                at port 5578"
    )]
    Sandbox(SandboxServe),
}

#[derive(Debug, ClapArgs)]
struct NewArgs {
    /// Name of the template.
    #[arg(required_unless_present = "list")]
    template: Option<String>,
    /// Folder of the new extension [default: the answer to `name`].
    folder: Option<PathBuf>,
    /// An answer; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Show the files and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Replace files that are in the way without asking.
    #[arg(long)]
    overwrite: bool,
    /// Take the defaults for everything that is not set; ask nothing.
    #[arg(long, short)]
    yes: bool,
    /// List the templates and what they ask.
    #[arg(long)]
    list: bool,
}

#[derive(Debug, ClapArgs)]
struct BaseArgs {
    /// Name of the base.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Take this registry image as the base.
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["mirror", "refresh"])]
    from: Option<Reference>,
    /// Address of a Debian mirror.
    #[arg(long, value_name = "URL", env = "EDK_DEBIAN_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
    /// Make it again from the packages of today.
    #[arg(long)]
    refresh: bool,
    /// List the bases that can be made from Debian packages.
    #[arg(long)]
    list: bool,
}

/// The extension a command works on.
#[derive(Debug, ClapArgs)]
pub(crate) struct ProjectArg {
    /// Folder of the extension.
    #[arg(default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Values for the `ARG`s of Dockerfiles.
#[derive(Debug, ClapArgs)]
struct BuildArg {
    /// A value for an ARG of the Dockerfiles; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    build_arg: Vec<(String, String)>,
}

#[derive(Debug, ClapArgs)]
struct BuildArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    args: BuildArg,
}

#[derive(Debug, ClapArgs)]
struct PushArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    args: BuildArg,
    /// Version of the extension [default: its chart's].
    #[arg(long)]
    version: Option<String>,
}

#[derive(Debug, ClapArgs)]
struct PackageArgs {
    #[command(flatten)]
    project: ProjectArg,
    /// Version of the extension [default: its chart's].
    #[arg(long)]
    version: Option<String>,
    /// Folder for the archives [default: dist in the extension].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The target a command talks to.
#[derive(Debug, ClapArgs)]
pub(crate) struct TargetArg {
    /// Name of the target, or the address of a sandbox on this machine [default: the one of `edk
    /// target use`, else the sandbox].
    #[arg(long, short, env = "EDK_TARGET", hide_env_values = true)]
    target: Option<String>,
}

impl TargetArg {
    /// Returns the name of the target.
    pub(crate) fn name(&self, engine: &Engine) -> Result<String, Failure> {
        match &self.target {
            Some(name) => Ok(name.clone()),
            None => engine.current_target().map_err(|error| Failure::explain(&error)),
        }
    }
}

#[derive(Debug, ClapArgs)]
struct DeployArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    args: BuildArg,
    /// Version of the extension [default: its chart's].
    #[arg(long)]
    version: Option<String>,
    /// A value for an extension parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Name of the chart, when the extension has several.
    #[arg(long)]
    chart: Option<String>,
    /// Leave out the clean-up jobs of the release that is replaced, when they hang.
    #[arg(long)]
    no_hooks: bool,
    /// Let the platform pull the DAG image from the registry of this machine, at this address; see
    /// `edk registry serve --listen`.
    #[arg(long, value_name = "HOST:PORT")]
    pull_from: Option<String>,
    /// Tell what would be done, and do nothing.
    #[arg(long, conflicts_with_all = ["param", "build_arg"])]
    dry_run: bool,
}

#[derive(Debug, ClapArgs)]
struct UninstallArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    target: TargetArg,
    /// Name of the chart, when the extension has several.
    #[arg(long)]
    chart: Option<String>,
    /// Leave the release's own clean-up jobs out.
    #[arg(long)]
    no_hooks: bool,
}

#[derive(Debug, ClapArgs)]
struct RunArgs {
    #[command(flatten)]
    project: ProjectArg,
    /// Folder with DICOM, NIfTI or NRRD files.
    #[arg(long, short, value_name = "DIR")]
    input: PathBuf,
    /// Folder for the run's own folder [default: runs in the data folder].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name of the processing container, when the extension has several.
    #[arg(long)]
    container: Option<String>,
    /// A value of the workflow's form, else its default; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

#[derive(Debug, ClapArgs)]
struct DemoArgs {
    /// Folder for the demo's files [default: a new one in the temporary folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Take this registry image as base, instead of making it from Debian packages.
    #[arg(long, value_name = "IMAGE")]
    base: Option<Reference>,
    /// Address of a Debian mirror.
    #[arg(long, value_name = "URL", env = "EDK_DEBIAN_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
}

#[derive(Debug, ClapArgs)]
struct ServeUiArgs {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = serve::DEFAULT_PORT)]
    port: u16,
    /// Folder of the built user interface; without one the API alone is served.
    #[arg(long, value_name = "DIR")]
    ui: Option<PathBuf>,
    /// Address of the Debian mirror for bases.
    #[arg(long, value_name = "URL", env = "EDK_DEBIAN_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
    /// Port of the registry, which is served as well unless it was switched off; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_REGISTRY_PORT)]
    registry_port: u16,
}

#[derive(Debug, Subcommand)]
enum SandboxServe {
    /// Serve it on the loopback interface until stopped.
    #[command(after_help = "Examples:
  edk sandbox serve
  edk sandbox serve --strict-faults     with the known faults of real platforms")]
    Serve {
        /// The port; 0 takes any that is free.
        #[arg(long, default_value_t = DEFAULT_SANDBOX_PORT)]
        port: u16,
        /// Show the known faults of real platforms, to test a client against them.
        #[arg(long)]
        strict_faults: bool,
        /// Ask for a login, as the front door of a platform does; the users `kaapana` (who may do
        /// everything), `lead`, `guest` and `newcomer` have their names as passwords.
        #[arg(long)]
        login: bool,
    },
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is not KEY=VALUE".to_owned()),
    }
}

/// The last of several values for a key counts.
fn map(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    pairs.iter().cloned().collect()
}

impl Args {
    /// The name of the command, for a failure before there is one.
    pub(crate) fn command_name(&self) -> String {
        let name = match &self.action {
            Action::New(_) => "new",
            Action::Base(_) => "base",
            Action::Build(_) => "build",
            Action::Push(_) => "push",
            Action::Package(_) => "package",
            Action::Deploy(_) => "deploy",
            Action::Status(_) => "status",
            Action::Uninstall(_) => "uninstall",
            Action::Run(_) => "run",
            Action::Demo(_) => "demo",
            Action::Inspect(_) => "inspect",
            Action::Ext(action) => action.name(),
            Action::Workflow(action) => action.name(),
            Action::Doctor => "doctor",
            Action::Serve(_) => "serve",
            Action::Chart(action) => action.name(),
            Action::Target(action) => action.name(),
            Action::Registry(action) => action.name(),
            Action::Sandbox(_) => "sandbox serve",
        };
        name.to_owned()
    }

    /// Returns what `edk serve` serves, when that is the command.
    pub(crate) fn serve(&self) -> Option<serve::Options> {
        let Action::Serve(args) = &self.action else { return None };
        let ServeUiArgs { port, ui, mirror, registry_port } = args;
        let (port, registry_port) = (*port, *registry_port);
        Some(serve::Options { port, ui: ui.clone(), mirror: mirror.clone(), registry_port })
    }

    /// Returns the command, asking for the answers of a template that were not given.
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        Ok(match &self.action {
            Action::New(args) => self.new_command(args, engine)?,
            Action::Base(args) => args.command(),
            Action::Build(args) => Command::Build(BuildRequest {
                project: args.project.project.clone(),
                args: map(&args.args.build_arg),
            }),
            Action::Push(args) => Command::Push(PushRequest {
                project: args.project.project.clone(),
                version: args.version.clone(),
                args: map(&args.args.build_arg),
            }),
            Action::Package(args) => Command::Package(PackageRequest {
                project: args.project.project.clone(),
                version: args.version.clone(),
                output: args.dir.clone(),
            }),
            Action::Deploy(args) if args.dry_run => Command::DeployPlan(DeployPlanRequest {
                project: args.project.project.clone(),
                target: args.target.name(engine)?,
                version: args.version.clone(),
                chart: args.chart.clone(),
                pull_from: args.pull_from.clone(),
            }),
            Action::Deploy(args) => Command::Deploy(DeployRequest {
                project: args.project.project.clone(),
                target: args.target.name(engine)?,
                version: args.version.clone(),
                params: map(&args.param),
                args: map(&args.args.build_arg),
                chart: args.chart.clone(),
                no_hooks: args.no_hooks,
                pull_from: args.pull_from.clone(),
            }),
            Action::Status(args) => args.command(engine)?,
            Action::Uninstall(args) => Command::Uninstall(UninstallRequest {
                project: args.project.project.clone(),
                target: args.target.name(engine)?,
                chart: args.chart.clone(),
                no_hooks: args.no_hooks,
            }),
            Action::Run(args) => Command::Run(RunRequest {
                project: args.project.project.clone(),
                container: args.container.clone(),
                input: args.input.clone(),
                output: args.out.clone(),
                form: map(&args.set),
            }),
            Action::Demo(args) => Command::Demo(DemoRequest {
                folder: demo_folder(args.dir.clone())?,
                base: args.base.clone(),
                mirror: args.mirror.clone(),
            }),
            Action::Inspect(args) => args.command(),
            Action::Ext(action) => action.command(engine)?,
            Action::Workflow(action) => action.command(engine)?,
            Action::Doctor => Command::Doctor,
            Action::Serve(_) => {
                return Err(Failure::new(Code::Bug, "a host is no command of the engine"));
            }
            Action::Chart(action) => action.command(),
            Action::Target(action) => action.command(ask::is_possible(self))?,
            Action::Registry(action) => action.command(),
            Action::Sandbox(SandboxServe::Serve { port, strict_faults, login }) => {
                let (port, strict_faults, login) = (*port, *strict_faults, *login);
                Command::SandboxServe(ServeRequest { port, strict_faults, login })
            }
        })
    }

    fn new_command(&self, args: &NewArgs, engine: &Engine) -> Result<Command, Failure> {
        if args.list {
            return Ok(Command::Templates);
        }
        let template = args.template.clone().unwrap_or_default();
        let mut answers = map(&args.set);
        if !args.yes && ask::is_possible(self) {
            ask::answers(engine, &template, &mut answers)?;
        }
        let (folder, overwrite, dry_run) = (args.folder.clone(), args.overwrite, args.dry_run);
        Ok(Command::New(NewRequest { template, folder, answers, overwrite, dry_run }))
    }
}

impl BaseArgs {
    fn command(&self) -> Command {
        if self.list {
            return Command::Bases;
        }
        Command::Base(BaseRequest {
            name: self.name.clone().unwrap_or_default(),
            from: self.from.clone(),
            mirror: self.mirror.clone(),
            refresh: self.refresh,
        })
    }
}

fn demo_folder(wanted: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = wanted {
        return Ok(folder);
    }
    let folder = tempfile::Builder::new().prefix("edk-demo-").tempdir();
    match folder {
        Ok(folder) => Ok(folder.keep()),
        Err(error) => Err(Failure::new(Code::of_io(&error), "could not make a temporary folder")
            .because(error)
            .hint("name one: `--dir DIR`")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as CommandFactory>::command().debug_assert();
    }
}
