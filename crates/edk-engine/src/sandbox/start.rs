use std::{
    fs,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use edk_model::Monitor;
use nix::{sys::signal, unistd::Pid};
use serde::Serialize;

use super::{
    SandboxServeRequest,
    serve::{Flavour, Record, record},
};
use crate::{Engine, EngineError, ServedBy};

/// How long a sandbox may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(30);

/// Start the sandbox in the background.
#[derive(Debug, Clone, Default)]
pub struct SandboxStartRequest {
    /// How it is served.
    pub serve: SandboxServeRequest,
    /// The arguments with which this program serves it so; the program knows its own words.
    pub arguments: Vec<String>,
}

/// A sandbox that runs in the background.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxStarted {
    /// Where it is served.
    pub url: String,
    /// The number of its process.
    pub process: u32,
    /// Whether it ran before.
    pub already: bool,
    /// The release it answers as.
    pub profile: String,
    /// The faults it shows.
    pub faults: Vec<String>,
    /// Whether it asks for a login.
    pub login: bool,
    /// What it says.
    pub log: PathBuf,
}

/// What became of a wish to stop the sandbox.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxStopped {
    /// Whether it ran.
    pub was_running: bool,
}

impl Engine {
    /// Starts the sandbox as a process of its own, which outlives this one and its terminal, and
    /// waits until it answers. One that runs already is left as it is.
    ///
    /// # Errors
    /// [`EngineError::NoSuch`] for a name that is none, [`EngineError::SandboxDiffers`] if one runs
    /// that is not what was asked for, [`EngineError::SandboxStart`] if it ends at once.
    pub fn start_sandbox(
        &self,
        request: &SandboxStartRequest,
        monitor: &Monitor,
    ) -> Result<SandboxStarted, EngineError> {
        let flavour = Flavour::of(&request.serve)?;
        if let Some(record) = self.sandbox_record() {
            let wanted = Record::new(&record.url, &flavour);
            let same = (&wanted.profile, &wanted.faults, wanted.login)
                == (&record.profile, &record.faults, record.login);
            return match same {
                true => Ok(self.started(record, true)),
                false => Err(EngineError::SandboxDiffers { url: record.url }),
            };
        }
        let mut child = self.spawn_sandbox(&request.arguments)?;
        let process = child.id();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(record) = self.sandbox_record().filter(|it| it.process == process) {
                monitor.line(&format!("the sandbox is served at {}", record.url));
                return Ok(self.started(record, false));
            }
            let ended = child.try_wait().map_err(EngineError::Network)?;
            if ended.is_some() || Instant::now() > until || monitor.check().is_err() {
                // One that is too slow must not come up after we said that it did not.
                let _ = child.kill();
                let _ = child.wait();
                monitor.check()?;
                return Err(EngineError::SandboxStart {
                    log: self.sandbox_log(),
                    said: self.said(),
                });
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn spawn_sandbox(&self, arguments: &[String]) -> Result<Child, EngineError> {
        let log = self.sandbox_log();
        let folder = self.sandbox_folder();
        fs::create_dir_all(&folder).map_err(|source| EngineError::io(&folder, source))?;
        let io = |source| EngineError::io(&log, source);
        let file = fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&log)
            .map_err(io)?;
        let errors = file.try_clone().map_err(io)?;
        let mut command = Command::new(&self.setup.program);
        command.args(arguments).stdin(Stdio::null()).stdout(file).stderr(errors);
        // It belongs to no folder of the user's.
        command.current_dir("/").spawn().map_err(EngineError::Network)
    }

    /// Stops the sandbox that runs on its own, and waits until its folder is free.
    ///
    /// # Errors
    /// [`EngineError::SandboxHosted`] if it belongs to a window or another command,
    /// [`EngineError::SandboxStuck`] if it does not end.
    pub fn stop_sandbox(&self, monitor: &Monitor) -> Result<SandboxStopped, EngineError> {
        let Some(record) = self.sandbox_record() else {
            return Ok(SandboxStopped { was_running: false });
        };
        let Record { process, on_its_own, .. } = record;
        if !on_its_own {
            return Err(EngineError::SandboxHosted { process });
        }
        let pid = Pid::from_raw(i32::try_from(process).unwrap_or(0));
        let until = Instant::now() + PATIENCE;
        // One that has ended in the meantime is stopped as well.
        let _ = signal::kill(pid, signal::Signal::SIGTERM);
        while self.sandbox_is_held() {
            if Instant::now() > until {
                return Err(EngineError::SandboxStuck { process });
            }
            monitor.check()?;
            std::thread::sleep(PAUSE);
        }
        Ok(SandboxStopped { was_running: true })
    }

    fn started(&self, record: Record, already: bool) -> SandboxStarted {
        let Record { url, process, profile, faults, login, .. } = record;
        let log = self.sandbox_log();
        SandboxStarted { url, process, already, profile, faults, login, log }
    }

    /// Returns who serves the sandbox now, once it answers.
    pub(crate) fn sandbox_record(&self) -> Option<Record> {
        let served = self.sandbox_service().served != ServedBy::Nobody;
        record(&self.sandbox_folder()).filter(|_| served && self.sandbox_is_held())
    }

    /// Says whether a process has the folder of the sandbox.
    pub(crate) fn sandbox_is_held(&self) -> bool {
        let lock = fs::OpenOptions::new().write(true).open(self.sandbox_folder().join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
    }

    pub(crate) fn sandbox_log(&self) -> PathBuf {
        self.sandbox_folder().join("log")
    }

    /// The end of what the sandbox wrote.
    fn said(&self) -> String {
        let mut text = String::new();
        let file = fs::File::open(self.sandbox_log());
        // What can't be read is in the file that the error names.
        let _ = file.and_then(|mut file| file.read_to_string(&mut text));
        let lines: Vec<_> = text.trim().lines().collect();
        lines[lines.len().saturating_sub(5)..].join("; ")
    }
}
