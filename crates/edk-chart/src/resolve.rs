use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::{Chart, Dependency, Error, File, Result};

/// The charts that come with this program.
static BUNDLED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/charts");

/// Where charts that others need are looked for, by name.
///
/// First the charts of the workspace in their order, then the ones that come with this program.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    workspace: Vec<(String, PathBuf)>,
}

impl Sources {
    /// Returns the sources of a workspace whose charts are `(name, folder)`.
    pub fn new(workspace: Vec<(String, PathBuf)>) -> Self {
        Self { workspace }
    }

    /// Returns the names of the charts that come with this program.
    pub fn bundled() -> Vec<String> {
        let name = |dir: &Dir<'_>| dir.path().file_name()?.to_str().map(str::to_owned);
        BUNDLED.dirs().filter_map(name).collect()
    }

    fn find(&self, owner: &Chart, dependency: &Dependency) -> Result<Chart> {
        if let Some(dir) = local(owner, dependency) {
            return Chart::load(&dir);
        }
        if let Some((_, dir)) = self.workspace.iter().find(|(name, _)| *name == dependency.name) {
            return Chart::load(dir);
        }
        match bundled(&dependency.name) {
            Some(chart) => chart,
            None => Err(self.missing(owner, dependency)),
        }
    }

    fn missing(&self, owner: &Chart, dependency: &Dependency) -> Error {
        let mut searched = vec![format!("charts/ of {}", owner.name())];
        if dependency.repository.starts_with("file://") {
            searched.push(dependency.repository.clone());
        }
        let known: Vec<&str> = self.workspace.iter().map(|(name, _)| name.as_str()).collect();
        searched.push(format!("the workspace ({})", list(&known)));
        let own = Self::bundled();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        searched.push(format!("the bundled charts ({})", list(&own)));
        let nearest = nearest(&dependency.name, known.into_iter().chain(own));
        Error::DependencyNotFound {
            chart: owner.name().to_owned(),
            dependency: dependency.name.clone(),
            searched,
            nearest,
        }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no charts".to_owned() } else { names.join(", ") }
}

/// Returns the folder which a `file://` dependency names, if a chart is there.
///
/// Half of these paths are stale in the field, so a missing one only means "by name".
fn local(owner: &Chart, dependency: &Dependency) -> Option<PathBuf> {
    let path = Path::new(dependency.repository.strip_prefix("file://")?);
    let dir = owner.folder.as_deref()?.join(path);
    dir.join("Chart.yaml").is_file().then_some(dir)
}

fn bundled(name: &str) -> Option<Result<Chart>> {
    let dir = BUNDLED.dirs().find(|dir| dir.path() == Path::new(name))?;
    let mut files = Vec::new();
    collect(dir, dir.path(), &mut files);
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Some(Chart::from_files(&format!("bundled:{name}"), files))
}

fn collect(dir: &Dir<'_>, root: &Path, files: &mut Vec<File>) {
    for file in dir.files() {
        let relative = file.path().strip_prefix(root).unwrap_or(file.path());
        let name = relative.to_string_lossy().replace('\\', "/");
        files.push(File { name, data: file.contents().to_vec() });
    }
    for inner in dir.dirs() {
        collect(inner, root, files);
    }
}

/// Returns `chart` with every chart it needs in it, down to the last.
///
/// A chart that already lies in `charts/` wins over all sources. Versions don't count: within a
/// workspace, charts are known by name.
///
/// # Errors
/// [`Error::DependencyNotFound`] if no source has a needed chart, [`Error::Circle`] if charts need
/// each other, and what [`Chart::load`] fails with.
pub fn resolve(chart: &Chart, sources: &Sources) -> Result<Chart> {
    complete(chart, sources, &mut Vec::new())
}

fn complete(chart: &Chart, sources: &Sources, chain: &mut Vec<String>) -> Result<Chart> {
    let name = chart.name().to_owned();
    if let Some(start) = chain.iter().position(|earlier| *earlier == name) {
        let mut chain = chain[start..].to_vec();
        chain.push(name);
        return Err(Error::Circle { chain });
    }
    chain.push(name);
    let mut complete_chart = chart.clone();
    for dependency in &chart.metadata.dependencies {
        if complete_chart.subchart(&dependency.name).is_none() {
            complete_chart.subcharts.push(sources.find(chart, dependency)?);
        }
    }
    complete_chart.subcharts.sort_by(|one, other| one.name().cmp(other.name()));
    for subchart in &mut complete_chart.subcharts {
        *subchart = complete(subchart, sources, chain)?;
    }
    chain.pop();
    Ok(complete_chart)
}

/// Returns the name that differs least from `name`, if it differs little.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
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
    use super::*;

    /// Writes charts as folders and returns them as sources: `(name, needed names)`.
    fn workspace(root: &Path, charts: &[(&str, &[&str])]) -> Sources {
        let write = |(name, needs): &(&str, &[&str])| {
            let dir = root.join(name);
            std::fs::create_dir_all(&dir).unwrap();
            let chart = format!("apiVersion: v1\nname: {name}\nversion: 0.0.0\n");
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
            ["charts/ of a", "the workspace (a, b)", "the bundled charts (dag-installer-chart)"]
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
