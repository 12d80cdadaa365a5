use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use edk_model::{Event, EventKind, Report, Reporter};

/// Takes the events of a job, in order.
pub type EventSink = Arc<dyn Fn(&Event) + Send + Sync>;

/// Turns reports of rooms into the numbered events of one job.
pub struct Dispatcher {
    started: Instant,
    /// Number of the last event; held while it is passed on, so that the order is that of the
    /// numbers.
    last: Mutex<u64>,
    sink: EventSink,
}

impl Dispatcher {
    /// Starts the stream of a job now.
    pub fn new(sink: EventSink) -> Self {
        Self { started: Instant::now(), last: Mutex::new(0), sink }
    }

    /// Numbers an event and passes it on.
    pub fn emit(&self, kind: EventKind) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        (self.sink)(&Event { seq: *last, at_ms, kind });
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

impl Reporter for Dispatcher {
    fn report(&self, stage: &str, report: Report<'_>) {
        let stage = stage.to_owned();
        self.emit(match report {
            Report::Started { subject } => {
                EventKind::StageStarted { stage, subject: subject.to_owned() }
            }
            Report::Progress { subject, done, total, unit, reused } => EventKind::Progress {
                stage,
                subject: subject.to_owned(),
                done,
                total,
                unit,
                reused,
            },
            Report::Line(text) => EventKind::Line { stage, text: text.to_owned() },
            Report::Found(finding) => EventKind::Found { finding: finding.clone() },
            Report::Finished { subject, outcome, summary } => EventKind::StageFinished {
                stage,
                subject: subject.to_owned(),
                outcome,
                summary: summary.to_owned(),
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use edk_model::{CancellationToken, Monitor};

    use super::*;

    #[test]
    fn events_are_numbered_without_gaps_whatever_thread_they_come_from() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let sink: EventSink = Arc::new(move |event: &Event| keep.lock().unwrap().push(event.seq));
        let dispatcher = Arc::new(Dispatcher::new(sink));
        let monitor = Monitor::new(dispatcher, CancellationToken::new(), "stage");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|n| monitor.line(&n.to_string())));
            }
        });
        assert_eq!(*seen.lock().unwrap(), (1..=200).collect::<Vec<u64>>());
    }
}
