//! Where charts are looked for by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use edk_model::{Finding, Monitor};
use include_dir::{Dir, include_dir};
use walkdir::{DirEntry, WalkDir};

use super::nearest;
use crate::{
    Chart, Dependency, Error, File, Result,
    version::{Constraint, Version},
};

/// The charts that come with this program.
static BUNDLED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/charts");

/// Folders of a checkout that never hold a chart of its own.
const SKIPPED: [&str; 4] = ["node_modules", "__pycache__", "target", "venv"];

/// Where charts that others need are looked for, by name: in the workspace, in the collection of a
/// platform, in a checkout, and at last among the charts that come with this program.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    workspace: Vec<Known>,
    collection: Vec<Known>,
    checkout: Vec<Known>,
    findings: Vec<Finding>,
}

/// A chart that a source has.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    /// Empty when nobody looked yet.
    version: String,
    path: PathBuf,
}

/// A source of [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Workspace,
    Collection,
    Checkout,
    Bundled,
}

/// A chart that was found by name.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) path: PathBuf,
    pub(super) chart: Chart,
}

impl Sources {
    /// Returns the sources of a workspace whose charts are `(name, folder)`, the nearest first.
    pub fn new(workspace: Vec<(String, PathBuf)>) -> Self {
        let known = |(name, path)| Known { name, version: String::new(), path };
        let workspace: Vec<_> = workspace.into_iter().map(known).collect();
        let findings = twins(&workspace, "the workspace");
        Self { workspace, findings, ..Self::default() }
    }

    /// Adds the charts of a collection: packaged charts, folders of charts, and folders that hold
    /// packaged charts. What can't be read becomes a finding.
    ///
    /// # Errors
    /// [`Error::Io`] if a path is not there.
    pub fn with_collection(mut self, paths: &[PathBuf]) -> Result<Self> {
        for path in paths {
            for path in charts_at(path)? {
                match Chart::open(&path) {
                    Ok(chart) => self.collection.push(Known {
                        name: chart.name().to_owned(),
                        version: chart.version().to_owned(),
                        path,
                    }),
                    Err(error) => self.findings.push(
                        Finding::warning("chart/unreadable", error.to_string())
                            .in_file(path.display().to_string())
                            .fix("remove it from the collection, or replace it"),
                    ),
                }
            }
        }
        Ok(self)
    }

    /// Adds the charts below `root`, a checkout of a platform or of other extensions. Charts of one
    /// name, and charts that need each other in a circle, become findings.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder can't be read, [`Error::Cancelled`].
    pub fn with_checkout(mut self, root: &Path, monitor: &Monitor) -> Result<Self> {
        let mut needs = BTreeMap::new();
        let mut walk = WalkDir::new(root).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            monitor.check()?;
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                Error::Io { action: "read", path, source: error.into() }
            })?;
            if is_skipped(&entry) {
                walk.skip_current_dir();
            } else if entry.file_type().is_dir() && entry.path().join("Chart.yaml").is_file() {
                walk.skip_current_dir();
                match Chart::metadata_of(entry.path()) {
                    Ok(metadata) => {
                        let named = metadata.dependencies.iter().map(|it| it.name.clone());
                        needs.entry(metadata.name.clone()).or_insert(named.collect::<Vec<_>>());
                        let (name, version) = (metadata.name, metadata.version);
                        self.checkout.push(Known { name, version, path: entry.into_path() });
                    }
                    Err(error) => self.findings.push(
                        Finding::warning("chart/unreadable", error.to_string())
                            .in_file(entry.path().join("Chart.yaml").display().to_string()),
                    ),
                }
            }
        }
        self.findings.extend(twins(&self.checkout, "the checkout"));
        self.findings.extend(circles(&needs));
        Ok(self)
    }

    /// Returns what is odd about the sources themselves: charts that can't be read, two of one name,
    /// charts that need each other.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the names of the charts that come with this program.
    pub fn bundled() -> Vec<String> {
        let name = |dir: &Dir<'_>| dir.path().file_name()?.to_str().map(str::to_owned);
        BUNDLED.dirs().filter_map(name).collect()
    }

    /// Returns the nearest chart with the name that `dependency` asks for; in one source, the
    /// highest version in its range, else the highest of all.
    pub(super) fn find(&self, owner: &Chart, dependency: &Dependency) -> Result<Option<Found>> {
        let own = owner.folder.as_deref().and_then(|folder| folder.canonicalize().ok());
        for (source, known) in [
            (Source::Workspace, &self.workspace),
            (Source::Collection, &self.collection),
            (Source::Checkout, &self.checkout),
        ] {
            // A chart that needs one of its own name does not mean itself.
            let other = |it: &&Known| own.is_none() || it.path.canonicalize().ok() != own;
            let named = known.iter().filter(|it| it.name == dependency.name).filter(other);
            if let Some(best) = best(named, &dependency.version) {
                let (path, chart) = (best.path.clone(), Chart::open(&best.path)?);
                return Ok(Some(Found { source, path, chart }));
            }
        }
        let Some(chart) = bundled(&dependency.name).transpose()? else { return Ok(None) };
        Ok(Some(Found { source: Source::Bundled, path: PathBuf::new(), chart }))
    }

    pub(super) fn missing(&self, owner: &Chart, dependency: &Dependency) -> Error {
        let mut searched = vec![format!("charts/ of {}", owner.name())];
        if dependency.repository.starts_with("file://") {
            searched.push(dependency.repository.clone());
        }
        let mut known = BTreeSet::new();
        for (what, charts) in [
            ("the workspace", &self.workspace),
            ("the collection", &self.collection),
            ("the checkout", &self.checkout),
        ] {
            let names: BTreeSet<&str> = charts.iter().map(|it| it.name.as_str()).collect();
            if what == "the workspace" || !names.is_empty() {
                searched.push(format!("{what} ({})", list(&names)));
            }
            known.extend(names);
        }
        let own = Self::bundled();
        let own: BTreeSet<&str> = own.iter().map(String::as_str).collect();
        searched.push(format!("the bundled charts ({})", list(&own)));
        known.extend(own);
        Error::DependencyNotFound {
            chart: owner.name().to_owned(),
            dependency: dependency.name.clone(),
            searched,
            nearest: nearest(&dependency.name, known.into_iter()),
        }
    }
}

