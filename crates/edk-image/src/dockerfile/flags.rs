//! Flags of instructions: `--name=value` before their arguments.

use super::parse::Problem;

/// Takes the flags off the front of an instruction's text.
pub(super) fn take_flags(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut flags = Vec::new();
    while let Some(flag) = rest.strip_prefix("--") {
        let end = flag.find(char::is_whitespace).unwrap_or(flag.len());
        let (flag, after) = flag.split_at(end);
        rest = after.trim_start();
        // Two dashes alone end the flags.
        if flag.is_empty() {
            break;
        }
        flags.push(flag.split_once('=').unwrap_or((flag, "")));
    }
    (flags, rest)
}

/// The value of a flag that is on when it stands alone.
pub(super) fn switch(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Problem::malformed(format!("`{name}={value}` is neither true nor false"))),
    }
}
