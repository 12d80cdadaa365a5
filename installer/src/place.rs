use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

/// What the platform lets an image put somewhere: the first component of each path.
const COMPONENTS: [&str; 4] = ["dags", "plugins", "mounted_scripts", "extensions"];

/// The files of an image, as paths below its source folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Files.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Folders, those of the first level included.
    pub(crate) folders: BTreeSet<PathBuf>,
}

/// Returns what lies below `source`; a missing `source` is empty.
///
/// Fails, before anything is changed, if a path does not start with a known component, or if
/// `source` can't be read.
pub(crate) fn survey(source: &Path) -> Result<Tree, String> {
    let mut tree = Tree::default();
    if source.exists() {
        visit(source, Path::new(""), &mut tree).map_err(|error| cannot("read", source, &error))?;
    }
    for path in tree.files.iter().chain(&tree.folders) {
        let first = path.components().next();
        let known = COMPONENTS.iter().any(|known| first == Some(Component::Normal(known.as_ref())));
        if !known || tree.files.contains(path) && path.components().count() == 1 {
            return Err(format!(
                "{} is not allowed in an image: files must lie in one of {}",
                source.join(path).display(),
                COMPONENTS.join(", "),
            ));
        }
    }
    Ok(tree)
}

fn visit(source: &Path, relative: &Path, tree: &mut Tree) -> io::Result<()> {
    for entry in fs::read_dir(source.join(relative))? {
        let entry = entry?;
        let path = relative.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            visit(source, &path, tree)?;
            tree.folders.insert(path);
        } else if entry.path().is_file() {
            // A link to a file is taken for the file, as a copy would take it.
            tree.files.insert(path);
        } else {
            println!("skipped {}: neither a file nor a folder", entry.path().display());
        }
    }
    Ok(())
}

/// Puts each file of `tree` from `source` to the same place below `target`.
///
/// A file appears whole or not at all, with the mode it has in the image; one that is already
/// there with the same bytes is left alone, so that Airflow does not parse it again.
pub(crate) fn copy(tree: &Tree, source: &Path, target: &Path) -> Result<(), String> {
    for folder in &tree.folders {
        let folder = target.join(folder);
        fs::create_dir_all(&folder).map_err(|error| cannot("create", &folder, &error))?;
    }
    for file in &tree.files {
        let to = target.join(file);
        let done = put(&source.join(file), &to).map_err(|error| cannot("write", &to, &error))?;
        println!("{done} {}", to.display());
    }
    Ok(())
}

fn put(from: &Path, to: &Path) -> io::Result<&'static str> {
    let bytes = fs::read(from)?;
    let mode = fs::metadata(from)?.permissions().mode() & 0o7777;
    let there = fs::symlink_metadata(to).ok();
    if let Some(there) = &there
        && there.is_file()
        && there.permissions().mode() & 0o7777 == mode
        && fs::read(to)? == bytes
    {
        return Ok("unchanged");
    }
    let temporary = temporary(to);
    let written = write(&temporary, &bytes, mode).and_then(|()| fs::rename(&temporary, to));
    if written.is_err() {
        // The first error is the one to tell; a left-over is overwritten by the next run.
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| if there.is_some() { "replaced" } else { "copied" })
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Returns the hidden place where the file `to` is written first. Its ending keeps Airflow from
/// reading it.
fn temporary(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.edk-tmp"))
}

/// Takes each file of `tree` away from below `target`, then each folder of `tree` in which
/// nothing visible is left. Folders of the first level are volumes of the platform and stay.
pub(crate) fn remove(tree: &Tree, target: &Path) -> Result<(), String> {
    for file in &tree.files {
        let path = target.join(file);
        match fs::remove_file(&path) {
            Ok(()) => println!("removed {}", path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                println!("already gone {}", path.display());
            }
            Err(error) => return Err(cannot("remove", &path, &error)),
        }
        remove_compiled(&path);
    }
    // Children sort behind their parents, so the deepest folders come first.
    for folder in tree.folders.iter().rev().filter(|folder| folder.components().count() > 1) {
        let path = target.join(folder);
        if path.is_dir() && is_bare(&path).map_err(|error| cannot("read", &path, &error))? {
            fs::remove_dir_all(&path).map_err(|error| cannot("remove", &path, &error))?;
            println!("removed {}", path.display());
        }
    }
    Ok(())
}

/// Takes away what Python compiled from the file that was at `path`. What can't be removed does
/// no harm: Python ignores compiled files without their source.
fn remove_compiled(path: &Path) {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else { return };
    let prefix = format!("{}.", stem.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder.join("__pycache__")) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) && name.ends_with(".pyc") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Says whether no visible file is in `folder` or below; what Python compiled does not count.
