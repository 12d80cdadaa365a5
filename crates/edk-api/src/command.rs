use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use edk_engine::{
    AccountOutcome, BaseListing, BaseOutcome, BaseRecipe, BaseRequest, BuildOutcome, BuildRequest,
    ChartDependencies, ChartDepsListRequest, ChartDepsOutcome, ChartDepsRequest, ChartDiffRequest,
    ChartDiffed, ChartLintRequest, ChartLinted, ChartPackageRequest, ChartPackaged,
    ChartPreflightRequest, ChartPreflighted, ChartRenderRequest, ChartRendered, ChartShowRequest,
    ChartShown, CheckOutcome, CheckRequest, CopyOutcome, DemoOutcome, DemoRequest, DeployOutcome,
    DeployPlan, DeployPlanRequest, DeployRequest, Diagnosis, Dispatcher, DoctorRequest, Engine,
    EngineError, EventSink, ExportOutcome, FaultView, FolderRequest, GcOutcome, Health,
    HistoryLine, ImageDetails, ImageDiff, ImportOutcome, InstallRequest, Installed, LoginOutcome,
    NewOutcome, NewRequest, PackageOutcome, PackageRequest, ProjectView, PushOutcome, PushRequest,
    RegistryAccountRequest, RegistryCopyRequest, RegistryDeleteRequest, RegistryGcRequest,
    RegistryServeRequest, RegistryShowRequest, RemoveRequest, RepositoryView, RunOutcome,
    RunRequest, SandboxLogRequest, SandboxResetOutcome, SandboxResetRequest, SandboxServeRequest,
    SandboxStartRequest, SandboxStarted, SandboxStatus, SandboxStopped, SaveOutcome, SendOutcome,
    StatusOutcome, StatusRequest, TargetAddRequest, TargetDetails, TargetLoginRequest,
    TemplateSummary, UninstallOutcome, UninstallRequest, UploadRequest, Uploaded, UsageView,
};
use edk_model::{CancellationToken, Code, EventKind, Failure, Monitor, Severity};
use serde::Serialize;

use crate::{
    ImageCommand,
    ext::{self, ExtCommand, ExtResponse},
};

/// Everything a user can ask for.
#[derive(Debug, Clone)]
pub enum Command {
    /// List the templates.
    Templates,
    /// Make an extension from a template.
    New(NewRequest),
    /// List the bases that can be made.
    Bases,
    /// Make a base image.
    Base(BaseRequest),
    /// What is done with images and the bases they stand on.
    Image(Box<ImageCommand>),
    /// Build the images of an extension.
    Build(BuildRequest),
    /// Build and push the images of an extension.
    Push(PushRequest),
    /// Package the charts of an extension.
    Package(PackageRequest),
    /// Build, push, package, upload, install and follow.
    Deploy(DeployRequest),
    /// Look how extensions are doing on a target.
    Status(StatusRequest),
    /// Remove an extension from a target.
    Uninstall(UninstallRequest),
    /// Install a chart that is on a target.
    Install(InstallRequest),
    /// Remove a release from a target.
    Remove(RemoveRequest),
    /// Send a packaged chart, or an archive of images, to a target.
    Upload(UploadRequest),
    /// Run a processing container on local data.
    Run(RunRequest),
    /// Go the whole way once.
    Demo(DemoRequest),
    /// Look at an extension as it lies there.
    Inspect(FolderRequest),
    /// Check a project.
    Check(CheckRequest),
    /// Tell what a rule of the check is about.
    Explain(String),
    /// Tell what a deploy would do.
    DeployPlan(DeployPlanRequest),
    /// Look at a target, and work with what is there.
    Ext(ExtCommand),
    /// Look at what the work needs of this machine.
    Doctor,
    /// Render a chart.
    ChartRender(Box<ChartRenderRequest>),
    /// Tell what differs between two renderings.
    ChartDiff(Box<ChartDiffRequest>),
    /// Lint a chart.
    ChartLint(ChartLintRequest),
    /// Tell what a platform would do with a chart.
    ChartPreflight(ChartPreflightRequest),
    /// Look into a chart.
    ChartShow(ChartShowRequest),
    /// Make a target known.
    TargetAdd(TargetAddRequest),
    /// List the targets.
    TargetList,
    /// Use a target when none is named.
    TargetUse(String),
    /// Forget a target.
    TargetRemove(String),
    /// Log in to a target.
    TargetLogin(TargetLoginRequest),
    /// Log out of a target.
    TargetLogout(String),
    /// Look at a target.
    TargetDoctor(String),
    /// Package a chart.
    ChartPackage(ChartPackageRequest),
    /// Put the charts that a chart needs into its folder.
    ChartDeps(ChartDepsRequest),
    /// List what a chart needs.
    ChartDepsList(ChartDepsListRequest),
    /// List what is in the registry.
    RegistryList,
    /// Look at an image.
    RegistryShow(RegistryShowRequest),
    /// Copy an image from one registry to another.
    RegistryCopy(RegistryCopyRequest),
    /// Remove what nobody needs any more.
    RegistryGc(RegistryGcRequest),
    /// Tell where the bytes of the store are.
    RegistryUsage,
    /// Take a tag out of the registry.
    RegistryDelete(RegistryDeleteRequest),
    /// Serve the registry until cancelled.
    RegistryServe(RegistryServeRequest),
    /// Make an account of the registry.
    RegistryAccount(RegistryAccountRequest),
    /// Serve the sandbox until cancelled.
    SandboxServe(SandboxServeRequest),
    /// Start the sandbox in the background.
    SandboxStart(SandboxStartRequest),
    /// Stop the sandbox that runs in the background.
    SandboxStop,
    /// Tell whether the sandbox runs and what is in it.
    SandboxStatus,
    /// Empty the sandbox.
    SandboxReset(SandboxResetRequest),
    /// Tell what the pods of a release in the sandbox have said.
    SandboxLog(SandboxLogRequest),
    /// List the faults of real platforms which the sandbox can show.
    SandboxFaults,
}

