use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
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
    legacy::Chunks,
    list,
    machine::Machine,
    package::{Flaw, Package, Shelf},
    values,
};

/// The end of the output of a pod.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// An embedded platform in a folder.
pub struct Sandbox {
    pub(crate) settings: Settings,
    pub(crate) disk: Disk,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) store: Store,
    state: Mutex<State>,
    pub(crate) chunks: Mutex<Option<Chunks>>,
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
    /// The pods of releases that last until their release goes.
    lasting: HashMap<String, Lasting>,
    /// The output of pods while they run, by release and pod.
    logs: BTreeMap<(String, String), Log>,
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
        for release in recorded(&disk)? {
            state.releases.insert(release.name.clone(), release);
        }
        state.pulls = disk::read_json(&disk.pulls()).unwrap_or_default();
        let sandbox = Arc::new(Self {
            settings,
            disk,
            runtime,
            store,
            state: Mutex::new(state),
            chunks: Mutex::default(),
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

    /// Returns the end of the output of a pod, also while it runs.
    pub fn log(&self, release: &str, pod: &str) -> Option<Vec<String>> {
        let state = self.state();
        if let Some(log) = state.logs.get(&(release.to_owned(), pod.to_owned())) {
            return Some(log.lock().unwrap_or_else(PoisonError::into_inner).clone());
        }
        let release = state.releases.get(release)?;
        release.pods.iter().find(|it| it.name == pod).map(|pod| pod.log.clone())
    }

    /// Returns where the output of a pod goes while it runs.
    pub(crate) fn live_log(&self, release: &str, pod: &str) -> Log {
        let key = (release.to_owned(), pod.to_owned());
        self.state().logs.entry(key).or_default().clone()
    }

    /// Returns what holds the lasting pods of a release, unless the action with `token` was stopped:
    /// then whoever ends them may have been here already.
    pub(crate) fn lasting(&self, release: &str, token: &CancellationToken) -> Option<Lasting> {
        let new = || Lasting { token: self.closing.child_token(), alive: Arc::default() };
        let mut state = self.state();
        if token.is_cancelled() {
            return None;
        }
        Some(state.lasting.entry(release.to_owned()).or_insert_with(new).clone())
    }

    /// Stops the lasting pods of a release and waits until their processes are gone.
    pub(crate) fn end_lasting(&self, release: &str) {
        let lasting = self.state().lasting.remove(release);
        if let Some(lasting) = lasting {
            lasting.token.cancel();
            drop(lasting.alive.write());
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
            let unfinished = release.main_pods().any(|pod| !pod.is_settled());
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
                    state.logs.retain(|(release, _), _| release != name);
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
            return Some(list::rows(packages, &state.releases, &globals, self.settings.profile));
        };
        if state.cache.is_stale(age) {
            let packages = self.sound(&mut state, packages)?;
            let packages = packages.iter().map(AsRef::as_ref);
            let rows = list::rows(packages, &state.releases, &globals, self.settings.profile);
            return Some(state.cache.refresh(rows));
        }
        let packages = packages.iter().map(AsRef::as_ref);
        let rows = list::rows(packages, &state.releases, &globals, self.settings.profile);
        let patched = state.cache.patched(&rows);
        if faults.bare_strings { patched.ok() } else { Some(patched.unwrap_or(rows)) }
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

/// What is in the folder of a sandbox, whether it runs or not.
#[derive(Debug, Default)]
pub struct Contents {
    /// Names of the uploaded files, sorted.
    pub files: Vec<String>,
    /// Its releases, by name.
    pub releases: Vec<Release>,
}

/// Returns what is in the sandbox in `folder`: nothing, where there is none.
///
/// # Errors
/// [`SandboxError::Io`] if it can't be read.
pub fn contents(folder: &Path) -> Result<Contents, SandboxError> {
    let disk = Disk::at(folder);
    if !disk.releases().is_dir() {
        return Ok(Contents::default());
    }
    let files = disk::names(&disk.extensions(), "");
    let files = files.map_err(|source| SandboxError::io(&disk.extensions(), source))?;
    Ok(Contents { files, releases: recorded(&disk)? })
}

fn recorded(disk: &Disk) -> Result<Vec<Release>, SandboxError> {
    let folder = disk.releases();
    let names = disk::names(&folder, ".json");
    let names = names.map_err(|source| SandboxError::io(&folder, source))?;
    Ok(names.into_iter().filter_map(|name| disk::read_json(&folder.join(name))).collect())
}

/// What stops the lasting pods of a release, and tells when they have stopped.
#[derive(Debug, Clone)]
pub(crate) struct Lasting {
    pub(crate) token: CancellationToken,
    /// Read by each pod while it lives.
    pub(crate) alive: Arc<RwLock<()>>,
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
