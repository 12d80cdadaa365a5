//! Sprig: "Date Functions". A time is a number of seconds here, always in UTC.

use gotmpl::Value;
use jiff::{Timestamp, tz::TimeZone};

use super::{Outcome, Table, args};
use crate::render::{fault::Fault, value::string};

pub(super) const TABLE: Table = &[
    // The clock of the machine stays out, so that rendering twice gives the same.
    ("now", |_, _| Ok(Value::Int(i64::try_from(edk_model::SOURCE_DATE_EPOCH).unwrap_or_default()))),
    ("date", |_, args| formatted(args::string(args, 0)?, args::any(args, 1)?)),
    ("dateInZone", |_, args| formatted(args::string(args, 0)?, args::any(args, 1)?)),
    ("date_in_zone", |_, args| formatted(args::string(args, 0)?, args::any(args, 1)?)),
    ("htmlDate", |_, args| formatted("2006-01-02", args::any(args, 0)?)),
    ("unixEpoch", |_, args| Ok(string(args::as_int(args::any(args, 0)?).to_string()))),
];

/// The parts of a Go layout and what they are to `strftime`; longer ones first.
const PARTS: [(&str, &str); 20] = [
    ("January", "%B"),
    ("Monday", "%A"),
    ("2006", "%Y"),
    ("Z07:00", "Z"),
    ("-07:00", "+00:00"),
    ("-0700", "+0000"),
    ("MST", "UTC"),
    ("Jan", "%b"),
    ("Mon", "%a"),
    ("01", "%m"),
    ("02", "%d"),
    ("15", "%H"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("PM", "%p"),
    ("_2", "%e"),
    ("1", "%-m"),
    ("2", "%-d"),
];

fn formatted(layout: &str, time: &Value) -> Outcome {
    let fault = |error: jiff::Error| Fault::from(error.to_string());
    let time = Timestamp::from_second(args::as_int(time)).map_err(fault)?;
    let mut format = String::new();
    let mut rest = layout;
    while let Some(c) = rest.chars().next() {
        if let Some((part, code)) = PARTS.iter().find(|(part, _)| rest.starts_with(part)) {
            format.push_str(code);
            rest = &rest[part.len()..];
        } else {
            format.push_str(if c == '%' { "%%" } else { &rest[..c.len_utf8()] });
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(string(time.to_zoned(TimeZone::UTC).strftime(&format).to_string()))
}
