//! What one does with a target beyond a deploy: commands, what comes of them, and their words.

use edk_engine::{
    AllowRequest, AllowState, AllowedDag, AppsView, CompleteRequest, Completed, Engine,
    EngineError, ExtList, ExtListRequest, ExtShow, ExtShowRequest, JobView, TargetRequest,
    TaskLogRequest, TaskLogView, Truth, TruthRequest, TruthView, WorkflowJobs, WorkflowJobsRequest,
    WorkflowListRequest, WorkflowStartRequest, WorkflowStarted, WorkflowView,
};
use edk_model::Monitor;
use serde::Serialize;

use crate::looks;

/// What one does with a target beyond a deploy.
#[derive(Debug, Clone)]
pub enum ExtCommand {
    /// List what is there, filtered.
    List(ExtListRequest),
    /// Look at one extension.
    Show(ExtShowRequest),
    /// List the applications that are open.
    Apps(TargetRequest),
    /// Complete an application.
    Complete(CompleteRequest),
    /// Allow DAGs in the project.
    Allow(AllowRequest),
    /// Tell what of an extension is there.
    Truth(TruthRequest),
    /// Start a workflow.
    Start(WorkflowStartRequest),
    /// List workflows.
    Workflows(WorkflowListRequest),
    /// Look at the jobs of a workflow.
    Jobs(WorkflowJobsRequest),
    /// Read the log of a task.
    Log(TaskLogRequest),
}

/// What came of an [`ExtCommand`].
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ExtResponse {
    /// Of [`ExtCommand::List`].
    List(ExtList),
    /// Of [`ExtCommand::Show`].
    Show(Box<ExtShow>),
    /// Of [`ExtCommand::Apps`].
    Apps(AppsView),
    /// Of [`ExtCommand::Complete`].
    Completed(Completed),
    /// Of [`ExtCommand::Allow`].
    Allowed(Vec<AllowedDag>),
    /// Of [`ExtCommand::Truth`].
    Truth(TruthView),
    /// Of [`ExtCommand::Start`].
    Started(WorkflowStarted),
    /// Of [`ExtCommand::Workflows`].
    Workflows(Vec<WorkflowView>),
    /// Of [`ExtCommand::Jobs`].
    Jobs(WorkflowJobs),
    /// Of [`ExtCommand::Log`].
    Log(TaskLogView),
}

impl ExtCommand {
    /// Returns the name of the command as the command line has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "ext list",
            Self::Show(_) => "ext show",
            Self::Apps(_) => "ext apps",
            Self::Complete(_) => "ext complete",
            Self::Allow(_) => "ext allow",
            Self::Truth(_) => "status --truth",
            Self::Start(_) => "workflow start",
            Self::Workflows(_) => "workflow list",
            Self::Jobs(_) => "workflow jobs",
            Self::Log(_) => "workflow logs",
        }
    }
}

pub(crate) fn dispatch(
    engine: &Engine,
    command: &ExtCommand,
    monitor: &Monitor,
) -> Result<ExtResponse, EngineError> {
    Ok(match command {
        ExtCommand::List(request) => ExtResponse::List(engine.ext_list(request, monitor)?),
        ExtCommand::Show(request) => {
            ExtResponse::Show(Box::new(engine.ext_show(request, monitor)?))
        }
        ExtCommand::Apps(request) => ExtResponse::Apps(engine.ext_apps(&request.target, monitor)?),
        ExtCommand::Complete(request) => {
            ExtResponse::Completed(engine.ext_complete(request, monitor)?)
        }
        ExtCommand::Allow(request) => ExtResponse::Allowed(engine.ext_allow(request, monitor)?),
        ExtCommand::Truth(request) => ExtResponse::Truth(engine.truth(request, monitor)?),
        ExtCommand::Start(request) => {
            ExtResponse::Started(engine.workflow_start(request, monitor)?)
        }
        ExtCommand::Workflows(request) => {
            ExtResponse::Workflows(engine.workflow_list(request, monitor)?)
        }
        ExtCommand::Jobs(request) => ExtResponse::Jobs(engine.workflow_jobs(request, monitor)?),
        ExtCommand::Log(request) => ExtResponse::Log(engine.workflow_log(request, monitor)?),
    })
}

