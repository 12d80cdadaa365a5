//! What was only looked at, in words.

use edk_engine::{DeployPlan, Diagnosis, ExtensionView, Health, ProjectView, RepositoryView};
use edk_model::Finding;

use crate::text::size;

pub(crate) fn project(view: &ProjectView) -> Vec<String> {
    let mut lines = vec![format!("{} in {}", view.name, view.folder.display())];
    for image in &view.images {
        let mark = if image.stale { "*" } else { "=" };
        lines.push(format!("{mark} image {}  {}", image.name, image.why));
    }
    for chart in &view.charts {
        lines.push(format!("  chart {} {}", chart.name, chart.version));
    }
    lines.extend(view.dags.iter().map(|dag| {
        let id = dag.id.as_deref().unwrap_or("without a written id");
        let asked: Vec<&str> = dag.questions().map(|(name, _)| name.as_str()).collect();
        let asks = if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") };
        format!("  DAG {id} in {}, asks {asks}", dag.file)
    }));
    lines.extend(view.findings.iter().flat_map(noted));
    lines
}

/// A finding, and below it what to do.
fn noted(finding: &Finding) -> impl Iterator<Item = String> {
    let fix = finding.fix.as_ref().map(|fix| format!("  fix: {fix}"));
    std::iter::once(format!("! {finding}")).chain(fix)
}

pub(crate) fn plan(plan: &DeployPlan) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for step in &plan.steps {
        let action = format!("{:?}", step.action).to_lowercase();
        lines.push(format!("{action:>8}  {}  {}", step.subject, step.detail));
    }
    for image in &plan.images {
        let bytes = image.bytes.map_or("?".to_owned(), size);
        lines.push(format!("{bytes:>8}  {}  {}", image.name, image.why));
    }
    lines.extend(plan.warnings.iter().flat_map(noted));
    lines.push(format!("{} would be sent", size(plan.bytes_to_send)));
    lines
}

pub(crate) fn extensions(rows: &[ExtensionView]) -> Vec<String> {
    let line = |row: &ExtensionView| {
        let state = match (&row.helm_status, row.ready) {
            (None, _) => "not installed".to_owned(),
            (Some(status), true) => format!("{status}, ready"),
            (Some(status), false) => format!("{status}, not ready"),
        };
        format!("{}  {}  {}  {state}", row.name, row.kind, row.versions.join(", "))
    };
    match rows {
        [] => vec!["nothing is there".to_owned()],
        rows => rows.iter().map(line).collect(),
    }
}

pub(crate) fn diagnoses(all: &[Diagnosis]) -> Vec<String> {
    let mut lines = Vec::new();
    for found in all {
        let mark = match found.severity {
            Health::Ok => "ok",
            Health::Hint => "hint",
            Health::Warning => "warning",
            Health::Error => "error",
        };
        lines.push(format!("{mark:>7}  {}: {}", found.title, found.detail));
        if let Some(fix) = &found.fix {
            let how = fix.cli.as_ref().map_or(String::new(), |cli| format!(": {cli}"));
            lines.push(format!("         {}{how}", fix.label));
        }
    }
    lines
}

pub(crate) fn repositories(all: &[RepositoryView]) -> Vec<String> {
    let mut lines = Vec::new();
    for repository in all {
        for tag in &repository.tags {
            let (name, digest) = (&repository.repository, tag.digest.short());
            lines.push(format!("{name}:{}  {digest}  {}", tag.tag, size(tag.size)));
        }
    }
    if lines.is_empty() {
        lines.push("nothing is in the registry".to_owned());
    }
    lines
}
