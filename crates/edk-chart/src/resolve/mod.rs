//! The charts that others need: found, and put in.

mod list;
mod plan;
mod sources;
mod update;

use edk_model::Monitor;

use self::plan::{Planner, Policy};
pub use self::{
    list::{Listed, State},
    plan::{Origin, Plan, Planned, Resolver},
    sources::Sources,
    update::{Update, Written},
};
use crate::{Chart, Error, Result};

/// Returns `chart` with every chart it needs in it, down to the last, from this machine only.
///
/// A chart that already lies in `charts/` wins over all sources. Versions don't count: within a
/// workspace, charts are known by name.
///
/// # Errors
/// [`Error::DependencyNotFound`] if no source has a needed chart, [`Error::Circle`] if charts need
/// each other, [`Error::Offline`] if one has to be fetched, and what [`Chart::load`] fails with.
pub fn resolve(chart: &Chart, sources: &Sources) -> Result<Chart> {
    let resolver = Resolver { sources, remote: None, monitor: &Monitor::silent() };
    let plan = resolver.plan(chart)?;
    resolver.complete(chart, &plan)
}

impl Resolver<'_> {
    /// Says from where every chart comes that `chart` needs to be packaged or rendered. A chart that
    /// lies in `charts/` wins over all sources; nothing is fetched but indexes and lists of tags.
    ///
    /// # Errors
    /// As [`resolve`], and [`Error::Remote`], [`Error::NoVersion`] and [`Error::NotInRepository`]
    /// for charts of other machines, [`Error::Cancelled`].
    pub fn plan(&self, chart: &Chart) -> Result<Plan> {
        self.plan_as(chart, Policy::Package)
    }

    fn plan_as(&self, chart: &Chart, policy: Policy<'_>) -> Result<Plan> {
        let findings = self.sources.findings().to_vec();
        let mut planner = Planner { resolver: *self, chain: Vec::new(), findings };
        let dependencies = planner.plan(chart, policy)?;
        Ok(Plan { chart: chart.name().to_owned(), dependencies, findings: planner.findings })
    }

    /// Returns `chart` with the charts of `plan` in it, down to the last; what is not here is
    /// fetched. The user's files stay as they are.
    ///
    /// # Errors
    /// [`Error::Remote`], [`Error::Digest`] and [`Error::Offline`] for what has to be fetched, what
    /// reading a chart fails with, [`Error::Cancelled`].
    pub fn complete(&self, chart: &Chart, plan: &Plan) -> Result<Chart> {
        self.assemble(chart, &plan.dependencies, &mut Vec::new())
    }

    fn assemble(
        &self,
        chart: &Chart,
        planned: &[Planned],
        chain: &mut Vec<String>,
    ) -> Result<Chart> {
        chain.push(chart.name().to_owned());
        let mut complete = chart.clone();
        complete.subcharts.clear();
        for one in planned {
            self.monitor.check()?;
            let inner = match &one.chart {
                Some(inner) => self.assemble(inner, &one.dependencies, chain)?,
                None => self.fetched(one, chain)?,
            };
            let same = |it: &Chart| (it.name(), it.version()) == (inner.name(), inner.version());
            if !complete.subcharts.iter().any(same) {
                complete.subcharts.push(inner);
            }
        }
        complete.subcharts.sort_by(|one, other| one.name().cmp(other.name()));
        chain.pop();
        Ok(complete)
    }

    /// A chart from elsewhere, with what it needs but did not bring.
    fn fetched(&self, planned: &Planned, chain: &mut Vec<String>) -> Result<Chart> {
        let chart = self.read(planned)?;
        let mut planner = Planner { resolver: *self, chain: chain.clone(), findings: Vec::new() };
        let dependencies = planner.plan(&chart, Policy::Package)?;
        self.assemble(&chart, &dependencies, chain)
    }

    /// Reads a chart from elsewhere as it was fetched.
    fn read(&self, planned: &Planned) -> Result<Chart> {
        let bytes = self.bytes(planned)?;
        Chart::read(bytes.as_slice(), &planned.origin.to_string())
    }

    /// The bytes of a chart from elsewhere.
    fn bytes(&self, planned: &Planned) -> Result<Vec<u8>> {
        match (&planned.origin, self.remote) {
            (Origin::Remote(place), Some(remote)) => remote.fetch(place, self.monitor),
            (origin, _) => Err(Error::Offline { what: origin.to_string() }),
        }
    }
}

