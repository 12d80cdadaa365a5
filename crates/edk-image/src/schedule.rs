//! Work whose parts need each other, several at a time.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use edk_model::Monitor;

/// Does the parts `0..needs.len()`, at most `workers` at the same time, each after those it needs:
/// `body` gets its number, the results there are so far, and a monitor that is cancelled as soon as
/// another part fails. Parts are begun in their order. What stands on itself is never begun.
///
/// # Errors
/// Of the parts that failed, the error of the first; `cancelled` says whether an error only tells of
/// the end of others.
pub fn in_parallel<T, E>(
    needs: &[BTreeSet<usize>],
    workers: usize,
    monitor: &Monitor,
    cancelled: impl Fn(&E) -> bool,
    body: impl Fn(usize, &[Option<T>], &Monitor) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E>
where
    T: Clone + Send,
    E: Send,
{
    let part = monitor.part();
    let state = State {
        waiting: (0..needs.len()).collect(),
        running: 0,
        done: needs.iter().map(|_| None).collect(),
        failed: Vec::new(),
    };
    let shared = Shared { state: Mutex::new(state), changed: Condvar::new(), needs };
    let work = || {
        while let Some((at, done)) = shared.next() {
            let result = body(at, &done, &part);
            if result.is_err() {
                part.token().cancel();
            }
            shared.finished(at, result);
        }
    };
    if workers <= 1 || needs.len() <= 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 1..workers.min(needs.len()) {
                scope.spawn(work);
            }
            work();
        });
    }
    let state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut failed = state.failed;
    failed.sort_by_key(|(at, error)| (cancelled(error), *at));
    match failed.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(state.done.into_iter().flatten().collect()),
    }
}

struct Shared<'a, T, E> {
    state: Mutex<State<T, E>>,
    changed: Condvar,
    needs: &'a [BTreeSet<usize>],
}

struct State<T, E> {
    waiting: BTreeSet<usize>,
    running: usize,
    done: Vec<Option<T>>,
    failed: Vec<(usize, E)>,
}

impl<T: Clone, E> Shared<'_, T, E> {
    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next part that has all it needs; waits for one as long as others are being done.
    fn next(&self) -> Option<(usize, Vec<Option<T>>)> {
        let mut state = self.state();
        loop {
            if !state.failed.is_empty() {
                return None;
            }
            let ready = |at: &&usize| {
                self.needs[**at]
                    .iter()
                    .all(|need| state.done.get(*need).is_some_and(Option::is_some))
            };
            if let Some(&at) = state.waiting.iter().find(ready) {
                state.waiting.remove(&at);
                state.running += 1;
                return Some((at, state.done.clone()));
            }
            if state.running == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finished(&self, at: usize, result: Result<T, E>) {
        let mut state = self.state();
        state.running -= 1;
        match result {
            Ok(value) => state.done[at] = Some(value),
            Err(error) => state.failed.push((at, error)),
        }
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn needs(all: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        all.iter().map(|some| some.iter().copied().collect()).collect()
    }

    #[test]
    fn a_part_begins_after_what_it_needs_and_sees_its_results() {
        for workers in [1, 2, 4] {
            let needs = needs(&[&[], &[0], &[], &[1, 2]]);
            let sum = in_parallel(
                &needs,
                workers,
                &Monitor::silent(),
                |(): &()| false,
                |at, done, _| {
                    let below: usize = needs[at].iter().map(|&need| done[need].unwrap()).sum();
                    Ok(at + 1 + below)
                },
            );
            assert_eq!(sum, Ok(vec![1, 3, 3, 10]), "{workers}");
        }
    }

    #[test]
    fn independent_parts_are_done_at_the_same_time() {
        // Each waits for the other.
        let both = Barrier::new(2);
        let done = in_parallel(
            &needs(&[&[], &[]]),
            2,
            &Monitor::silent(),
            |(): &()| false,
            |at, _, _| {
                both.wait();
                Ok(at)
            },
        );
        assert_eq!(done, Ok(vec![0, 1]));
    }

    #[test]
    fn a_failure_cancels_the_others_and_is_what_is_told() {
        let both = Barrier::new(2);
        let monitor = Monitor::silent();
        let result = in_parallel(
            &needs(&[&[], &[], &[0]]),
            2,
            &monitor,
            |e| *e == "cancelled",
            |at, _, part| {
                both.wait();
                if at == 1 {
                    return Err("failed");
                }
                while part.check().is_ok() {
                    std::thread::yield_now();
                }
                Err::<(), _>("cancelled")
            },
        );
        assert_eq!(result, Err("failed"));
        assert!(monitor.check().is_ok(), "whoever asked for the work goes on");
    }
}
