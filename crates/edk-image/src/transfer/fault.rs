//! What can go wrong on the way to a registry.

use std::{io, time::Duration};

use edk_model::Reference;

use crate::{ImageError, RegistryProblem};

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// It could not be sent, or its answer broke off.
    #[error("{}", innermost(.0))]
    Request(#[source] reqwest::Error),
    /// No answer within the time.
    #[error("it has not answered for {seconds} s")]
    Silent { seconds: u64 },
    /// A blob broke off.
    #[error("the connection was cut after {got} of {size} bytes")]
    Cut { got: u64, size: u64 },
    /// It wants a login, or another.
    #[error("{}", login_words(user.as_deref(), said))]
    Unauthorised { user: Option<String>, said: String, challenge: String },
    /// It knows the login and says no.
    #[error("{}", forbidden_words(user.as_deref(), said))]
    Forbidden { user: Option<String>, said: String },
    /// It answered with a status that is none of those one could go on with.
    #[error("it answers {status}{}", colon(said))]
    Answer { status: u16, said: String, wait: Option<Duration> },
    /// Its answer makes no sense.
    #[error("{0}")]
    Strange(String),
    /// What was to be sent can't be read here, or what came can't be kept.
    #[error("the disk of this machine refused")]
    Disk(#[source] io::Error),
    /// What was to be sent comes from somewhere that failed.
    #[error("its source failed")]
    Source(#[source] Box<ImageError>),
}

fn colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn login_words(user: Option<&str>, said: &str) -> String {
    let words = match user {
        Some(user) => format!("it does not take the login of `{user}`"),
        None => "it wants a login, and none is kept for it".to_owned(),
    };
    words + &colon(said)
}

fn forbidden_words(user: Option<&str>, said: &str) -> String {
    let words = match user {
        Some(user) => format!("`{user}` may not do this there"),
        None => "nobody may do this there without a login".to_owned(),
    };
    words + &colon(said)
}

/// The cause at the bottom: what is above repeats the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut at: &dyn std::error::Error = error;
    while let Some(source) = at.source() {
        at = source;
    }
    let text = at.to_string();
    match () {
        () if error.is_timeout() => "it can't be reached in time".to_owned(),
        () if error.is_connect() => format!("it can't be reached: {text}"),
        () => format!("the connection broke: {text}"),
    }
}

impl WireError {
    /// Says whether another attempt may help, and after which pause the registry wants it.
    pub(crate) fn passing(&self) -> Option<Option<Duration>> {
        match self {
            Self::Request(error) if !error.is_builder() && !error.is_redirect() => Some(None),
            Self::Silent { .. } | Self::Cut { .. } => Some(None),
            Self::Answer { status: 408 | 425 | 429 | 500 | 502 | 503 | 504, wait, .. } => {
                Some(*wait)
            }
            _ => None,
        }
    }

    /// Says whether the registry does not have what was asked for.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Answer { status: 404, .. })
    }

    fn problem(&self) -> RegistryProblem {
        match self {
            Self::Request(error) if error.is_connect() || error.is_timeout() => {
                RegistryProblem::Unreachable
            }
            Self::Request(_) | Self::Cut { .. } => RegistryProblem::Broken,
            Self::Silent { .. } => RegistryProblem::Unreachable,
            Self::Unauthorised { .. } => RegistryProblem::Unauthorised,
            Self::Forbidden { .. } => RegistryProblem::Forbidden,
            Self::Answer { status: 404, .. } => RegistryProblem::NotFound,
            Self::Answer { status: 429, .. } => RegistryProblem::Busy,
            Self::Answer { status: 413 | 507, .. } => RegistryProblem::Full,
            Self::Answer { status: 500.., .. } => RegistryProblem::Failing,
            _ => RegistryProblem::Refused,
        }
    }

    /// As an error of a pull.
    pub(crate) fn pulling(self, reference: &Reference) -> ImageError {
        match self {
            Self::Disk(source) => {
                edk_store::StoreError::Io { path: "incoming".into(), source }.into()
            }
            Self::Source(error) => *error,
            other => ImageError::Pull {
                reference: reference.to_string(),
                problem: other.problem(),
                source: Box::new(other),
            },
        }
    }

    /// As an error of a push.
    pub(crate) fn pushing(self, reference: &Reference) -> ImageError {
        match self {
            Self::Disk(source) => edk_store::StoreError::Io { path: "blobs".into(), source }.into(),
            Self::Source(error) => *error,
            other => ImageError::Push {
                reference: reference.to_string(),
                problem: other.problem(),
                source: Box::new(other),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_has_its_kind_and_its_words() {
        let answer = |status| WireError::Answer { status, said: "x".to_owned(), wait: None };
        for (status, problem, passing) in [
            (404, RegistryProblem::NotFound, false),
            (429, RegistryProblem::Busy, true),
            (503, RegistryProblem::Failing, true),
            (507, RegistryProblem::Full, false),
            (400, RegistryProblem::Refused, false),
        ] {
            let error = answer(status);
            assert_eq!((error.problem(), error.passing().is_some()), (problem, passing));
            assert_eq!(error.to_string(), format!("it answers {status}: x"));
        }
        let (said, challenge) = (String::new(), String::new());
        let user = Some("ann".to_owned());
        let error = WireError::Unauthorised { user, said, challenge };
        assert_eq!(error.to_string(), "it does not take the login of `ann`");
    }
}
