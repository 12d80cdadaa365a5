//! Values of flags and options -> what layers and configurations hold.

use edk_model::Finding;
use serde_json::json;

use crate::dockerfile::{Command, Healthcheck};

/// The owner of copied files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// User, by number or by name.
    pub(crate) user: String,
    /// Group, by number or by name; `None` for the user's own.
    pub(crate) group: Option<String>,
}

impl Owner {
    /// Reads `--chown=user[:group]`.
    pub(crate) fn parse(text: &str) -> Result<Self, Finding> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group.to_owned())),
            None => (text, None),
        };
        if user.is_empty() || group.as_deref() == Some("") {
            let finding =
                Finding::error("dockerfile/malformed", format!("--chown={text} is no owner"));
            return Err(finding.fix("use --chown=user, --chown=user:group or numbers"));
        }
        Ok(Self { user: user.to_owned(), group })
    }

    /// Returns the numbers, when no name has to be looked up in the image; one number is both.
    pub(crate) fn numbers(&self) -> Option<(u64, u64)> {
        let user = self.user.parse().ok()?;
        match &self.group {
            None => Some((user, user)),
            Some(group) => Some((user, group.parse().ok()?)),
        }
    }

    /// Returns the numbers by an image's `/etc/passwd` and `/etc/group`.
    pub(crate) fn look_up(&self, passwd: &str, group: &str) -> Result<(u64, u64), String> {
        let row = |text: &str, name: &str| {
            let mut rows =
                text.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
            rows.find(|row| row.len() > 2 && row[0] == name)
        };
        let number =
            |row: &[String], at: usize| row.get(at).and_then(|text| text.parse::<u64>().ok());
        let user_row = row(passwd, &self.user);
        let user =
            user_row.as_ref().and_then(|row| number(row, 2)).or_else(|| self.user.parse().ok());
        let user =
            user.ok_or_else(|| format!("/etc/passwd of the image has no user `{}`", self.user))?;
        let Some(name) = &self.group else {
            return Ok((user, user_row.and_then(|row| number(&row, 3)).unwrap_or(user)));
        };
        let found = row(group, name).and_then(|row| number(&row, 2)).or_else(|| name.parse().ok());
        match found {
            Some(group) => Ok((user, group)),
            None => Err(format!("/etc/group of the image has no group `{name}`")),
        }
    }
}

/// Reads one word of `EXPOSE`: a port or a range of ports, and a protocol after a slash.
pub(crate) fn port(text: &str) -> Result<Vec<String>, Finding> {
    let malformed = || {
        Finding::error("dockerfile/malformed", format!("`EXPOSE {text}` is no port"))
            .fix("write a port such as 8080, 53/udp or 8000-8010")
    };
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |text: &str| text.parse::<u16>().map_err(|_| malformed());
    let (first, last) = (number(first)?, number(last)?);
    if first > last || !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(malformed());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
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
    fn owners_are_numbers_or_names_of_the_image() {
        let passwd = "root:x:0:0:::\nann:x:1000:1001:::\n";
        let group = "root:x:0:\nimaging:x:2000:ann\n";
        let check = |text: &str, expected| {
            let owner = Owner::parse(text).unwrap();
            assert_eq!(owner.look_up(passwd, group).ok(), expected, "{text}");
        };
        check("5:6", Some((5, 6)));
        check("5", Some((5, 5)));
        check("ann", Some((1000, 1001)));
        check("ann:imaging", Some((1000, 2000)));
        check("eve", None);
        check("ann:eve", None);
        assert_eq!(Owner::parse("5:6").unwrap().numbers(), Some((5, 6)));
        assert_eq!(Owner::parse("ann").unwrap().numbers(), None);
        assert!(Owner::parse(":x").is_err());
    }
}
