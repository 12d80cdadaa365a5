//! Entries -> state. The user interface has the same fold; a recorded run holds both together.

use edk_model::{Event, EventKind, Outcome};

use super::{
    entry::{EntryKind, JobChange},
    state::{AppState, JOBS_KEPT, Job, JobState, LINES_KEPT, OutputLine, Stage, StageState},
};

/// Takes one entry into the state. Entries on a job that is not known change nothing.
pub fn fold(state: &mut AppState, entry: &EntryKind) {
    match entry {
        EntryKind::Snapshot { state: all } => *state = all.clone(),
        EntryKind::Job { job, change: JobChange::Added(header) } => {
            state.jobs.push(Job {
                id: job.clone(),
                header: header.clone(),
                state: JobState::Running,
                seconds: None,
                stages: Vec::new(),
                lines: Vec::new(),
                lines_dropped: 0,
                findings: Vec::new(),
                failure: None,
                mend: None,
                response: None,
            });
            drop_oldest(state);
        }
        EntryKind::Job { job, change } => {
            if let Some(job) = find(state, job) {
                job.change(change);
            }
        }
        EntryKind::Event { job, event } => {
            if let Some(job) = find(state, job) {
                job.take(event);
            }
        }
        EntryKind::Changed { .. } => {}
    }
}

fn find<'a>(state: &'a mut AppState, id: &str) -> Option<&'a mut Job> {
    state.jobs.iter_mut().rev().find(|job| job.id == id)
}

/// Drops the oldest jobs that have ended while there are too many.
fn drop_oldest(state: &mut AppState) {
    while state.jobs.len() > JOBS_KEPT {
        let Some(at) = state.jobs.iter().position(|job| job.state.has_ended()) else { return };
        state.jobs.remove(at);
    }
}

impl JobState {
    /// Says whether nothing more will happen.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl Job {
    fn change(&mut self, change: &JobChange) {
        match change {
            JobChange::Added(_) => {}
            JobChange::Cancelling => {
                if self.state == JobState::Running {
                    self.state = JobState::Cancelling;
                }
            }
            JobChange::Ended { state, seconds, response, failure, mend } => {
                self.state = *state;
                self.seconds = Some(*seconds);
                self.response.clone_from(response);
                self.failure.clone_from(failure);
                self.mend.clone_from(mend);
                let left = match state {
                    JobState::Succeeded => StageState::Done,
                    _ => StageState::Failed,
                };
                let end = seconds * 1000.0;
                for stage in self.stages.iter_mut().filter(|it| it.state == StageState::Running) {
                    stage.state = left;
                    stage.seconds = Some(seconds_between(stage.started_ms, end as u64));
                }
            }
        }
    }

    fn take(&mut self, event: &Event) {
        let at_ms = event.at_ms;
        match &event.kind {
            EventKind::StageStarted { stage, subject } => {
                if self.running(stage, subject).is_none() {
                    self.stages.push(Stage::new(stage, subject, at_ms));
                }
            }
            EventKind::Progress { stage, subject, done, total, unit, reused } => {
                let shown = self.stage_of(stage, subject, at_ms);
                (shown.done, shown.total) = (Some(*done), *total);
                (shown.unit, shown.reused) = (Some(*unit), Some(*reused));
            }
            EventKind::Line { stage, text } => {
                let (stage, text) = (stage.clone(), text.clone());
                self.lines.push(OutputLine { at_ms, stage, text });
                if self.lines.len() > LINES_KEPT {
                    self.lines.remove(0);
                    self.lines_dropped += 1;
                }
            }
            EventKind::Found { finding } => self.findings.push(finding.clone()),
            EventKind::StageFinished { stage, subject, outcome, summary } => {
                let at = match self.running(stage, subject) {
                    Some(at) => at,
                    None => {
                        self.stages.push(Stage::new(stage, subject, at_ms));
                        self.stages.len() - 1
                    }
                };
                let shown = &mut self.stages[at];
                shown.state = match outcome {
                    Outcome::Done => StageState::Done,
                    Outcome::Reused => StageState::Reused,
                };
                shown.summary = Some(summary.clone());
                shown.seconds = Some(seconds_between(shown.started_ms, at_ms));
            }
            EventKind::JobStarted { .. }
            | EventKind::JobSucceeded { .. }
            | EventKind::JobFailed { .. } => {}
        }
    }

