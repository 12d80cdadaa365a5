//! Responses in words.

use edk_engine::{
    BuildOutcome, DemoOutcome, DeployOutcome, NewOutcome, Pushed, RunOutcome, StatusOutcome,
    TemplateSummary, Uploaded,
};

use crate::{Response, charts, check_words, deps, ext, images, looks, sandbox, storage, targets};

/// Returns what a person reads of a response: lines, without a line end after the last.
pub fn text(response: &Response) -> String {
    let lines: Vec<String> = match response {
        Response::Templates(templates) => templates.iter().flat_map(template).collect(),
        Response::New(outcome) => new(outcome),
        Response::Bases(recipes) => recipes
            .iter()
            .map(|recipe| format!("{}  {}", recipe.name, recipe.description))
            .collect(),
        Response::Base(outcome) => vec![base(outcome)],
        Response::BaseList(bases) => images::bases(bases),
        Response::ImageSave(outcome) => images::saved(outcome),
        Response::ImageInspect(all) => all.iter().flat_map(storage::image).collect(),
        Response::ImageHistory(lines) => images::history(lines),
        Response::ImageDiff(diff) => images::diff(diff),
        Response::ImageSend(outcome) => images::sent(outcome),
        Response::Build(outcome) => build(outcome),
        Response::Push(outcome) => {
            [build(&outcome.build), outcome.pushed.iter().map(pushed).collect()].concat()
        }
        Response::Package(charts) => {
            let line = |chart: &edk_engine::PackageOutcome| {
                let with = match chart.dependencies.as_slice() {
                    [] => String::new(),
                    names => format!(", with {}", names.join(", ")),
                };
                format!("{} ({}{with})", chart.path.display(), size(chart.size))
            };
            charts.iter().map(line).collect()
        }
        Response::Deploy(outcome) => deploy(outcome),
        Response::Status(outcome) => status(outcome),
        Response::Uninstall(outcome) => {
            let what = if outcome.was_installed { "is gone from" } else { "was not installed on" };
            vec![format!("{} {what} {}", outcome.release, outcome.target)]
        }
        Response::Install(outcome) => {
            let pods = outcome.pods.iter().map(|(pod, status)| format!("{pod} {status}"));
            let pods = pods.collect::<Vec<_>>().join(", ");
            let (release, status) = (&outcome.release, &outcome.helm_status);
            vec![format!("{release} is {status} on {}: {pods}", outcome.target)]
        }
        Response::Upload(outcome) => vec![uploaded(outcome)],
        Response::Run(outcome) => run(outcome),
        Response::Demo(outcome) => demo(outcome),
        Response::Project(view) => looks::project(view),
        Response::Check(found) => check_words::outcome(found),
        Response::Explained(text) => vec![text.clone()],
        Response::Plan(plan) => looks::plan(plan),
        Response::Ext(response) => ext::text(response),
        Response::Doctor(found) => looks::diagnoses(found),
        Response::ChartRendered(it) => charts::rendered(it),
        Response::ChartDiffed(it) => charts::diffed(it),
        Response::ChartLinted(it) => charts::linted(it),
        Response::ChartPreflighted(it) => charts::preflighted(it),
        Response::ChartShown(it) => charts::shown(it),
        Response::Targets(all) => targets::targets(all),
        Response::LoggedIn(outcome) => targets::logged_in(outcome),
        Response::TargetDone { target, done } => vec![format!("{target} {done}")],
        Response::ChartPackaged(it) => deps::packaged(it),
        Response::ChartDeps(it) => deps::updated(it),
        Response::ChartDependencies(it) => deps::listed(it),
        Response::Registry(repositories) => looks::repositories(repositories),
        Response::Image(image) => storage::image(image),
        Response::Copied(it) => storage::copied(it),
        Response::Exported(it) => {
            vec![format!("{} is in {} ({})", it.image, it.file.display(), size(it.size))]
        }
        Response::Imported(it) => storage::imported(it),
        Response::Account(it) => storage::account(it),
        Response::Gc(outcome) => storage::gc(outcome),
        Response::Usage(usage) => storage::usage(usage),
        Response::Deleted(it) => {
            vec![format!("{}:{} is out of the registry", it.repository, it.tag)]
        }
        Response::SandboxStarted(it) => sandbox::started(it),
        Response::SandboxStopped(it) => sandbox::stopped(it),
        Response::SandboxStatus(it) => sandbox::status(it),
        Response::SandboxReset(it) => sandbox::reset(it),
        Response::Lines(lines) => lines.clone(),
        Response::Faults(it) => sandbox::faults(it),
        Response::Stopped => vec!["stopped".to_owned()],
    };
    lines.join("\n")
}

fn base(outcome: &edk_engine::BaseOutcome) -> String {
    let how = if outcome.reused { "is there already" } else { "is there now" };
    format!("{} {how}: {} ({})", outcome.reference, outcome.digest, size(outcome.size))
}

fn uploaded(outcome: &Uploaded) -> String {
    match outcome {
        Uploaded::Chart { name, version, target } => format!("{name} {version} is on {target}"),
        Uploaded::Images { images, target, confirmed: true } => {
            format!("{} can be used on {target}", images.join(", "))
        }
        Uploaded::Images { images, target, .. } => {
            format!("{target} imports {}; it does not tell how that ends", images.join(", "))
        }
    }
}

