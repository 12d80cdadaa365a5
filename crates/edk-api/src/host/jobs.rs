//! Jobs: one thread each, one at a time for each thing they work on.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use edk_engine::{DemoRequest, EventSink, LoginWay, TargetLoginRequest, TroubleKind};
use edk_model::{CancellationToken, Code, Event, EventKind, Failure};

use super::{
    Inner,
    entry::{Area, EntryKind, JobChange},
    full,
    input::{JobRef, JobRequest, PastJob},
    line,
    state::{JobHeader, JobState},
};
use crate::{Command, Response, call};

/// Progress of the same stage comes at most this often; the last of it always comes.
const PROGRESS_PACE: Duration = Duration::from_millis(50);

/// The jobs that run.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    running: BTreeMap<u64, Running>,
    closed: bool,
}

#[derive(Debug)]
struct Running {
    /// What it works on; no other job may at the same time.
    subject: String,
    title: String,
    token: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many jobs run.
    pub(super) fn count(&self) -> usize {
        self.lock().running.len()
    }
}

/// Begins a job; `keep` lives as long as it runs.
pub(super) fn start(
    host: &Arc<Inner>,
    request: JobRequest,
    keep: Option<tempfile::TempDir>,
) -> Result<JobRef, Failure> {
    let request = completed(host, request);
    let subject = request.subject();
    let title = request.title();
    let mut table = host.jobs.lock();
    if table.closed {
        return Err(Failure::new(Code::Conflict, "the host is about to end; it starts nothing"));
    }
    if let Some((id, other)) = table.running.iter().find(|(_, it)| it.subject == subject) {
        let what = format!("`{}` is under way already (j{id})", other.title);
        let failure = Failure::new(Code::Conflict, what);
        return Err(failure.hint("wait until it has ended, or cancel it"));
    }
    table.last += 1;
    let number = table.last;
    let id = format!("j{number}");
    let header = JobHeader {
        command: request.name().to_owned(),
        cli: line::of_job(&request),
        title: title.clone(),
        project: request.project().map(|it| it.to_string_lossy().into_owned()),
        started_at: host.now(),
    };
    let token = CancellationToken::new();
    let change = JobChange::Added(header.clone());
    host.log.publish(EntryKind::Job { job: id.clone(), change });
    let (inner, stop) = (Arc::clone(host), token.clone());
    let thread = std::thread::Builder::new().name(id.clone()).spawn(move || {
        carry_out(&inner, number, &request, &header, &stop);
        drop(keep);
    });
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) => {
            let failure =
                Failure::new(Code::Io, "the machine starts no thread for the job").because(error);
            let ended = ended(Err(failure.clone()), 0.0, None);
            host.log.publish(EntryKind::Job { job: id, change: ended });
            return Err(failure);
        }
    };
    table.running.insert(number, Running { subject, title, token, thread: Some(thread) });
    Ok(JobRef { job: id })
}

/// Tells a job to stop. One that has ended is left alone.
pub(super) fn cancel(host: &Inner, job: &JobRef) -> Result<(), Failure> {
    let number: Option<u64> = job.job.strip_prefix('j').and_then(|it| it.parse().ok());
    let table = host.jobs.lock();
    match number {
        Some(number) if number >= 1 && number <= table.last => {
            if let Some(running) = table.running.get(&number)
                && !running.token.is_cancelled()
            {
                let change = JobChange::Cancelling;
                host.log.publish(EntryKind::Job { job: job.job.clone(), change });
                running.token.cancel();
            }
            Ok(())
        }
        _ => Err(Failure::new(Code::NotFound, format!("there is no job called `{}`", job.job))),
    }
}

/// Stops all jobs, waits until they have stopped, and starts no more.
pub(super) fn stop(host: &Inner) {
    let threads: Vec<_> = {
        let mut table = host.jobs.lock();
        table.closed = true;
        for (number, running) in &table.running {
            let (job, change) = (format!("j{number}"), JobChange::Cancelling);
            host.log.publish(EntryKind::Job { job, change });
            running.token.cancel();
        }
        table.running.values_mut().filter_map(|it| it.thread.take()).collect()
    };
    for thread in threads {
        // A job that panicked outside of its command has nothing left to stop.
        let _ = thread.join();
    }
}

