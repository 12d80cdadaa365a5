//! The host of a window, without the window: what the desktop and `edk serve` have in common.
//!
//! A [`Host`] holds the engine, the jobs that run, a numbered log of all that happens in them, and
//! a few small files. A window calls [`Host::rpc`] with a name of the one table of commands
//! ([`COMMANDS`]) and reads [`Host::subscribe`], whose entries add up to the state it shows
//! ([`fold`]). Slow things are jobs: `start` gives an id at once, everything else is in the log.
//!
//! The host knows neither HTTP nor a desktop, and decides nothing about extensions. The protocol is
//! described in `docs/host.md`.

mod entry;
mod files;
mod fold;
mod input;
mod jobs;
mod line;
mod log;
mod login_page;
mod state;
mod table;
mod targets;
#[cfg(feature = "typescript")]
mod typescript;
mod watching;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use edk_engine::{
    BaseView, CheckOutcome, CheckRequest, DEFAULT_REGISTRY_PORT, DeployPlan, DeployPlanRequest,
    Diagnosis, DoctorRequest, Engine, EngineError, ExtensionView, FolderRequest, InstallRequest,
    Mend, NewOutcome, NewRequest, Preview, PreviewRequest, ProjectView, RegistryDeleteRequest,
    RegistryService, RemoveRequest, RepositoryView, TargetRequest, TemplateSummary, UploadRequest,
};
use edk_model::{Failure, Monitor};
pub use entry::{Area, Entry, EntryKind, JobChange};
use files::Files;
pub use fold::fold;
pub use input::{
    CommandLineRequest, DemoStart, HistoryRequest, JobRef, JobRequest, LoginRequest, LoginStart,
    Nothing, PastJob, RecentProject, RegistryServeRequest, Reply, SettingsView, TargetKind,
    TargetRef, TargetView, Theme, ThemeRequest,
};
use jobs::Jobs;
use log::Log;
pub use log::Subscription;
pub use login_page::LoginPage;
use serde_json::Value;
pub use state::{
    AppState, JOBS_KEPT, Job, JobHeader, JobState, LINES_KEPT, OutputLine, Stage, StageState,
};
pub use table::COMMANDS;
#[cfg(feature = "typescript")]
pub use typescript::typescript;
use watching::Watching;

/// What a host is told by the process it runs in.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// Address of the Debian mirror for bases, when the user names none.
    pub mirror: Option<String>,
    /// Port of the registry while it is served, 0 for any that is free; without one, that of
    /// [`DEFAULT_REGISTRY_PORT`].
    pub registry_port: Option<u16>,
}

/// The host of a window. Cheap to clone; all clones are one host.
#[derive(Debug, Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    settings: HostOptions,
    jobs: Jobs,
    log: Arc<Log>,
    files: Files,
    watching: Watching,
}

impl Inner {
    /// The wall clock (RFC 3339, UTC, to the millisecond).
    fn now(&self) -> String {
        let now =
            jiff::Timestamp::try_from(self.engine.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{now:.3}")
    }

    /// Looks at an extension and puts it first in the list of projects.
    fn open(&self, folder: &Path) -> Result<ProjectView, Failure> {
        let view = explained(self.engine.project_view(folder))?;
        if self.files.opened(&full(&view.folder), &view.name, &self.now())? {
            self.changed(Area::Projects);
        }
        self.watching.follow(&self.engine, &self.log, &view.folder);
        Ok(view)
    }

    fn registry_port(&self) -> u16 {
        self.settings.registry_port.unwrap_or(DEFAULT_REGISTRY_PORT)
    }

    fn changed(&self, what: Area) {
        self.log.publish(EntryKind::Changed { what });
    }
}

fn explained<T>(result: Result<T, EngineError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::explain(&error))
}

/// The folder in full, as long as it is there, so that one extension is not listed twice.
fn full(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

impl Host {
    /// Returns a host over `engine`. The sandbox stays open from its first use to [`Host::stop`]; the
    /// registry is served from now on, unless it was switched off.
    pub fn new(engine: Engine, settings: HostOptions) -> Self {
        let files = Files::new(engine.data_folder().join("host"));
        files.sweep(engine.now());
        engine.keep_sandbox();
        let (jobs, log) = (Jobs::default(), Arc::new(Log::new()));
        let watching = Watching::default();
        let inner = Inner { engine, settings, jobs, log, files, watching };
        if inner.files.serves_registry() {
            inner.engine.start_registry(inner.registry_port());
        }
        Self { inner: Arc::new(inner) }
    }

    /// Does what the command `name` of the table says with `input`. Blocks for as long as that
    /// takes; jobs take no time here.
    pub fn rpc(&self, name: &str, input: Value) -> Reply {
        let work = std::panic::AssertUnwindSafe(|| table::dispatch(self, name, input));
        let result = std::panic::catch_unwind(work);
        result.unwrap_or_else(|panic| Err(crate::command::bug(panic.as_ref()))).into()
    }

    /// Returns what happens after the entry `after`; without one, or when it is no longer kept, a
    /// snapshot comes first.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        Subscription::new(Arc::clone(&self.inner.log), after)
    }

    /// Returns a new empty folder for the file of an upload, which goes when it is dropped.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn upload_folder(&self) -> Result<tempfile::TempDir, Failure> {
        let uploads = self.inner.files.uploads()?;
        tempfile::Builder::new()
            .tempdir_in(&uploads)
            .map_err(|error| files::failure(&uploads, &error))
    }

    /// Starts the upload of a file in a folder of [`Host::upload_folder`].
    ///
    /// # Errors
    /// As `start`.
    pub fn upload_from(
        &self,
        folder: tempfile::TempDir,
        request: UploadRequest,
    ) -> Result<JobRef, Failure> {
        jobs::start(&self.inner, JobRequest::Upload(request), Some(folder))
    }

    /// Returns the colours which the user has chosen.
    pub fn theme(&self) -> Theme {
        self.inner.files.theme()
    }

    /// Returns how many jobs run.
    pub fn running(&self) -> usize {
        self.inner.jobs.count()
    }

    /// Stops all jobs, waits for them, and closes registry and sandbox. Blocks.
    pub fn stop(&self) {
        jobs::stop(&self.inner);
        self.inner.watching.stop();
        self.inner.engine.stop_registry();
        self.inner.engine.close_sandbox();
    }
}

