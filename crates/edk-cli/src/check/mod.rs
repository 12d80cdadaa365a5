//! `edk check`: its arguments, and findings in the formats of other programs.

mod gitlab;
mod junit;
mod sarif;
pub(crate) mod watch;

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use edk_api::{CheckOutcome, CheckRequest, Command, Mend};
use edk_model::Severity;

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    /// Folder of an extension, a folder of many, or a packaged chart (.tgz).
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Mend what can be mended safely, and show the difference.
    #[arg(long)]
    fix: bool,
    /// Show what --fix would change, and write nothing.
    #[arg(long)]
    diff: bool,
    /// Check again whenever a file changes, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["fix", "diff", "explain"])]
    pub(crate) watch: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// From which severity on the check fails.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    fail_on: FailOn,
    /// Apply this rule or family only, such as D06 or D; may be given several times.
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// Leave this rule or family out; may be given several times.
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
    /// Ask this target what the rules of delivery (F) need to know of it.
    #[arg(long, short, value_name = "NAME")]
    target: Option<String>,
    /// Tell what a rule is about and exit; `all` lists the rules.
    #[arg(long, value_name = "RULE")]
    explain: Option<String>,
}

/// What may leave this machine although the guard finds it.
#[derive(Debug, ClapArgs)]
pub(crate) struct AllowArg {
    /// Let what this rule of the guard finds into images and charts, such as G02; may be given
    /// several times.
    #[arg(long, value_name = "RULE")]
    pub(crate) allow: Vec<String>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people, with the lines they are about.
    #[default]
    Text,
    /// The same document as --output json.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for lists of tests.
    Junit,
    /// GitLab's code quality report.
    Gitlab,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FailOn {
    #[default]
    Error,
    Warning,
    Info,
}

impl CheckArgs {
    pub(crate) fn command(&self) -> Command {
        if let Some(rule) = &self.explain {
            return Command::Explain(rule.clone());
        }
        Command::Check(CheckRequest {
            folder: self.path.clone(),
            only: self.rule.clone(),
            allow: self.allow.clone(),
            mend: match (self.diff, self.fix) {
                (true, _) => Mend::Show,
                (false, true) => Mend::Write,
                (false, false) => Mend::No,
            },
            fail_on: match self.fail_on {
                FailOn::Error => Severity::Error,
                FailOn::Warning => Severity::Warning,
                FailOn::Info => Severity::Hint,
            },
            target: self.target.clone(),
        })
    }
}

/// Returns what a check found in a format of another program.
pub(crate) fn formatted(outcome: &CheckOutcome, format: Format) -> Option<String> {
    match format {
        Format::Text | Format::Json => None,
        Format::Sarif => Some(sarif::report(outcome).to_string()),
        Format::Junit => Some(junit::report(outcome)),
        Format::Gitlab => Some(gitlab::report(outcome).to_string()),
    }
}