/// What came of a [`Command`].
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// Of [`Command::Templates`].
    Templates(Vec<TemplateSummary>),
    /// Of [`Command::New`].
    New(NewOutcome),
    /// Of [`Command::Bases`].
    Bases(Vec<BaseRecipe>),
    /// Of [`Command::Base`], [`ImageCommand::BasePull`] and [`ImageCommand::BaseRebase`].
    Base(BaseOutcome),
    /// Of [`ImageCommand::BaseList`].
    BaseList(Vec<BaseListing>),
    /// Of [`ImageCommand::Save`].
    ImageSave(SaveOutcome),
    /// Of [`ImageCommand::Inspect`].
    ImageInspect(Vec<ImageDetails>),
    /// Of [`ImageCommand::History`].
    ImageHistory(Vec<HistoryLine>),
    /// Of [`ImageCommand::Diff`].
    ImageDiff(ImageDiff),
    /// Of [`ImageCommand::Send`].
    ImageSend(SendOutcome),
    /// Of [`Command::Build`].
    Build(BuildOutcome),
    /// Of [`Command::Push`].
    Push(PushOutcome),
    /// Of [`Command::Package`].
    Package(Vec<PackageOutcome>),
    /// Of [`Command::Deploy`].
    Deploy(DeployOutcome),
    /// Of [`Command::Status`].
    Status(StatusOutcome),
    /// Of [`Command::Uninstall`] and [`Command::Remove`].
    Uninstall(UninstallOutcome),
    /// Of [`Command::Install`].
    Install(Installed),
    /// Of [`Command::Upload`].
    Upload(Uploaded),
    /// Of [`Command::Run`].
    Run(RunOutcome),
    /// Of [`Command::Demo`].
    Demo(DemoOutcome),
    /// Of [`Command::Inspect`].
    Project(ProjectView),
    /// Of [`Command::Check`].
    Check(CheckOutcome),
    /// Of [`Command::Explain`].
    Explained(String),
    /// Of [`Command::DeployPlan`].
    Plan(DeployPlan),
    /// Of [`Command::Ext`].
    Ext(ExtResponse),
    /// Of [`Command::Doctor`] and [`Command::TargetDoctor`].
    Doctor(Vec<Diagnosis>),
    /// Of [`Command::TargetList`], and of [`Command::TargetAdd`] with the one.
    Targets(Vec<TargetDetails>),
    /// Of [`Command::TargetLogin`].
    LoggedIn(LoginOutcome),
    /// What was done to the target of this name.
    TargetDone {
        /// Name of the target.
        target: String,
        /// What was done, as the end of a sentence.
        done: &'static str,
    },
    /// Of [`Command::ChartRender`].
    ChartRendered(ChartRendered),
    /// Of [`Command::ChartDiff`].
    ChartDiffed(ChartDiffed),
    /// Of [`Command::ChartLint`].
    ChartLinted(ChartLinted),
    /// Of [`Command::ChartPreflight`].
    ChartPreflighted(ChartPreflighted),
    /// Of [`Command::ChartShow`].
    ChartShown(Box<ChartShown>),
    /// Of [`Command::ChartPackage`].
    ChartPackaged(Box<ChartPackaged>),
    /// Of [`Command::ChartDeps`].
    ChartDeps(Box<ChartDepsOutcome>),
    /// Of [`Command::ChartDepsList`].
    ChartDependencies(ChartDependencies),
    /// Of [`Command::RegistryList`].
    Registry(Vec<RepositoryView>),
    /// Of [`Command::RegistryShow`].
    Image(Box<ImageDetails>),
    /// Of [`Command::RegistryCopy`].
    Copied(CopyOutcome),
    /// Of [`ImageCommand::Export`].
    Exported(ExportOutcome),
    /// Of [`ImageCommand::Load`].
    Imported(ImportOutcome),
    /// Of [`Command::RegistryAccount`].
    Account(AccountView),
    /// Of [`Command::RegistryGc`].
    Gc(GcOutcome),
    /// Of [`Command::RegistryUsage`].
    Usage(UsageView),
    /// Of [`Command::RegistryDelete`].
    Deleted(RegistryDeleteRequest),
    /// Of [`Command::SandboxStart`].
    SandboxStarted(SandboxStarted),
    /// Of [`Command::SandboxStop`].
    SandboxStopped(SandboxStopped),
    /// Of [`Command::SandboxStatus`].
    SandboxStatus(Box<SandboxStatus>),
    /// Of [`Command::SandboxReset`].
    SandboxReset(SandboxResetOutcome),
    /// Of [`Command::SandboxLog`].
    Lines(Vec<String>),
    /// Of [`Command::SandboxFaults`].
    Faults(Vec<FaultView>),
    /// Of a server that was stopped.
    Stopped,
}

