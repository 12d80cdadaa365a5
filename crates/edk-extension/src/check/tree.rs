//! The files of a project, read once.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use edk_archive::Limits;
use edk_model::{Digest, Hasher};
use walkdir::WalkDir;

use super::threads;
use crate::ExtensionError;

/// Files up to this size are kept whole; of larger ones, the first [`HEAD`] bytes.
const WHOLE: u64 = 2 * 1024 * 1024;
/// How much of a large file is kept: enough to tell what it is. What looks for patient data and
/// secrets reads all of it.
const HEAD: u64 = 4096;
/// How many files a project may have; what lies beyond is not looked at.
const MOST_FILES: usize = 200_000;
/// How many bytes of all files are kept whole; an editor may have a folder open that is no project.
const KEPT: u64 = 1 << 30;
const ARCHIVE: Limits = Limits { total_bytes: 100 * 1024 * 1024, entries: 20_000 };

/// Folders in which nothing of an extension lies. Git's own is told apart: it must not get into an
/// image either, but nobody has to read it for that.
pub const SKIPPED: &[&str] =
    &[".git", "node_modules", "__pycache__", "dist", "target", "venv", ".venv", ".edk"];

/// A file of a [`Tree`].
#[derive(Debug, Clone)]
pub struct File {
    /// Path below the root, parts separated by `/`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its content, or the beginning of a large file's.
    pub data: Arc<[u8]>,
    /// Digest of `data` and the size; of a large file also of what tells that it was not changed.
    pub digest: Digest,
    /// Whether it is a symbolic link; links are never followed, so their content is not known.
    pub link: bool,
    /// What tells that it was not changed: time of change, size and number on the disk.
    stamp: Option<(i64, i64, u64, u64)>,
}

impl File {
    /// Returns a file that lies in memory.
    pub fn new(path: &str, data: &[u8]) -> Self {
        Self::of(path, data.len() as u64, data.into(), None)
    }

    /// Returns a file of which only the beginning lies in memory.
    pub(super) fn beginning(path: &str, data: &[u8], size: u64) -> Self {
        Self::of(path, size, data.into(), None)
    }

    fn of(path: &str, size: u64, data: Arc<[u8]>, stamp: Option<(i64, i64, u64, u64)>) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(&size.to_le_bytes());
        hasher.update(&data);
        if let Some((seconds, nanoseconds, _, number)) = stamp
            && size != data.len() as u64
        {
            hasher.update(&seconds.to_le_bytes());
            hasher.update(&nanoseconds.to_le_bytes());
            hasher.update(&number.to_le_bytes());
        }
        let digest = hasher.finish();
        Self { path: path.to_owned(), size, data, digest, link: false, stamp }
    }

    /// Returns the text of the file when all of it was read and it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        if self.link || self.size != self.data.len() as u64 {
            return None;
        }
        std::str::from_utf8(&self.data).ok()
    }

    /// Returns the name of the file without its folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Returns the folder of the file; empty for one in the root.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// The files of one project, of a folder of projects, or of a packaged chart.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// What the user calls it: a folder, or the archive.
    pub origin: PathBuf,
    /// The name of the packaged chart, when it is one.
    pub package: Option<String>,
    /// Folders that were skipped, such as `.git`, by path.
    pub skipped: HashSet<String>,
    files: BTreeMap<String, Arc<File>>,
}

impl Tree {
    /// Returns a tree of files that lie in memory.
    pub fn of(files: impl IntoIterator<Item = File>) -> Self {
        let files = files.into_iter().map(|file| (file.path.clone(), Arc::new(file))).collect();
        Self { files, ..Self::default() }
    }

    /// Reads what lies below `path`: a folder, or a packaged chart (`.tgz`). Symbolic links are
    /// not followed, so that nothing outside is read. What did not change since `before` is taken
    /// from there.
    ///
    /// # Errors
    /// [`ExtensionError::NoFolder`], [`ExtensionError::Archive`] and [`ExtensionError::Io`].
    pub fn open(path: &Path, before: Option<&Self>) -> Result<Self, ExtensionError> {
        let io = |source| ExtensionError::Io { path: path.to_owned(), source };
        if path.is_file() {
            return Self::package(path, fs::File::open(path).map_err(io)?);
        }
        if !path.is_dir() {
            return Err(ExtensionError::NoFolder { path: path.to_owned() });
        }
        let root = path.canonicalize().map_err(io)?;
        let mut tree = Self { origin: root.clone(), ..Self::default() };
        let mut found = Vec::new();
        let mut walk = WalkDir::new(&root).follow_links(false).into_iter();
        while let Some(entry) = walk.next() {
            // What can't be entered is not part of what can be built either.
            let Ok(entry) = entry else { continue };
            let Ok(below) = entry.path().strip_prefix(&root) else { continue };
            let Some(below) = below.to_str() else { continue };
            if entry.file_type().is_dir() {
                let name = entry.file_name().to_string_lossy();
                if entry.depth() > 0 && SKIPPED.contains(&name.as_ref()) {
                    tree.skipped.insert(below.to_owned());
                    walk.skip_current_dir();
                }
            } else if found.len() < MOST_FILES {
                found.push((below.to_owned(), entry.into_path()));
            }
        }
        let kept = AtomicU64::new(0);
        let read = threads::map(&found, |(name, path)| read(name, path, before, &kept));
        tree.files = read.into_iter().flatten().map(|it| (it.path.clone(), it)).collect();
        Ok(tree)
    }

    fn package(path: &Path, reader: impl Read) -> Result<Self, ExtensionError> {
        let files = edk_archive::read_files(reader, &ARCHIVE)
            .map_err(|source| ExtensionError::Archive { path: path.to_owned(), source })?;
        let files = files.into_iter().filter_map(|(name, data)| {
            let name = name.to_str()?;
            Some(File::new(name, &data))
        });
        let mut tree = Self::of(files);
        tree.origin = path.to_owned();
        tree.package = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(tree)
    }

