use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use edk_model::{Code, Explain};
use notify::{
    Config, ErrorKind, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher,
};
use walkdir::WalkDir;

use crate::noise::{Contents, is_scratch};

/// How long nothing must happen before changes are told.
const QUIET: Duration = Duration::from_millis(40);
/// How long changes are held back at most while more and more come.
const LONGEST: Duration = Duration::from_millis(500);
/// How often the folder is looked through where the system doesn't tell.
const LOOK: Duration = Duration::from_secs(2);

/// Why a folder can't be watched.
#[derive(Debug, thiserror::Error)]
#[error("{path} can't be watched")]
pub struct WatchError {
    /// The folder.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl Explain for WatchError {
    fn code(&self) -> Code {
        Code::of_io(&self.source)
    }

    fn hints(&self) -> Vec<String> {
        vec!["name a folder that is there and may be read".to_owned()]
    }
}

/// Files that were changed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Number of the set in its watch, from 1 on without gaps.
    pub number: u64,
    /// The files that were written, made, renamed or removed, as absolute paths.
    pub paths: BTreeSet<PathBuf>,
    /// Whether anything may have changed, because the system told less than all.
    pub all: bool,
}

/// What comes out of the watcher's thread.
enum Said {
    Changed(PathBuf),
    Lost,
    Stop,
}

/// Ends a [`Watch`] from elsewhere.
#[derive(Debug, Clone)]
pub struct Stop(Sender<Said>);

impl Stop {
    /// Ends the watch: whoever waits for the next changes gets none. One that has ended stays so.
    pub fn stop(&self) {
        // A watch that is gone needs no end.
        let _ = self.0.send(Said::Stop);
    }
}

/// A folder that is watched.
pub struct Watch {
    root: PathBuf,
    skipped: &'static [&'static str],
    watcher: Box<dyn Watcher + Send>,
    said: Receiver<Said>,
    stop: Stop,
    contents: Contents,
    number: u64,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches the folder `root` and what lies below it, but for folders with a name in `skipped`.
    /// What happens from now on is told by it as an iterator.
    ///
    /// # Errors
    /// [`WatchError`] if there is no such folder or it can't be read.
    pub fn start(root: &Path, skipped: &'static [&'static str]) -> Result<Self, WatchError> {
        match Self::with::<RecommendedWatcher>(root, skipped) {
            Err(error) if is_exhausted(&error) => Self::with::<PollWatcher>(root, skipped),
            other => other,
        }
        .map_err(|error| WatchError { path: root.to_owned(), source: plain(error) })
    }

    fn with<W: Watcher + Send + 'static>(
        root: &Path,
        skipped: &'static [&'static str],
    ) -> notify::Result<Self> {
        let (sender, said) = channel();
        let stop = Stop(sender.clone());
        let handler = move |event| tell(&sender, event);
        let config = Config::default().with_follow_symlinks(false).with_poll_interval(LOOK);
        let watcher = Box::new(W::new(handler, config)?);
        // As the system names them.
        let (root, contents) = (std::path::absolute(root)?, Contents::default());
        let mut watch = Self { root, skipped, watcher, said, stop, contents, number: 0 };
        let root = watch.root.clone();
        watch.watcher.watch(&root, RecursiveMode::NonRecursive)?;
        watch.enter(&root, &mut BTreeSet::new())?;
        Ok(watch)
    }

    /// Returns what ends this watch.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits until something has happened and the folder is quiet again; nothing once the watch was
    /// stopped.
    fn gather(&mut self) -> Option<(BTreeSet<PathBuf>, bool)> {
        let (mut paths, mut all) = (BTreeSet::new(), false);
        let mut said = Some(self.said.recv().ok()?);
        let since = Instant::now();
        while let Some(it) = said {
            match it {
                Said::Changed(path) => self.take(path, &mut paths),
                Said::Lost => all = true,
                Said::Stop => {
                    // It stays so, for whoever asks again.
                    self.stop.stop();
                    return None;
                }
            }
            let held = since.elapsed();
            said = if held < LONGEST { self.said.recv_timeout(QUIET).ok() } else { None };
        }
        Some((paths, all))
    }

    /// Takes one path that was told: a file, or a folder with all that came in it.
    fn take(&mut self, path: PathBuf, paths: &mut BTreeSet<PathBuf>) {
        if self.is_noise(&path) {
            return;
        }
        let is_folder = path.symlink_metadata().is_ok_and(|about| about.is_dir());
        if !is_folder {
            paths.insert(path);
            return;
        }
        // A folder that is gone again by now has nothing to be watched.
        let _ = self.enter(&path, paths);
    }

    /// Says whether a path is below a skipped folder, or an editor's own file.
    fn is_noise(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else { return true };
        let mut parts = below.components().map(|part| part.as_os_str().to_string_lossy());
        parts.any(|part| self.skipped.contains(&part.as_ref()) || is_scratch(&part))
    }

    /// Watches what lies below a folder, and adds its files to `paths`: they may have come before
    /// the folder was watched.
    fn enter(&mut self, folder: &Path, paths: &mut BTreeSet<PathBuf>) -> notify::Result<()> {
        let skipped = self.skipped;
        let is_skipped = |name: &std::ffi::OsStr| skipped.contains(&&*name.to_string_lossy());
        let walk = WalkDir::new(folder).follow_links(false).into_iter();
        let kept = walk.filter_entry(|it| it.depth() == 0 || !is_skipped(it.file_name()));
        // What can't be read can't be part of an extension either.
        for entry in kept.flatten() {
            if !entry.file_type().is_dir() {
                if !self.is_noise(entry.path()) {
                    paths.insert(entry.into_path());
                }
                continue;
            }
            match self.watcher.watch(entry.path(), RecursiveMode::NonRecursive) {
                Err(error) if is_exhausted(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Waits for files to change; ends once the watch was stopped.
impl Iterator for Watch {
    type Item = ChangeSet;

    fn next(&mut self) -> Option<ChangeSet> {
        loop {
            let (mut paths, all) = self.gather()?;
            paths.retain(|path| self.contents.differ(path));
            if all || !paths.is_empty() {
                self.number += 1;
                return Some(ChangeSet { number: self.number, paths, all });
            }
        }
    }
}

/// Passes on what the system says; a look at a file is no change.
fn tell(sender: &Sender<Said>, event: notify::Result<notify::Event>) {
    let said: Vec<Said> = match event {
        Ok(event) if event.need_rescan() => vec![Said::Lost],
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => Vec::new(),
        Ok(event) => event.paths.into_iter().map(Said::Changed).collect(),
        Err(_) => vec![Said::Lost],
    };
    for it in said {
        // Whoever waited is gone.
        let _ = sender.send(it);
    }
}

/// Says whether the system has no more watches to give: inotify's limits on folders and on users.
fn is_exhausted(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(error) => error.raw_os_error() == Some(24),
        _ => false,
    }
}

fn plain(error: notify::Error) -> io::Error {
    match error.kind {
        ErrorKind::Io(source) => source,
        ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        other => io::Error::other(notify::Error::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_is_looked_through_where_the_system_does_not_tell() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        let mut watch = Watch::with::<PollWatcher>(folder.path(), &[]).unwrap();
        let path = folder.path().join("files/main.py");
        fs::write(&path, "one").unwrap();
        assert!(watch.next().unwrap().paths.contains(&path));
    }
}
