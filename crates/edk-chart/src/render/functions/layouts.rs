//! Times in Go's layouts: the time `Mon Jan 2 15:04:05 MST 2006` shows what is meant.

use std::fmt::Write as _;

use jiff::{Zoned, civil, tz::Offset};

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'l> {
    Plain(&'l str),
    Known(&'static str),
    /// A fraction of a second: its sign, its number of digits, and whether zeros are dropped.
    Fraction(char, usize, bool),
}

/// What layouts are made of; of two that fit the first counts.
const KNOWN: [&str; 34] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "002",
    "__2",
    "_2006",
    "_2",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "PM",
    "pm",
    "1",
    "2",
    "3",
    "4",
    "5",
];

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// As Go counts them.
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Takes the first part of `layout`.
fn first(layout: &str) -> (Part<'_>, &str) {
    let mut at = 0;
    while at < layout.len() {
        let rest = &layout[at..];
        if let Some((part, length)) = known(rest) {
            return match at {
                0 => (part, &rest[length..]),
                _ => (Part::Plain(&layout[..at]), rest),
            };
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    (Part::Plain(layout), "")
}

fn known(rest: &str) -> Option<(Part<'static>, usize)> {
    if rest.starts_with(['.', ',']) && rest[1..].starts_with(['0', '9']) {
        let digit = rest.as_bytes()[1];
        let count = rest.bytes().skip(1).take_while(|byte| *byte == digit).count();
        let followed = rest[1 + count..].starts_with(|c: char| c.is_ascii_digit());
        let sign = char::from(rest.as_bytes()[0]);
        return (!followed).then_some((Part::Fraction(sign, count, digit == b'9'), count + 1));
    }
    let found = KNOWN.into_iter().find(|known| rest.starts_with(known))?;
    if found == "Jan" && rest[3..].starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    if found == "Mon" && rest[3..].starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    if found == "_2006" {
        return Some((Part::Plain("_"), 1));
    }
    Some((Part::Known(found), found.len()))
}

/// Returns `time` in `layout`.
pub(super) fn written(time: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while !rest.is_empty() {
        let (part, after) = first(rest);
        match part {
            Part::Plain(text) => out.push_str(text),
            Part::Fraction(sign, count, drops) => fraction(&mut out, time, sign, count, drops),
            Part::Known(part) => one(&mut out, time, part),
        }
        rest = after;
    }
    out
}

fn fraction(out: &mut String, time: &Zoned, sign: char, count: usize, drops: bool) {
    let digits = format!("{:09}", time.subsec_nanosecond());
    let digits = digits.get(..count).unwrap_or(&digits);
    let digits = if drops { digits.trim_end_matches('0') } else { digits };
    if !digits.is_empty() {
        out.push(sign);
        out.push_str(digits);
    }
}

fn one(out: &mut String, time: &Zoned, part: &str) {
    let month = MONTHS[usize::try_from(time.month() - 1).unwrap_or(0)];
    let day = DAYS[usize::try_from(time.weekday().to_sunday_zero_offset()).unwrap_or(0)];
    let hour = time.hour();
    let half = if hour % 12 == 0 { 12 } else { hour % 12 };
    let _ = match part {
        "January" => write!(out, "{month}"),
        "Jan" => write!(out, "{}", &month[..3]),
        "Monday" => write!(out, "{day}"),
        "Mon" => write!(out, "{}", &day[..3]),
        "2006" => write!(out, "{:04}", time.year()),
        "06" => write!(out, "{:02}", time.year().rem_euclid(100)),
        "01" => write!(out, "{:02}", time.month()),
        "1" => write!(out, "{}", time.month()),
        "02" => write!(out, "{:02}", time.day()),
        "_2" => write!(out, "{:2}", time.day()),
        "2" => write!(out, "{}", time.day()),
        "002" => write!(out, "{:03}", time.day_of_year()),
        "__2" => write!(out, "{:3}", time.day_of_year()),
        "15" => write!(out, "{hour:02}"),
        "03" => write!(out, "{half:02}"),
        "3" => write!(out, "{half}"),
        "04" => write!(out, "{:02}", time.minute()),
        "4" => write!(out, "{}", time.minute()),
        "05" => write!(out, "{:02}", time.second()),
        "5" => write!(out, "{}", time.second()),
        "PM" => write!(out, "{}", if hour < 12 { "AM" } else { "PM" }),
        "pm" => write!(out, "{}", if hour < 12 { "am" } else { "pm" }),
        "MST" => write!(out, "{}", zone_name(time)),
        part => write!(out, "{}", offset(time.offset(), part)),
    };
}

fn zone_name(time: &Zoned) -> String {
    let zone = time.time_zone();
    if zone.to_fixed_offset().is_ok_and(|offset| offset.seconds() != 0) {
        return offset(time.offset(), "-0700");
    }
    let name = zone.to_offset_info(time.timestamp()).abbreviation().to_owned();
    match name.as_str() {
        "" => offset(time.offset(), "-0700"),
        _ => name,
    }
}

fn offset(offset: Offset, part: &str) -> String {
    let seconds = offset.seconds();
    if part.starts_with('Z') && seconds == 0 {
        return "Z".to_owned();
    }
    let (sign, seconds) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match &part[1..] {
        "07" => format!("{sign}{hours:02}"),
        "0700" => format!("{sign}{hours:02}{minutes:02}"),
        "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "070000" => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// What has been read of a time.
struct Read {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: i32,
}

/// Reads `text` in `layout`; a time without a zone is in UTC.
///
/// # Errors
/// What is wrong, in Go's words.
pub(super) fn read(layout: &str, text: &str) -> Result<Zoned, String> {
    let mut read = Read {
        year: 0,
        month: None,
        day: None,
        day_of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        afternoon: None,
        offset: 0,
    };
    let (mut rest, mut value) = (layout, text);
    let quoted = |text: &str| crate::render::format::quoted(text.as_bytes());
    let wrong = |value: &str, part: &str| {
        let (text, layout, value, part) =
            (quoted(text), quoted(layout), quoted(value), quoted(part));
        format!("parsing time {text} as {layout}: cannot parse {value} as {part}")
    };
    while !rest.is_empty() {
        let (part, after) = first(rest);
        value = match part {
            Part::Plain(plain) => value.strip_prefix(plain).ok_or_else(|| wrong(value, plain))?,
            Part::Fraction(sign, count, _) => match value.strip_prefix(sign) {
                Some(digits) => {
                    read.fraction(digits).ok_or_else(|| wrong(value, &rest[..=count]))?
                }
                None => value,
            },
            Part::Known(part) => read.one(part, value).ok_or_else(|| wrong(value, part))?,
        };
        if matches!(part, Part::Known("05" | "5"))
            && value.starts_with(['.', ','])
            && !after.starts_with(['.', ','])
        {
            value = read.fraction(&value[1..]).unwrap_or(value);
        }
        rest = after;
    }
    if !value.is_empty() {
        let (text, value) = (quoted(text), quoted(value));
        return Err(format!("parsing time {text}: extra text: {value}"));
    }
    let what = quoted(text);
    read.time().map_err(|reason| format!("parsing time {what}: {reason} out of range"))
}

/// Takes a number of `least` to `most` digits from the start.
fn number(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let number = (count >= least).then(|| text[..count].parse().ok())??;
    Some((number, &text[count..]))
}

impl Read {
    fn fraction<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let count = text.bytes().take_while(u8::is_ascii_digit).count();
        let digits = format!("{:0<9}", &text[..count]);
        self.nanosecond = digits.get(..9)?.parse().ok()?;
        (count > 0).then_some(&text[count..])
    }

    fn one<'t>(&mut self, part: &str, text: &'t str) -> Option<&'t str> {
        let small = |number: i32| i8::try_from(number).ok();
        let named = |names: &[&str], short: bool| {
            names.iter().position(|name| {
                let name = if short { &name[..3] } else { name };
                text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            })
        };
        let (value, rest) = match part {
            "January" => {
                let at = named(&MONTHS, false)?;
                self.month = i8::try_from(at + 1).ok();
                return Some(&text[MONTHS[at].len()..]);
            }
            "Jan" => {
                self.month = i8::try_from(named(&MONTHS, true)? + 1).ok();
                return Some(&text[3..]);
            }
            "Monday" => return Some(&text[DAYS[named(&DAYS, false)?].len()..]),
            "Mon" => return named(&DAYS, true).map(|_| &text[3..]),
            "PM" | "pm" => {
                let half = text.get(..2)?.to_uppercase();
                self.afternoon = Some(half == "PM");
                return matches!(half.as_str(), "AM" | "PM").then(|| &text[2..]);
            }
            "MST" => {
                let count = text.bytes().take_while(u8::is_ascii_uppercase).count();
                return (3..=5).contains(&count).then(|| &text[count..]);
            }
            "2006" => number(text, 4, 4)?,
            "002" => number(text, 3, 3)?,
            "__2" => number(text.trim_start_matches(' '), 1, 3)?,
            "_2" => number(text.trim_start_matches(' '), 1, 2)?,
            "1" | "2" | "3" | "4" | "5" | "15" => number(text, 1, 2)?,
            "01" | "02" | "03" | "04" | "05" | "06" => number(text, 2, 2)?,
            part => return self.zone(part, text),
        };
        match part {
            "2006" => self.year = i16::try_from(value).ok()?,
            "06" => {
                self.year =
                    i16::try_from(if value >= 69 { value + 1900 } else { value + 2000 }).ok()?;
            }
            "01" | "1" => self.month = small(value),
            "02" | "2" | "_2" => self.day = small(value),
            "002" | "__2" => self.day_of_year = i16::try_from(value).ok(),
            "15" | "03" | "3" => self.hour = small(value)?,
            "04" | "4" => self.minute = small(value)?,
            _ => self.second = small(value)?,
        }
        Some(rest)
    }

    fn zone<'t>(&mut self, part: &str, text: &'t str) -> Option<&'t str> {
        if part.starts_with('Z') && text.starts_with('Z') {
            return Some(&text[1..]);
        }
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let mut rest = &text[1..];
        let mut seconds = 0;
        for (at, unit) in [3600, 60, 1].into_iter().enumerate() {
            let wanted = part.bytes().filter(u8::is_ascii_digit).count() / 2;
            if at >= wanted {
                break;
            }
            if at > 0 && part.contains(':') {
                rest = rest.strip_prefix(':')?;
            }
            let (value, after) = number(rest, 2, 2)?;
            seconds += value * unit;
            rest = after;
        }
        self.offset = sign * seconds;
        Some(rest)
    }

    fn time(self) -> Result<Zoned, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let time = civil::Time::new(hour, self.minute, self.second, self.nanosecond);
        let time = time.map_err(|_| {
            if hour > 23 {
                "hour"
            } else if self.minute > 59 {
                "minute"
            } else {
                "second"
            }
        })?;
        let month = self.month.unwrap_or(1);
        if !(1..=12).contains(&month) {
            return Err("month");
        }
        let date = civil::Date::new(self.year, month, self.day.unwrap_or(1)).map_err(|_| "day")?;
        let date = match self.day_of_year {
            Some(day) => date.with().day_of_year(day).build().map_err(|_| "day-of-year")?,
            None => date,
        };
        let offset = Offset::from_seconds(self.offset).map_err(|_| "time zone offset")?;
        let zone = if self.offset == 0 {
            jiff::tz::TimeZone::UTC
        } else {
            jiff::tz::TimeZone::fixed(offset)
        };
        date.to_datetime(time).to_zoned(zone).map_err(|_| "year")
    }
}
