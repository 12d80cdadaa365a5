use std::io;

use crate::wire::Answer;

/// Something that could not be set up, with the step in words.
#[derive(Debug)]
pub(crate) struct Fault {
    step: String,
    source: io::Error,
}

impl Fault {
    pub(crate) fn new(step: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { step: step.into(), source: io::Error::other(reason.into()) }
    }

    /// Returns the fault that another process told.
    pub(crate) fn told(step: String, reason: String, errno: Option<i32>) -> Self {
        let source = errno.map_or_else(|| io::Error::other(reason), io::Error::from_raw_os_error);
        Self { step, source }
    }

    pub(crate) fn into_answer(self) -> Answer {
        let errno = self.source.raw_os_error();
        Answer::Failed { step: self.step, reason: self.source.to_string(), errno }
    }
}

/// Says which step a result belongs to: `mount(...).step("mount proc")?`.
pub(crate) trait Step<T> {
    fn step(self, step: impl Into<String>) -> Result<T, Fault>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl Into<String>) -> Result<T, Fault> {
        self.map_err(|source| Fault { step: step.into(), source: source.into() })
    }
}
