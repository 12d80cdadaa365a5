use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    entry::{Entry, EntryKind},
    fold::fold,
    state::AppState,
};

/// How many entries are kept for who comes back; who is further behind gets a snapshot.
const KEPT: usize = 20_000;

/// Everything that happened, numbered, and the state it adds up to.
#[derive(Debug)]
pub(super) struct Log {
    inner: Mutex<Inner>,
    /// Number of the last entry, for those who wait for the next.
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    state: AppState,
    kept: VecDeque<Arc<Entry>>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { inner: Mutex::default(), last: watch::Sender::new(0) }
    }

    /// Numbers an entry, keeps it and wakes who waits.
    pub(super) fn publish(&self, kind: EntryKind) {
        let mut inner = self.lock();
        inner.last += 1;
        fold(&mut inner.state, &kind);
        let entry = Entry { seq: inner.last, kind };
        inner.kept.push_back(Arc::new(entry));
        if inner.kept.len() > KEPT {
            inner.kept.pop_front();
        }
        self.last.send_replace(inner.last);
    }

    /// Returns what a reader who has seen everything up to `after` has to see now.
    fn since(&self, after: Option<u64>) -> Vec<Arc<Entry>> {
        let inner = self.lock();
        let first = inner.last + 1 - inner.kept.len() as u64;
        match after {
            // The number of another run of the host counts as unknown when it can't be of this.
            Some(after) if after + 1 >= first && after <= inner.last => {
                let seen = usize::try_from(after + 1 - first).unwrap_or(usize::MAX);
                inner.kept.iter().skip(seen).cloned().collect()
            }
            _ => {
                let kind = EntryKind::Snapshot { state: inner.state.clone() };
                vec![Arc::new(Entry { seq: inner.last, kind })]
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of the log.
#[derive(Debug)]
pub struct Subscription {
    log: Arc<Log>,
    seen: Option<u64>,
    last: watch::Receiver<u64>,
}

impl Subscription {
    pub(super) fn new(log: Arc<Log>, after: Option<u64>) -> Self {
        let last = log.last.subscribe();
        Self { log, seen: after, last }
    }

    /// Waits until there is something to see and returns all of it, in order. A reader who fell
    /// too far behind gets a snapshot, so that nothing is lost.
    pub async fn next(&mut self) -> Vec<Arc<Entry>> {
        loop {
            self.last.mark_unchanged();
            let entries = self.log.since(self.seen);
            if let Some(entry) = entries.last() {
                self.seen = Some(entry.seq);
                return entries;
            }
            // The log outlives its readers, so the sender is there.
            if self.last.changed().await.is_err() {
                return Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Area;

    fn changed(log: &Log, count: usize) {
        (0..count).for_each(|_| log.publish(EntryKind::Changed { what: Area::Target }));
    }

    #[test]
    fn who_is_too_far_behind_gets_a_snapshot() {
        let log = Log::new();
        let numbers = |after| log.since(after).iter().map(|it| it.seq).collect::<Vec<_>>();
        assert!(numbers(Some(0)).is_empty(), "there is nothing to see yet");
        changed(&log, 3);
        assert_eq!(numbers(Some(0)), [1, 2, 3]);
        assert_eq!(numbers(Some(2)), [3]);
        assert!(numbers(Some(3)).is_empty());
        assert_eq!(numbers(None), [3]);
        assert_eq!(numbers(Some(4)), [3], "of another run of the host");
        changed(&log, KEPT);
        assert_eq!(numbers(Some(3)).len(), KEPT);
        assert_eq!(numbers(Some(2)), [KEPT as u64 + 3]);
        let first = log.since(Some(2));
        assert!(matches!(first[0].kind, EntryKind::Snapshot { .. }));
    }

    #[test]
    fn a_reader_sees_every_entry_once_whatever_thread_it_comes_from() {
        let log = Arc::new(Log::new());
        let mut reader = Subscription::new(Arc::clone(&log), Some(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| changed(&log, 500));
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut seen = Vec::new();
            runtime.block_on(async {
                while seen.len() < 2000 {
                    seen.extend(reader.next().await.iter().map(|it| it.seq));
                }
            });
            assert_eq!(seen, (1..=2000).collect::<Vec<u64>>());
        });
    }
}
