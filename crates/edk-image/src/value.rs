//! Values of flags and options -> what layers and configurations hold.

use edk_model::Finding;
use serde_json::json;

use crate::dockerfile::{Command, Healthcheck};

/// The owner of `--chown=`: user and group by number; one number is both.
pub(crate) fn parse_owner(text: &str) -> Result<(u64, u64), Finding> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    match (user.parse(), group.parse()) {
        (Ok(user), Ok(group)) => Ok((user, group)),
        _ => {
            let message = format!(
                "--chown={text} by name is not supported by the embedded builder yet (issue #8)"
            );
            Err(Finding::error("dockerfile/unsupported", message)
                .fix("use numbers: --chown=1000:1000"))
        }
    }
}

/// The permission bits of `--chmod=`.
pub(crate) fn parse_mode(text: &str) -> Result<u32, Finding> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        _ => {
            Err(Finding::error("dockerfile/malformed", format!("--chmod={text} is no octal mode"))
                .fix("use a mode such as --chmod=755"))
        }
    }
}

/// A health check as in Docker's image configuration; durations in nanoseconds.
pub(crate) fn healthcheck(check: &Healthcheck) -> Result<serde_json::Value, Finding> {
    let Healthcheck::Command { options, command } = check else {
        return Ok(json!({"Test": ["NONE"]}));
    };
    let test = match command {
        Command::Exec(argv) => [vec!["CMD".to_owned()], argv.clone()].concat(),
        Command::Shell(text) => vec!["CMD-SHELL".to_owned(), text.clone()],
    };
    let mut value = json!({"Test": test});
    for (name, text) in options {
        let malformed = || {
            Finding::error("dockerfile/malformed", format!("--{name}={text} of HEALTHCHECK is malformed"))
                .fix("use --interval=30s, --timeout=5s, --start-period=10s, --start-interval=1s or --retries=3")
        };
        let key = match name.as_str() {
            "interval" => "Interval",
            "timeout" => "Timeout",
            "start-period" => "StartPeriod",
            "start-interval" => "StartInterval",
            "retries" => {
                value["Retries"] = json!(text.parse::<u32>().map_err(|_| malformed())?);
                continue;
            }
            _ => return Err(malformed()),
        };
        value[key] = json!(nanoseconds(text).ok_or_else(malformed)?);
    }
    Ok(value)
}

/// A Go duration such as `1m30s`, in nanoseconds.
fn nanoseconds(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end =
            rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |n| n + digits);
        let factor = match &rest[digits..unit_end] {
            "h" => 3600e9,
            "m" => 60e9,
            "s" => 1e9,
            "ms" => 1e6,
            _ => return None,
        };
        total += number * factor;
        rest = &rest[unit_end..];
    }
    (total > 0.0).then_some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("1m30s", Some(90_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("20ms", Some(20_000_000)),
            ("", None),
            ("s", None),
            ("5", None),
            ("5d", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn owners_and_modes_are_numbers() {
        assert_eq!(parse_owner("5:6").ok(), Some((5, 6)));
        assert_eq!(parse_owner("5").ok(), Some((5, 5)));
        assert!(parse_owner("ann").is_err());
        assert_eq!(parse_mode("0755").ok(), Some(0o755));
        assert!(parse_mode("8").is_err() && parse_mode("77777").is_err());
    }
}
