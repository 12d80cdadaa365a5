//! The charts it needs and the charts it has.

use super::Report;

pub(super) fn check(report: &mut Report<'_>) {
    // What can't be loaded was told with the templates.
    let Ok(chart) = report.subject.chart() else { return };
    let declared = &chart.metadata.dependencies;
    let undeclared: Vec<&str> = chart
        .subcharts
        .iter()
        .map(|sub| sub.name())
        .filter(|name| !declared.iter().any(|it| it.name == *name))
        .collect();
    if !undeclared.is_empty() {
        let message = format!("charts/ has what is not declared: {}", undeclared.join(", "));
        report.add("lint/dependency-undeclared", "Chart.yaml", message);
        report.fix("declare it under `dependencies`");
    }
    let missing = chart.missing();
    if !missing.is_empty() {
        let message = format!("charts/ lacks what is declared: {}", missing.join(", "));
        report.add("lint/dependency-missing", "Chart.yaml", message);
        report.fix("`edk package` finds charts by name; `helm package` wants them in charts/");
    }
}
