use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::Finding;

/// What kind of failure it was: the part a program acts on (exit code, colour, retry).
///
/// A member nobody acts on is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Code {
    /// The user's input or files are wrong.
    InvalidInput,
    /// Something named by the user is not there.
    NotFound,
    /// Something is there already, or in use.
    Conflict,
    /// Something has to be done or installed first.
    Precondition,
    /// The target knows us too little or not at all.
    Unauthorised,
    /// A registry, a target or a package index can't be reached.
    Unreachable,
    /// The other side took too long.
    TimedOut,
    /// The other side answered, and the answer is a refusal or makes no sense.
    Refused,
    /// A command of the user's (a `RUN` step, a processing container) ended with an error.
    CommandFailed,
    /// No space is left on the disk.
    DiskFull,
    /// The disk can't be read or written.
    Io,
    /// We can't do this, by design or not yet.
    Unsupported,
    /// The user, or a newer change, stopped it: an outcome, not a fault.
    Cancelled,
    /// Our own mistake.
    Bug,
}

/// Why something could not be done, in the words a user sees: the only error that crosses the
/// door of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Failure {
    /// The kind.
    pub code: Code,
    /// What could not be done, or what is wrong: one sentence without a full stop.
    pub what: String,
    /// The causes, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub why: Vec<String>,
    /// What to do next, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub hints: Vec<String>,
    /// The findings that stopped it, when the user's files did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub findings: Vec<Finding>,
}

/// What an error of a room tells beyond its message.
///
/// Each room implements it beside its error type, so that advice lives where the cause is known.
pub trait Explain: Error {
    /// Returns the kind of the failure.
    fn code(&self) -> Code;

    /// Returns what the user can do next, each a sentence.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the findings behind the error, when the user's files are at fault.
    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }
}

impl Failure {
    /// Returns a failure without causes and hints.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), why: Vec::new(), hints: Vec::new(), findings: Vec::new() }
    }

    /// Returns the failure that `error` explains, its sources as causes.
    pub fn explain(error: &dyn Explain) -> Self {
        let mut why = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            why.push(cause.to_string());
            source = cause.source();
        }
        let (code, hints, findings) = (error.code(), error.hints(), error.findings());
        Self { code, what: error.to_string(), why, hints, findings }
    }

    /// Returns the failure with one more cause.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.why.push(cause.to_string());
        self
    }

    /// Returns the failure with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl Code {
    /// Returns the code for an input/output error: [`Code::DiskFull`] when no space or quota is
    /// left, [`Code::NotFound`] for a missing file, [`Code::Io`] otherwise.
    pub fn of_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            std::io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not save the thing")]
    struct Outer(#[source] std::io::Error);

    impl Explain for Outer {
        fn code(&self) -> Code {
            Code::of_io(&self.0)
        }
    }

    #[test]
    fn an_error_is_explained_with_its_causes() {
        let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let failure = Failure::explain(&Outer(cause));
        assert_eq!(failure.code, Code::DiskFull);
        assert_eq!(failure.what, "could not save the thing");
        assert_eq!(failure.why, ["no storage space"]);
    }
}
