use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use edk_chart::platform::compare_versions;
use edk_container::Containers;
use edk_model::CancellationToken;
use edk_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Release, Runtime, SandboxError, Settings, Status,
    action::Action,
    cache::ListCache,
    disk::{self, Disk},
    list,
    machine::Machine,
    package::{Flaw, Package, Shelf},
    values,
};

/// An embedded platform in a folder.
pub struct Sandbox {
    pub(crate) settings: Settings,
    pub(crate) disk: Disk,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) store: Store,
    state: Mutex<State>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) closing: CancellationToken,
    /// Held for as long as the sandbox lives.
    _lock: fs::File,
}

/// What changes while the sandbox runs.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) releases: BTreeMap<String, Release>,
    /// What is being done to releases; starting something else stops it.
    actions: HashMap<String, CancellationToken>,
    pub(crate) cache: ListCache,
    shelf: Shelf,
    /// Charts that have broken the list once.
    hidden: BTreeSet<String>,
    pulls: Vec<Pull>,
}

/// An image that an installer asked the platform to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// The image as it was asked for.
    pub image: String,
    /// Whether the sandbox's registry has it.
    pub known: bool,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Opens the sandbox in `folder`, making it when it is not there, and goes on with what a
    /// process before it left unfinished. Its Jobs run in `containers`, from images of `store`.
    ///
    /// # Errors
    /// [`SandboxError::InUse`] if another process has the folder, [`SandboxError::Io`] if it can't
    /// be read or written.
    pub fn open(
        folder: &Path,
        store: Store,
        containers: Arc<Containers>,
        settings: Settings,
    ) -> Result<Arc<Self>, SandboxError> {
        let machine = Machine::new(store.clone(), containers, settings.clone());
        Self::open_with(folder, store, Arc::new(machine), settings)
    }

    /// As [`Sandbox::open`], with something else to run containers.
    ///
    /// # Errors
    /// As [`Sandbox::open`].
    pub fn open_with(
        folder: &Path,
        store: Store,
        runtime: Arc<dyn Runtime>,
        settings: Settings,
    ) -> Result<Arc<Self>, SandboxError> {
        let disk = Disk::open(folder)?;
        let lock = lock(folder)?;
        disk.sweep((settings.now)()).map_err(|source| SandboxError::io(folder, source))?;
        let mut state = State::default();
        let releases = disk.releases();
        let names = disk::names(&releases, ".json");
        for name in names.map_err(|source| SandboxError::io(&releases, source))? {
            if let Some(release) = disk::read_json::<Release>(&releases.join(name)) {
                state.releases.insert(release.name.clone(), release);
            }
        }
        state.pulls = disk::read_json(&disk.pulls()).unwrap_or_default();
        let sandbox = Arc::new(Self {
            settings,
            disk,
            runtime,
            store,
            state: Mutex::new(state),
            workers: Mutex::default(),
            closing: CancellationToken::new(),
            _lock: lock,
        });
        sandbox.resume();
        Ok(sandbox)
    }

    /// Returns the releases, by name.
    pub fn releases(&self) -> Vec<Release> {
        self.state().releases.values().cloned().collect()
    }

    /// Returns the images which installers asked for.
    pub fn pulls(&self) -> Vec<Pull> {
        self.state().pulls.clone()
    }

    /// Stops what runs and waits until it has stopped; it goes on when the folder is opened again.
    pub fn close(&self) {
        self.closing.cancel();
        loop {
            // A worker may have started others before it stopped.
            let workers = std::mem::take(&mut *self.workers());
            if workers.is_empty() {
                return;
            }
            for worker in workers {
                // A worker that panicked has nothing left to stop.
                let _ = worker.join();
            }
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn workers(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins something with a release; what was being done with it is stopped.
    pub(crate) fn begin(self: &Arc<Self>, release: &str) -> Action {
        let token = self.closing.child_token();
        let before = self.state().actions.insert(release.to_owned(), token.clone());
        if let Some(before) = before {
            before.cancel();
        }
        Action::new(self.clone(), release, token)
    }

    /// Runs `work` on a thread of its own, which [`Sandbox::close`] waits for.
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        let mut workers = self.workers();
        workers.retain(|worker| !worker.is_finished());
        workers.push(std::thread::spawn(work));
    }

    /// Goes on with releases which an earlier process left unfinished.
    fn resume(self: &Arc<Self>) {
        for release in self.releases() {
            let unfinished = release.main_pods().any(|pod| !pod.status.is_final());
            match release.status {
                Status::Uninstalling => {
                    let action = self.begin(&release.name);
                    self.spawn(move || action.uninstall(false));
                }
                Status::PendingInstall => {
                    let action = self.begin(&release.name);
                    self.spawn(move || action.install());
                }
                Status::Deployed if unfinished => {
                    let action = self.begin(&release.name);
                    self.spawn(move || action.run_pods());
                }
                Status::Deployed | Status::Failed => {}
            }
        }
    }

    /// Changes a release, on disk first. `None` removes it.
    pub(crate) fn save(&self, state: &mut State, name: &str, release: Option<Release>) {
        match release {
            Some(mut release) => {
                if let Err(error) = disk::write_json(&self.disk.release(name), &release) {
                    // It still holds for this process, and says so where it is looked for.
                    release.description = format!("could not be saved: {error}");
                }
                state.releases.insert(name.to_owned(), release);
            }
            None => {
                let removed = disk::remove(&self.disk.release(name));
                if removed.is_ok() {
                    state.releases.remove(name);
                }
                let _ = fs::remove_dir_all(self.disk.pods(name));
            }
        }
    }

    /// Returns the uploaded charts.
    pub(crate) fn packages(&self, state: &mut State) -> std::io::Result<Vec<Arc<Package>>> {
        state.shelf.packages(&self.disk.extensions())
    }

    /// Returns the list of extensions, or nothing when a fault makes it an error.
    pub(crate) fn list(&self) -> Option<Vec<Value>> {
        let mut state = self.state();
        let packages = self.packages(&mut state).ok()?;
        let globals = values::globals(&self.settings);
        let faults = &self.settings.faults;
        let Some(age) = faults.list_cache else {
            let packages = self.sound(&mut state, packages)?;
            let packages = packages.iter().map(AsRef::as_ref);
            return Some(list::rows(packages, &state.releases, &globals));
        };
        if state.cache.is_stale(age) {
            let packages = self.sound(&mut state, packages)?;
            let packages = packages.iter().map(AsRef::as_ref);
            let rows = list::rows(packages, &state.releases, &globals);
            return Some(state.cache.refresh(rows));
        }
        let packages = packages.iter().map(AsRef::as_ref);
        let rows = list::rows(packages, &state.releases, &globals);
        let patched = state.cache.patched(&rows);
        if faults.fragile_list { patched.ok() } else { Some(patched.unwrap_or(rows)) }
    }

    /// Leaves out what must not be listed; `None` when a chart breaks the whole list.
    fn sound(&self, state: &mut State, packages: Vec<Arc<Package>>) -> Option<Vec<Arc<Package>>> {
        let fragile = self.settings.faults.fragile_list;
        let mut sound = Vec::new();
        for package in packages {
            match package.flaw() {
                Some(Flaw::Breaks(_)) if fragile => return None,
                Some(Flaw::Hides(_)) if fragile => {
                    if state.hidden.insert(package.file_name.clone()) {
                        return None;
                    }
                }
                Some(Flaw::Hides(_)) => {}
                Some(Flaw::Breaks(_)) | None => sound.push(package),
            }
        }
        if fragile && has_incomparable(&sound) { None } else { Some(sound) }
    }

    /// Records that an installer asked for an image; says whether the store has it.
    pub(crate) fn record_pull(&self, image: &str) -> std::io::Result<bool> {
        let reference: Result<edk_model::Reference, _> = image.parse();
        let of_registry =
            image.strip_prefix(&self.settings.registry_url).is_some_and(|it| it.starts_with('/'));
        let known = of_registry
            && reference.is_ok_and(|reference| {
                let tag = reference.tag_or_latest().unwrap_or_default();
                self.store.resolve(&reference.repository, tag).is_ok_and(|found| found.is_some())
            });
        let mut state = self.state();
        state.pulls.retain(|pull| pull.image != image);
        state.pulls.push(Pull { image: image.to_owned(), known });
        disk::write_json(&self.disk.pulls(), &state.pulls)?;
        Ok(known)
    }
}

/// Takes the folder for this process, for as long as the file is open.
fn lock(folder: &Path) -> Result<fs::File, SandboxError> {
    let path = folder.join("lock");
    let file = fs::File::create(&path).map_err(|source| SandboxError::io(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(SandboxError::InUse { folder: folder.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(SandboxError::io(&path, source)),
    }
}

/// Says whether a chart has two versions of which a platform can't tell the newer one.
fn has_incomparable(packages: &[Arc<Package>]) -> bool {
    let clash = |one: &Arc<Package>, other: &Arc<Package>| {
        one.name() == other.name() && compare_versions(one.version(), other.version()).is_none()
    };
    packages
        .iter()
        .enumerate()
        .any(|(at, one)| packages[at + 1..].iter().any(|other| clash(one, other)))
}
