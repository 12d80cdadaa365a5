//! Failures in words, and their exit codes.

use std::fmt::Write as _;

use edk_api::Failure;
use edk_model::{Code, Finding, Severity};

/// Prints a failure on standard error: what, why, what to do next.
pub(crate) fn failure(failure: &Failure) {
    eprint!("{}", words(failure));
}

fn words(failure: &Failure) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(text, "error: {}", failure.what);
    for why in &failure.why {
        let _ = writeln!(text, "  because: {why}");
    }
    for finding in &failure.findings {
        text.push_str(&finding_words(finding));
    }
    for hint in &failure.hints {
        let _ = writeln!(text, "hint: {}", hint.replace('\n', "\n  "));
    }
    text
}

/// One finding: place and message, then the fix.
pub(crate) fn finding_words(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    };
    let mut text = format!("  {severity}: {finding}\n");
    if let Some(fix) = &finding.fix {
        let _ = writeln!(text, "    fix: {fix}");
    }
    text
}

/// Returns the exit code for a kind of failure; see the program's essay.
pub(crate) fn exit_code(code: Code) -> u8 {
    match code {
        Code::InvalidInput
        | Code::NotFound
        | Code::Conflict
        | Code::CommandFailed
        | Code::Unsupported => 1,
        Code::Precondition
        | Code::Unauthorised
        | Code::Unreachable
        | Code::TimedOut
        | Code::Refused
        | Code::DiskFull
        | Code::Io => 3,
        Code::Bug => 4,
        Code::Cancelled => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_what_why_where_and_what_next() {
        let mut failure = Failure::new(Code::InvalidInput, "it can't be built").hint("mend it");
        failure = failure.because("a cause");
        failure.findings.push(Finding::error("a/rule", "wrong").in_file("f").at(3, 1).fix("do so"));
        assert_eq!(
            words(&failure),
            "error: it can't be built\n  because: a cause\n  error: f:3:1: wrong (a/rule)\n    \
             fix: do so\nhint: mend it\n"
        );
    }
}
