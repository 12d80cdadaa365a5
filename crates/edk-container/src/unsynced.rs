//! Unpacked layers that may not be on the disk yet.
//!
//! The kernel writes files out when it likes, and waiting for it would cost more than most steps. So
//! a machine that loses its power may come back with layers whose folders are there and whose files
//! are empty. Until a layer is known to be on the disk, a mark says in which boot it was made; marks
//! of an earlier boot name the layers that can't be trusted. A mark is nothing but a name, made
//! before the layer gets its own: journals keep that order.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use nix::unistd::syncfs;

use crate::ContainerError;

/// After this time nearly everything is written, and waiting for the rest costs little.
const SETTLED: Duration = Duration::from_mins(10);

/// The marks below the folder of all layers.
#[derive(Debug)]
pub(crate) struct Unsynced {
    /// Holds a folder for each boot, with an empty folder for each layer.
    folder: PathBuf,
    /// Tells one boot from another (random(4), `boot_id`); without it layers are written out.
    boot: Option<String>,
}

impl Unsynced {
    pub(crate) fn new(root: &Path) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let boot = boot.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        Self { folder: root.join("unsynced"), boot }
    }

    /// Marks a layer that is about to be kept.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if the mark can't be made.
    pub(crate) fn mark(&self, layer: &str) -> Result<(), ContainerError> {
        let io = |source| ContainerError::io(&self.folder, source);
        let Some(boot) = &self.boot else { return self.write_out().map_err(io) };
        let marks = self.folder.join(boot);
        fs::create_dir_all(&marks).map_err(io)?;
        let mark = marks.join(layer);
        // Another process may unpack the same layer.
        match fs::create_dir(&mark) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io(error)),
            _ => {}
        }
        // The clock of the file system, which wrote the other marks' times too.
        let now = fs::metadata(&mark).and_then(|about| about.modified()).map_err(io)?;
        self.settle(&marks, now).map_err(io)
    }

    /// Takes the marks away of which all layers have had the time to be written, once they are.
    fn settle(&self, marks: &Path, now: SystemTime) -> io::Result<()> {
        let mut settled = Vec::new();
        for entry in fs::read_dir(marks)? {
            let entry = entry?;
            // Another process may have taken it away meanwhile.
            let Ok(about) = entry.metadata() else { continue };
            let age = now.duration_since(about.modified()?);
            // One from the future tells nothing.
            if age.is_ok_and(|age| age > SETTLED) {
                settled.push(entry.path());
            }
        }
        if settled.is_empty() {
            return Ok(());
        }
        self.write_out()?;
        for mark in settled {
            match fs::remove_dir(&mark) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn write_out(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        syncfs(File::open(&self.folder)?).map_err(io::Error::from)
    }

    /// Gives `remove` the layers of earlier boots that may never have been written, and takes their
    /// marks away. Others who do so wait.
    ///
    /// # Errors
    /// [`ContainerError::Io`], and those of `remove`.
    pub(crate) fn distrust(
        &self,
        mut remove: impl FnMut(&str) -> Result<(), ContainerError>,
    ) -> Result<(), ContainerError> {
        let io = |source| ContainerError::io(&self.folder, source);
        let earlier = self.earlier().map_err(io)?;
        if earlier.is_empty() {
            return Ok(());
        }
        let lock = File::open(&self.folder).map_err(io)?;
        lock.lock().map_err(io)?;
        // Whoever held the lock may have done all of it.
        for marks in self.earlier().map_err(io)? {
            for entry in fs::read_dir(&marks).map_err(io)? {
                let entry = entry.map_err(io)?;
                remove(&entry.file_name().to_string_lossy())?;
                fs::remove_dir(entry.path()).map_err(io)?;
            }
            fs::remove_dir(&marks).map_err(io)?;
        }
        Ok(())
    }

    /// The folders with marks of other boots than this.
    fn earlier(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut earlier = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() && Some(&*name.to_string_lossy()) != self.boot.as_deref()
            {
                earlier.push(entry.path());
            }
        }
        Ok(earlier)
    }
}