/// An account that was made: the one place where its password is shown.
#[derive(Debug, Clone, Serialize)]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// The file it is in.
    pub file: PathBuf,
    /// Its password, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Its bearer token, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl From<AccountOutcome> for AccountView {
    fn from(made: AccountOutcome) -> Self {
        let secret = made.secret.reveal().to_owned();
        let (password, token) =
            if made.token { (None, Some(secret)) } else { (Some(secret), None) };
        Self { name: made.name, file: made.file, password, token }
    }
}

impl Command {
    /// Returns the name of the command as the command line has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Templates => "new --list",
            Self::New(_) => "new",
            Self::Bases => "base --list",
            Self::Base(_) => "base",
            Self::Image(command) => command.name(),
            Self::Build(_) => "build",
            Self::Push(_) => "push",
            Self::Package(_) => "package",
            Self::Deploy(_) => "deploy",
            Self::Status(_) => "status",
            Self::Uninstall(_) => "uninstall",
            Self::Remove(_) => "ext uninstall",
            Self::Install(InstallRequest { launch: Some(true), .. }) => "ext launch",
            Self::Install(_) => "ext install",
            Self::Upload(_) => "ext upload",
            Self::Run(_) => "run",
            Self::Demo(_) => "demo",
            Self::Inspect(_) => "inspect",
            Self::Check(_) => "check",
            Self::Explain(_) => "check --explain",
            Self::DeployPlan(_) => "deploy --dry-run",
            Self::Ext(command) => command.name(),
            Self::Doctor => "doctor",
            Self::ChartRender(_) => "chart render",
            Self::ChartDiff(_) => "chart diff",
            Self::ChartLint(_) => "chart lint",
            Self::ChartPreflight(_) => "chart preflight",
            Self::ChartShow(_) => "chart show",
            Self::TargetAdd(_) => "target add",
            Self::TargetList => "target list",
            Self::TargetUse(_) => "target use",
            Self::TargetRemove(_) => "target remove",
            Self::TargetLogin(_) => "target login",
            Self::TargetLogout(_) => "target logout",
            Self::TargetDoctor(_) => "target doctor",
            Self::ChartPackage(_) => "chart package",
            Self::ChartDeps(request) if request.locked => "chart deps build",
            Self::ChartDeps(_) => "chart deps update",
            Self::ChartDepsList(_) => "chart deps list",
            Self::RegistryList => "registry list",
            Self::RegistryShow(_) => "registry show",
            Self::RegistryCopy(_) => "registry copy",
            Self::RegistryAccount(_) => "registry account",
            Self::RegistryGc(_) => "registry gc",
            Self::RegistryUsage => "registry usage",
            Self::RegistryDelete(_) => "registry delete",
            Self::RegistryServe(_) => "registry serve",
            Self::SandboxServe(_) => "sandbox serve",
            Self::SandboxStart(_) => "sandbox start",
            Self::SandboxStop => "sandbox stop",
            Self::SandboxStatus => "sandbox status",
            Self::SandboxReset(_) => "sandbox reset",
            Self::SandboxLog(_) => "sandbox logs",
            Self::SandboxFaults => "sandbox faults",
        }
    }
}

