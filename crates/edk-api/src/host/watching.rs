//! The projects that are open in a window: a file that is changed in an editor is told there.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use edk_engine::{Engine, Stop};

use super::{
    entry::{Area, EntryKind},
    log::Log,
};

/// How many projects are followed: those that were opened last.
const MOST: usize = 4;

/// The projects that are followed, the one that was opened last at the end.
#[derive(Debug, Default)]
pub(super) struct Watching(Mutex<VecDeque<(PathBuf, Stop)>>);

impl Watching {
    /// Follows a project, if that is not done already. One that can't be followed is looked at
    /// again when the window is, as before.
    pub(super) fn follow(&self, engine: &Engine, log: &Arc<Log>, folder: &Path) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = followed.iter().position(|(it, _)| it == folder) {
            if let Some(it) = followed.remove(at) {
                followed.push_back(it);
            }
            return;
        }
        let Ok(mut watch) = engine.watch(folder) else { return };
        followed.push_back((folder.to_owned(), watch.stopper()));
        if followed.len() > MOST
            && let Some((_, stop)) = followed.pop_front()
        {
            stop.stop();
        }
        let log = Arc::clone(log);
        std::thread::spawn(move || {
            while watch.next().is_some() {
                log.publish(EntryKind::Changed { what: Area::Files });
            }
        });
    }

    /// Ends all of it.
    pub(super) fn stop(&self) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, stop) in followed.drain(..) {
            stop.stop();
        }
    }
}
