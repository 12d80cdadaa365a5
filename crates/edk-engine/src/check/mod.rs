//! Check a project, mend what can be mended, and stop what must not leave this machine.

mod target;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

pub use edk_extension::check::{
    Checker, Options, Profile, Report, Rule, TargetProfile, Tree,
    fix::{Fixed, applied, plan, write},
    page::{section, severity},
    rules,
};
use edk_extension::check::{fix, page};
use edk_model::{Finding, Monitor, Outcome, Severity};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// How often files are mended and looked at again: changes that touch wait for each other.
const ROUNDS: usize = 5;

/// Check a project.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct CheckRequest {
    /// Folder of an extension, folder of many, or a packaged chart.
    pub folder: PathBuf,
    /// Ids or families of rules; empty for all.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub only: Vec<String>,
    /// Ids or families of rules that are left out.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub allow: Vec<String>,
    /// What to do about findings that can be mended safely.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub mend: Mend,
    /// From which severity on the check counts as failed.
    #[serde(default = "error")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub fail_on: Severity,
    /// A target to ask for what the rules of delivery need; without one nobody is asked.
    pub target: Option<String>,
}

fn error() -> Severity {
    Severity::Error
}

/// What to do about findings that can be mended safely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Mend {
    /// Nothing.
    #[default]
    No,
    /// Show what would change.
    Show,
    /// Show it, and write it.
    Write,
}

/// What a check found.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CheckOutcome {
    /// What was checked, in full.
    pub folder: PathBuf,
    /// What is wrong, by file and place; after mending, what is left.
    pub findings: Vec<Finding>,
    /// How many findings are allowed in the files, with a reason.
    pub suppressed: usize,
    /// How many files were looked at.
    pub files: usize,
    /// Files as mending changes them.
    pub fixed: Vec<Fixed>,
    /// Whether they were written.
    pub written: bool,
    /// Whether something as bad as asked for was found.
    pub failed: bool,
}

/// Projects that were checked before.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    checker: Checker,
    trees: Mutex<BTreeMap<PathBuf, Tree>>,
}

impl Checked {
    /// Reads a project; what did not change since the last time is taken from there.
    fn tree(&self, folder: &Path) -> Result<Tree, EngineError> {
        let lock = || self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lock().get(folder).cloned();
        let tree = Tree::open(folder, before.as_ref())?;
        lock().insert(folder.to_owned(), tree.clone());
        Ok(tree)
    }
}

impl Engine {
    /// Checks the project in a folder, every project below it, or a packaged chart.
    ///
    /// # Errors
    /// [`EngineError::Extension`] if there is no such folder or the archive can't be read,
    /// [`EngineError::NoRule`] for a rule that is none, [`EngineError::Packaged`] for mending a
    /// package, [`EngineError::Target`] if a target that is to be asked does not answer,
    /// [`EngineError::Io`] for a file that can't be written.
    pub fn check(
        &self,
        request: &CheckRequest,
        monitor: &Monitor,
    ) -> Result<CheckOutcome, EngineError> {
        for name in request.only.iter().chain(&request.allow) {
            known(name)?;
        }
        let tree = self.checked.tree(&request.folder)?;
        if request.mend != Mend::No && tree.package.is_some() {
            return Err(EngineError::Packaged { path: request.folder.clone() });
        }
        let (only, allow) = (request.only.clone(), request.allow.clone());
        let target = request.target.as_deref();
        let target = target.map(|name| self.target_profile(name, monitor)).transpose()?;
        let options = Options { only, allow, target };
        let (folder, files) = (tree.origin.clone(), tree.files().count());
        let mut report = self.checked.checker.check(&tree, &options, monitor)?;
        let mut fixed = Vec::new();
        if request.mend != Mend::No {
            (report, fixed) = self.mended(tree, report, &options, monitor)?;
        }
        let written = request.mend == Mend::Write && !fixed.is_empty();
        if written {
            for it in &fixed {
                let path = folder.join(&it.file);
                fix::write(&folder, it).map_err(|source| EngineError::io(&path, source))?;
            }
        }
        let failed = report.has(request.fail_on);
        let Report { findings, suppressed, .. } = report;
        Ok(CheckOutcome { folder, findings, suppressed, files, fixed, written, failed })
    }

    /// Mends in memory, again and again until nothing is left to be mended. Returns what is left,
    /// and each file as it becomes.
    fn mended(
        &self,
        tree: Tree,
        report: Report,
        options: &Options,
        monitor: &Monitor,
    ) -> Result<(Report, Vec<Fixed>), EngineError> {
        let original = tree.clone();
        let (mut tree, mut report) = (tree, report);
        let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for _ in 0..ROUNDS {
            let fixed = fix::plan(&tree, &report.findings);
            if fixed.is_empty() {
                break;
            }
            for it in &fixed {
                rules.entry(it.file.clone()).or_default().extend(it.rules.iter().cloned());
            }
            tree = fix::applied(tree, &fixed);
            report = self.checked.checker.check(&tree, options, monitor)?;
        }
        let whole = rules
            .into_iter()
            .filter_map(|(file, rules)| fix::whole(&original, &file, tree.text(&file)?, rules));
        Ok((report, whole.collect()))
    }

    /// Tells what a rule is about: `all` lists them.
    ///
    /// # Errors
    /// [`EngineError::NoRule`].
    pub fn explain(&self, rule: &str) -> Result<String, EngineError> {
        if rule.eq_ignore_ascii_case("all") {
            let line = |rule: &Rule| {
                format!("{}  {:7}  {}", rule.id, page::severity(rule.severity), rule.title)
            };
            return Ok(rules::all().map(line).collect::<Vec<_>>().join("\n"));
        }
        let found =
            rules::find(rule).ok_or_else(|| EngineError::NoRule { name: rule.to_owned() })?;
        Ok(page::section(found).trim().to_owned())
    }

    /// Refuses to go on when patient data, a key or a token would get into an image or a chart.
    ///
    /// # Errors
    /// [`EngineError::Guarded`], [`EngineError::NoRule`], [`EngineError::Extension`].
    pub(crate) fn hold_back(
        &self,
        folder: &Path,
        allow: &[String],
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        for name in allow {
            known(name)?;
        }
        let monitor = monitor.stage("check");
        let tree = self.checked.tree(folder)?;
        let options = Options { only: vec!["G".to_owned()], allow: allow.to_vec(), target: None };
        let findings = self.checked.checker.check(&tree, &options, &monitor)?.findings;
        if findings.iter().any(|it| it.severity == Severity::Error) {
            return Err(EngineError::Guarded { folder: folder.to_owned(), findings });
        }
        for finding in &findings {
            monitor.found(finding);
        }
        let summary = "neither patient data nor secrets would leave";
        monitor.finished("guard", Outcome::Done, summary);
        Ok(())
    }
}

/// Says whether a rule or family is one.
fn known(name: &str) -> Result<(), EngineError> {
    let family = rules::FAMILIES
        .iter()
        .any(|it| name.len() == 1 && name.eq_ignore_ascii_case(&it.letter.to_string()));
    if family || rules::find(name).is_some() {
        return Ok(());
    }
    Err(EngineError::NoRule { name: name.to_owned() })
}
