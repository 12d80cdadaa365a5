use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Severity {
    /// Worth knowing.
    Hint,
    /// Probably a problem.
    Warning,
    /// It will fail; nothing is built or sent while it stands.
    Error,
}

/// A place in a text file; both numbers start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Span {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// A change of a file that mends a [`Finding`]: what stands from `start` up to `end` becomes `text`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Edit {
    /// The file, as the finding names it; a file that is not there is made.
    pub file: String,
    /// The first character that goes.
    pub start: Span,
    /// The first one that stays; `start` where something is only put in.
    pub end: Span,
    /// What comes in its place.
    pub text: String,
}

/// Something wrong in a user's file: a value, not an error, so that many can be shown at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable id of the rule, such as `dockerfile/unknown-instruction`.
    pub rule: String,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// The file, as the user would name it, when there is one.
    pub file: Option<String>,
    /// The place in the file, when known.
    pub span: Option<Span>,
    /// What to do about it, when we know.
    pub fix: Option<String>,
    /// Behind the last character of the place, when it is known and more than a point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub end: Option<Span>,
    /// What the platform would do about it, when a rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub why: Option<String>,
    /// The line of the place as it stands, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub excerpt: Option<String>,
    /// Changes that mend it and can't harm; none where a person has to decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<Edit>>", optional))]
    pub edits: Vec<Edit>,
}

impl Finding {
    /// Returns a finding of severity error without file, span and fix.
    pub fn error(rule: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, rule, message)
    }

    /// Returns a finding of severity warning without file, span and fix.
    pub fn warning(rule: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, rule, message)
    }

    /// Returns a finding without file, span and fix.
    pub fn new(severity: Severity, rule: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            rule: rule.to_owned(),
            message: message.into(),
            file: None,
            span: None,
            fix: None,
            end: None,
            why: None,
            excerpt: None,
            edits: Vec::new(),
        }
    }

    /// Returns the finding placed in `file`.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Returns the finding placed at `line` and `column`, both from 1.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.span = Some(Span { line, column });
        self
    }

    /// Returns the finding at the place from `start` up to `end`.
    #[must_use]
    pub fn over(mut self, start: Span, end: Span) -> Self {
        self.span = Some(start);
        self.end = (end != start).then_some(end);
        self
    }

    /// Returns the finding with a change that mends it.
    #[must_use]
    pub fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// Returns the finding with what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Finding {
    /// Writes `file:line:column: message (rule)`, leaving out what is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(Span { line, column }) = self.span {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " ")?;
        }
        write!(f, "{} ({})", self.message, self.rule)
    }
}