/// Returns the first of the charts if nobody knows their versions, else the highest in the range,
/// else the highest.
fn best<'a>(known: impl Iterator<Item = &'a Known>, range: &str) -> Option<&'a Known> {
    let range = Constraint::parse(range);
    let rank = |known: &Known| {
        let version = Version::lenient(&known.version);
        let fits = version
            .as_ref()
            .is_some_and(|version| range.as_ref().is_none_or(|range| range.holds(version)));
        (fits, version)
    };
    // The first of equals stays.
    known.reduce(|best, other| {
        if rank(other).partial_cmp(&rank(best)) == Some(std::cmp::Ordering::Greater) {
            other
        } else {
            best
        }
    })
}

fn list(names: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = names.iter().copied().collect();
    match names.len() {
        0 => "no charts".to_owned(),
        1..=20 => names.join(", "),
        more => format!("{}, … {more} charts", names[..20].join(", ")),
    }
}

fn charts_at(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() || path.join("Chart.yaml").is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(path).map_err(crate::load::at("read", path))? {
        let path = entry.map_err(crate::load::at("read", path))?.path();
        let packaged = path.extension().is_some_and(|end| end == "tgz");
        if packaged || path.join("Chart.yaml").is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_skipped(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() > 0
        && entry.file_type().is_dir()
        && (name.starts_with('.') || SKIPPED.contains(&name.as_ref()))
}

/// One finding for each name that several charts have.
fn twins(known: &[Known], place: &str) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Known> = BTreeMap::new();
    let mut findings = Vec::new();
    for chart in known {
        if let Some(earlier) = first.get(chart.name.as_str()) {
            let message = format!(
                "{place} has two charts called {}; {} counts",
                chart.name,
                earlier.path.display()
            );
            let file = chart.path.join("Chart.yaml").display().to_string();
            let finding = Finding::warning("chart/duplicate-name", message).in_file(file);
            findings.push(finding.fix("rename one of them, or narrow the folder that is searched"));
        } else {
            first.insert(&chart.name, chart);
        }
    }
    findings
}

/// One finding for each chart at which a circle closes.
fn circles(needs: &BTreeMap<String, Vec<String>>) -> Vec<Finding> {
    fn visit<'a>(
        name: &'a str,
        needs: &'a BTreeMap<String, Vec<String>>,
        chain: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
        findings: &mut Vec<Finding>,
    ) {
        if let Some(start) = chain.iter().position(|earlier| *earlier == name) {
            let message = format!(
                "charts depend on each other in a circle: {} -> {name}",
                chain[start..].join(" -> ")
            );
            let finding = Finding::warning("chart/circle", message);
            findings.push(finding.fix("remove one of these dependencies"));
            return;
        }
        if !done.insert(name) {
            return;
        }
        chain.push(name);
        for needed in needs.get(name).into_iter().flatten() {
            visit(needed, needs, chain, done, findings);
        }
        chain.pop();
    }
    let (mut done, mut findings) = (BTreeSet::new(), Vec::new());
    for name in needs.keys() {
        visit(name, needs, &mut Vec::new(), &mut done, &mut findings);
    }
    findings
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