fn template(template: &TemplateSummary) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", template.name, template.description)];
    for parameter in &template.parameters {
        let choices = match parameter.choices.as_slice() {
            [] => String::new(),
            choices => format!(" [{}]", choices.join(", ")),
        };
        lines.push(format!("  {}  {}{choices}. {}", parameter.id, parameter.label, parameter.help));
    }
    lines
}

fn new(outcome: &NewOutcome) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for file in &outcome.files {
        lines.push(format!("{:>11}  {}", file.state, file.path));
    }
    let (count, folder) = (outcome.files.len(), outcome.folder.display());
    lines.push(match outcome.dry_run {
        true => format!("{count} files would be written to {folder}"),
        false => format!("{count} files in {folder}; next: edk deploy {folder}"),
    });
    lines
}

fn build(outcome: &BuildOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for image in &outcome.images {
        let how = match (image.unchanged, &image.engine) {
            (true, _) => "unchanged".to_owned(),
            (_, Some(engine)) => format!("built by {engine}"),
            (false, None) => format!("{} of {} steps reused", image.reused, image.steps),
        };
        lines.push(format!("{}  {}  {}  {how}", image.name, image.digest, size(image.size)));
        for step in &image.explained {
            let state = if step.reused { "reused " } else { "rebuilt" };
            lines.push(format!("  {state}  {}  {}", step.place, step.text));
            lines.extend(step.reasons.iter().map(|reason| format!("           {reason}")));
        }
    }
    let (count, seconds) = (outcome.images.len(), outcome.seconds);
    lines.push(match outcome.unchanged {
        true => format!("nothing to do: {count} images are unchanged"),
        false => format!("{count} images built in {seconds:.2} s"),
    });
    lines
}

fn pushed(pushed: &Pushed) -> String {
    let state = match (pushed.unchanged, pushed.reused) {
        (true, _) => "unchanged",
        (false, None) => "tagged",
        (false, Some(_)) => "sent",
    };
    let there = match pushed.reused {
        None => String::new(),
        Some(bytes) => format!(", {bytes} were there"),
    };
    format!("{}  {state}, {} bytes copied{there}", pushed.name, pushed.bytes)
}

fn deploy(outcome: &DeployOutcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome.pushed.iter().map(pushed).collect();
    for (stage, seconds) in &outcome.stages {
        lines.push(format!("{stage:>8}  {seconds:7.2} s"));
    }
    let pods: Vec<String> =
        outcome.pods.iter().map(|(pod, status)| format!("{pod} {status}")).collect();
    let DeployOutcome { release, version, target, helm_status, .. } = outcome;
    lines.push(format!("{release} {version} is {helm_status} on {target}: {}", pods.join(", ")));
    lines.extend(
        outcome.dags.as_ref().map(|dags| format!("its DAG files are in {}", dags.display())),
    );
    if !outcome.to_allow.is_empty() {
        let dags = outcome.to_allow.join(" ");
        lines.push(format!(
            "the project can't see it yet; allow it: edk ext allow {dags} --target {target}"
        ));
    }
    lines
}

fn status(outcome: &StatusOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &outcome.extensions {
        let state = match (&row.version, &row.helm_status) {
            (None, _) => "not on the target".to_owned(),
            (Some(version), None) => format!("{version}, not installed"),
            (Some(version), Some(status)) => {
                let ready = if row.ready { "ready" } else { "not ready" };
                let pods = row.pods.iter().map(|(pod, status)| format!("{pod} {status}"));
                format!("{version}, {status}, {ready}: {}", pods.collect::<Vec<_>>().join(", "))
            }
        };
        lines.push(format!("{}  {state}", row.chart));
        if let Some(verdict) = &row.verdict {
            lines.push(format!("  {} ({})", verdict.sentence, verdict.code));
            lines.push(format!("  next: {}", verdict.next));
        }
    }
    if lines.is_empty() {
        lines.push(format!("nothing is on {}", outcome.target));
    }
    lines
}

fn run(outcome: &RunOutcome) -> Vec<String> {
    let report = &outcome.report;
    let mut lines: Vec<String> = report.outputs.iter().map(|it| it.path.clone()).collect();
    lines.push(format!(
        "{}: {} (exit code {}), {} series in {:.2} s, peak memory {}",
        outcome.container,
        report.state,
        report.exit_code,
        report.series,
        report.seconds,
        size(report.peak_memory)
    ));
    lines.push(format!("in {}", report.folder.display()));
    lines
}

fn demo(outcome: &DemoOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for stage in &outcome.stages {
        lines.push(format!("{:7.2} s  {}", stage.seconds, stage.command));
        lines.push(format!("           {}", stage.result));
    }
    lines.push(format!(
        "{:7.2} s  in all; everything is in {}",
        outcome.seconds,
        outcome.folder.display()
    ));
    lines
}

/// A number of bytes in words, powers of 1000.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{amount:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_words() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_500_000, "1.5 MB"),
            (2_000_000_000_000, "2000.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
