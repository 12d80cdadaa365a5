use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use edk_archive::{Readers, sweep_unfinished, write_whole};
use serde::{Serialize, de::DeserializeOwned};

use crate::SandboxError;

/// Longest time between two pieces of an upload.
const UPLOAD_AGE: Duration = Duration::from_secs(24 * 3600);

/// The folder of a sandbox:
///
/// ```text
/// extensions/<name>-<version>.tgz   uploaded charts, whole
/// uploads/<id>.tmp, <id>.json       uploads under way: bytes, and the name they will have
/// releases/<name>.json              releases
/// pulls.json                        images which installers asked for
/// backend.json                      DAGs allowed in projects, workflows that were asked for
/// gate                              a socket: how pods reach the sandbox
/// workflows/dags, workflows/plugins what the claims of Airflow show
/// volumes/<claim>                   what every other claim shows
/// pods/<release>/<pod>/<volume>     what lives as long as its release
/// ```
///
/// A file appears under its name only when it is whole.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Makes the folders that are not there.
    pub(crate) fn open(root: &Path) -> Result<Self, SandboxError> {
        let folders =
            ["extensions", "uploads", "releases", "workflows/dags", "workflows/plugins", "volumes"];
        for folder in folders {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|source| SandboxError::io(&path, source))?;
        }
        Ok(Self::at(root))
    }

    /// The folder as it is, which may be no sandbox.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn extensions(&self) -> PathBuf {
        self.root.join("extensions")
    }

    pub(crate) fn upload_bytes(&self, id: &str) -> PathBuf {
        self.root.join("uploads").join(format!("{id}.tmp"))
    }

    pub(crate) fn upload_name(&self, id: &str) -> PathBuf {
        self.root.join("uploads").join(format!("{id}.json"))
    }

    /// Removes what a killed process was writing, and uploads of which nothing more came for a day,
    /// as a platform does. Only for who holds the lock of the folder.
    pub(crate) fn sweep(&self, now: SystemTime) -> io::Result<()> {
        for folder in [self.root.clone(), self.root.join("uploads"), self.releases()] {
            sweep_unfinished(&folder)?;
        }
        for entry in fs::read_dir(self.root.join("uploads"))? {
            let entry = entry?;
            let age = now.duration_since(entry.metadata()?.modified()?);
            if age.is_ok_and(|age| age > UPLOAD_AGE) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    pub(crate) fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.releases().join(format!("{name}.json"))
    }

    pub(crate) fn pulls(&self) -> PathBuf {
        self.root.join("pulls.json")
    }

    /// Returns the file of what is remembered beside releases.
    pub(crate) fn backend(&self) -> PathBuf {
        self.root.join("backend.json")
    }

    /// Returns the folder which a claim shows.
    pub(crate) fn claim(&self, claim: &str) -> PathBuf {
        match claim {
            "dags-pv-claim" => self.root.join("workflows/dags"),
            "af-plugins-pv-claim" => self.root.join("workflows/plugins"),
            _ => self.root.join("volumes").join(claim),
        }
    }

    /// Returns the socket through which the pods that `owner` makes are reached.
    pub(crate) fn gate(&self, release: &str, owner: &str) -> PathBuf {
        // No name of a volume begins so.
        self.pods(release).join(owner).join(".gate")
    }

    /// Returns the hosts file of the pods that `owner` makes.
    pub(crate) fn hosts(&self, release: &str, owner: &str) -> PathBuf {
        self.pods(release).join(owner).join(".hosts")
    }

    /// Returns the socket through which pods reach the sandbox itself.
    pub(crate) fn gate_of_all(&self) -> PathBuf {
        self.root.join("gate")
    }

    /// Returns the folder of the volumes that live as long as the release.
    pub(crate) fn pods(&self, release: &str) -> PathBuf {
        self.root.join("pods").join(release)
    }
}

/// Writes `value` as JSON under `path`, whole or not at all.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    write_whole(path, &serde_json::to_vec_pretty(value)?, Readers::Owner)
}

/// Reads JSON, or `None` when the file is not there or not what was written.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Returns the names of the files in `folder` that end in `ending`, sorted.
pub(crate) fn names(folder: &Path, ending: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Says whether a name is that of a file in a folder, and not hidden.
pub(crate) fn is_bare(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_was_writing_is_swept() {
        let root = tempfile::tempdir().unwrap();
        let disk = Disk::open(root.path()).unwrap();
        let left = ["pulls.json", "uploads/a.json", "releases/b.json"].map(|name| {
            let path = root.path().join(name).with_file_name(".unfinished-a");
            fs::write(&path, "{").unwrap();
            path
        });
        write_json(&disk.release("b"), &1).unwrap();
        disk.sweep(SystemTime::now()).unwrap();
        assert_eq!(left.map(|path| path.exists()), [false; 3]);
        assert!(disk.release("b").exists());
    }
}
