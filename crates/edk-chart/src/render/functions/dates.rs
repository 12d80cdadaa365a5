//! Sprig: "Date Functions". The time is fixed: rendering twice gives the same.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use super::{Outcome, Table, args, def, layouts, times};
use crate::render::{
    engine::Machine,
    fault::Fault,
    thing::Thing,
    value::{Int, Value},
};

pub(super) const TABLE: Table = &[
    def("now", "", |machine, _| Ok(of(now(machine)))),
    def("date", "sa", |machine, args| in_zone(machine, args, "Local")),
    def("dateInZone", "sas", |machine, args| in_zone(machine, args, &args::text(args, 2))),
    def("date_in_zone", "sas", |machine, args| in_zone(machine, args, &args::text(args, 2))),
    def("htmlDate", "a", |machine, args| html(machine, args, "Local")),
    def("htmlDateInZone", "as", |machine, args| html(machine, args, &args::text(args, 1))),
    def("dateModify", "st", |_, args| Ok(modified(args).unwrap_or_else(|_| args[1].clone()))),
    def("date_modify", "st", |_, args| Ok(modified(args).unwrap_or_else(|_| args[1].clone()))),
    def("mustDateModify", "st", |_, args| modified(args)),
    def("must_date_modify", "st", |_, args| modified(args)),
    def("ago", "a", |machine, args| {
        let since = now(machine).timestamp().as_second() - moment(machine, args, 0).timestamp().as_second();
        Ok(Value::text(times::span(since.saturating_mul(1_000_000_000))))
    }),
    def("duration", "a", |_, args| {
        let seconds = match args::any(args, 0) {
            Value::Text(text) => String::from_utf8_lossy(text).parse().unwrap_or(0),
            Value::Int(Int::Int64, seconds) => *seconds,
            _ => 0,
        };
        Ok(Value::text(times::span(seconds.wrapping_mul(1_000_000_000))))
    }),
    def("durationRound", "a", |machine, args| Ok(Value::text(rounded(machine, args)))),
    def("toDate", "ss", |_, args| {
        let read = layouts::read(&args::text(args, 0), &args::text(args, 1));
        Ok(of(read.unwrap_or_else(|_| zero())))
    }),
    def("mustToDate", "ss", |_, args| {
        Ok(of(layouts::read(&args::text(args, 0), &args::text(args, 1))?))
    }),
    def("unixEpoch", "t", |machine, args| {
        Ok(Value::text(moment(machine, args, 0).timestamp().as_second().to_string()))
    }),
];

fn of(time: Zoned) -> Value {
    Value::Thing(Rc::new(Thing::Time(time)))
}

fn now(machine: &Machine<'_>) -> Zoned {
    at(machine.engine.now)
}

fn at(second: i64) -> Zoned {
    Timestamp::from_second(second).unwrap_or_default().to_zoned(TimeZone::UTC)
}

/// Returns what Go takes for no time: the start of the year 1.
fn zero() -> Zoned {
    at(-62_135_596_800)
}

/// Returns the time `at`: a time, or seconds since 1970; anything else is now.
fn moment(machine: &Machine<'_>, args: &[Value], place: usize) -> Zoned {
    match args::any(args, place) {
        Value::Thing(thing) => match &**thing {
            Thing::Time(time) => time.clone(),
            _ => now(machine),
        },
        Value::Int(Int::Int | Int::Int64, second) => at(*second),
        _ => now(machine),
    }
}

fn zoned(time: &Zoned, zone: &str) -> Zoned {
    let zone = match zone {
        "" | "UTC" | "Local" => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    };
    time.with_time_zone(zone)
}

fn in_zone(machine: &Machine<'_>, args: &[Value], zone: &str) -> Outcome {
    let time = zoned(&moment(machine, args, 1), zone);
    Ok(Value::text(layouts::written(&time, &args::text(args, 0))))
}

fn html(machine: &Machine<'_>, args: &[Value], zone: &str) -> Outcome {
    let time = zoned(&moment(machine, args, 0), zone);
    Ok(Value::text(layouts::written(&time, "2006-01-02")))
}

fn modified(args: &[Value]) -> Outcome {
    let text = args::text(args, 0);
    let span = times::read_span(&text).ok_or_else(|| {
        let quoted = crate::render::format::quoted(text.as_bytes());
        Fault::from(format!("time: invalid duration {quoted}"))
    })?;
    let Some(Value::Thing(thing)) = args.get(1) else { return Err("no time".into()) };
    let Thing::Time(time) = &**thing else { return Err("no time".into()) };
    let moved = time.checked_add(SignedDuration::from_nanos(span));
    Ok(of(moved.map_err(|error| error.to_string())?))
}

/// Returns the largest unit of a span that is passed, such as `3h`.
fn rounded(machine: &Machine<'_>, args: &[Value]) -> String {
    let span = match args::any(args, 0) {
        Value::Text(text) => times::read_span(&String::from_utf8_lossy(text)).unwrap_or(0),
        Value::Int(Int::Int64, span) => *span,
        Value::Thing(_) => {
            let passed = now(machine).timestamp().as_second()
                - moment(machine, args, 0).timestamp().as_second();
            passed.saturating_mul(1_000_000_000)
        }
        _ => 0,
    };
    let magnitude = span.unsigned_abs();
    let second = 1_000_000_000u64;
    let units = [
        (365 * 24 * 3600 * second, "y"),
        (30 * 24 * 3600 * second, "mo"),
        (24 * 3600 * second, "d"),
        (3600 * second, "h"),
        (60 * second, "m"),
        (second, "s"),
    ];
    match units.into_iter().find(|(unit, _)| magnitude > *unit) {
        Some((unit, name)) => format!("{}{name}", magnitude / unit),
        None => "0s".to_owned(),
    }
}
