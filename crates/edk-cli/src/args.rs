//! The command line.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use edk_api::{
    Command, DEFAULT_REGISTRY_PORT, Engine, EngineChoice, Failure, PackageRequest, PushRequest,
    UninstallRequest,
};
use edk_model::Code;

use crate::{
    ask,
    base::BaseArgs,
    build::BuildArgs,
    chart::{self, ChartAction, ForceArg},
    check::{AllowArg, CheckArgs, Format},
    deploy::DeployArgs,
    ext::{ExtAction, WorkflowAction},
    image::ImageAction,
    later::Later,
    looks::{InspectArgs, StatusArgs},
    new::NewArgs,
    registry::{Elsewhere, RegistryAction},
    run::{DemoArgs, RunArgs},
    sandbox::SandboxAction,
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
    New(Later<NewArgs>),
    /// Make a base image for Dockerfiles that start FROM local-only/<NAME>; pull, list, rebase.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:
  edk base list                                   what can be made, and what is there
  edk base base-python-cpu                        from Debian packages, as `edk base build` does
  edk base base-python-cpu --mirror http://mirror.example/debian
  edk base base-python-cpu --from python:3.12-slim   from a registry image
  edk base pull docker.io/library/debian:12       to build on, also without a network later"
    )]
    Base(Later<Box<BaseArgs>>),
    /// Build the images of an extension.
    #[command(after_help = "Examples:
  edk build                        the extension in this folder
  edk build my-ext --build-arg VERSION=2
  edk build my-ext --explain       and why each step was carried out
  edk build my-ext --file processing-containers/lung/Dockerfile --target test
  edk build my-ext --secret id=token,src=token.txt --secret id=key,env=API_KEY
  edk build my-ext --no-cache --label org.opencontainers.image.revision=abc")]
    Build(Later<BuildArgs>),
    /// Build the images and put them into the registry of this machine, or into another.
    #[command(after_help = "Examples:
  edk push my-ext
  edk push my-ext --version 0.2.0
  edk push my-ext --registry registry.example.org/team    sends only what is missing there
  edk registry serve               and another program can pull them")]
    Push(Later<PushArgs>),
    /// Package the charts with their dependencies.
    #[command(after_help = "Examples:
  edk package my-ext               to my-ext/dist
  edk package my-ext --version 0.2.0 --dir /tmp/charts")]
    Package(Later<PackageArgs>),
    /// Build, push, package, upload and install, and follow until it is ready.
    #[command(after_help = "Examples:
  edk deploy my-ext                            to the sandbox
  edk deploy my-ext --dry-run                  tells what it would do
  edk deploy my-ext --version 0.2.0 --param task_ids=lung
  edk deploy my-ext --target ward --archives   where the platform's registry is out of reach
  edk deploy my-ext --target http://localhost:5578   to a sandbox served elsewhere")]
    Deploy(Later<DeployArgs>),
    /// Show how extensions are doing on a target.
    #[command(after_help = "Examples:
  edk status                       the extension in this folder
  edk status --all                 everything on the target
  edk status --truth               what of it is what this folder makes now")]
    Status(Later<StatusArgs>),
    /// Remove an extension from a target and wait until it is gone.
    #[command(after_help = "Examples:
  edk uninstall my-ext
  edk uninstall my-ext --no-hooks  when its own clean-up hangs")]
    Uninstall(Later<UninstallArgs>),
    /// Run a processing container on a folder of images, as the platform would.
    #[command(after_help = "Examples:
  edk run my-ext --input dicom/
  edk run my-ext --input dicom/ --set feature_classes=shape --set bin_width=10")]
    Run(Later<RunArgs>),
    /// Go the whole way once: new, base, build, package, deploy, run, uninstall.
    #[command(after_help = "Examples:
  edk demo                              in a new temporary folder
  edk demo --dir /tmp/edk-demo -o json  what each stage took, for a script")]
    Demo(Later<DemoArgs>),
    /// Show what an extension is made of, and what of it has changed since it was built.
    #[command(after_help = "Examples:
  edk inspect                      the extension in this folder
  edk inspect my-ext -o json")]
    Inspect(Later<InspectArgs>),
    /// Check an extension: every known mistake, found before a platform meets it.
    #[command(after_help = "Examples:
  edk check                        the extension in this folder
  edk check ../checkout            every extension below it
  edk check my-ext --fix           mends what can be mended safely, and shows it
  edk check my-ext --diff          shows what --fix would change
  edk check --watch                again whenever a file changes
  edk check dist/my-workflow-0.1.0.tgz --fail-on warning
  edk check my-ext --target ward   and what would go wrong on that platform
  edk check --explain D12          what a rule is about; `all` lists them
  edk check --format sarif > edk.sarif")]
    Check(Later<CheckArgs>),
    /// A language server: findings, fixes and explanations in an editor, over standard streams.
    #[command(after_help = "Examples:
  edk lsp                          started by the editor, such as VS Code or Neovim")]
    Lsp,
    /// Extensions on a target: list, look, install, launch, remove, upload, allow.
    #[command(
        subcommand,
        after_help = "Examples:
  edk ext list                     what is on the sandbox
  edk ext show my-workflow
  edk ext launch my-viewer --target ward"
    )]
    Ext(Later<ExtAction>),
    /// Workflows of a target: start one on a dataset, follow it, read its logs.
    #[command(
        subcommand,
        after_help = "Examples:
  edk workflow start my-dag --dataset ct --target ward
  edk workflow logs my-dag-aB3xYz --target ward"
    )]
    Workflow(Later<WorkflowAction>),
    /// Look at what the work needs of this machine.
    #[command(after_help = "Examples:
  edk doctor                       exits with 1 when something is broken")]
    Doctor,
    /// Serve the user interface of this machine to a browser, or the host of a window to a program.
    #[command(after_help = "Examples:
  edk serve --ui ui/dist           prints the address to open, with the token of this start
  edk serve --port 0               for a program: the API alone, at any free port")]
    Serve(Later<ServeUiArgs>),
    /// Charts: what is in one, and what it renders to.
    #[command(subcommand, after_help = chart::EXAMPLES)]
    Chart(Later<ChartAction>),
    /// Platforms by name: where they are, whom they trust, who has logged in.
    #[command(
        subcommand,
        after_help = "Examples:
  edk target add ward https://kaapana.example.org
  edk target login ward
  edk target doctor ward
  edk target use ward              and every command goes there"
    )]
    Target(Later<TargetAction>),
    /// Images as files: save, load, look, compare, send.
    #[command(
        subcommand,
        after_help = "Examples:
  edk image save my-image:0.1.0 --file my-image.tar
  edk image history my-image:0.1.0
  edk image diff my-image:0.1.0 my-image:0.2.0"
    )]
    Image(Later<ImageAction>),
    /// The registry of this machine.
    #[command(
        subcommand,
        after_help = "Examples:
  edk registry serve               at port 5577
  edk registry usage               where the bytes are
  edk registry gc --budget 20GB    gives back what nobody needs"
    )]
    Registry(Later<RegistryAction>),
    /// The sandbox: a platform on this machine for extension work.
    #[command(
        subcommand,
        after_help = "Examples:
  edk sandbox start                in the background, at port 5578
  edk sandbox status               what is in it
  edk sandbox stop"
    )]
    Sandbox(Later<SandboxAction>),
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
pub(crate) struct BuildArg {
    /// A value for an ARG of the Dockerfiles; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) build_arg: Vec<(String, String)>,
    /// Who builds: edk, buildah, podman, docker or buildkit[=ADDRESS] [default: as edk.toml of the
    /// extension or config.toml of the data folder says, else edk].
    #[arg(long, value_name = "ENGINE", env = "EDK_ENGINE", hide_env_values = true)]
    pub(crate) engine: Option<EngineChoice>,
}

