//! Packages and dependencies of charts, in words.

use edk_engine::{ChartDependencies, ChartDepsOutcome, ChartOrigin, ChartPackaged, PlannedChart};

use crate::text::size;

pub(crate) fn listed(listed: &ChartDependencies) -> Vec<String> {
    let mut rows = vec![["name", "version", "repository", "state"].map(str::to_owned)];
    rows.extend(listed.dependencies.iter().map(|it| {
        let name = match it.alias.as_str() {
            "" => it.name.clone(),
            alias => format!("{} as {alias}", it.name),
        };
        [name, it.version.clone(), it.repository.clone(), it.state.to_string()]
    }));
    let mut lines = if rows.len() == 1 {
        vec![format!("{} needs no other charts", listed.chart)]
    } else {
        table(&rows)
    };
    for name in &listed.undeclared {
        lines.push(format!("{name} lies in charts/ and is not declared"));
    }
    lines
}

pub(crate) fn updated(outcome: &ChartDepsOutcome) -> Vec<String> {
    let plan = &outcome.update.plan;
    if plan.dependencies.is_empty() {
        return vec![format!("{} needs no other charts", plan.chart)];
    }
    let mut lines = origins(&plan.dependencies);
    let Some(written) = &outcome.written else {
        let new = plan.dependencies.iter().filter(|it| it.origin != ChartOrigin::Vendored);
        lines.extend(new.map(|it| format!("would put {} {} into charts/", it.name, it.version)));
        let outdated = outcome.update.outdated.iter();
        lines.extend(outdated.map(|path| format!("would remove {}", path.display())));
        if outcome.update.lock.is_some() {
            lines.push(format!("would write {}", outcome.update.lock_name));
        }
        return lines;
    };
    lines.extend(written.charts.iter().map(|path| format!("wrote {}", path.display())));
    lines.extend(written.removed.iter().map(|path| format!("removed {}", path.display())));
    lines.extend(written.lock.iter().map(|path| format!("wrote {}", path.display())));
    lines
}

pub(crate) fn packaged(packaged: &ChartPackaged) -> Vec<String> {
    let mut lines = origins(&packaged.plan.dependencies);
    lines.push(match &packaged.package {
        Some(package) => format!("{} ({})", package.path.display(), size(package.size)),
        None => format!("would write {}-{}.tgz", packaged.chart, packaged.version),
    });
    lines
}

/// One line for each chart and where it comes from, those it needs itself below it.
fn origins(planned: &[PlannedChart]) -> Vec<String> {
    fn rows(planned: &[PlannedChart], depth: usize, all: &mut Vec<[String; 3]>) {
        for one in planned {
            let name = format!("{}{}", "  ".repeat(depth), one.name);
            let fetched = matches!(one.origin, ChartOrigin::Remote(_)) && !one.here;
            let from = format!("{}{}", one.origin, if fetched { " (to be fetched)" } else { "" });
            all.push([name, one.version.clone(), from]);
            rows(&one.dependencies, depth + 1, all);
        }
    }
    let mut all = Vec::new();
    rows(planned, 0, &mut all);
    table(&all)
}

fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
