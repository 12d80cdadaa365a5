//! The few small things the host keeps on disk, each a JSON file below one folder. One that can't
//! be read counts as empty: nothing in it is worth a refusal to start.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use edk_archive::{Readers, write_whole};
use edk_model::{Code, Failure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::input::{PastJob, RecentProject, Theme};

/// How many extensions are remembered.
const PROJECTS_KEPT: usize = 20;
/// No upload takes as long.
const UPLOAD_AGE: Duration = Duration::from_secs(24 * 3600);
/// How many finished jobs are remembered.
const HISTORY_KEPT: usize = 500;

/// The folder of the host's files.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// Held from reading a file to writing it.
    gate: Mutex<()>,
}

/// An extension in the list of projects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Opened {
    folder: PathBuf,
    name: String,
    opened_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Settings {
    #[serde(default)]
    theme: Theme,
    /// Whether the registry is served while a host runs; it is, until it is switched off.
    #[serde(default = "yes", rename = "serve_registry")]
    serves_registry: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: Theme::default(), serves_registry: true }
    }
}

fn yes() -> bool {
    true
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, gate: Mutex::new(()) }
    }

    /// Returns the folder for files on their way to a target.
    pub(super) fn uploads(&self) -> Result<PathBuf, Failure> {
        let folder = self.folder.join("uploads");
        fs::create_dir_all(&folder).map_err(|error| failure(&folder, &error))?;
        Ok(folder)
    }

    /// Removes uploads which a host that was killed left behind; younger ones may be another's.
    pub(super) fn sweep(&self, now: SystemTime) {
        let Ok(entries) = fs::read_dir(self.folder.join("uploads")) else { return };
        for entry in entries.flatten() {
            let changed = entry.metadata().and_then(|it| it.modified());
            let age = changed.ok().and_then(|it| now.duration_since(it).ok());
            if age.is_some_and(|age| age > UPLOAD_AGE) {
                // What can't be removed is only rubbish of our own.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Returns the extensions that were opened, the last one first.
    pub(super) fn projects(&self) -> Vec<RecentProject> {
        let opened: Vec<Opened> = self.read("projects.json");
        let view = |it: Opened| {
            let missing = !it.folder.is_dir();
            RecentProject { folder: it.folder, name: it.name, opened_at: it.opened_at, missing }
        };
        opened.into_iter().map(view).collect()
    }

    /// Puts an extension first in the list; says whether the list looks different now.
    pub(super) fn opened(&self, folder: &Path, name: &str, at: &str) -> Result<bool, Failure> {
        let entry =
            Opened { folder: folder.to_owned(), name: name.to_owned(), opened_at: at.to_owned() };
        let mut changed = false;
        self.change("projects.json", |list: &mut Vec<Opened>| {
            changed = list.first().is_none_or(|it| it.folder != folder || it.name != name);
            list.retain(|it| it.folder != folder);
            list.insert(0, entry);
            list.truncate(PROJECTS_KEPT);
        })?;
        Ok(changed)
    }

    pub(super) fn forget(&self, folder: &Path) -> Result<(), Failure> {
        self.change("projects.json", |list: &mut Vec<Opened>| {
            list.retain(|it| it.folder != folder);
        })
    }

    pub(super) fn theme(&self) -> Theme {
        self.read::<Settings>("settings.json").theme
    }

    pub(super) fn set_theme(&self, theme: Theme) -> Result<(), Failure> {
        self.change("settings.json", |settings: &mut Settings| settings.theme = theme)
    }

    /// Says whether the registry is to be served while a host runs.
    pub(super) fn serves_registry(&self) -> bool {
        self.read::<Settings>("settings.json").serves_registry
    }

    pub(super) fn set_serves_registry(&self, on: bool) -> Result<(), Failure> {
        self.change("settings.json", |settings: &mut Settings| settings.serves_registry = on)
    }

    /// Returns finished jobs, the last one first.
    pub(super) fn history(&self) -> Vec<PastJob> {
        let mut history: Vec<PastJob> = self.read("history.json");
        history.reverse();
        history
    }

    pub(super) fn remember(&self, job: PastJob) -> Result<(), Failure> {
        self.change("history.json", |history: &mut Vec<PastJob>| {
            history.push(job);
            let extra = history.len().saturating_sub(HISTORY_KEPT);
            history.drain(..extra);
        })
    }

    fn read<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let bytes = fs::read(self.folder.join(name)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn change<T: Serialize + DeserializeOwned + Default>(
        &self,
        name: &str,
        change: impl FnOnce(&mut T),
    ) -> Result<(), Failure> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut value = self.read(name);
        change(&mut value);
        let path = self.folder.join(name);
        let write = || -> io::Result<()> {
            write_whole(&path, &serde_json::to_vec_pretty(&value)?, Readers::Owner)
        };
        write().map_err(|error| failure(&path, &error))
    }
}

/// The failure to write `path`.
pub(super) fn failure(path: &Path, error: &io::Error) -> Failure {
    let what = format!("could not read or write `{}`", path.display());
    Failure::new(Code::of_io(error), what).because(error)
}
