//! The check of a whole extension: every known mistake, found before a platform meets it.
//!
//! A [`Tree`] is read once. What each file says is taken out of it (`facts`), in parallel, and kept
//! by a [`Checker`] as long as the file stays the same. The [`Model`] puts it together; a [`Rule`] is
//! a value in a table with a function that asks the model. Rules are cheap, reading is not: after a
//! change, all rules run again over facts of which one is new.
//!
//! Nothing is run, written or fetched, and nothing outside the tree is read.

mod content;
mod facts;
pub mod fix;
mod golden;
mod ignore;
pub mod model;
pub mod page;
mod profile;
mod rule;
pub mod rules;
mod suppress;
mod target;
mod threads;
mod tree;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use edk_model::{Cancelled, Digest, Finding, Hasher, Monitor, Severity};

use self::{
    facts::{
        chart::{ChartFacts, RenderedFacts},
        docker::Docker,
        python::Python,
    },
    model::{Given, Model},
};
pub use self::{
    golden::{project as example_project, target as example_target},
    profile::Profile,
    rule::{Base, Example, Finds, Rule},
    target::{Delivery, TargetChart, TargetProfile, Workspace},
    tree::{File, SKIPPED, Tree},
};

/// How to look at a project.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ids or families (`D`) of the rules to apply; empty for all.
    pub only: Vec<String>,
    /// Ids or families of rules whose findings are left out.
    pub allow: Vec<String>,
    /// The platform the extension goes to, when one is known.
    pub target: Option<TargetProfile>,
}

impl Options {
    fn names(list: &[String], id: &str) -> bool {
        list.iter().any(|it| {
            let it = it.trim();
            it.eq_ignore_ascii_case(id)
                || (it.len() == 1
                    && id.get(..1).is_some_and(|family| it.eq_ignore_ascii_case(family)))
        })
    }

    /// Says whether only the guard's rules are wanted, which ask neither what Python says nor what
    /// charts render to.
    fn guards_only(&self) -> bool {
        !self.only.is_empty() && self.only.iter().all(|it| it.trim().starts_with(['G', 'g']))
    }

    /// Says whether findings of a rule are wanted.
    pub fn wants(&self, id: &str) -> bool {
        (self.only.is_empty() || Self::names(&self.only, id)) && !Self::names(&self.allow, id)
    }
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What is wrong, by file and place.
    pub findings: Vec<Finding>,
    /// How many findings were allowed in the files.
    pub suppressed: usize,
    /// How many files were looked at.
    pub files: usize,
}

impl Report {
    /// Says whether something of this severity or worse was found.
    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|it| it.severity >= severity)
    }
}

/// Facts by path, each with the digest of what it was taken from.
type Kept<T> = Mutex<HashMap<String, (Digest, Arc<T>)>>;

/// Checks projects, and keeps what it read of files until they change.
#[derive(Debug, Default)]
pub struct Checker {
    dockers: Kept<Docker>,
    python: Kept<Python>,
    charts: Kept<ChartFacts>,
    rendered: Kept<RenderedFacts>,
    secrets: Kept<content::Secrets>,
}

impl Checker {
    /// Applies the rules to a project.
    ///
    /// # Errors
    /// [`Cancelled`], soon after the work is to stop, in the middle of a large file too.
    pub fn check(
        &self,
        tree: &Tree,
        options: &Options,
        monitor: &Monitor,
    ) -> Result<Report, Cancelled> {
        let mut model = self.model(tree, options);
        monitor.check()?;
        let wanted: Vec<&Rule> = rules::all().filter(|rule| options.wants(rule.id)).collect();
        if wanted.iter().any(|rule| rule.id.starts_with('G')) {
            model.given = self.given(&model, monitor)?;
        }
        let found = threads::map(&wanted, |rule| {
            monitor.check()?;
            let mut finds = Finds::new(rule);
            (rule.check)(&model, &mut finds);
            Ok(finds.into_findings())
        });
        let found: Vec<Vec<Finding>> = found.into_iter().collect::<Result<_, Cancelled>>()?;
        let findings = found.into_iter().flatten().collect();
        let (mut findings, suppressed) = suppress::apply(tree, options, findings);
        for finding in &mut findings {
            finding.excerpt = excerpt(tree, finding);
        }
        sort(&mut findings);
        Ok(Report { findings, suppressed, files: tree.files().count() })
    }

    /// Takes out of the files what the rules ask.
    fn model<'a>(&self, tree: &'a Tree, options: &'a Options) -> Model<'a> {
        let dockerfiles: Vec<&Arc<File>> =
            tree.files().filter(|it| is_dockerfile(it.name()) && it.text().is_some()).collect();
        let guards_only = options.guards_only();
        let is_python = |it: &File| !guards_only && it.name().ends_with(".py");
        let python: Vec<&Arc<File>> =
            tree.files().filter(|it| is_python(it) && it.text().is_some()).collect();
        let dockers = threads::map(&dockerfiles, |it| {
            kept(&self.dockers, &it.path, it.digest, || Docker::read(&it.path, text(it)))
        });
        let python = threads::map(&python, |it| {
            kept(&self.python, &it.path, it.digest, || Python::read(&it.path, text(it)))
        });
        let charts = self.charts(tree);
        let loaded = model::loaded(&charts);
        let rendered = threads::map(&charts, |it| {
            if guards_only {
                return Arc::default();
            }
            kept(&self.rendered, &it.folder, self.closure(tree, it, &charts), || match &it.chart {
                Some(chart) => RenderedFacts::of(chart, &loaded),
                None => RenderedFacts::default(),
            })
        });
        let charts = charts.iter().cloned().zip(rendered).collect();
        Model::new(tree, options, dockers, charts, python)
    }