fn is_bare(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "__pycache__" {
            continue;
        }
        if !entry.file_type()?.is_dir() || !is_bare(&entry.path())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> String {
    format!("could not {verb} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        root: tempfile::TempDir,
    }

    impl Place {
        fn with(files: &[(&str, &str)]) -> Self {
            let place = Self { root: tempfile::tempdir().unwrap() };
            for (path, text) in files {
                place.write(&format!("tmp/{path}"), text);
            }
            place
        }

        fn path(&self, path: &str) -> PathBuf {
            self.root.path().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn survey(&self) -> Result<Tree, String> {
            survey(&self.path("tmp"))
        }

        fn copy(&self) {
            copy(&self.survey().unwrap(), &self.path("tmp"), &self.path("to")).unwrap();
        }

        fn remove(&self) {
            remove(&self.survey().unwrap(), &self.path("to")).unwrap();
        }

        /// The files below the target, and folders without files, with a slash.
        fn there(&self) -> Vec<String> {
            let Ok(tree) = survey(&self.path("to")) else { return Vec::new() };
            let files = tree.files.iter().map(|path| path.display().to_string());
            let bare = tree.folders.iter().filter(|folder| {
                fs::read_dir(self.path("to").join(folder)).unwrap().next().is_none()
            });
            let bare = bare.map(|path| format!("{}/", path.display()));
            files.chain(bare).collect()
        }
    }

    #[test]
    fn files_are_copied_with_their_modes_and_over_older_ones() {
        let place = Place::with(&[("dags/a.py", "new"), ("dags/pkg/run.sh", "#!/bin/sh")]);
        let script = place.path("tmp/dags/pkg/run.sh");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o750)).unwrap();
        place.write("to/dags/a.py", "old");
        place.copy();
        assert_eq!(place.there(), ["dags/a.py", "dags/pkg/run.sh"]);
        assert_eq!(fs::read_to_string(place.path("to/dags/a.py")).unwrap(), "new");
        let mode = fs::metadata(place.path("to/dags/pkg/run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o750);
    }

    #[test]
    fn copying_and_removing_twice_is_as_good_as_once() {
        let place = Place::with(&[("dags/a.py", "a"), ("plugins/p/b.py", "b")]);
        place.copy();
        let before = fs::metadata(place.path("to/dags/a.py")).unwrap().modified().unwrap();
        place.copy();
        let after = fs::metadata(place.path("to/dags/a.py")).unwrap().modified().unwrap();
        assert_eq!(before, after);
        assert_eq!(place.there(), ["dags/a.py", "plugins/p/b.py"]);
        place.remove();
        place.remove();
        assert_eq!(place.there(), ["dags/", "plugins/"]);
    }

    #[test]
    fn removing_leaves_the_files_of_others() {
        let place = Place::with(&[("dags/a.py", ""), ("dags/pkg/b.py", ""), ("dags/own/c.py", "")]);
        place.copy();
        place.write("to/dags/pkg/foreign.py", "");
        place.write("to/dags/other.py", "");
        place.write("to/dags/__pycache__/a.cpython-312.pyc", "");
        place.write("to/dags/__pycache__/other.cpython-312.pyc", "");
        place.write("to/dags/own/.hidden", "");
        place.write("to/dags/own/__pycache__/c.cpython-312.pyc", "");
        place.remove();
        let left =
            ["dags/__pycache__/other.cpython-312.pyc", "dags/other.py", "dags/pkg/foreign.py"];
        assert_eq!(place.there(), left);
    }

    #[test]
    fn a_path_outside_the_known_components_is_refused_before_anything_is_done() {
        for bad in ["scripts/x.py", "x.py", "dags.py", "DAGS/x.py"] {
            let place = Place::with(&[("dags/a.py", ""), (bad, "")]);
            let message = place.survey().unwrap_err();
            assert!(message.contains("is not allowed"), "{message}");
        }
        let file_for_folder = Place::with(&[("dags", "")]);
        assert!(file_for_folder.survey().is_err());
    }

    #[test]
    fn a_missing_source_is_empty() {
        assert_eq!(Place::with(&[]).survey().unwrap(), Tree::default());
    }

    #[test]
    fn a_target_that_cannot_be_written_is_an_error_with_its_path() {
        let place = Place::with(&[("dags/a.py", "")]);
        place.write("to", "a file where a folder should be");
        let tree = place.survey().unwrap();
        let message = copy(&tree, &place.path("tmp"), &place.path("to")).unwrap_err();
        assert!(message.contains("to/dags"), "{message}");
    }
}
