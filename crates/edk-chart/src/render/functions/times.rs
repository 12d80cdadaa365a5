//! Times, spans and names of days, as Go prints them.

use jiff::Zoned;

use super::layouts::{self, DAYS, MONTHS};
use crate::render::{thing::Thing, value::Int};

/// Returns the name under which a number of a type of its own is printed.
pub(in crate::render) fn name_of(kind: Int, number: i64) -> Option<String> {
    let named = |names: &[&str], at: Option<usize>| {
        at.and_then(|at| names.get(at)).map(|name| (*name).to_owned())
    };
    match kind {
        Int::Duration => Some(span(number)),
        Int::Month => named(&MONTHS, usize::try_from(number - 1).ok()),
        Int::Weekday => named(&DAYS, usize::try_from(number).ok()),
        _ => None,
    }
}

/// Returns what is printed for a value that knows how to print itself.
pub(in crate::render) fn text_of(thing: &Thing) -> String {
    match thing {
        Thing::Time(time) => layouts::written(time, "2006-01-02 15:04:05.999999999 -0700 MST"),
        Thing::KubeVersion { version, .. } => version.clone(),
        Thing::Semver(version, _) => {
            let mut text = format!("{}.{}.{}", version.major, version.minor, version.patch);
            if !version.pre.is_empty() {
                text = format!("{text}-{}", version.pre);
            }
            if !version.build.is_empty() {
                text = format!("{text}+{}", version.build);
            }
            text
        }
        _ => String::new(),
    }
}

/// Returns a time as JSON has it.
pub(super) fn rfc3339(time: &Zoned) -> String {
    layouts::written(time, "2006-01-02T15:04:05.999999999Z07:00")
}

/// Returns a span of nanoseconds, such as `1h2m3.5s`.
pub(super) fn span(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let decimal = |value: u64, unit: u64| {
        let digits = unit.ilog10() as usize;
        let fraction = format!("{:0digits$}", value % unit);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() || unit == 1 { "" } else { "." };
        let fraction = if unit == 1 { "" } else { fraction };
        format!("{}{point}{fraction}", value / unit)
    };
    match magnitude {
        0 => "0s".to_owned(),
        1..=999 => format!("{sign}{magnitude}ns"),
        1_000..=999_999 => format!("{sign}{}µs", decimal(magnitude, 1_000)),
        1_000_000..=999_999_999 => format!("{sign}{}ms", decimal(magnitude, 1_000_000)),
        _ => {
            let minutes = magnitude / 60_000_000_000;
            let seconds = decimal(magnitude % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// Reads a span such as `1h30m`, in nanoseconds (Go: `time.ParseDuration`).
pub(super) fn read_span(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut whole = 0i64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: &str = &rest[..end];
        let unit_end = rest[end..].find(|c: char| c.is_ascii_digit() || c == '.');
        let unit_end = unit_end.map_or(rest.len(), |at| end + at);
        let unit = match &rest[end..unit_end] {
            "ns" => 1i64,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (before, after) = number.split_once('.').unwrap_or((number, ""));
        if before.is_empty() && after.is_empty() || after.contains('.') {
            return None;
        }
        let before: i64 = if before.is_empty() { 0 } else { before.parse().ok()? };
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as Go")]
        let fraction = match after.is_empty() {
            true => 0,
            false => (format!("0.{after}").parse::<f64>().ok()? * unit as f64) as i64,
        };
        whole = whole.checked_add(before.checked_mul(unit)?.checked_add(fraction)?)?;
        rest = &rest[unit_end..];
    }
    Some(if sign < 0.0 { -whole } else { whole })
}
