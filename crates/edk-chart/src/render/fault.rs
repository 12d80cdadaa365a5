use crate::Error;

/// Why something failed in a template.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It does not know where it was called.
    Here(String),
    /// What the chart's author says, by `fail` or `required`.
    Author(String),
    /// It happened at a known place.
    There(Box<Located>),
}

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// The file of the innermost place.
    pub(super) template: String,
    pub(super) line: usize,
    pub(super) column: usize,
    /// What is wrong there.
    pub(super) message: String,
    /// The outermost place, as Helm writes it.
    pub(super) outer: String,
    /// All that Go says, with the calls that led there.
    pub(super) trace: String,
    /// Whether the message is the author's.
    pub(super) by_author: bool,
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

impl Fault {
    /// Returns all that Go says.
    pub(super) fn trace(&self) -> &str {
        match self {
            Self::Here(message) | Self::Author(message) => message,
            Self::There(located) => &located.trace,
        }
    }

    /// Returns the fault with words before what Go says.
    pub(super) fn wrapped(self, words: &str) -> Self {
        match self {
            Self::Here(message) => Self::Here(format!("{words}: {message}")),
            Self::Author(message) => Self::Author(message),
            Self::There(mut located) => {
                located.trace = format!("{words}: {}", located.trace);
                Self::There(located)
            }
        }
    }

    /// Returns the error for the template `template`.
    pub(super) fn into_error(self, template: &str) -> Error {
        match self {
            Self::Here(message) | Self::Author(message) => Error::Template {
                template: template.to_owned(),
                line: 1,
                column: 1,
                helm: message.clone(),
                message,
            },
            Self::There(located) => Error::from(*located),
        }
    }
}

impl From<Located> for Error {
    fn from(located: Located) -> Self {
        let Located { template, line, column, message, outer, trace, by_author } = located;
        let helm = match by_author {
            true => format!("execution error at ({outer}): {message}"),
            false => trace,
        };
        Self::Template { template, line, column, message, helm }
    }
}

/// Returns the error for a template that can't be parsed.
pub(super) fn of_parser(located: Located) -> Error {
    let reason = located.trace.rsplit(": ").next().unwrap_or_default();
    let helm = format!("parse error at ({}): {reason}", located.outer);
    let Located { template, line, column, message, .. } = located;
    Error::Template { template, line, column, message, helm }
}
