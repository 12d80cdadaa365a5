//! Charts put into the folder `charts/`, and the lock that says which.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use edk_archive::{Limits, Readers, unpack, write_whole};
use serde::Serialize;

use super::{
    Origin, Plan, Planned, Resolver,
    plan::{Policy, requirements_of},
};
use crate::{Chart, Dependency, Error, Lock, Result, load::at};

/// What an update of a chart's folder `charts/` would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Update {
    /// From where the charts come.
    #[serde(flatten)]
    pub plan: Plan,
    /// The lock file, when it has to be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// Name of the lock file.
    pub lock_name: &'static str,
    /// Archives in `charts/` that are not needed any more.
    pub outdated: Vec<PathBuf>,
    /// The folder of the chart.
    #[serde(skip)]
    folder: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Archives and folders of charts.
    pub charts: Vec<PathBuf>,
    /// The lock file, when it was written.
    pub lock: Option<PathBuf>,
    /// Archives that were removed.
    pub removed: Vec<PathBuf>,
}

impl Resolver<'_> {
    /// Chooses versions for all that the chart in a folder needs, as `helm dependency update` does;
    /// `now` goes into the lock, which changes only if what was asked for or chosen did.
    ///
    /// # Errors
    /// As [`Resolver::plan`], [`Error::Range`] for a range that is none, and [`Error::NotAFolder`] if
    /// the chart comes from no folder.
    pub fn update(&self, chart: &Chart, now: SystemTime) -> Result<Update> {
        let plan = self.plan_as(chart, Policy::Update)?;
        let requested = self.requested(chart);
        let locked = plan.dependencies.iter().zip(&requested).map(|(planned, requested)| {
            let by_name = requested.repository.is_empty();
            let version = if by_name { &requested.version } else { &planned.version };
            Dependency {
                name: requested.name.clone(),
                version: version.clone(),
                repository: requested.repository.clone(),
                ..Dependency::default()
            }
        });
        let lock = Lock::new(&requested, locked.collect(), now);
        let old = chart.lock.as_ref().map(|old| old.digest.as_str());
        let new = (old != Some(&lock.digest) && !requested.is_empty()).then_some(lock);
        self.finish(chart, plan, new)
    }

    /// Takes the versions of the chart's lock, as `helm dependency build` does; without a lock, as
    /// [`Resolver::update`].
    ///
    /// # Errors
    /// As [`Resolver::update`], and [`Error::OutOfSync`].
    pub fn build(&self, chart: &Chart, now: SystemTime) -> Result<Update> {
        let Some(lock) = &chart.lock else { return self.update(chart, now) };
        if !lock.fits(chart, &self.requested(chart)) {
            let (lock, file) = (chart.lock_name(), requirements_of(chart));
            return Err(Error::OutOfSync { lock, file });
        }
        let plan = self.plan_as(chart, Policy::Build(lock.locked()))?;
        self.finish(chart, plan, None)
    }

    /// What is asked for, with the addresses of repositories for their names.
    fn requested(&self, chart: &Chart) -> Vec<Dependency> {
        let mut requested = chart.metadata.dependencies.clone();
        for dependency in &mut requested {
            let remote = self.remote.map(|remote| remote.repositories());
            if let Some(address) = remote.and_then(|it| it.address(&dependency.repository)) {
                dependency.repository = address;
            }
        }
        requested
    }

    fn finish(&self, chart: &Chart, plan: Plan, lock: Option<Lock>) -> Result<Update> {
        let not_a_folder = || Error::NotAFolder { origin: chart.origin.clone() };
        let folder = chart.folder.clone().ok_or_else(not_a_folder)?;
        let outdated =
            if plan.dependencies.is_empty() { Vec::new() } else { outdated(chart, &folder, &plan) };
        Ok(Update { plan, lock, lock_name: chart.lock_name(), outdated, folder })
    }

    /// Carries an update out: all charts are at hand before the first file changes; archives and
    /// folders come by renaming, the lock last.
    ///
    /// # Errors
    /// As [`Resolver::complete`], and [`Error::Io`] if the folder can't be written.
    pub fn write(&self, update: &Update) -> Result<Written> {
        let mut ready = Vec::new();
        for planned in &update.plan.dependencies {
            self.monitor.check()?;
            if planned.origin != Origin::Vendored {
                ready.push(self.ready(planned)?);
            }
        }
        let charts = update.folder.join("charts");
        let mut written = Written { charts: Vec::new(), lock: None, removed: Vec::new() };
        for ready in ready {
            let path = charts.join(&ready.name);
            if written.charts.contains(&path) {
                continue;
            }
            match ready.folder {
                true => self.place_folder(&ready, &charts, &path)?,
                false => write_whole(&path, &ready.bytes, Readers::Everybody)
                    .map_err(at("write", &path))?,
            }
            written.charts.push(path);
        }
        for path in update.outdated.iter().filter(|path| !written.charts.contains(path)) {
            match fs::remove_file(path) {
                Ok(()) => written.removed.push(path.clone()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(at("remove", path)(error)),
            }
        }
        if let Some(lock) = &update.lock {
            let path = update.folder.join(update.lock_name);
            write_whole(&path, lock.to_yaml().as_bytes(), Readers::Everybody)
                .map_err(at("write", &path))?;
            written.lock = Some(path);
        }
        Ok(written)
    }

    /// Puts the folder of a chart beside its place, then at it.
    fn place_folder(&self, ready: &Ready, charts: &Path, path: &Path) -> Result<()> {
        fs::create_dir_all(charts).map_err(at("create", charts))?;
        let beside = tempfile::Builder::new().prefix("_new-").tempdir_in(charts);
        let beside = beside.map_err(at("create a folder in", charts))?;
        let root = beside.path().join("root");
        let limits = Limits { total_bytes: 100 << 20, entries: 20_000 };
        unpack(ready.bytes.as_slice(), &root, &limits, self.monitor)
            .map_err(|source| Error::Archive { origin: ready.name.clone(), source })?;
        let new = root.join(&ready.name);
        if path.exists() {
            fs::rename(path, beside.path().join("old")).map_err(at("replace", path))?;
        }
        fs::rename(&new, path).map_err(at("create", path))
    }

    /// What of a chart goes to `charts/`: one that was found by name as a folder, which is where
    /// Helm expects it, others as archives.
    fn ready(&self, planned: &Planned) -> Result<Ready> {
        let Some(chart) = &planned.chart else {
            let bytes = self.bytes(planned)?;
            let chart = Chart::read(bytes.as_slice(), &planned.origin.to_string())?;
            return Ok(Ready { name: file_name(&chart), bytes, folder: false });
        };
        let chart = self.assemble(chart, &planned.dependencies, &mut Vec::new())?;
        let bytes = chart.package()?.bytes;
        let folder = !matches!(planned.origin, Origin::Path(_)) && !planned.healed;
        let name = if folder { chart.name().to_owned() } else { file_name(&chart) };
        Ok(Ready { name, bytes, folder })
    }
}

/// A chart on its way to `charts/`.
struct Ready {
    name: String,
    bytes: Vec<u8>,
    folder: bool,
}

fn file_name(chart: &Chart) -> String {
    format!("{}-{}.tgz", chart.name(), chart.version())
}

/// The archives in `charts/` that an update makes superfluous: all but those it writes, and those of
/// charts that have no repository.
fn outdated(chart: &Chart, folder: &Path, plan: &Plan) -> Vec<PathBuf> {
    let kept: BTreeSet<&str> = plan
        .dependencies
        .iter()
        .filter(|planned| planned.origin == Origin::Vendored)
        .map(|planned| planned.name.as_str())
        .collect();
    let new: BTreeSet<String> = plan
        .dependencies
        .iter()
        .map(|planned| format!("{}-{}.tgz", planned.name, planned.version))
        .collect();
    let archives = chart.subcharts.iter().filter(|it| it.origin.ends_with(".tgz"));
    let old = archives.filter(|it| !kept.contains(it.name()));
    let names = old.filter_map(|it| it.origin.rsplit('/').next());
    names.filter(|name| !new.contains(*name)).map(|name| folder.join("charts").join(name)).collect()
}
