//! From where each needed chart comes, before anything is fetched or written.

use std::{fmt, path::PathBuf};

use edk_model::{Finding, Monitor};
use serde::Serialize;

use super::{
    Sources,
    sources::{Found, Source},
};
use crate::{
    Chart, Dependency, Error, Place, Remote, Result,
    remote::Wanted,
    version::{Constraint, Version},
};

/// Where a needed chart comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It lies in `charts/` already.
    Vendored,
    /// The folder that a `file://` path names.
    Path(PathBuf),
    /// Found by name in the workspace.
    Workspace(PathBuf),
    /// Found by name in the collection of a platform.
    Collection(PathBuf),
    /// Found by name in a checkout.
    Checkout(PathBuf),
    /// Comes with this program.
    Bundled,
    /// Fetched from a repository or a registry.
    Remote(Place),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vendored => f.write_str("charts/"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Workspace(path) => write!(f, "workspace: {}", path.display()),
            Self::Collection(path) => write!(f, "collection: {}", path.display()),
            Self::Checkout(path) => write!(f, "checkout: {}", path.display()),
            Self::Bundled => f.write_str("bundled"),
            Self::Remote(place) => place.fmt(f),
        }
    }
}

/// A chart that is needed, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// Name of the chart.
    pub name: String,
    /// Name under which its values and objects appear, when it is another.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// The range that is asked for; empty for a chart that lies in `charts/` undeclared.
    pub range: String,
    /// The chosen version.
    pub version: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether its bytes are on this machine.
    pub here: bool,
    /// The charts it needs itself, as far as they are known before it is fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Planned>,
    /// Whether it was found by name because its path leads nowhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub healed: bool,
    /// The chart, when it is here.
    #[serde(skip)]
    pub(crate) chart: Option<Chart>,
}

/// From where the charts come that a chart needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Name of the chart that needs them.
    pub chart: String,
    /// The needed charts, in the order in which they are declared.
    pub dependencies: Vec<Planned>,
    /// What was healed or is odd.
    pub findings: Vec<Finding>,
}

/// Finds the charts that others need, and puts them in.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// Where charts are looked for by name.
    pub sources: &'a Sources,
    /// Who fetches from other machines; without one, that fails as if offline.
    pub remote: Option<&'a Remote>,
    /// Progress and cancellation.
    pub monitor: &'a Monitor,
}

/// Which charts may be taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Policy<'a> {
    /// What lies in `charts/` counts; ranges only warn: how charts are packaged.
    Package,
    /// Versions are chosen anew, as `helm dependency update` does.
    Update,
    /// The versions of a lock, as `helm dependency build` does.
    Build(&'a [Dependency]),
}

/// One run over a chart and all below it.
pub(super) struct Planner<'a> {
    pub(super) resolver: Resolver<'a>,
    /// Names of the charts above, to notice circles.
    pub(super) chain: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

