use std::{io, path::PathBuf};

use edk_model::{Cancelled, Code, Explain, Finding};

use crate::{Job, LoginProblem, NeverSent, Trouble, trust::is_distrust};

/// Why a target did not do what it was asked, or why nobody knows whether it did.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are the subjects named in the messages")]
pub enum TargetError {
    /// No connection at all.
    #[error("target `{target}` can't be reached at {url}")]
    Unreachable {
        target: String,
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// A connection, but no answer to a call whose repetition changes nothing.
    #[error("target `{target}` gave no answer when asked to {action}")]
    NoAnswer {
        target: String,
        action: &'static str,
        #[source]
        source: reqwest::Error,
    },
    /// The client could not be made from the target's settings.
    #[error("the settings of target `{target}` can't be used")]
    Setup {
        target: String,
        #[source]
        source: reqwest::Error,
    },
    /// The certificate is not believed.
    #[error("the certificate of target `{target}` at {url} is not trusted")]
    NotTrusted {
        target: String,
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// An address that is none.
    #[error("`{url}` of target `{target}` is no address")]
    Address { target: String, url: String },
    /// The login gave no token.
    #[error("could not log in to target `{target}`: {problem}")]
    Login { target: String, problem: LoginProblem },
    /// The front door wants a login.
    #[error("target `{target}` does not know who you are")]
    NotLoggedIn { target: String },
    /// Another address was named instead of an answer.
    #[error("target `{target}` sends its calls elsewhere, to {location}")]
    Redirected { target: String, location: String },
    /// A page of HTML came instead of an answer.
    #[error("target `{target}` answered with a page for people when asked to {action}")]
    Page { target: String, action: &'static str },
    /// The front door knows the login and refuses.
    #[error("target `{target}` does not allow you to {action}")]
    Forbidden { target: String, action: &'static str },
    /// The API refused in words.
    #[error("target `{target}` refused to {action}: {reason}")]
    Refused { target: String, action: &'static str, status: u16, reason: String },
    /// Names, versions or parameters the platform would misuse.
    #[error("{subject} was not sent to target `{target}`: it would go wrong there")]
    Preflight { target: String, subject: String, findings: Vec<Finding> },
    /// The file to send can't be read.
    #[error("could not read `{}`", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The platform's check of an uploaded chart failed.
    #[error(
        "target `{target}` rejected chart `{file_name}` ({reason}), but the chart is on the \
         platform anyway: it is stored and listed there"
    )]
    ChartRejected { target: String, file_name: String, reason: String },
    /// All tries ended without the words that mean success.
    #[error("`{file_name}` did not arrive whole at target `{target}` in {tries} tries: {last}")]
    NotUploaded { target: String, file_name: String, tries: u32, last: String },
    /// An uploaded chart did not appear in the list.
    #[error("target `{target}` does not list `{name}` {version} after {seconds} s ({listed})")]
    NotListed { target: String, name: String, version: String, seconds: u64, listed: String },
    /// Helm did not install the chart, and no release of it is there.
    #[error("target `{target}` did not install `{name}` {version}: {reason}")]
    NotInstalled { target: String, name: String, version: String, reason: String },
    /// The release, or one of its pods, ended badly.
    #[error("release `{release}` failed on target `{target}`: {}", trouble.sentence)]
    ReleaseFailed { target: String, release: String, trouble: Box<Trouble> },
    /// The time the caller gave is over.
    #[error("release `{release}` is not ready on target `{target}` after {seconds} s: {}", trouble.sentence)]
    NotReady { target: String, release: String, seconds: u64, trouble: Box<Trouble> },
    /// A removed release is still there.
    #[error("release `{release}` is still on target `{target}` after {seconds} s; {waiting}")]
    NotGone { target: String, release: String, seconds: u64, waiting: String },
    /// A call that needs a project, for a target without one.
    #[error("target `{target}` has no project")]
    NoProject { target: String },
    /// A job of a workflow ended badly.
    #[error(
        "workflow `{name}` failed on target `{target}`: job {} {}{}",
        job.id, job.status, said(&job.description)
    )]
    WorkflowFailed { target: String, name: String, job: Box<Job> },
    /// The time the caller gave is over, and the workflow still runs.
    #[error("workflow `{name}` still runs on target `{target}` after {seconds} s; {now}")]
    WorkflowRuns { target: String, name: String, seconds: u64, now: String },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Words of the platform, as the end of a sentence.
fn said(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

impl TargetError {
    /// Returns the error with the images that were never sent to the target, when a missing image
    /// is the trouble.
    #[must_use]
    pub fn never_sent(self, images: &[NeverSent]) -> Self {
        match self {
            Self::ReleaseFailed { target, release, trouble } => {
                let trouble = Box::new(trouble.never_sent(images));
                Self::ReleaseFailed { target, release, trouble }
            }
            other => other,
        }
    }

    /// Returns the error for a connection that was not made.
    pub(crate) fn unreachable(target: &str, url: &str, source: reqwest::Error) -> Self {
        let (target, url) = (target.to_owned(), url.to_owned());
        match is_distrust(&source) {
            true => Self::NotTrusted { target, url, source },
            false => Self::Unreachable { target, url, source },
        }
    }
}

impl Explain for TargetError {
    fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } => Code::Unreachable,
            Self::NoAnswer { .. } | Self::NotReady { .. } => Code::TimedOut,
            Self::NotListed { .. } | Self::NotGone { .. } | Self::WorkflowRuns { .. } => {
                Code::TimedOut
            }
            Self::Setup { .. }
            | Self::Preflight { .. }
            | Self::NoProject { .. }
            | Self::Redirected { .. }
            | Self::Address { .. } => Code::InvalidInput,
            Self::NotTrusted { .. } | Self::Login { .. } => Code::Unauthorised,
            Self::NotLoggedIn { .. } | Self::Forbidden { .. } | Self::Page { .. } => {
                Code::Unauthorised
            }
            Self::File { source, .. } => Code::of_io(source),
            Self::Refused { .. } | Self::ChartRejected { .. } => Code::Refused,
            Self::NotUploaded { .. } | Self::NotInstalled { .. } => Code::Refused,
            Self::ReleaseFailed { .. } | Self::WorkflowFailed { .. } => Code::CommandFailed,
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unreachable { .. } => {
                "start the target or correct its address; the sandbox starts with `edk sandbox serve`"
            }
            Self::Refused { status: 404, .. } => {
                "make sure that the address is that of a platform or a sandbox, and of no other server"
            }
            Self::NoAnswer { .. } => "a platform serves one call at a time; try again in a minute",
            Self::Setup { .. } => "correct the address, the certificate or the token of the target",
            Self::Address { .. } => "give the address as in https://kaapana.example.org",
            Self::NotTrusted { .. } => {
                "if you know it, trust it: `edk target add` with `--ca FILE`, or with `--pin` and the fingerprint that `edk target doctor` shows"
            }
            Self::Login { problem, .. } => problem.hint(),
            Self::NotLoggedIn { .. } => "log in: `edk target login`",
            Self::Redirected { .. } => {
                "if that is the platform, make it the target's address: `edk target add` with `--change`"
            }
            Self::Page { .. } => {
                "open its address in a browser: a proxy or a login stands before it, or it is another server"
            }
            Self::Forbidden { .. } => {
                "ask an administrator for the role admin, or for the right to manage extensions of the project"
            }
            Self::ChartRejected { .. } => {
                "correct the chart and send it again under the same name and version: it replaces the rejected one"
            }
            Self::NotUploaded { .. } => "look at the connection to the target, then send it again",
            Self::NotListed { .. } => {
                "another chart may break the platform's list; look at its Extensions page"
            }
            Self::NotInstalled { .. } => {
                "the platform keeps Helm's own message in the log of its pod kube-helm"
            }
            Self::ReleaseFailed { trouble, .. } | Self::NotReady { trouble, .. } => {
                trouble.kind.next()
            }
            Self::NoProject { .. } => "choose one: `edk target add` with `--project`",
            Self::WorkflowFailed { .. } => {
                "look at its tasks: `edk workflow jobs`, then `edk workflow logs`"
            }
            Self::WorkflowRuns { .. } => "look again: `edk workflow jobs`",
            Self::NotGone { .. } => "remove the release without its hooks: `--no-hooks`",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Preflight { findings, .. } => findings.clone(),
            Self::ReleaseFailed { trouble, .. } | Self::NotReady { trouble, .. } => {
                vec![Finding::error(trouble.kind.code(), trouble.last.clone())]
            }
            _ => Vec::new(),
        }
    }
}
