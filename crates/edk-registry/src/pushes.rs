//! Pushes under way, each a lease on the store.
//!
//! A push is many requests, and nothing says where it begins or ends. A repository has one from the
//! first request that only a push makes until nothing came for a while.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use edk_model::Digest;
use edk_store::{Lease, Store, StoreError};
use tokio::{task, time};

use crate::refusal::Refusal;

/// How long a push may be silent while no upload of its repository is open. Clients send the next
/// request at once; only within an upload do they read, compress or wait for a person.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The repositories to which something is being pushed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pushes(Arc<Mutex<HashMap<String, Push>>>);

#[derive(Debug)]
struct Push {
    _lease: Lease,
    touched: Instant,
    /// How many uploads are open.
    uploads: usize,
    /// The blobs that came with it, whole.
    brought: HashSet<Digest>,
}

/// An open upload: its push lasts at least as long.
#[derive(Debug)]
pub(crate) struct OpenUpload {
    pushes: Pushes,
    repository: String,
}

impl Pushes {
    /// Notes that something is being pushed to `repository`.
    ///
    /// # Errors
    /// [`Refusal::Store`] if no lease can be had.
    pub(crate) async fn touch(&self, store: &Store, repository: &str) -> Result<(), Refusal> {
        if self.note(repository) {
            return Ok(());
        }
        let leasing = store.clone();
        let lease = task::spawn_blocking(move || match leasing.lease() {
            // A store that can't be written can't be collected either.
            Err(StoreError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem =>
            {
                Ok(None)
            }
            other => other.map(Some),
        });
        if let Some(lease) = lease.await?? {
            let push = Push {
                _lease: lease,
                touched: Instant::now(),
                uploads: 0,
                brought: HashSet::new(),
            };
            if self.lock().insert(repository.to_owned(), push).is_none() {
                self.end_when_silent(repository.to_owned());
            }
        }
        Ok(())
    }

    /// Notes an upload that stays open for as long as what is returned.
    pub(crate) fn open(&self, repository: &str) -> OpenUpload {
        if let Some(push) = self.lock().get_mut(repository) {
            push.uploads += 1;
        }
        OpenUpload { pushes: self.clone(), repository: repository.to_owned() }
    }

    /// Notes that the whole blob came with the push to `repository`.
    pub(crate) fn bring(&self, repository: &str, digest: Digest) {
        if let Some(push) = self.lock().get_mut(repository) {
            push.brought.insert(digest);
        }
    }

    /// Says whether the blob came with the push to `repository` that is under way.
    pub(crate) fn brought(&self, repository: &str, digest: &Digest) -> bool {
        self.lock().get(repository).is_some_and(|push| push.brought.contains(digest))
    }

    fn note(&self, repository: &str) -> bool {
        let mut pushes = self.lock();
        let push = pushes.get_mut(repository);
        push.map(|push| push.touched = Instant::now()).is_some()
    }

    fn end_when_silent(&self, repository: String) {
        let pushes = self.clone();
        task::spawn(async move {
            loop {
                time::sleep(PATIENCE).await;
                let mut pushes = pushes.lock();
                let over = |push: &Push| push.uploads == 0 && push.touched.elapsed() >= PATIENCE;
                if pushes.get(&repository).is_none_or(over) {
                    pushes.remove(&repository);
                    return;
                }
            }
        });
    }

    /// No code runs under the lock that could leave the map half-changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Push>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        if let Some(push) = self.pushes.lock().get_mut(&self.repository) {
            push.uploads = push.uploads.saturating_sub(1);
            push.touched = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn held(pushes: &Pushes) -> Vec<String> {
        let mut names: Vec<_> = pushes.lock().keys().cloned().collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_push_lasts_while_an_upload_is_open_and_ends_after_a_silence() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let pushes = Pushes::default();
        pushes.touch(&store, "a").await.unwrap();
        pushes.touch(&store, "b").await.unwrap();
        pushes.touch(&store, "b").await.unwrap();
        let leases = || std::fs::read_dir(folder.path().join("leases")).unwrap().count();
        assert_eq!((held(&pushes).await, leases()), (vec!["a".into(), "b".into()], 2));
        let open = pushes.open("a");
        let long_ago = Instant::now().checked_sub(PATIENCE).unwrap();
        for push in pushes.lock().values_mut() {
            push.touched = long_ago;
        }
        time::pause();
        time::sleep(PATIENCE + Duration::from_secs(1)).await;
        assert_eq!((held(&pushes).await, leases()), (vec!["a".into()], 1));
        drop(open);
        pushes.lock().get_mut("a").unwrap().touched = long_ago;
        time::sleep(PATIENCE + Duration::from_secs(1)).await;
        assert_eq!((held(&pushes).await, leases()), (vec![], 0));
    }
}
