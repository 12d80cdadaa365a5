//! The charts it needs and the charts it has.

use super::Report;

pub(super) fn check(report: &mut Report<'_>) {
    let chart = match report.subject.chart() {
        Ok(chart) => chart,
        // What can't be loaded was told with the templates, unless nobody looked at them.
        Err(_) if report.findings.iter().any(|it| it.rule == "lint/load") => return,
        Err(findings) => {
            for it in findings {
                let mut own = super::found("lint/load", it.message);
                (own.file, own.span, own.fix) = (it.file, it.span, it.fix);
                report.findings.push(own);
            }
            return;
        }
    };
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