#[derive(Debug, ClapArgs)]
struct PushArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    allow: AllowArg,
    #[command(flatten)]
    args: BuildArg,
    /// Version of the extension [default: its chart's].
    #[arg(long)]
    version: Option<String>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

impl PushArgs {
    fn request(&self) -> PushRequest {
        PushRequest {
            project: self.project.project.clone(),
            version: self.version.clone(),
            args: map(&self.args.build_arg),
            allow: self.allow.allow.clone(),
            engine: self.args.engine.clone(),
            registry: self.elsewhere.registry.clone(),
            certificate: self.elsewhere.trust.certificate.clone(),
            build_version: self.elsewhere.build_version.clone(),
        }
    }
}

#[derive(Debug, ClapArgs)]
struct PackageArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    allow: AllowArg,
    /// Version of the extension [default: its chart's].
    #[arg(long)]
    version: Option<String>,
    /// Folder for the archives [default: dist in the extension].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
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

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is not KEY=VALUE".to_owned()),
    }
}

/// The last of several values for a key counts.
pub(crate) fn map(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    pairs.iter().cloned().collect()
}

impl Args {
    /// The name of the command, for a failure before there is one.
    pub(crate) fn command_name(&self) -> String {
        let name = match &self.action {
            Action::New(_) => "new",
            Action::Base(args) => args.name(),
            Action::Image(action) => action.name(),
            Action::Build(_) => "build",
            Action::Push(_) => "push",
            Action::Package(_) => "package",
            Action::Deploy(_) => "deploy",
            Action::Status(_) => "status",
            Action::Uninstall(_) => "uninstall",
            Action::Run(_) => "run",
            Action::Demo(_) => "demo",
            Action::Inspect(_) => "inspect",
            Action::Check(_) => "check",
            Action::Lsp => "lsp",
            Action::Ext(action) => action.name(),
            Action::Workflow(action) => action.name(),
            Action::Doctor => "doctor",
            Action::Serve(_) => "serve",
            Action::Chart(action) => action.name(),
            Action::Target(action) => action.name(),
            Action::Registry(action) => action.name(),
            Action::Sandbox(action) => action.name(),
        };
        name.to_owned()
    }