    /// The last stage that runs on `subject`.
    fn running(&self, stage: &str, subject: &str) -> Option<usize> {
        self.stages.iter().rposition(|it| {
            it.state == StageState::Running && it.stage == stage && it.subject == subject
        })
    }

    /// The stage which progress belongs to: that of the subject, else the last of this kind that
    /// runs (a room may count something inside of the subject), else a new one.
    fn stage_of(&mut self, stage: &str, subject: &str, at_ms: u64) -> &mut Stage {
        let of_kind = |it: &Stage| it.state == StageState::Running && it.stage == stage;
        let found = self.running(stage, subject);
        let at = match found.or_else(|| self.stages.iter().rposition(of_kind)) {
            Some(at) => at,
            None => {
                self.stages.push(Stage::new(stage, subject, at_ms));
                self.stages.len() - 1
            }
        };
        &mut self.stages[at]
    }
}

impl Stage {
    fn new(stage: &str, subject: &str, started_ms: u64) -> Self {
        Self {
            stage: stage.to_owned(),
            subject: subject.to_owned(),
            state: StageState::Running,
            started_ms,
            done: None,
            total: None,
            unit: None,
            reused: None,
            summary: None,
            seconds: None,
        }
    }
}

fn seconds_between(from_ms: u64, to_ms: u64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use edk_model::{Code, Failure, Finding, Unit};
    use proptest::prelude::*;

    use super::*;
    use crate::host::{Area, JobHeader};

    fn event() -> impl Strategy<Value = EventKind> {
        let stage = || prop_oneof![Just("build".to_owned()), Just("push".to_owned())];
        let subject = || prop_oneof![Just("a".to_owned()), Just("b".to_owned())];
        prop_oneof![
            (stage(), subject())
                .prop_map(|(stage, subject)| EventKind::StageStarted { stage, subject }),
            (stage(), subject(), 0..9_u64, proptest::option::of(9..99_u64)).prop_map(
                |(stage, subject, done, total)| {
                    let (unit, reused) = (Unit::Steps, done / 2);
                    EventKind::Progress { stage, subject, done, total, unit, reused }
                }
            ),
            (stage(), ".{0,5}").prop_map(|(stage, text)| EventKind::Line { stage, text }),
            (stage(), subject(), any::<bool>()).prop_map(|(stage, subject, reused)| {
                let outcome = if reused { Outcome::Reused } else { Outcome::Done };
                EventKind::StageFinished { stage, subject, outcome, summary: "it".to_owned() }
            }),
            Just(EventKind::Found { finding: Finding::error("a/rule", "wrong") }),
        ]
    }

    fn change() -> impl Strategy<Value = JobChange> {
        let header = JobHeader {
            command: "build".to_owned(),
            cli: "edk build".to_owned(),
            title: "Build".to_owned(),
            project: None,
            started_at: "2026-01-01T00:00:00.000Z".to_owned(),
        };
        let ended = |(ok, millis): (bool, u32)| JobChange::Ended {
            state: if ok { JobState::Succeeded } else { JobState::Failed },
            seconds: f64::from(millis) / 1000.0,
            response: ok.then(|| serde_json::json!({"a": 1})),
            failure: (!ok).then(|| Failure::new(Code::Io, "it broke")),
            mend: (!ok).then(|| serde_json::json!({"command": "build"})),
        };
        prop_oneof![
            Just(JobChange::Added(header)),
            Just(JobChange::Cancelling),
            (any::<bool>(), 0..9000_u32).prop_map(ended),
        ]
    }

    fn entry() -> impl Strategy<Value = EntryKind> {
        // Few jobs, so that entries meet; and one that was never added.
        let job = || (1..4_u8).prop_map(|number| format!("j{number}"));
        prop_oneof![
            2 => (job(), change()).prop_map(|(job, change)| EntryKind::Job { job, change }),
            6 => (job(), 0..9000_u64, event()).prop_map(|(job, at_ms, kind)| {
                EntryKind::Event { job, event: Event { seq: 1, at_ms, kind } }
            }),
            1 => Just(EntryKind::Changed { what: Area::Projects }),
        ]
    }

    fn sum(state: AppState, entries: &[EntryKind]) -> AppState {
        entries.iter().fold(state, |mut state, entry| {
            fold(&mut state, entry);
            state
        })
    }

    proptest! {
        #[test]
        fn a_snapshot_anywhere_comes_to_the_same_state(
            entries in proptest::collection::vec(entry(), 0..80),
            at in any::<proptest::sample::Index>(),
        ) {
            let at = at.index(entries.len() + 1);
            let all = sum(AppState::default(), &entries);
            let before = sum(AppState::default(), &entries[..at]);
            // A window may know something else from before, and reads the snapshot as JSON.
            let text = serde_json::to_string(&EntryKind::Snapshot { state: before }).unwrap();
            let snapshot: EntryKind = serde_json::from_str(&text).unwrap();
            let other = sum(AppState::default(), &entries[at..]);
            let mut after = vec![snapshot];
            after.extend_from_slice(&entries[at..]);
            prop_assert_eq!(sum(other, &after), all);
        }

        #[test]
        fn an_ended_job_has_no_running_stage(
            entries in proptest::collection::vec(entry(), 0..80),
        ) {
            let end = JobChange::Ended {
                state: JobState::Failed,
                seconds: 9.0,
                response: None,
                failure: None,
                mend: None,
            };
            let mut entries = entries;
            entries.extend((1..4).map(|number| EntryKind::Job {
                job: format!("j{number}"),
                change: end.clone(),
            }));
            let state = sum(AppState::default(), &entries);
            // Of jobs with the same id only the last is meant; ids of a host are never the same.
            let mut seen = std::collections::BTreeSet::new();
            for job in state.jobs.iter().rev().filter(|job| seen.insert(job.id.clone())) {
                prop_assert!(job.state.has_ended());
                prop_assert!(job.stages.iter().all(|it| it.state != StageState::Running));
            }
        }
    }

    fn added(number: usize) -> EntryKind {
        let header = JobHeader {
            command: "build".to_owned(),
            cli: String::new(),
            title: String::new(),
            project: None,
            started_at: String::new(),
        };
        EntryKind::Job { job: format!("j{number}"), change: JobChange::Added(header) }
    }

    #[test]
    fn the_oldest_job_that_has_ended_makes_room() {
        let mut state = AppState::default();
        for number in 1..=JOBS_KEPT {
            fold(&mut state, &added(number));
        }
        let end = JobChange::Ended {
            state: JobState::Failed,
            seconds: 1.0,
            response: None,
            failure: None,
            mend: None,
        };
        fold(&mut state, &EntryKind::Job { job: "j2".to_owned(), change: end });
        for number in JOBS_KEPT + 1..JOBS_KEPT + 4 {
            fold(&mut state, &added(number));
        }
        // One had ended; the others run and stay, however many they are.
        assert_eq!(state.jobs.len(), JOBS_KEPT + 2);
        assert_eq!(state.jobs[0].id, "j1");
        assert_eq!(state.jobs[1].id, "j3");
    }

    #[test]
    fn what_is_counted_inside_of_a_subject_shows_at_its_stage() {
        let mut state = AppState::default();
        fold(&mut state, &added(1));
        let (stage, subject) = ("build".to_owned(), "image".to_owned());
        let kinds = [
            EventKind::StageStarted { stage: stage.clone(), subject },
            EventKind::Progress {
                stage,
                subject: "Dockerfile".to_owned(),
                done: 1,
                total: Some(4),
                unit: Unit::Steps,
                reused: 0,
            },
        ];
        for kind in kinds {
            let event = Event { seq: 1, at_ms: 0, kind };
            fold(&mut state, &EntryKind::Event { job: "j1".to_owned(), event });
        }
        assert_eq!(state.jobs[0].stages.len(), 1);
        assert_eq!(state.jobs[0].stages[0].total, Some(4));
    }
}