/// Returns the name that differs least from `name`, if it differs little.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let ranked = known.map(|other| (distance(name, other), other));
    let (distance, other) = ranked.min()?;
    (distance <= name.len().max(6) / 3).then(|| other.to_owned())
}

/// The number of characters to add, drop or change (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in other.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Writes charts as folders and returns them as sources: `(name, needed names)`.
    fn workspace(root: &Path, charts: &[(&str, &[&str])]) -> Sources {
        let write = |(name, needs): &(&str, &[&str])| {
            let dir = root.join(name);
            std::fs::create_dir_all(&dir).unwrap();
            let own = name.rsplit('/').next().unwrap();
            let chart = format!("apiVersion: v1\nname: {own}\nversion: 0.0.0\n");
            std::fs::write(dir.join("Chart.yaml"), chart).unwrap();
            let needs: String = needs.iter().map(|need| format!("- name: {need}\n")).collect();
            let text = format!("dependencies:\n{needs}");
            std::fs::write(dir.join("requirements.yaml"), text).unwrap();
            ((*name).to_owned(), dir)
        };
        Sources::new(charts.iter().map(write).collect())
    }

    fn resolved(charts: &[(&str, &[&str])]) -> Result<Chart> {
        let root = tempfile::tempdir().unwrap();
        let sources = workspace(root.path(), charts);
        resolve(&Chart::load(&root.path().join("a")).unwrap(), &sources)
    }

    #[test]
    fn charts_are_found_by_name_down_to_the_last() {
        let chart = resolved(&[("a", &["dag-installer-chart", "b"]), ("b", &["c"]), ("c", &[])]);
        let chart = chart.unwrap();
        let names: Vec<_> = chart.subcharts.iter().map(Chart::name).collect();
        assert_eq!(names, ["b", "dag-installer-chart"]);
        assert_eq!(chart.subchart("b").unwrap().subcharts[0].name(), "c");
    }

    #[test]
    fn a_missing_chart_tells_where_it_was_looked_for() {
        let error = resolved(&[("a", &["dag-instaler-chart"]), ("b", &[])]).unwrap_err();
        let Error::DependencyNotFound { chart, dependency, searched, nearest } = error else {
            panic!("{error}")
        };
        assert_eq!((chart.as_str(), dependency.as_str()), ("a", "dag-instaler-chart"));
        assert_eq!(nearest.as_deref(), Some("dag-installer-chart"));
        assert_eq!(
            searched,
            [
                "charts/ of a",
                "the workspace (a, b)",
                "the bundled charts (dag-installer-chart, kaapana-library-chart)",
            ]
        );
    }

    #[test]
    fn charts_that_need_each_other_are_refused() {
        let error = resolved(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]).unwrap_err();
        let Error::Circle { chain } = error else { panic!("{error}") };
        assert_eq!(chain, ["b", "c", "b"]);
    }

    #[test]
    fn a_path_is_followed_if_it_leads_to_a_chart() {
        let root = tempfile::tempdir().unwrap();
        let sources = workspace(root.path(), &[("a", &[]), ("b", &[]), ("elsewhere/b", &[])]);
        let requirement = |path: &str| {
            let text = format!("dependencies:\n- name: b\n  repository: file://{path}\n");
            std::fs::write(root.path().join("a/requirements.yaml"), text).unwrap();
            let chart = resolve(&Chart::load(&root.path().join("a")).unwrap(), &sources).unwrap();
            chart.subcharts[0].origin.clone()
        };
        assert!(requirement("../elsewhere/b").ends_with("/a/../elsewhere/b"));
        assert!(requirement("../stale/b").ends_with("/b"));
    }

    #[test]
    fn a_chart_in_the_charts_folder_wins() {
        let root = tempfile::tempdir().unwrap();
        let sources = workspace(root.path(), &[("a", &["b"]), ("b", &[]), ("a/charts/b", &[])]);
        let inner = root.path().join("a/charts/b/Chart.yaml");
        std::fs::write(inner, "name: b\nversion: 9.9.9\n").unwrap();
        let chart = resolve(&Chart::load(&root.path().join("a")).unwrap(), &sources).unwrap();
        assert_eq!(chart.subchart("b").unwrap().version(), "9.9.9");
    }
}
