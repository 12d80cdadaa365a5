//! What one does with a target beyond a deploy: look, launch, allow, start, read.

mod allow;
mod apps;
mod list;
mod show;
mod truth;
mod workflow;

pub use allow::{AllowRequest, AllowState, AllowedDag};
pub use apps::{AppView, AppsView, CompleteRequest, Completed};
pub use list::{ExtKind, ExtList, ExtListRequest, Hardware, Maturity, Outdated};
pub use show::{ExtShow, ExtShowRequest, ReleaseView, SentView, VersionView};
pub use truth::{Truth, TruthLine, TruthRequest, TruthView};
pub use workflow::{
    JobView, TaskLogRequest, TaskLogView, WorkflowJobs, WorkflowJobsRequest, WorkflowListRequest,
    WorkflowStartRequest, WorkflowStarted, WorkflowView,
};