impl Planner<'_> {
    /// Plans for all that `owner` declares, and takes what lies undeclared in its `charts/`.
    pub(super) fn plan(&mut self, owner: &Chart, policy: Policy<'_>) -> Result<Vec<Planned>> {
        let name = owner.name().to_owned();
        if let Some(start) = self.chain.iter().position(|earlier| *earlier == name) {
            let mut chain = self.chain[start..].to_vec();
            chain.push(name);
            return Err(Error::Circle { chain });
        }
        self.chain.push(name);
        let mut all = Vec::new();
        for (at, dependency) in owner.metadata.dependencies.iter().enumerate() {
            self.resolver.monitor.check()?;
            let locked = match policy {
                Policy::Build(locked) => locked.get(at),
                _ => None,
            };
            all.push(self.one(owner, dependency, policy, locked)?);
        }
        if matches!(policy, Policy::Package) {
            let declared = &owner.metadata.dependencies;
            let known = |chart: &Chart| declared.iter().any(|it| it.name == chart.name());
            for chart in owner.subcharts.iter().filter(|chart| !known(chart)) {
                let mut planned = self.here(chart.clone(), Origin::Vendored)?;
                planned.range.clear();
                all.push(planned);
            }
        }
        self.chain.pop();
        Ok(all)
    }

    fn one(
        &mut self,
        owner: &Chart,
        dependency: &Dependency,
        policy: Policy<'_>,
        locked: Option<&Dependency>,
    ) -> Result<Planned> {
        let repository = self.address(dependency)?;
        let package = matches!(policy, Policy::Package);
        if !package && Constraint::parse(&dependency.version).is_none() {
            let (dependency, range) = (dependency.name.clone(), dependency.version.clone());
            return Err(Error::Range { dependency, range });
        }
        let vendored = vendored(owner, dependency).filter(|_| package || repository.is_empty());
        let mut planned = if let Some(chart) = vendored {
            if !package {
                in_range(chart, dependency, "charts/", policy)?;
                self.compare_with_source(owner, dependency, chart);
            }
            self.here(chart.clone(), Origin::Vendored)?
        } else if repository.is_empty() {
            self.by_name(owner, dependency, policy)?
        } else if let Some(path) = repository.strip_prefix("file://") {
            self.at_path(owner, dependency, path, policy)?
        } else {
            self.elsewhere(dependency, &repository, locked)?
        };
        planned.name.clone_from(&dependency.name);
        planned.alias.clone_from(&dependency.alias);
        planned.range.clone_from(&dependency.version);
        Ok(planned)
    }

    /// The address behind the `repository` of a dependency.
    fn address(&self, dependency: &Dependency) -> Result<String> {
        let repository = &dependency.repository;
        let fail = |reason: String| Error::Repository {
            dependency: dependency.name.clone(),
            repository: repository.clone(),
            reason,
        };
        let remote = self.resolver.remote;
        let address = match remote {
            Some(remote) => remote.repositories().address(repository),
            None if repository.starts_with('@') || repository.starts_with("alias:") => None,
            None => Some(repository.clone()),
        };
        let names = remote.map(|it| it.repositories().names().collect::<Vec<_>>().join(", "));
        let names = names.filter(|names| !names.is_empty()).unwrap_or("none".to_owned());
        let address =
            address.ok_or_else(|| fail(format!("is no repository with a known name ({names})")))?;
        let schemes = ["", "file://", "http://", "https://", "oci://"];
        let known = schemes.iter().any(|scheme| match *scheme {
            "" => address.is_empty(),
            scheme => address.starts_with(scheme),
        });
        if known { Ok(address) } else { Err(fail("is no address we can follow".to_owned())) }
    }

    /// A chart that is on this machine, with what it needs itself.
    fn here(&mut self, chart: Chart, origin: Origin) -> Result<Planned> {
        let dependencies = self.plan(&chart, Policy::Package)?;
        Ok(Planned {
            name: chart.name().to_owned(),
            alias: String::new(),
            range: String::new(),
            version: chart.version().to_owned(),
            origin,
            here: true,
            dependencies,
            healed: false,
            chart: Some(chart),
        })
    }

    fn by_name(
        &mut self,
        owner: &Chart,
        dependency: &Dependency,
        policy: Policy<'_>,
    ) -> Result<Planned> {
        let sources = self.resolver.sources;
        let Some(Found { source, path, chart }) = sources.find(owner, dependency)? else {
            return Err(sources.missing(owner, dependency));
        };
        let origin = match source {
            Source::Workspace => Origin::Workspace(path),
            Source::Collection => Origin::Collection(path),
            Source::Checkout => Origin::Checkout(path),
            Source::Bundled => Origin::Bundled,
        };
        in_range(&chart, dependency, &origin.to_string(), policy)?;
        self.warn_about_version(owner, dependency, &chart, &origin);
        self.here(chart, origin)
    }

    /// What lies in `charts/` may be the user's own and is never replaced; that it differs from the
    /// chart which would be found is told.
    fn compare_with_source(&mut self, owner: &Chart, dependency: &Dependency, chart: &Chart) {
        let Ok(Some(found)) = self.resolver.sources.find(owner, dependency) else { return };
        let bytes = |chart: &Chart| {
            let alone = Chart { subcharts: Vec::new(), ..chart.clone() };
            alone.packed().ok()
        };
        if found.source == Source::Bundled || bytes(chart) == bytes(&found.chart) {
            return;
        }
        let message = format!(
            "charts/{} differs from the chart of this name in {}; what lies in charts/ counts",
            dependency.name,
            found.path.display()
        );
        let fix = format!("remove charts/{} to take the other", dependency.name);
        let finding = Finding::warning("chart/vendored-differs", message);
        let file = owner.path_of(&format!("charts/{}", dependency.name));
        self.findings.push(finding.in_file(file).fix(fix));
    }

    /// To package, versions are told but do not count.
    fn warn_about_version(
        &mut self,
        owner: &Chart,
        dependency: &Dependency,
        chart: &Chart,
        origin: &Origin,
    ) {
        let version = Version::lenient(chart.version());
        let range = Constraint::parse(&dependency.version);
        let outside = |range: Constraint| version.as_ref().is_some_and(|it| !range.holds(it));
        if dependency.version == "0.0.0" && dependency.alias.is_empty()
            || !range.is_some_and(outside)
        {
            return;
        }
        let message = format!(
            "{} {} ({origin}) is not in the range `{}`; Helm then ignores alias and import-values",
            dependency.name,
            chart.version(),
            dependency.version
        );
        let fix = "change the range, or stamp the charts with one version";
        let finding = Finding::warning("chart/version-range", message);
        self.findings.push(finding.in_file(owner.path_of(requirements_of(owner))).fix(fix));
    }

    fn at_path(
        &mut self,
        owner: &Chart,
        dependency: &Dependency,
        path: &str,
        policy: Policy<'_>,
    ) -> Result<Planned> {
        let folder = owner.folder.as_deref().map(|folder| folder.join(path));
        let there = folder.filter(|folder| folder.join("Chart.yaml").is_file());
        let chart = there.map(|folder| Chart::load(&folder).map(|chart| (folder, chart)));
        let why = match chart.transpose()? {
            Some((folder, chart)) if chart.name() == dependency.name => {
                in_range(&chart, dependency, &dependency.repository, policy)?;
                return self.here(chart, Origin::Path(folder));
            }
            Some((_, chart)) => format!("the chart there is called {}", chart.name()),
            None => "there is no chart".to_owned(),
        };
        let planned = Planned { healed: true, ..self.by_name(owner, dependency, policy)? };
        let message = format!(
            "{} leads nowhere ({why}); {} was found by name: {}",
            dependency.repository, dependency.name, planned.origin
        );
        let finding = Finding::warning("chart/stale-path", message)
            .in_file(owner.path_of(requirements_of(owner)))
            .fix("correct the path, or leave the repository out");
        self.findings.push(finding);
        Ok(planned)
    }

    fn elsewhere(
        &self,
        dependency: &Dependency,
        address: &str,
        locked: Option<&Dependency>,
    ) -> Result<Planned> {
        let Some(remote) = self.resolver.remote else {
            return Err(Error::Offline { what: format!("{address} ({})", dependency.name) });
        };
        if Constraint::parse(&dependency.version).is_none() {
            let (dependency, range) = (dependency.name.clone(), dependency.version.clone());
            return Err(Error::Range { dependency, range });
        }
        let wanted = match locked {
            Some(locked) => Wanted::Exactly(&locked.version),
            None => Wanted::Range(&dependency.version),
        };
        let chosen = remote.choose(address, &dependency.name, wanted, self.resolver.monitor)?;
        Ok(Planned {
            name: dependency.name.clone(),
            alias: String::new(),
            range: String::new(),
            version: chosen.version,
            here: remote.has(&chosen.place),
            origin: Origin::Remote(chosen.place),
            dependencies: Vec::new(),
            healed: false,
            chart: None,
        })
    }
}

