//! Events: what a job tells while it runs.
//!
//! The enum is closed. Adding a kind means touching: this file, the terminal renderer of the
//! command line, and the events page of the documentation.

use serde::{Deserialize, Serialize};

use crate::{Failure, Finding};

/// What a [`EventKind::Progress`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Files.
    Files,
    /// Layers of an image.
    Layers,
    /// Steps of a plan.
    Steps,
}

/// How a stage ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Outcome {
    /// The work was done.
    Done,
    /// Nothing had to be done: an earlier result was reused.
    Reused,
}

/// One thing that happened, numbered and timed by the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Event {
    /// Number of the event in its job, from 1, without gaps.
    pub seq: u64,
    /// Milliseconds since the job started.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum EventKind {
    /// A job began.
    JobStarted {
        /// The command, such as `build`.
        job: String,
    },
    /// A stage of the job began.
    StageStarted {
        /// Name of the stage, such as `build`.
        stage: String,
        /// What it works on, such as the name of an image.
        subject: String,
    },
    /// A stage got further. May be dropped by a host that is shown too many.
    Progress {
        /// Name of the stage.
        stage: String,
        /// What it works on.
        subject: String,
        /// How much is done, the reused part included.
        done: u64,
        /// How much there is, when known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "typescript", ts(optional))]
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
        /// How much of `done` was reused from earlier work.
        reused: u64,
    },
    /// A line of output of a command of the user's, or a remark.
    Line {
        /// Name of the stage.
        stage: String,
        /// The text, without its line end.
        text: String,
    },
    /// Something is wrong in a user's file.
    Found {
        /// The finding.
        finding: Finding,
    },
    /// A stage ended well.
    StageFinished {
        /// Name of the stage.
        stage: String,
        /// What it worked on.
        subject: String,
        /// How it ended.
        outcome: Outcome,
        /// What came of it, one sentence.
        summary: String,
    },
    /// The job ended well.
    JobSucceeded {
        /// What came of it, one sentence.
        summary: String,
    },
    /// The job ended without its result.
    JobFailed {
        /// Why.
        failure: Failure,
    },
}
