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

    fn new(severity: Severity, rule: &str, message: impl Into<String>) -> Self {
        let rule = rule.to_owned();
        Self { severity, rule, message: message.into(), file: None, span: None, fix: None }
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