fn carry_out(
    host: &Arc<Inner>,
    number: u64,
    request: &JobRequest,
    header: &JobHeader,
    token: &CancellationToken,
) {
    let id = format!("j{number}");
    let started = Instant::now();
    let result = call(&host.engine, &request.command(), sink(host, &id), token);
    let seconds = started.elapsed().as_secs_f64();
    if let Some(past) = past(request, header, &result, seconds) {
        // The job is done all the same; a full disk shows elsewhere soon enough.
        if host.files.remember(past).is_ok() {
            host.log.publish(EntryKind::Changed { what: Area::History });
        }
    }
    if let Ok(Response::Demo(_)) = &result
        && let Some(project) = request.project()
    {
        // The user will want to look at it; if it can't be listed, it can still be opened.
        let _ = host.open(&project);
    }
    let mend = result.as_ref().err().and_then(|failure| request.mended(failure));
    let change = ended(result, seconds, mend);
    {
        // Under one lock, so that who sees the end can start the next at once.
        let mut table = host.jobs.lock();
        table.running.remove(&number);
        host.log.publish(EntryKind::Job { job: id, change });
    }
    for what in request.touches() {
        host.log.publish(EntryKind::Changed { what: *what });
    }
}

fn ended(result: Result<Response, Failure>, seconds: f64, mend: Option<JobRequest>) -> JobChange {
    let (state, response, failure) = match result {
        Ok(response) => {
            let state = if response.is_failed() { JobState::Failed } else { JobState::Succeeded };
            (state, serde_json::to_value(response).ok(), None)
        }
        Err(failure) if failure.code == Code::Cancelled => {
            (JobState::Cancelled, None, Some(failure))
        }
        Err(failure) => (JobState::Failed, None, Some(failure)),
    };
    let mend = mend.and_then(|request| serde_json::to_value(request).ok());
    JobChange::Ended { state, seconds, response, failure, mend }
}

/// Where the events of a job go: into the log, without the progress nobody could see.
fn sink(host: &Arc<Inner>, id: &str) -> EventSink {
    let (host, id) = (Arc::clone(host), id.to_owned());
    let shown: Mutex<BTreeMap<(String, String), Instant>> = Mutex::default();
    Arc::new(move |event: &Event| {
        if let EventKind::Progress { stage, subject, done, total, .. } = &event.kind
            && *total != Some(*done)
        {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (stage.clone(), subject.clone());
            if shown.get(&key).is_some_and(|last| last.elapsed() < PROGRESS_PACE) {
                return;
            }
            shown.insert(key, Instant::now());
        }
        host.log.publish(EntryKind::Event { job: id.clone(), event: event.clone() });
    })
}

/// Fills in what the user left to us.
fn completed(host: &Inner, mut request: JobRequest) -> JobRequest {
    if let Some(project) = request.project_mut() {
        *project = full(project);
    }
    match &mut request {
        JobRequest::Base(base) if base.mirror.is_none() && base.from.is_none() => {
            base.mirror.clone_from(&host.settings.mirror);
        }
        JobRequest::Demo(demo) => {
            if demo.mirror.is_none() && demo.base.is_none() {
                demo.mirror.clone_from(&host.settings.mirror);
            }
            if demo.folder.is_none() {
                let stamp = host.now().replace([':', '.'], "-");
                demo.folder = Some(host.engine.data_folder().join("demos").join(stamp));
            }
        }
        _ => {}
    }
    request
}

