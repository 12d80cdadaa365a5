//! How far many blobs have come together.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use edk_model::{Monitor, Unit};

/// Adds up what is done of several blobs and reports it.
#[derive(Clone)]
pub(crate) struct Tally(Arc<Inner>);

struct Inner {
    monitor: Monitor,
    subject: String,
    total: u64,
    done: AtomicU64,
    reused: AtomicU64,
}

/// What is done of one blob.
#[derive(Clone)]
pub(crate) struct Part {
    tally: Tally,
    at: Arc<AtomicU64>,
}

impl Tally {
    pub(crate) fn new(subject: &str, total: u64, monitor: &Monitor) -> Self {
        let (done, reused) = (AtomicU64::new(0), AtomicU64::new(0));
        let (monitor, subject) = (monitor.clone(), subject.to_owned());
        Self(Arc::new(Inner { monitor, subject, total, done, reused }))
    }

    pub(crate) fn part(&self) -> Part {
        Part { tally: self.clone(), at: Arc::default() }
    }

    /// Counts a blob that was there.
    pub(crate) fn reuse(&self, size: u64) {
        self.0.reused.fetch_add(size, Ordering::Relaxed);
        self.0.done.fetch_add(size, Ordering::Relaxed);
        self.report();
    }

    pub(crate) fn reused(&self) -> u64 {
        self.0.reused.load(Ordering::Relaxed)
    }

    fn report(&self) {
        let Inner { monitor, subject, total, done, reused } = &*self.0;
        let (done, reused) = (done.load(Ordering::Relaxed), reused.load(Ordering::Relaxed));
        monitor.progress(subject, done, Some(*total), Unit::Bytes, reused);
    }
}

impl Part {
    pub(crate) fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    /// Says where it is now, which may be before where it was.
    pub(crate) fn set(&self, at: u64) {
        let before = self.at.swap(at, Ordering::Relaxed);
        // Wraps around when it goes back, as it should.
        self.tally.0.done.fetch_add(at.wrapping_sub(before), Ordering::Relaxed);
        self.tally.report();
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.set(self.at() + bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_and_goes_on_earlier_is_not_counted_twice() {
        let tally = Tally::new("x", 30, &Monitor::silent());
        let (one, two) = (tally.part(), tally.part());
        one.add(10);
        two.set(5);
        one.set(4);
        tally.reuse(3);
        assert_eq!((tally.0.done.load(Ordering::Relaxed), tally.reused()), (12, 3));
    }
}
