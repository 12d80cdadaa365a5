use std::{
    fs, io,
    path::{Path, PathBuf},
};

use edk_model::{Monitor, Unit};
use serde::Serialize;

use crate::{Error, Plan, PlannedFile};

/// Whether files that exist and differ may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// No: if there is one, nothing is written.
    Never,
    /// Yes.
    Always,
}

/// Something in the place of a file to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The path of the file to write, below the destination.
    pub path: String,
    /// What is there.
    pub obstacle: Obstacle,
}

/// What is in the place of a file to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// A file with other bytes, or one that can't be read.
    Differs,
    /// A link; it would be replaced, not followed.
    Link,
    /// A folder or something else that is never replaced, here or in place of a folder above.
    NotAFile,
}

/// What [`Plan::apply`] did, as paths below the destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Applied {
    /// Files that were not there before.
    pub written: Vec<String>,
    /// Files that were there already with the same bytes.
    pub unchanged: Vec<String>,
    /// Files that were there with other bytes.
    pub replaced: Vec<String>,
}

/// How a file to write stands to the disk.
enum State {
    Missing,
    Same,
    Obstructed(Obstacle),
}

impl Plan {
    /// Returns what is in the way below `dest`; a file with the same bytes is not.
    pub fn compare(&self, dest: &Path) -> Vec<Conflict> {
        let states = self.files.iter().map(|file| (file, state(dest, file)));
        let conflicts = states.filter_map(|(file, state)| match state {
            State::Obstructed(obstacle) => Some(Conflict { path: file.path.clone(), obstacle }),
            State::Missing | State::Same => None,
        });
        conflicts.collect()
    }

    /// Writes the files below `dest` and returns what was done.
    ///
    /// A new `dest` appears whole or not at all; in a `dest` that exists, each file does.
    ///
    /// # Errors
    /// Before anything is written: [`Error::Conflicts`] if files are in the way and may not be
    /// replaced, [`Error::Unsafe`] if something leads out of `dest` or can't be replaced. Later:
    /// [`Error::Io`], [`Error::Cancelled`].
    pub fn apply(
        &self,
        dest: &Path,
        overwrite: Overwrite,
        monitor: &Monitor,
    ) -> Result<Applied, Error> {
        match fs::symlink_metadata(dest) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create(dest, monitor),
            Err(error) => Err(Error::io("read", dest)(error)),
            Ok(there) if there.is_dir() => {
                self.check(dest, overwrite)?;
                self.merge(dest, monitor)
            }
            Ok(there) => {
                let reason = if there.is_symlink() {
                    "is a link; name the folder itself"
                } else {
                    "is not a folder"
                };
                Err(Error::Unsafe { path: dest.to_owned(), reason })
            }
        }
    }

    /// Builds the tree beside `dest`, then renames it.
    fn create(&self, dest: &Path, monitor: &Monitor) -> Result<Applied, Error> {
        let parent = match dest.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let temporary = shared(tempfile::Builder::new().prefix(".edk-new-"), 0o777)
            .tempdir_in(parent)
            .map_err(Error::io("create", parent))?;
        for (done, file) in self.files.iter().enumerate() {
            monitor.check()?;
            write(temporary.path(), file)?;
            self.report(monitor, done + 1);
        }
        fs::rename(temporary.path(), dest).map_err(Error::io("create", dest))?;
        // It lies at `dest` now: there is nothing to clean up.
        let _ = temporary.keep();
        let written = self.files.iter().map(|file| file.path.clone()).collect();
        Ok(Applied { written, ..Applied::default() })
    }

    fn check(&self, dest: &Path, overwrite: Overwrite) -> Result<(), Error> {
        let root = dest.canonicalize().map_err(Error::io("read", dest))?;
        for file in &self.files {
            check_parents(&root, dest, &file.path)?;
        }
        let conflicts = self.compare(dest);
        if let Some(conflict) = conflicts.iter().find(|c| c.obstacle == Obstacle::NotAFile) {
            let (path, reason) = (dest.join(&conflict.path), "can't be replaced by a file");
            return Err(Error::Unsafe { path, reason });
        }
        if overwrite == Overwrite::Never && !conflicts.is_empty() {
            return Err(Error::Conflicts { dest: dest.to_owned(), conflicts });
        }
        Ok(())
    }

    /// Writes what is missing or differs, file by file.
    fn merge(&self, dest: &Path, monitor: &Monitor) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        for (done, file) in self.files.iter().enumerate() {
            monitor.check()?;
            let list = match state(dest, file) {
                State::Same => &mut applied.unchanged,
                State::Missing => {
                    write(dest, file)?;
                    &mut applied.written
                }
                State::Obstructed(_) => {
                    write(dest, file)?;
                    &mut applied.replaced
                }
            };
            list.push(file.path.clone());
            self.report(monitor, done + 1);
        }
        Ok(applied)
    }

    fn report(&self, monitor: &Monitor, done: usize) {
        let total = Some(self.files.len() as u64);
        monitor.progress("files", done as u64, total, Unit::Files, 0);
    }
}