/// The file in which a chart declares what it needs.
pub(super) fn requirements_of(chart: &Chart) -> &'static str {
    if chart.metadata.is_v1() { "requirements.yaml" } else { "Chart.yaml" }
}

/// The chart in `charts/` that a dependency means: of the right version, if there are several.
pub(super) fn vendored<'a>(owner: &'a Chart, dependency: &Dependency) -> Option<&'a Chart> {
    let range = Constraint::parse(&dependency.version);
    let fits = |chart: &&Chart| {
        let version = Version::lenient(chart.version());
        version.zip(range.as_ref()).is_some_and(|(version, range)| range.holds(&version))
    };
    let mut named = owner.subcharts.iter().filter(|chart| chart.name() == dependency.name);
    named.clone().find(fits).or_else(|| named.next())
}

/// Where versions are chosen, a chart on this machine has to be in the range. `0.0.0` without a path
/// is none: Kaapana writes it everywhere.
fn in_range(chart: &Chart, dependency: &Dependency, place: &str, policy: Policy<'_>) -> Result<()> {
    let by_name = dependency.repository.is_empty() && dependency.version == "0.0.0";
    if matches!(policy, Policy::Package) || by_name {
        return Ok(());
    }
    let version = Version::lenient(chart.version());
    let range = Constraint::parse(&dependency.version);
    match version.zip(range) {
        Some((version, range)) if range.holds(&version) => Ok(()),
        _ => Err(Error::NoVersion {
            dependency: dependency.name.clone(),
            range: dependency.version.clone(),
            place: place.to_owned(),
            known: vec![chart.version().to_owned()],
        }),
    }
}
