use crate::Error;

/// Why a function failed.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It does not know where it was called.
    Here(String),
    /// Something inside of it failed, at a known place.
    There(Box<Located>),
}

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) template: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Here(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::Here(message.to_owned())
    }
}

impl From<Located> for Fault {
    fn from(located: Located) -> Self {
        Self::There(Box::new(located))
    }
}

impl From<Located> for Error {
    fn from(Located { template, line, column, message }: Located) -> Self {
        Self::Template { template, line, column, message }
    }
}
