//! A rule as a value.

use edk_model::{Edit, Finding, Severity};

use super::{facts::text::Place, model::Model};

/// Something that goes wrong, and how it is found.
#[derive(Debug)]
pub struct Rule {
    /// Stable id, such as `D06`: the family, and a number.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What has to hold, in a few words.
    pub title: &'static str,
    /// What the platform, its build script or a container would do otherwise.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// A project that breaks it.
    pub bad: Example,
    /// What the check says about it.
    pub says: &'static str,
    /// The same project, mended.
    pub good: Example,
    /// Finds it.
    pub check: fn(&Model<'_>, &mut Finds),
}

/// A small project: one that is in order, and the files in which it differs.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it differs from.
    pub base: Base,
    /// Path and text of the files; the text [`Example::GONE`] takes one away.
    pub files: &'static [(&'static str, &'static str)],
}

impl Example {
    /// The text of a file that is not there.
    pub const GONE: &'static str = "(no such file)";

    /// Returns a workflow with these files.
    pub const fn workflow(files: &'static [(&'static str, &'static str)]) -> Self {
        Self { base: Base::Workflow, files }
    }

    /// Returns an application with these files.
    pub const fn application(files: &'static [(&'static str, &'static str)]) -> Self {
        Self { base: Base::Application, files }
    }

    /// Returns a workflow of the Task API with these files.
    pub const fn tasks(files: &'static [(&'static str, &'static str)]) -> Self {
        Self { base: Base::Tasks, files }
    }
}

/// A project that is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// A workflow with one DAG, one operator and one processing container.
    Workflow,
    /// An application.
    Application,
    /// A workflow of the Task API.
    Tasks,
}

/// Where a rule puts what it finds.
#[derive(Debug)]
pub struct Finds {
    rule: &'static Rule,
    found: Vec<Finding>,
}

impl Finds {
    pub(super) fn new(rule: &'static Rule) -> Self {
        Self { rule, found: Vec::new() }
    }

    /// The id of the rule.
    pub(super) fn rule(&self) -> &'static str {
        self.rule.id
    }

    /// Adds a finding about the project.
    pub(super) fn project(&mut self, message: impl Into<String>) -> &mut Finding {
        let rule = self.rule;
        let mut finding = Finding::new(rule.severity, rule.id, message).fix(rule.fix);
        finding.why = Some(rule.why.to_owned());
        self.found.push(finding);
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Adds a finding about a file.
    pub(super) fn file(&mut self, file: &str, message: impl Into<String>) -> &mut Finding {
        let finding = self.project(message);
        finding.file = Some(file.to_owned());
        finding
    }

    /// Adds a finding at a place; a place that is not known leaves the file.
    pub(super) fn at(
        &mut self,
        file: &str,
        place: impl Into<Option<Place>>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.file(file, message);
        if let Some(place) = place.into().filter(|it| it.start.0 > 0) {
            finding.span = Some(place.from());
            finding.end = (place.end > place.start).then(|| place.to());
        }
        finding
    }

    /// Adds what somebody else found, in a file of the tree: as bad, at the place, and with the fix that
    /// they say.
    pub(super) fn told(&mut self, file: &str, found: &Finding) {
        let it = self.file(file, found.message.clone());
        (it.severity, it.span, it.end) = (found.severity, found.span, found.end);
        it.fix = found.fix.clone().or(it.fix.take());
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.found
    }
}

/// Returns a change of what stands at a place.
pub(super) fn replace(file: &str, place: Place, text: impl Into<String>) -> Edit {
    Edit { file: file.to_owned(), start: place.from(), end: place.to(), text: text.into() }
}

/// Returns a change that puts whole lines before a line, from 1.
pub(super) fn insert(file: &str, line: usize, text: impl Into<String>) -> Edit {
    let at = edk_model::Span { line, column: 1 };
    Edit { file: file.to_owned(), start: at, end: at, text: text.into() }
}

/// Returns a change that takes a line away, from 1.
pub(super) fn remove_line(file: &str, line: usize) -> Edit {
    let at = |line| edk_model::Span { line, column: 1 };
    Edit { file: file.to_owned(), start: at(line), end: at(line + 1), text: String::new() }
}
