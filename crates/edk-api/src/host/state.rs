use edk_model::{Failure, Finding, Unit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many jobs the state keeps; the oldest that has ended goes first.
pub const JOBS_KEPT: usize = 50;
/// How many lines of output a job keeps; the oldest go first.
pub const LINES_KEPT: usize = 500;

/// All that a window shows of the host's jobs: a fold over the entries of its log.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct AppState {
    /// The jobs, oldest first.
    pub jobs: Vec<Job>,
}

/// A job as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Job {
    /// Its id, such as `j3`.
    pub id: String,
    /// What it was asked for as.
    #[serde(flatten)]
    pub header: JobHeader,
    /// How it stands.
    pub state: JobState,
    /// Wall time of all of it, in seconds, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Its stages, in the order they began.
    pub stages: Vec<Stage>,
    /// Its last lines of output.
    pub lines: Vec<OutputLine>,
    /// How many earlier lines were dropped.
    pub lines_dropped: u64,
    /// What is wrong in the user's files.
    pub findings: Vec<Finding>,
    /// Why it has no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What mends it, when we can: the input of `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<crate::host::JobRequest>"))]
    pub mend: Option<Value>,
    /// What came of it: the outcome of its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

/// What a job was asked for as; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct JobHeader {
    /// Name of the command, as given to `start`.
    pub command: String,
    /// The command line that does the same.
    pub cli: String,
    /// What is done, for a person.
    pub title: String,
    /// Folder of the extension it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it began (RFC 3339).
    pub started_at: String,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum JobState {
    /// It works.
    Running,
    /// It was told to stop and has not stopped yet.
    Cancelling,
    /// It ended with its result.
    Succeeded,
    /// It ended without its result.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// A stage of a job: a kind of work on one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Stage {
    /// The kind of work, such as `build`.
    pub stage: String,
    /// What it works on, such as the name of an image.
    pub subject: String,
    /// How it stands.
    pub state: StageState,
    /// When it began, in milliseconds since the job did.
    pub started_ms: u64,
    /// How much is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// How much there is, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// How much of `done` was reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused: Option<u64>,
    /// What came of it, one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Wall time in seconds, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum StageState {
    /// It works.
    Running,
    /// The work was done.
    Done,
    /// Nothing had to be done.
    Reused,
    /// The job ended before it did.
    Failed,
}

/// A line of a job's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct OutputLine {
    /// When, in milliseconds since the job began.
    pub at_ms: u64,
    /// The stage it came from.
    pub stage: String,
    /// The text.
    pub text: String,
}