fn state(dest: &Path, file: &PlannedFile) -> State {
    let path = dest.join(&file.path);
    match fs::symlink_metadata(&path) {
        Ok(there) if there.is_symlink() => State::Obstructed(Obstacle::Link),
        Ok(there) if there.is_file() => match fs::read(&path) {
            Ok(bytes) if bytes == file.bytes => State::Same,
            Ok(_) | Err(_) => State::Obstructed(Obstacle::Differs),
        },
        Ok(_) => State::Obstructed(Obstacle::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => State::Missing,
        // Most often a file in place of a folder above.
        Err(_) => State::Obstructed(Obstacle::NotAFile),
    }
}

/// Checks that no folder above the file `path` leads out of `root`, the real place of `dest`.
fn check_parents(root: &Path, dest: &Path, path: &str) -> Result<(), Error> {
    for (at, _) in path.match_indices('/') {
        let folder = dest.join(&path[..at]);
        let Ok(there) = fs::symlink_metadata(&folder) else { return Ok(()) };
        let refuse = |reason| Err(Error::Unsafe { path: folder.clone(), reason });
        if there.is_symlink() {
            match folder.canonicalize() {
                Ok(real) if real.starts_with(root) && real.is_dir() => {}
                _ => return refuse("is a link that leads to no folder of the destination"),
            }
        } else if !there.is_dir() {
            return refuse("is not a folder");
        }
    }
    Ok(())
}

/// Writes `file` below `root`: beside its place first, then by renaming.
fn write(root: &Path, file: &PlannedFile) -> Result<(), Error> {
    let path = root.join(&file.path);
    let folder = path.parent().map_or_else(|| root.to_owned(), Path::to_owned);
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let mode = if file.executable { 0o777 } else { 0o666 };
    persist(&folder, &path, &file.bytes, mode).map_err(Error::io("write", path))
}

fn persist(folder: &Path, path: &PathBuf, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    let mut temporary = shared(builder.prefix(".edk-").suffix(".tmp"), mode).tempfile_in(folder)?;
    io::Write::write_all(&mut temporary, bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map(drop).map_err(|error| error.error)
}

/// Gives what is made the `mode` that the user's mask leaves, as an editor would; temporary files
/// are otherwise closed to everyone else.
fn shared<'a, 'p, 's>(
    builder: &'a mut tempfile::Builder<'p, 's>,
    mode: u32,
) -> &'a mut tempfile::Builder<'p, 's> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn plan(files: &[(&str, &str)]) -> Plan {
        let file = |(path, text): &(&str, &str)| PlannedFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
            executable: path.ends_with(".sh"),
        };
        Plan { files: files.iter().map(file).collect() }
    }

    fn apply(plan: &Plan, dest: &Path, overwrite: Overwrite) -> Result<Applied, Error> {
        plan.apply(dest, overwrite, &Monitor::silent())
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_destination_appears_whole() {
        let root = tempfile::tempdir().unwrap();
        let dest = root.path().join("deep/new");
        let applied = apply(&plan(&[("a/b.txt", "1"), ("run.sh", "2")]), &dest, Overwrite::Never);
        assert_eq!(applied.unwrap().written, ["a/b.txt", "run.sh"]);
        assert_eq!(fs::read_to_string(dest.join("a/b.txt")).unwrap(), "1");
        assert_eq!(names(&root.path().join("deep")), ["new"]);
        let mode = |path: &str| fs::metadata(dest.join(path)).unwrap().permissions().mode() & 0o700;
        assert_eq!((mode("run.sh"), mode("a/b.txt"), mode("")), (0o700, 0o600, 0o700));
    }

    #[test]
    fn a_cancelled_creation_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let monitor = Monitor::silent();
        monitor.token().cancel();
        let result =
            plan(&[("a", "1")]).apply(&root.path().join("new"), Overwrite::Never, &monitor);
        assert!(matches!(result, Err(Error::Cancelled(_))));
        assert_eq!(names(root.path()), [""; 0]);
    }

    #[test]
    fn a_conflict_writes_nothing_unless_files_may_be_replaced() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("b"), "mine").unwrap();
        fs::write(root.path().join("c"), "3").unwrap();
        let plan = plan(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let conflict = Conflict { path: "b".to_owned(), obstacle: Obstacle::Differs };
        assert_eq!(plan.compare(root.path()), std::slice::from_ref(&conflict));
        let Err(Error::Conflicts { conflicts, .. }) = apply(&plan, root.path(), Overwrite::Never)
        else {
            panic!("written");
        };
        assert_eq!(conflicts, [conflict]);
        assert_eq!(names(root.path()), ["b", "c"]);

        let applied = apply(&plan, root.path(), Overwrite::Always).unwrap();
        let list = |name: &str| vec![name.to_owned()];
        let expected = Applied { written: list("a"), replaced: list("b"), unchanged: list("c") };
        assert_eq!(applied, expected);
        assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "2");
        assert_eq!(names(root.path()), ["a", "b", "c"]);
    }

    #[test]
    fn identical_files_are_no_conflict() {
        let root = tempfile::tempdir().unwrap();
        let plan = plan(&[("a", "1"), ("d/b", "2")]);
        apply(&plan, root.path(), Overwrite::Never).unwrap();
        let again = apply(&plan, root.path(), Overwrite::Never).unwrap();
        assert_eq!(
            again,
            Applied { unchanged: vec!["a".into(), "d/b".into()], ..Applied::default() }
        );
    }

    #[test]
    fn what_leads_out_of_the_destination_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (dest, outside) = (root.path().join("dest"), root.path().join("outside"));
        fs::create_dir_all(&dest).unwrap();
        fs::create_dir_all(&outside).unwrap();
        symlink(&outside, dest.join("d")).unwrap();
        symlink(&dest, root.path().join("link")).unwrap();
        let plan = plan(&[("a", "1"), ("d/b", "2")]);
        for bad in [&dest, &root.path().join("link")] {
            assert!(matches!(apply(&plan, bad, Overwrite::Always), Err(Error::Unsafe { .. })));
        }
        assert_eq!(names(&outside), [""; 0]);
        assert_eq!(names(&dest), ["d"]);
    }

    #[test]
    fn a_link_in_place_of_a_file_is_replaced_and_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (dest, outside) = (root.path().join("dest"), root.path().join("outside"));
        fs::create_dir_all(&dest).unwrap();
        fs::write(&outside, "theirs").unwrap();
        symlink(&outside, dest.join("a")).unwrap();
        let plan = plan(&[("a", "1")]);
        assert!(matches!(apply(&plan, &dest, Overwrite::Never), Err(Error::Conflicts { .. })));
        apply(&plan, &dest, Overwrite::Always).unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(dest.join("a")).unwrap(), "1");
    }

    #[test]
    fn a_folder_in_place_of_a_file_and_a_file_in_place_of_a_folder_are_never_replaced() {
        for (there, file) in [("a/x", "a"), ("a", "a/x")] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(there);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "mine").unwrap();
            let plan = plan(&[("0", "1"), (file, "2")]);
            assert_eq!(plan.compare(root.path())[0].obstacle, Obstacle::NotAFile);
            let result = apply(&plan, root.path(), Overwrite::Always);
            assert!(matches!(result, Err(Error::Unsafe { .. })), "{file}");
            assert_eq!(names(root.path()), ["a"]);
        }
    }
}