    /// Returns the tree with `data` in place of what the file `path` holds: what an editor has not
    /// saved yet.
    #[must_use]
    pub fn with(mut self, path: &str, data: &[u8]) -> Self {
        self.files.insert(path.to_owned(), Arc::new(File::new(path, data)));
        self
    }

    /// Returns the tree with a file in place of the one of the same path.
    #[must_use]
    pub fn with_file(mut self, file: File) -> Self {
        self.files.insert(file.path.clone(), Arc::new(file));
        self
    }

    /// Returns the tree without the file `path`.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// Returns all files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = &Arc<File>> {
        self.files.values()
    }

    /// Returns the file `path`.
    pub fn get(&self, path: &str) -> Option<&Arc<File>> {
        self.files.get(path)
    }

    /// Opens a file of which only the beginning is in memory, to be read from its beginning; `None`
    /// for one that is there as a whole.
    pub(super) fn large(&self, file: &File) -> Option<io::Result<fs::File>> {
        let is_large = file.stamp.is_some() && file.size != file.data.len() as u64;
        is_large.then(|| open(&self.origin.join(&file.path)))
    }

    /// Returns the text of the file `path`, when it is a text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.text()
    }

    /// Returns the files below `folder`, which is empty for the root, in the order of their paths.
    pub fn below<'t>(&'t self, folder: &str) -> impl Iterator<Item = &'t Arc<File>> + use<'t> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let end = start.clone();
        let range = self.files.range(start..);
        range.map(|(_, file)| file).take_while(move |file| file.path.starts_with(&end))
    }

    /// Says whether there is a file, or a folder with files, at `path`.
    pub fn has(&self, path: &str) -> bool {
        path.is_empty() || self.files.contains_key(path) || self.below(path).next().is_some()
    }
}

/// Reads one file; `None` for what is neither file nor link, or can't be read. `kept` counts the bytes
/// that all of them keep.
fn read(name: &str, path: &Path, before: Option<&Tree>, kept: &AtomicU64) -> Option<Arc<File>> {
    let found = fs::symlink_metadata(path).ok()?;
    if found.is_symlink() {
        let mut file = File::of(name, 0, Arc::from([]), None);
        file.link = true;
        return Some(Arc::new(file));
    }
    if !found.is_file() {
        return None;
    }
    let stamp = Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()));
    if let Some(old) = before.and_then(|tree| tree.get(name))
        && old.stamp == stamp
    {
        kept.fetch_add(old.data.len() as u64, Ordering::Relaxed);
        return Some(Arc::clone(old));
    }
    let is_whole = found.size() <= WHOLE
        && kept.fetch_add(found.size(), Ordering::Relaxed).saturating_add(found.size()) <= KEPT;
    let most = if is_whole { WHOLE } else { HEAD };
    let data = head(path, most).ok()?;
    let size = found.size().max(data.len() as u64);
    Some(Arc::new(File::of(name, size, data.into(), stamp)))
}

/// Returns the first bytes of a file.
fn head(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    open(path)?.take(most).read_to_end(&mut data)?;
    Ok(data)
}

/// Opens a file. What became a link in the meantime is not followed.
fn open(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(path)
}

/// `O_NOFOLLOW | O_NONBLOCK` of Linux on the processors we know: a pipe must not make us wait.
const NO_FOLLOW: i32 = 0o400_000 | 0o4000;

/// Joins a folder and a name below it, and follows `.` and `..`; what leads out of the root is
/// `None`.
pub(crate) fn join(folder: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_and_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("Dockerfile"))
            .unwrap();
        nix_fifo(&folder.path().join("pipe"));
        fs::write(folder.path().join("a"), "a").unwrap();
        let tree = Tree::open(folder.path(), None).unwrap();
        let seen: Vec<_> = tree.files().map(|it| (it.path.as_str(), it.link, it.text())).collect();
        let expected = [("Dockerfile", true, None), ("a", false, Some("a")), ("out", true, None)];
        assert_eq!(seen, expected);
    }

    fn nix_fifo(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    }

    #[test]
    fn what_did_not_change_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        fs::write(folder.path().join("b"), vec![b'x'; 3 << 20]).unwrap();
        let first = Tree::open(folder.path(), None).unwrap();
        fs::write(folder.path().join("a"), "22").unwrap();
        let second = Tree::open(folder.path(), Some(&first)).unwrap();
        assert!(Arc::ptr_eq(first.get("b").unwrap(), second.get("b").unwrap()));
        assert_eq!(second.text("a"), Some("22"));
        let large = second.get("b").unwrap();
        assert_eq!((large.size, large.data.len(), large.text()), (3 << 20, 4096, None));
    }

    #[test]
    fn a_folder_that_is_no_project_does_not_fill_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, vec![b'x'; 10_000]).unwrap();
        for (before, length) in [(0, 10_000), (KEPT - 10_000, 10_000), (KEPT - 9999, 4096)] {
            let kept = AtomicU64::new(before);
            let file = read("a", &path, None, &kept).unwrap();
            assert_eq!(
                (file.data.len(), file.size, file.text().is_some()),
                (length, 10_000, length == 10_000)
            );
        }
    }

    #[test]
    fn names_are_joined_within_the_root() {
        for (folder, name, path) in [
            ("a/b", "../c", Some("a/c")),
            ("a", "./b//c", Some("a/b/c")),
            ("", "../x", None),
            ("a", "../../x", None),
        ] {
            assert_eq!(join(folder, name).as_deref(), path, "{folder} {name}");
        }
    }
}