pub(crate) fn text(response: &ExtResponse) -> Vec<String> {
    match response {
        ExtResponse::List(list) => listed(list),
        ExtResponse::Show(show) => shown(show),
        ExtResponse::Apps(view) => apps(view),
        ExtResponse::Completed(done) => {
            vec![format!("{} is completed on {}", done.release, done.target)]
        }
        ExtResponse::Allowed(all) => all.iter().map(allowed).collect(),
        ExtResponse::Truth(view) => truth(view),
        ExtResponse::Started(started) => {
            let mut lines: Vec<String> = started.jobs.iter().map(job).collect();
            lines.push(format!("{} on {}", started.workflow, started.target));
            lines
        }
        ExtResponse::Workflows(all) if all.is_empty() => vec!["no workflow".to_owned()],
        ExtResponse::Workflows(all) => all
            .iter()
            .map(|it| format!("{}  {}  {}", it.name, it.dag, it.created_at).trim_end().to_owned())
            .collect(),
        ExtResponse::Jobs(view) => view
            .jobs
            .iter()
            .flat_map(|it| {
                let tasks = it.tasks.iter().map(|(task, state)| format!("  {task}  {state}"));
                std::iter::once(job(it)).chain(tasks).collect::<Vec<_>>()
            })
            .collect(),
        ExtResponse::Log(view) => view.log.lines().map(str::to_owned).collect(),
    }
}

fn listed(list: &ExtList) -> Vec<String> {
    let mut lines = match (list.extensions.as_slice(), list.total) {
        ([], 1..) => vec![format!("none of {} passes the filters", list.total)],
        (rows, _) => looks::extensions(rows),
    };
    if let Some(outdated) = &list.outdated {
        lines.push(format!("this was so at {}: {}", outdated.at, outdated.reason));
    }
    lines
}

fn shown(show: &ExtShow) -> Vec<String> {
    let row = &show.extension;
    let mut marks = vec![row.kind.as_str()];
    marks.extend(row.experimental.then_some("experimental"));
    marks.extend(row.gpu.then_some("needs a GPU"));
    marks.extend(row.multi.then_some("launched, each time as a release of its own"));
    let mut lines = vec![format!("{}  {}", row.name, row.description), marks.join(", ")];
    for chart in &show.charts {
        let origin = match &chart.sent {
            Some(sent) => format!("sent from here {}", sent.at),
            None => "not sent from here".to_owned(),
        };
        lines.push(format!("version {}  {origin}", chart.version));
    }
    for (name, parameter) in row.params.as_object().into_iter().flatten() {
        let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
        let default = &parameter["default"];
        let value = if default.is_null() { String::new() } else { format!(" = {default}") };
        lines.push(format!("parameter {name}{value}  {}  {}", text("type"), text("definition")));
    }
    for release in &show.releases {
        let ready = if release.ready { "ready" } else { "not ready" };
        let (name, version, status) = (&release.release, &release.version, &release.helm_status);
        lines.push(format!("release {name}  {version}, {status}, {ready}"));
        lines.extend(release.pods.iter().map(|pod| {
            let reason = pod.reason.as_ref().map_or(String::new(), |it| format!(" ({it})"));
            format!("  {}  {}{reason}", pod.name, pod.status)
        }));
        lines.extend(release.links.iter().map(|link| format!("  {link}")));
    }
    if show.releases.is_empty() {
        lines.push("not installed".to_owned());
    }
    lines
}

fn apps(view: &AppsView) -> Vec<String> {
    let mut lines = Vec::new();
    for app in &view.apps {
        let state = match app.ready {
            Some(true) => "ready",
            Some(false) => "not ready",
            None => "",
        };
        let waits = if app.from_workflow { "a workflow waits for it" } else { "" };
        let parts = [app.release.as_str(), app.project.as_str(), state, waits];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        lines.push(parts.join("  "));
        lines.extend(app.links.iter().map(|link| format!("  {link}")));
    }
    if lines.is_empty() {
        lines.push(format!("no application is open on {}", view.target));
    }
    lines
}

fn allowed(dag: &AllowedDag) -> String {
    let state = match dag.state {
        AllowState::Allowed => "allowed in the project",
        AllowState::Already => "was allowed before",
        AllowState::NotNeeded => "needs no permission: the platform is older than 0.5.0",
    };
    format!("{}  {state}", dag.dag)
}

fn truth(view: &TruthView) -> Vec<String> {
    let line = |it: &edk_engine::TruthLine| {
        let truth = match it.truth {
            Truth::WorkingTree => "this working tree",
            Truth::Older => "older revision",
            Truth::Foreign => "someone else's",
            Truth::Unknown => "unknown",
            Truth::Absent => "not there",
        };
        format!("{:>7}  {}  {truth} ({})", it.what, it.name, it.why)
    };
    view.lines.iter().map(line).collect()
}

fn job(it: &JobView) -> String {
    let said = if it.description.is_empty() { "" } else { "  " };
    format!("job {}  {}  {}{said}{}", it.id, it.dag, it.status, it.description)
}
