use edk_model::{Event, Failure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::{AppState, JobHeader, JobState};

/// One line of the stream of `/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Entry {
    /// Number of the entry, rising by one; a snapshot has that of the last entry it contains.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub kind: EntryKind,
}

/// What an [`Entry`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum EntryKind {
    /// Everything up to here; replaces what was known.
    Snapshot {
        /// The state.
        state: AppState,
    },
    /// A job came, or changed as a whole.
    Job {
        /// Its id.
        job: String,
        /// How it changed.
        change: JobChange,
    },
    /// Something happened in a job.
    Event {
        /// Its id.
        job: String,
        /// The event, as in the page on events.
        event: Event,
    },
    /// Something that is asked for by a command is no longer what it was.
    Changed {
        /// What to ask for again.
        what: Area,
    },
}

/// How a job changed as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum JobChange {
    /// It is there and runs.
    Added(JobHeader),
    /// It was told to stop.
    Cancelling,
    /// It has ended.
    Ended {
        /// How: `succeeded`, `failed` or `cancelled`.
        state: JobState,
        /// Wall time in seconds.
        seconds: f64,
        /// What came of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typescript", ts(optional))]
        response: Option<Value>,
        /// Why there is no result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typescript", ts(optional))]
        failure: Option<Failure>,
        /// What mends it, when we can: the input of `start`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typescript", ts(as = "Option<crate::host::JobRequest>", optional))]
        mend: Option<Value>,
    },
}

/// What can be out of date in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Area {
    /// The list of projects.
    Projects,
    /// The files of a project that is open.
    Files,
    /// The settings.
    Settings,
    /// The registry and the bases.
    Registry,
    /// The extensions of a target.
    Target,
    /// The history of jobs.
    History,
}