/// The commands of the table.
impl Host {
    fn templates(&self, _: &Nothing) -> Result<Vec<TemplateSummary>, Failure> {
        explained(self.inner.engine.templates())
    }

    fn template_preview(&self, request: &PreviewRequest) -> Result<Preview, Failure> {
        explained(self.inner.engine.preview(request))
    }

    fn create(&self, request: &NewRequest) -> Result<NewOutcome, Failure> {
        let made = explained(self.inner.engine.create(request, &Monitor::silent()))?;
        if !made.dry_run {
            self.inner.open(&made.folder)?;
        }
        Ok(made)
    }

    fn projects(&self, _: &Nothing) -> Result<Vec<RecentProject>, Failure> {
        Ok(self.inner.files.projects())
    }

    fn open_project(&self, request: &FolderRequest) -> Result<ProjectView, Failure> {
        self.inner.open(&request.folder)
    }

    fn forget_project(&self, request: &FolderRequest) -> Result<Nothing, Failure> {
        self.inner.files.forget(&full(&request.folder))?;
        self.inner.changed(Area::Projects);
        Ok(Nothing {})
    }

    fn check(&self, request: &CheckRequest) -> Result<CheckOutcome, Failure> {
        // A window looks; what is mended is mended where the difference can be read.
        let request = CheckRequest { mend: Mend::No, ..request.clone() };
        explained(self.inner.engine.check(&request, &Monitor::silent()))
    }

    fn deploy_plan(&self, request: &DeployPlanRequest) -> Result<DeployPlan, Failure> {
        explained(self.inner.engine.deploy_plan(request, &Monitor::silent()))
    }

    fn start(&self, request: &JobRequest) -> Result<JobRef, Failure> {
        jobs::start(&self.inner, request.clone(), None)
    }

    fn cancel(&self, job: &JobRef) -> Result<Nothing, Failure> {
        jobs::cancel(&self.inner, job)?;
        Ok(Nothing {})
    }

    fn history(&self, request: &HistoryRequest) -> Result<Vec<PastJob>, Failure> {
        let project = request.project.as_deref().map(full);
        let mut history = self.inner.files.history();
        history.retain(|job| project.as_ref().is_none_or(|it| full(&job.project) == *it));
        Ok(history)
    }

    fn extensions(&self, request: &TargetRequest) -> Result<Vec<ExtensionView>, Failure> {
        explained(self.inner.engine.extensions(&request.target, &Monitor::silent()))
    }

    fn install(&self, request: &InstallRequest) -> Result<JobRef, Failure> {
        self.start(&JobRequest::Install(request.clone()))
    }

    fn uninstall_release(&self, request: &RemoveRequest) -> Result<JobRef, Failure> {
        self.start(&JobRequest::UninstallRelease(request.clone()))
    }

    fn upload(&self, request: &UploadRequest) -> Result<JobRef, Failure> {
        self.start(&JobRequest::Upload(request.clone()))
    }

    fn registry(&self, _: &Nothing) -> Result<Vec<RepositoryView>, Failure> {
        explained(self.inner.engine.registry_list())
    }

    fn registry_delete(&self, request: &RegistryDeleteRequest) -> Result<Nothing, Failure> {
        explained(self.inner.engine.registry_delete(request))?;
        self.inner.changed(Area::Registry);
        Ok(Nothing {})
    }

    fn registry_serve(&self, request: &RegistryServeRequest) -> Result<RegistryService, Failure> {
        let engine = &self.inner.engine;
        self.inner.files.set_serves_registry(request.on)?;
        match request.on {
            true => engine.start_registry(self.inner.registry_port()),
            false => engine.stop_registry(),
        }
        self.inner.changed(Area::Settings);
        Ok(engine.registry_service())
    }

    fn settings(&self, _: &Nothing) -> Result<SettingsView, Failure> {
        Ok(SettingsView {
            data_folder: self.inner.engine.data_folder().to_owned(),
            registry: self.inner.engine.registry_service(),
            theme: self.inner.files.theme(),
            targets: self.targets()?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    fn set_theme(&self, request: &ThemeRequest) -> Result<Nothing, Failure> {
        self.inner.files.set_theme(request.theme)?;
        self.inner.changed(Area::Settings);
        Ok(Nothing {})
    }

    fn bases(&self, _: &Nothing) -> Result<Vec<BaseView>, Failure> {
        explained(self.inner.engine.base_list())
    }

    fn doctor(&self, request: &DoctorRequest) -> Result<Vec<Diagnosis>, Failure> {
        Ok(self.inner.engine.doctor(*request, &Monitor::silent()))
    }

    fn command_line(&self, request: &CommandLineRequest) -> Result<String, Failure> {
        line::of_call(&request.command, request.input.clone())
    }
}
