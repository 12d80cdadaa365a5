//! One sandbox for all jobs of a process.
//!
//! The sandbox's folder belongs to one opener at a time. Jobs that need it at the same time share
//! one server, on a thread of its own, which ends with the last of them, or, in a host that keeps
//! it, with the host. Other processes come as guests: each holds a lock on the file `guests`, and the
//! server does not end before they have left.

use std::{
    fs::{File, OpenOptions, TryLockError},
    net::TcpStream,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use edk_model::{CancellationToken, Monitor};
use edk_sandbox::{SandboxError, serve};

use crate::{
    Engine, EngineError, ServedBy,
    sandbox::Flavour,
    target::{address, loopback, runtime},
};

/// How long another process may take to begin or to end with the sandbox.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(50);

/// Where the sandbox of this machine is, and who serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxService {
    /// Its folder.
    pub folder: PathBuf,
    /// Who serves it.
    pub served: ServedBy,
    /// Its address, while it is served.
    pub url: Option<String>,
}

/// The sandbox of this process.
#[derive(Debug, Default)]
pub(crate) struct SharedSandbox {
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    served: Option<Served>,
    users: usize,
    keep: bool,
}

#[derive(Debug)]
struct Served {
    url: String,
    shutdown: CancellationToken,
    thread: JoinHandle<()>,
    /// Locked by guests together, by us alone.
    guests: File,
}

/// Whose sandbox it is.
enum Found {
    Ours(Served),
    Theirs(String, File),
}

/// A sandbox that stays where it is for as long as this lives.
#[derive(Debug)]
pub(crate) struct SandboxUse<'a> {
    /// Where it is served.
    pub(crate) url: String,
    server: Server<'a>,
}

#[derive(Debug)]
enum Server<'a> {
    /// This process serves it; the token ends the wait for guests.
    Us(&'a SharedSandbox, CancellationToken),
    /// Another process serves it, for as long as we hold this lock.
    Them { _guest: File },
}

impl Engine {
    /// Keeps the sandbox open from its first use to [`Engine::close_sandbox`], so that it is not
    /// opened and closed by every call.
    pub fn keep_sandbox(&self) {
        self.sandbox.lock().keep = true;
    }

    /// Tells where the sandbox is and who serves it; does not bring it up.
    pub fn sandbox_service(&self) -> SandboxService {
        let folder = self.sandbox_folder();
        // While it is being opened or closed, the address is not worth waiting for.
        let ours = self.sandbox.slot.try_lock().ok().and_then(|slot| {
            let served = slot.served.as_ref().filter(|served| !served.thread.is_finished())?;
            Some(served.url.clone())
        });
        if ours.is_some() {
            return SandboxService { folder, served: ServedBy::Here, url: ours };
        }
        let theirs = self.running_sandbox().ok().filter(|url| answers(url));
        let served = if theirs.is_some() { ServedBy::Elsewhere } else { ServedBy::Nobody };
        SandboxService { folder, served, url: theirs }
    }

    /// Closes the sandbox when no call uses it any more; one that does closes it when it ends.
    pub fn close_sandbox(&self) {
        let mut slot = self.sandbox.lock();
        slot.keep = false;
        slot.close_unused(|started| started.elapsed() > PATIENCE);
    }

    /// Brings the sandbox up, or joins the one that is.
    pub(crate) fn use_sandbox(&self, monitor: &Monitor) -> Result<SandboxUse<'_>, EngineError> {
        // Held while it is opened or closed: who comes meanwhile waits for the outcome.
        let mut slot = self.sandbox.lock();
        if slot.served.as_ref().is_some_and(|served| served.thread.is_finished()) {
            slot.served = None;
        }
        let url = match &slot.served {
            Some(served) => served.url.clone(),
            None => match self.serve_here_or_find(monitor)? {
                Found::Ours(served) => slot.served.insert(served).url.clone(),
                Found::Theirs(url, guest) => {
                    return Ok(SandboxUse { url, server: Server::Them { _guest: guest } });
                }
            },
        };
        slot.users += 1;
        Ok(SandboxUse { url, server: Server::Us(&self.sandbox, monitor.token().clone()) })
    }

    /// Serves the sandbox, or finds the process that does. One that has just begun has left no
    /// address yet, and one that is about to end answers no more: both pass.
    fn serve_here_or_find(&self, monitor: &Monitor) -> Result<Found, EngineError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let in_use = match self.serve_here() {
                Ok(served) => return Ok(Found::Ours(served)),
                Err(error @ EngineError::Sandbox(SandboxError::InUse { .. })) => error,
                Err(error) => return Err(error),
            };
            // Whoever is about to end has this lock, and we get it when the folder is free.
            let guest = self.guests()?;
            guest.lock_shared().map_err(|source| EngineError::io(&self.guests_path(), source))?;
            if let Ok(url) = self.running_sandbox()
                && answers(&url)
            {
                monitor.line(&format!("the sandbox is served at {url}"));
                return Ok(Found::Theirs(url, guest));
            }
            drop(guest);
            if Instant::now() > until {
                return Err(in_use);
            }
            monitor.check()?;
            std::thread::sleep(PAUSE);
        }
    }

    fn serve_here(&self) -> Result<Served, EngineError> {
        let runtime = runtime()?;
        let listener = runtime.block_on(loopback(0))?;
        let url = address(&listener)?;
        let sandbox = self.open_sandbox(&url, &Flavour::default())?;
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        let work = move || {
            // The result of the work counts, not how the server ended.
            let _ = runtime.block_on(serve(listener, sandbox, until));
        };
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(work);
        let thread = thread.map_err(EngineError::Network)?;
        Ok(Served { url, shutdown, thread, guests: self.guests()? })
    }

    fn guests(&self) -> Result<File, EngineError> {
        let path = self.guests_path();
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path);
        file.map_err(|source| EngineError::io(&path, source))
    }

    fn guests_path(&self) -> PathBuf {
        self.sandbox_folder().join("guests")
    }
}

/// Says whether somebody listens at the address.
fn answers(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|address| TcpStream::connect(address).is_ok())
}

impl SharedSandbox {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Ends the server and waits for it, so that its folder is free afterwards. Guests may finish
    /// what they do until `enough` says that it takes too long.
    fn close_unused(&mut self, enough: impl Fn(Instant) -> bool) {
        if self.users > 0 || self.keep {
            return;
        }
        if let Some(served) = self.served.take() {
            let started = Instant::now();
            // A lock that can't be asked for is held by nobody.
            while matches!(served.guests.try_lock(), Err(TryLockError::WouldBlock))
                && !enough(started)
            {
                std::thread::sleep(PAUSE);
            }
            served.shutdown.cancel();
            // A server that panicked is down as well.
            let _ = served.thread.join();
        }
    }
}

impl Drop for SandboxUse<'_> {
    fn drop(&mut self) {
        if let Server::Us(shared, token) = &self.server {
            let mut slot = shared.lock();
            slot.users -= 1;
            slot.close_unused(|_| token.is_cancelled());
        }
    }
}

impl Drop for SharedSandbox {
    fn drop(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        slot.keep = false;
        slot.close_unused(|started| started.elapsed() > PATIENCE);
    }
}
