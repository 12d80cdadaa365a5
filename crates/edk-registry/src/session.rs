use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use edk_store::{BlobWriter, StoreError};
use futures_util::StreamExt as _;
use tokio::{sync, task};
use uuid::Uuid;

use crate::{pushes::OpenUpload, refusal::Refusal};

/// How long an upload may be silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How many uploads may be unfinished at the same time: each holds files open, of which a process
/// may have some thousand.
const MOST: usize = 256;

/// How many pieces of a body may wait for the disk; a piece has at most some hundred KiB.
const WAITING: usize = 16;

/// The blob being written; `None` once it is finished.
pub(crate) type Slot = Arc<sync::Mutex<Option<BlobWriter>>>;

/// The blob being written, held by one request.
pub(crate) type Held = sync::OwnedMutexGuard<Option<BlobWriter>>;

/// Uploads which are not finished. Their bytes are files in the store that vanish with them.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<Uuid, Session>>);

#[derive(Debug)]
struct Session {
    repository: String,
    slot: Slot,
    touched: Instant,
    _open: OpenUpload,
}

impl Sessions {
    /// Keeps a new upload and returns its id; drops those that were silent for too long, and of too
    /// many the one that was silent for longest.
    pub(crate) fn start(
        &self,
        repository: &str,
        writer: BlobWriter,
        open: OpenUpload,
        now: Instant,
    ) -> Uuid {
        let (id, slot) = (Uuid::new_v4(), slot(writer));
        let mut sessions = self.lock();
        // Who holds a slot is at work on it, however long ago the request came in.
        sessions.retain(|_, session| {
            now.duration_since(session.touched) < PATIENCE || Arc::strong_count(&session.slot) > 1
        });
        if sessions.len() >= MOST {
            let idle = sessions.iter().filter(|(_, it)| Arc::strong_count(&it.slot) == 1);
            let silent = idle.min_by_key(|(_, session)| session.touched).map(|(id, _)| *id);
            silent.map(|id| sessions.remove(&id));
        }
        let repository = repository.to_owned();
        sessions.insert(id, Session { repository, slot, touched: now, _open: open });
        id
    }

    /// Returns the upload `id` of `repository`.
    ///
    /// # Errors
    /// [`Refusal::UploadUnknown`] if there is none.
    pub(crate) fn find(&self, repository: &str, id: Uuid, now: Instant) -> Result<Slot, Refusal> {
        match self.lock().get_mut(&id).filter(|session| session.repository == repository) {
            Some(session) => {
                session.touched = now;
                Ok(Arc::clone(&session.slot))
            }
            None => Err(Refusal::UploadUnknown { id: id.to_string() }),
        }
    }

    /// Forgets the upload `id`.
    pub(crate) fn end(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// No code runs under the lock that could leave the map half-changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wraps a writer, so that it can be handed to a thread and back.
pub(crate) fn slot(writer: BlobWriter) -> Slot {
    Arc::new(sync::Mutex::new(Some(writer)))
}

/// Appends `body` to the blob, hashing and writing on a thread of its own while more arrives.
///
/// When the body breaks off, or the request is dropped, the bytes that came stay in the upload: the
/// client asks how many there are and goes on from there.
///
/// # Errors
/// [`Refusal::UploadInvalid`] if the body breaks off, [`Refusal::BlobTooLarge`] if the blob would
/// have more than `limit` bytes, [`Refusal::Store`] if the disk refuses.
pub(crate) async fn append(held: Held, body: Body, limit: u64) -> Result<Held, Refusal> {
    if body.is_end_stream() {
        return Ok(held);
    }
    let (sender, receiver) = sync::mpsc::channel(WAITING);
    let writing = task::spawn_blocking(move || write(held, receiver, limit));
    let mut pieces = body.into_data_stream();
    let mut broken = None;
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => {
                if sender.send(piece).await.is_err() {
                    // The writer is gone only after an error, which it returns below.
                    break;
                }
            }
            Err(error) => {
                broken = Some(Refusal::UploadInvalid { reason: format!("broke off: {error}") });
                break;
            }
        }
    }
    drop(sender);
    let held = writing.await??;
    broken.map_or(Ok(held), Err)
}

fn write(
    mut held: Held,
    mut pieces: sync::mpsc::Receiver<Bytes>,
    limit: u64,
) -> Result<Held, Refusal> {
    if let Some(writer) = held.as_mut() {
        while let Some(piece) = pieces.blocking_recv() {
            if writer.size().saturating_add(piece.len() as u64) > limit {
                return Err(Refusal::BlobTooLarge { limit });
            }
            writer
                .write_all(&piece)
                .map_err(|source| StoreError::Io { path: "incoming".into(), source })?;
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use edk_store::Store;

    use super::*;

    #[test]
    fn a_silent_upload_is_given_up_unless_a_request_is_at_work_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (sessions, begin) = (Sessions::default(), Instant::now());
        let open = || crate::pushes::Pushes::default().open("a");
        let start = |now| sessions.start("a", store.writer().unwrap(), open(), now);
        let (silent, busy, touched) = (start(begin), start(begin), start(begin));
        let slot = sessions.find("a", busy, begin).unwrap();
        sessions.find("a", touched, begin + PATIENCE / 2).unwrap();
        let now = begin + PATIENCE;
        let fresh = start(now);
        for (id, known) in [(silent, false), (busy, true), (touched, true), (fresh, true)] {
            assert_eq!(sessions.find("a", id, now).is_ok(), known);
        }
        drop(slot);
        assert_eq!(std::fs::read_dir(folder.path().join("incoming")).unwrap().count(), 3);
    }

    #[test]
    fn of_too_many_uploads_the_one_that_was_silent_for_longest_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (sessions, begin) = (Sessions::default(), Instant::now());
        let pushes = crate::pushes::Pushes::default();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let start = |now| sessions.start("a", store.writer().unwrap(), pushes.open("a"), at(now));
        let (busy, touched, silent) = (start(0), start(0), start(0));
        let held = sessions.find("a", busy, begin).unwrap();
        sessions.find("a", touched, at(2)).unwrap();
        for _ in 3..=MOST {
            start(1);
        }
        let known = |id| sessions.find("a", id, at(2)).is_ok();
        assert_eq!([busy, touched, silent].map(known), [true, true, false]);
        let open = std::fs::read_dir(folder.path().join("incoming")).unwrap().count();
        assert_eq!(open, MOST);
        drop(held);
    }
}