    /// Returns what `edk serve` serves, when that is the command.
    pub(crate) fn serve(&self) -> Option<serve::Options> {
        let Action::Serve(args) = &self.action else { return None };
        let ServeUiArgs { port, ui, mirror, registry_port } = &**args;
        let (port, registry_port) = (*port, *registry_port);
        Some(serve::Options { port, ui: ui.clone(), mirror: mirror.clone(), registry_port })
    }

    /// Says whether the language server is wanted.
    pub(crate) fn is_lsp(&self) -> bool {
        matches!(self.action, Action::Lsp)
    }

    /// Returns how results are printed.
    pub(crate) fn output(&self) -> OutputFormat {
        if self.format() == Format::Json { OutputFormat::Json } else { self.output }
    }

    /// Returns the format in which findings are wanted; text for all other commands.
    pub(crate) fn format(&self) -> Format {
        match &self.action {
            Action::Check(args) => args.format,
            _ => Format::Text,
        }
    }

    /// Says whether files are checked again and again.
    pub(crate) fn is_watching(&self) -> bool {
        matches!(&self.action, Action::Check(args) if args.watch)
    }

    /// Returns the command, asking for the answers of a template that were not given.
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        Ok(match &self.action {
            Action::New(args) => args.command(engine, ask::is_possible(self))?,
            Action::Base(args) => args.command(),
            Action::Image(action) => action.command(engine)?,
            Action::Build(args) => args.command()?,
            Action::Push(args) => Command::Push(args.request()),
            Action::Package(args) => Command::Package(PackageRequest {
                project: args.project.project.clone(),
                version: args.version.clone(),
                output: args.dir.clone(),
                allow: args.allow.allow.clone(),
                force: args.force.rules.clone(),
            }),
            Action::Deploy(args) => args.command(engine)?,
            Action::Status(args) => args.command(engine)?,
            Action::Uninstall(args) => Command::Uninstall(UninstallRequest {
                project: args.project.project.clone(),
                target: args.target.name(engine)?,
                chart: args.chart.clone(),
                no_hooks: args.no_hooks,
            }),
            Action::Run(args) => args.command(),
            Action::Demo(args) => args.command()?,
            Action::Inspect(args) => args.command(),
            Action::Check(args) => args.command(),
            Action::Ext(action) => action.command(engine)?,
            Action::Workflow(action) => action.command(engine)?,
            Action::Doctor => Command::Doctor,
            Action::Serve(_) | Action::Lsp => {
                return Err(Failure::new(Code::Bug, "a host is no command of the engine"));
            }
            Action::Chart(action) => action.command(),
            Action::Target(action) => action.command(ask::is_possible(self))?,
            Action::Registry(action) => action.command(),
            Action::Sandbox(action) => action.command(self, engine.data_folder()),
        })
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