impl JobRequest {
    /// The name by which `start` knows it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Build(_) => "build",
            Self::Push(_) => "push",
            Self::Package(_) => "package",
            Self::Deploy(_) => "deploy",
            Self::Uninstall(_) => "uninstall",
            Self::Run(_) => "run",
            Self::Base(_) => "base",
            Self::Demo(_) => "demo",
            Self::Install(_) => "install",
            Self::UninstallRelease(_) => "uninstall_release",
            Self::Upload(_) => "upload",
            Self::Login(_) => "login",
        }
    }

    /// The same, with what the failure asks for.
    fn mended(&self, failure: &Failure) -> Option<Self> {
        let mut mended = self.clone();
        let sends = match &mut mended {
            Self::Deploy(request) => &mut request.send_missing,
            Self::Install(request) => &mut request.send_missing,
            _ => return None,
        };
        let again = TroubleKind::ImageNeverSent.is_told_in(failure) && !*sends;
        *sends = true;
        again.then_some(mended)
    }

    fn command(&self) -> Command {
        match self.clone() {
            Self::Build(it) => Command::Build(it),
            Self::Push(it) => Command::Push(it),
            Self::Package(it) => Command::Package(it),
            Self::Deploy(it) => Command::Deploy(it),
            Self::Uninstall(it) => Command::Uninstall(it),
            Self::Run(it) => Command::Run(it),
            Self::Base(it) => Command::Base(it),
            Self::Demo(it) => Command::Demo(DemoRequest {
                folder: it.folder.unwrap_or_default(),
                base: it.base,
                mirror: it.mirror,
            }),
            Self::Install(it) => Command::Install(it),
            Self::UninstallRelease(it) => Command::Remove(it),
            Self::Upload(it) => Command::Upload(it),
            Self::Login(it) => Command::TargetLogin(TargetLoginRequest {
                name: it.name,
                way: if it.device { LoginWay::Device } else { LoginWay::Browser },
                client_secret: None,
                client: it.client,
            }),
        }
    }

    fn project_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Build(it) => Some(&mut it.project),
            Self::Push(it) => Some(&mut it.project),
            Self::Package(it) => Some(&mut it.project),
            Self::Deploy(it) => Some(&mut it.project),
            Self::Uninstall(it) => Some(&mut it.project),
            Self::Run(it) => Some(&mut it.project),
            _ => None,
        }
    }

    /// The folder of the extension it works on.
    pub(super) fn project(&self) -> Option<PathBuf> {
        match self {
            Self::Build(it) => Some(it.project.clone()),
            Self::Push(it) => Some(it.project.clone()),
            Self::Package(it) => Some(it.project.clone()),
            Self::Deploy(it) => Some(it.project.clone()),
            Self::Uninstall(it) => Some(it.project.clone()),
            Self::Run(it) => Some(it.project.clone()),
            Self::Demo(it) => it.folder.as_ref().map(|it| it.join("my-radiomics")),
            Self::Base(_) | Self::Install(_) | Self::UninstallRelease(_) => None,
            Self::Upload(_) | Self::Login(_) => None,
        }
    }

    /// What no other job may work on at the same time.
    fn subject(&self) -> String {
        match self {
            Self::Base(it) => format!("base {}", it.name),
            Self::Install(it) => format!("chart {} on {}", it.name, it.target),
            Self::UninstallRelease(it) => format!("release {} on {}", it.release, it.target),
            Self::Upload(it) => format!("upload {} to {}", it.file.display(), it.target),
            Self::Login(it) => format!("login to {}", it.name),
            _ => format!("project {}", self.project().unwrap_or_default().display()),
        }
    }

    fn title(&self) -> String {
        let project = self.project();
        let name = project.as_deref().and_then(Path::file_name).unwrap_or_default();
        let name = name.to_string_lossy();
        match self {
            Self::Build(_) => format!("Build {name}"),
            Self::Push(_) => format!("Push {name}"),
            Self::Package(_) => format!("Package {name}"),
            Self::Deploy(it) => format!("Deploy {name} to {}", it.target),
            Self::Uninstall(it) => format!("Uninstall {name} from {}", it.target),
            Self::Run(_) => format!("Run {name}"),
            Self::Base(it) => format!("Make {}", it.name),
            Self::Demo(_) => "Demo".to_owned(),
            Self::Install(it) => format!("Install {} {} on {}", it.name, it.version, it.target),
            Self::UninstallRelease(it) => format!("Uninstall {} from {}", it.release, it.target),
            Self::Upload(it) => {
                let file = it.file.file_name().unwrap_or_default().to_string_lossy();
                format!("Upload {file} to {}", it.target)
            }
            Self::Login(it) => format!("Log in to {}", it.name),
        }
    }

    /// What a window may have to ask for again once it has ended.
    fn touches(&self) -> &'static [Area] {
        match self {
            Self::Package(_) | Self::Run(_) => &[],
            Self::Build(_) | Self::Push(_) | Self::Base(_) => &[Area::Registry],
            Self::Deploy(_) | Self::Demo(_) => &[Area::Registry, Area::Target],
            Self::Upload(_) => &[Area::Registry, Area::Target],
            Self::Uninstall(_) | Self::Install(_) | Self::UninstallRelease(_) => &[Area::Target],
            Self::Login(_) => &[Area::Settings, Area::Target],
        }
    }
}

/// What the history keeps of a job: builds, pushes and deploys that were not cancelled.
fn past(
    request: &JobRequest,
    header: &JobHeader,
    result: &Result<Response, Failure>,
    seconds: f64,
) -> Option<PastJob> {
    if matches!(result, Err(failure) if failure.code == Code::Cancelled) {
        return None;
    }
    let target = match request {
        JobRequest::Build(_) | JobRequest::Push(_) => None,
        JobRequest::Deploy(deploy) => Some(deploy.target.clone()),
        _ => return None,
    };
    let build = match result {
        Ok(Response::Build(outcome)) => Some(outcome),
        Ok(Response::Push(outcome)) => Some(&outcome.build),
        Ok(Response::Deploy(outcome)) => Some(&outcome.build),
        _ => None,
    };
    let images = build.map(|build| build.images.as_slice()).unwrap_or_default();
    Some(PastJob {
        at: header.started_at.clone(),
        command: header.command.clone(),
        project: request.project().unwrap_or_default(),
        target,
        seconds,
        ok: result.is_ok(),
        what: result.as_ref().err().map(|failure| failure.what.clone()),
        reused: images.iter().map(|image| image.reused as u64).sum(),
        steps: images.iter().map(|image| image.steps as u64).sum(),
        bytes: images.iter().map(|image| image.size).sum(),
    })
}