    fn charts(&self, tree: &Tree) -> Vec<Arc<ChartFacts>> {
        let folders = chart_folders(tree);
        threads::map(&folders, |folder| {
            kept(&self.charts, folder, digest_of(tree, folder), || ChartFacts::read(tree, folder))
        })
    }

    /// The digest of a chart and of the charts it needs.
    fn closure(&self, tree: &Tree, chart: &ChartFacts, all: &[Arc<ChartFacts>]) -> Digest {
        let mut hasher = Hasher::new();
        let mut left = vec![chart];
        let mut seen: Vec<&str> = Vec::new();
        while let Some(it) = left.pop() {
            if seen.contains(&it.folder.as_str()) {
                continue;
            }
            seen.push(&it.folder);
            hasher.update(digest_of(tree, &it.folder).hex().as_bytes());
            let needed =
                it.dependencies().filter_map(|(name, _)| all.iter().find(|it| it.name() == name));
            left.extend(needed.map(|it| &**it));
        }
        hasher.finish()
    }

    /// Looks into every file that gets into an image or a chart.
    fn given(&self, model: &Model<'_>, monitor: &Monitor) -> Result<Vec<Given>, Cancelled> {
        let files: Vec<(String, String)> = rules::guard::given_away(model).into_iter().collect();
        let looked = threads::map(&files, |(path, _)| {
            let Some(file) = model.tree.get(path) else { return Ok(None) };
            let secrets = || content::Secrets::of(model.tree, file, monitor);
            try_kept(&self.secrets, path, file.digest, secrets).map(Some)
        });
        let looked: Vec<Option<Arc<content::Secrets>>> =
            looked.into_iter().collect::<Result<_, Cancelled>>()?;
        let given = files.into_iter().zip(looked);
        let given = given.filter_map(|((path, into), it)| Some(Given { path, into, secrets: it? }));
        Ok(given.collect())
    }
}

fn kept<T>(all: &Kept<T>, key: &str, digest: Digest, make: impl FnOnce() -> T) -> Arc<T> {
    let Ok(facts) = try_kept(all, key, digest, || Ok::<T, Infallible>(make()));
    facts
}

fn try_kept<T, E>(
    all: &Kept<T>,
    key: &str,
    digest: Digest,
    make: impl FnOnce() -> Result<T, E>,
) -> Result<Arc<T>, E> {
    let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, facts)) = lock().get(key)
        && *known == digest
    {
        return Ok(Arc::clone(facts));
    }
    let facts = Arc::new(make()?);
    lock().insert(key.to_owned(), (digest, Arc::clone(&facts)));
    Ok(facts)
}

fn text(file: &File) -> &str {
    file.text().unwrap_or_default()
}

fn is_dockerfile(name: &str) -> bool {
    name == "Dockerfile"
}

/// The folders of charts; what lies in the `charts` of a chart belongs to it.
fn chart_folders(tree: &Tree) -> Vec<String> {
    let all = tree.files().filter(|it| it.name() == "Chart.yaml" && it.text().is_some());
    let mut folders: Vec<String> = all.map(|it| it.folder().to_owned()).collect();
    folders.sort();
    let tops = folders.iter().filter(|folder| {
        !folders.iter().any(|above| {
            let inner = if above.is_empty() {
                Some(folder.as_str())
            } else {
                folder.strip_prefix(above.as_str()).and_then(|it| it.strip_prefix('/'))
            };
            inner.is_some_and(|it| it.starts_with("charts/"))
        })
    });
    tops.cloned().collect()
}

fn digest_of(tree: &Tree, folder: &str) -> Digest {
    let mut hasher = Hasher::new();
    for file in tree.below(folder) {
        hasher.update(file.path.as_bytes());
        hasher.update(file.digest.hex().as_bytes());
    }
    hasher.finish()
}

fn excerpt(tree: &Tree, finding: &Finding) -> Option<String> {
    let (file, span) = (finding.file.as_deref()?, finding.span?);
    let line = tree.text(file)?.lines().nth(span.line.checked_sub(1)?)?;
    // A line of a generated file may be endless.
    Some(line.chars().take(400).collect())
}

fn sort(findings: &mut Vec<Finding>) {
    findings
        .sort_by_cached_key(|it| (it.file.clone(), it.span, it.rule.clone(), it.message.clone()));
    findings.dedup();
}

/// Checks a project once, to its end.
pub fn check(tree: &Tree, options: &Options) -> Report {
    // Nobody can stop what is silent.
    Checker::default().check(tree, options, &Monitor::silent()).unwrap_or_default()
}