impl Response {
    /// Says whether the command did its work but what it ran ended badly, or what it looked at is
    /// broken: a processing container with another exit code than 0 or 126, an error of the doctor,
    /// an extension with an error in its files, a check that found what it must not, a chart that
    /// does not pass.
    pub fn is_failed(&self) -> bool {
        match self {
            Self::Run(outcome) => outcome.report.state == "failed",
            Self::Doctor(found) => found.iter().any(|it| it.severity == Health::Error),
            Self::Check(outcome) => outcome.failed,
            Self::ChartDiffed(it) => it.exit_code && !it.objects.is_empty(),
            Self::ChartLinted(linted) => !linted.passed,
            Self::ChartPreflighted(it) => !it.passed,
            Self::Project(view) => view.findings.iter().any(|it| it.severity == Severity::Error),
            _ => false,
        }
    }
}

/// Carries a command out. Events go to `sink` in order; `token` cancels. Blocks.
///
/// # Errors
/// Why it could not be done.
pub fn call(
    engine: &Engine,
    command: &Command,
    sink: EventSink,
    token: &CancellationToken,
) -> Result<Response, Failure> {
    let dispatcher = Arc::new(Dispatcher::new(sink));
    let monitor = Monitor::new(Arc::clone(&dispatcher) as _, token.clone(), "");
    dispatcher.emit(EventKind::JobStarted { job: command.name().to_owned() });
    let result = match catch_unwind(AssertUnwindSafe(|| dispatch(engine, command, &monitor))) {
        Ok(Ok(response)) => Ok(response),
        // Once cancelled, whatever broke on the way out is only a consequence.
        Ok(Err(_)) if token.is_cancelled() => Err(Failure::new(Code::Cancelled, "cancelled")),
        Ok(Err(error)) => Err(Failure::explain(&error)),
        Err(panic) => Err(bug(panic.as_ref())),
    };
    dispatcher.emit(match &result {
        Ok(_) => EventKind::JobSucceeded { summary: format!("{} is done", command.name()) },
        Err(failure) => EventKind::JobFailed { failure: failure.clone() },
    });
    result
}

