use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{Finding, Outcome, Unit};

/// What a room reports while it works; the engine turns it into an [`crate::Event`].
#[derive(Debug, Clone, Copy)]
pub enum Report<'a> {
    /// A stage began.
    Started {
        /// What the stage works on.
        subject: &'a str,
    },
    /// A stage got further.
    Progress {
        /// What the stage works on.
        subject: &'a str,
        /// How much is done, the reused part included.
        done: u64,
        /// How much there is, when known.
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
        /// How much of `done` was reused.
        reused: u64,
    },
    /// A line of output, or a remark.
    Line(&'a str),
    /// Something is wrong in a user's file.
    Found(&'a Finding),
    /// A stage ended well.
    Finished {
        /// What the stage worked on.
        subject: &'a str,
        /// How it ended.
        outcome: Outcome,
        /// What came of it, one sentence.
        summary: &'a str,
    },
}

/// Takes the reports of rooms.
pub trait Reporter: Send + Sync {
    /// Takes one report on `stage`. Called as often as a room likes; must not block for long.
    fn report(&self, stage: &str, report: Report<'_>);
}

/// Forgets every report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _stage: &str, _report: Report<'_>) {}
}

/// The work was stopped by its [`CancellationToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Carries progress out of a slow function and cancellation into it.
///
/// A monitor belongs to one stage of a job; [`Monitor::stage`] gives one for another stage.
#[derive(Clone)]
pub struct Monitor {
    reporter: Arc<dyn Reporter>,
    cancel: CancellationToken,
    stage: Arc<str>,
}

impl Monitor {
    /// Returns a monitor for `stage`.
    pub fn new(reporter: Arc<dyn Reporter>, cancel: CancellationToken, stage: &str) -> Self {
        Self { reporter, cancel, stage: stage.into() }
    }

    /// Returns a monitor that reports nothing and is never cancelled.
    pub fn silent() -> Self {
        Self::new(Arc::new(Silent), CancellationToken::new(), "")
    }

    /// Returns a monitor for another stage of the same job.
    #[must_use]
    pub fn stage(&self, stage: &str) -> Self {
        Self { stage: stage.into(), ..self.clone() }
    }

    /// Returns a monitor for a part of the work that can be cancelled alone, by its own token.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { cancel: self.cancel.child_token(), ..self.clone() }
    }

    /// Returns the token that cancels the work.
    pub fn token(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Returns `Err(Cancelled)` once the work is to stop; call it between pieces of work.
    ///
    /// # Errors
    /// [`Cancelled`] if the token was cancelled.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.cancel.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Reports that the stage began to work on `subject`.
    pub fn started(&self, subject: &str) {
        self.reporter.report(&self.stage, Report::Started { subject });
    }

    /// Reports how far the stage is; see [`Report::Progress`].
    pub fn progress(&self, subject: &str, done: u64, total: Option<u64>, unit: Unit, reused: u64) {
        let report = Report::Progress { subject, done, total, unit, reused };
        self.reporter.report(&self.stage, report);
    }

    /// Reports a line of output or a remark.
    pub fn line(&self, text: &str) {
        self.reporter.report(&self.stage, Report::Line(text));
    }

    /// Reports something wrong in a user's file.
    pub fn found(&self, finding: &Finding) {
        self.reporter.report(&self.stage, Report::Found(finding));
    }

    /// Reports that the stage ended well, with what came of it.
    pub fn finished(&self, subject: &str, outcome: Outcome, summary: &str) {
        self.reporter.report(&self.stage, Report::Finished { subject, outcome, summary });
    }
}
