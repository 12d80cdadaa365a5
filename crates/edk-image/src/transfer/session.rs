//! Uploads that a process began and did not end: where the registry wants their next bytes, kept so
//! that the next push of the same blob, by another process, goes on from there.

use edk_model::Digest;
use edk_store::Store;
use serde::{Deserialize, Serialize};

use crate::key::KeyMaker;

/// What is remembered of an upload.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// Where it goes on; nowhere once it has ended.
    location: Option<String>,
    /// Who is at it: as long as that process lives, nobody else may go on.
    process: u32,
}

/// The upload of one blob to one repository, as the store remembers it. A store that can't be
/// written remembers nothing, and the push is none the worse.
#[derive(Clone, Copy)]
pub(crate) struct Session<'a> {
    store: Option<&'a Store>,
    key: Digest,
}

impl<'a> Session<'a> {
    /// The upload of `blob` to `repository` of `registry`; without a store nothing is remembered.
    pub(crate) fn of(
        store: Option<&'a Store>,
        registry: &str,
        repository: &str,
        blob: &Digest,
    ) -> Self {
        let mut key = KeyMaker::new("upload", &[*blob]);
        key.add(registry).add(repository);
        Self { store, key: key.finish() }
    }

    /// Returns where an upload goes on whose process is gone.
    pub(crate) fn left(&self) -> Option<String> {
        let known: Remembered = self.store?.step(&self.key)?;
        let own = known.process == std::process::id();
        known.location.filter(|_| !own && !is_alive(known.process))
    }

    /// Remembers where this process goes on.
    pub(crate) fn keep(&self, location: &str) {
        self.put(Some(location.to_owned()));
    }

    /// Forgets the upload, which has ended.
    pub(crate) fn forget(&self) {
        let known: Option<Remembered> = self.store.and_then(|store| store.step(&self.key));
        if known.is_some_and(|known| known.location.is_some()) {
            self.put(None);
        }
    }

    fn put(&self, location: Option<String>) {
        if let Some(store) = self.store {
            let remembered = Remembered { location, process: std::process::id() };
            // What can't be remembered is sent from the beginning.
            let _ = store.put_step(&self.key, &remembered);
        }
    }
}

/// Says whether a process runs, or may run: one of somebody else is taken to.
fn is_alive(process: u32) -> bool {
    use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
    let Ok(number) = i32::try_from(process) else { return false };
    !matches!(kill(Pid::from_raw(number), None), Err(Errno::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_taken_over_only_from_a_process_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let blob = Digest::of(b"blob");
        let session = Session::of(Some(&store), "r.example", "a", &blob);
        assert_eq!(session.left(), None);
        session.keep("https://r.example/upload");
        assert_eq!(session.left(), None, "this process is still at it");
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        let process = gone.id();
        gone.wait().unwrap();
        let location = Some("https://r.example/upload".to_owned());
        store.put_step(&session.key, &Remembered { location: location.clone(), process }).unwrap();
        assert_eq!(session.left(), location);
        for (registry, repository) in [("s.example", "a"), ("r.example", "b")] {
            assert_eq!(Session::of(Some(&store), registry, repository, &blob).left(), None);
        }
        session.forget();
        assert_eq!(session.left(), None);
        assert_eq!(Session::of(None, "r.example", "a", &blob).left(), None);
    }
}