fn dispatch(
    engine: &Engine,
    command: &Command,
    monitor: &Monitor,
) -> Result<Response, EngineError> {
    Ok(match command {
        Command::Templates => Response::Templates(engine.templates()?),
        Command::New(request) => Response::New(engine.create(request, monitor)?),
        Command::Bases => Response::Bases(engine.base_recipes()),
        Command::Base(request) => Response::Base(engine.base(request, monitor)?),
        Command::Image(command) => command.call(engine, monitor)?,
        Command::Build(request) => Response::Build(engine.build(request, monitor)?),
        Command::Push(request) => Response::Push(engine.push(request, monitor)?),
        Command::Package(request) => Response::Package(engine.package(request, monitor)?),
        Command::Deploy(request) => Response::Deploy(engine.deploy(request, monitor)?),
        Command::Status(request) => Response::Status(engine.status(request, monitor)?),
        Command::Uninstall(request) => Response::Uninstall(engine.uninstall(request, monitor)?),
        Command::Install(request) => Response::Install(engine.install_chart(request, monitor)?),
        Command::Remove(request) => Response::Uninstall(engine.remove_release(request, monitor)?),
        Command::Upload(request) => Response::Upload(engine.upload(request, monitor)?),
        Command::Run(request) => Response::Run(engine.run(request, monitor)?),
        Command::Demo(request) => Response::Demo(engine.demo(request, monitor)?),
        Command::Inspect(request) => Response::Project(engine.project_view(&request.folder)?),
        Command::Check(request) => Response::Check(engine.check(request, monitor)?),
        Command::Explain(rule) => Response::Explained(engine.explain(rule)?),
        Command::DeployPlan(request) => Response::Plan(engine.deploy_plan(request, monitor)?),
        Command::Ext(command) => Response::Ext(ext::dispatch(engine, command, monitor)?),
        Command::Doctor => Response::Doctor(engine.doctor(DoctorRequest { again: true }, monitor)),
        Command::ChartPackage(request) => {
            Response::ChartPackaged(Box::new(engine.chart_package(request, monitor)?))
        }
        Command::ChartDeps(request) => {
            Response::ChartDeps(Box::new(engine.chart_deps(request, monitor)?))
        }
        Command::ChartDepsList(request) => {
            Response::ChartDependencies(engine.chart_deps_list(request)?)
        }
        Command::ChartRender(it) => Response::ChartRendered(engine.chart_render(it, monitor)?),
        Command::ChartDiff(it) => Response::ChartDiffed(engine.chart_diff(it, monitor)?),
        Command::ChartLint(request) => Response::ChartLinted(engine.chart_lint(request)?),
        Command::ChartPreflight(it) => Response::ChartPreflighted(engine.chart_preflight(it)?),
        Command::ChartShow(request) => Response::ChartShown(Box::new(engine.chart_show(request)?)),
        Command::TargetAdd(request) => Response::Targets(vec![engine.target_add(request)?]),
        Command::TargetList => Response::Targets(engine.target_list()?),
        Command::TargetUse(name) => {
            engine.target_use(name)?;
            target_done(name, "is used when a command names no target")
        }
        Command::TargetRemove(name) => {
            engine.target_remove(name)?;
            target_done(name, "is forgotten; what is on it stays there")
        }
        Command::TargetLogin(request) => Response::LoggedIn(engine.target_login(request, monitor)?),
        Command::TargetLogout(name) => {
            engine.target_logout(name, monitor)?;
            target_done(name, "has no login any more")
        }
        Command::TargetDoctor(name) => Response::Doctor(engine.target_doctor(name, monitor)?),
        Command::RegistryList => Response::Registry(engine.registry_list()?),
        Command::RegistryShow(request) => {
            Response::Image(Box::new(engine.registry_show(request, monitor)?))
        }
        Command::RegistryCopy(request) => Response::Copied(engine.registry_copy(request, monitor)?),
        Command::RegistryGc(request) => Response::Gc(engine.registry_gc(request, monitor)?),
        Command::RegistryUsage => Response::Usage(engine.registry_usage(monitor)?),
        Command::RegistryDelete(request) => {
            engine.registry_delete(request)?;
            Response::Deleted(request.clone())
        }
        Command::RegistryServe(request) => {
            engine.registry_serve(request, monitor)?;
            Response::Stopped
        }
        Command::RegistryAccount(request) => {
            Response::Account(engine.registry_account(request)?.into())
        }
        Command::SandboxServe(_)
        | Command::SandboxStart(_)
        | Command::SandboxStop
        | Command::SandboxStatus
        | Command::SandboxReset(_)
        | Command::SandboxLog(_)
        | Command::SandboxFaults => return sandbox(engine, command, monitor),
    })
}

fn target_done(target: &str, done: &'static str) -> Response {
    Response::TargetDone { target: target.to_owned(), done }
}

/// Carries out the commands of the sandbox; the others are `dispatch`'s.
fn sandbox(engine: &Engine, command: &Command, monitor: &Monitor) -> Result<Response, EngineError> {
    Ok(match command {
        Command::SandboxServe(request) => {
            engine.serve_sandbox(request, monitor)?;
            Response::Stopped
        }
        Command::SandboxStart(request) => {
            Response::SandboxStarted(engine.start_sandbox(request, monitor)?)
        }
        Command::SandboxStop => Response::SandboxStopped(engine.stop_sandbox(monitor)?),
        Command::SandboxStatus => Response::SandboxStatus(Box::new(engine.sandbox_status()?)),
        Command::SandboxReset(request) => {
            Response::SandboxReset(engine.reset_sandbox(*request, monitor)?)
        }
        Command::SandboxLog(request) => Response::Lines(engine.sandbox_log_of(request)?),
        Command::SandboxFaults => Response::Faults(engine.sandbox_faults()),
        _ => Response::Stopped,
    })
}

pub(crate) fn bug(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Failure::new(Code::Bug, "edk made a mistake of its own")
        .because(text)
        .hint("please report it with the command and the files that lead to it")
}
