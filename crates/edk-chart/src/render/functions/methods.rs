//! The methods that values have in Helm.

use std::rc::Rc;

use jiff::{Span, tz::TimeZone};

use super::{Definition, Outcome, args, def, files, layouts, times};
use crate::render::{
    thing::Thing,
    value::{Int, Uint, VALUES, Value},
};
use crate::version::Version;

/// Returns the method `name` of `receiver`, which is its first argument.
pub(in crate::render) fn find(receiver: &Value, name: &str) -> Option<&'static Definition> {
    let table = match receiver {
        Value::Map(map) if map.go == VALUES => VALUES_METHODS,
        Value::Int(Int::Duration, _) => SPANS,
        Value::Int(Int::Month | Int::Weekday, _) => NAMED,
        Value::Thing(thing) => match &**thing {
            Thing::Files(_) => files::METHODS,
            Thing::KubeVersion { .. } => KUBE_VERSIONS,
            Thing::Apis(_) => APIS,
            Thing::Semver(..) => SEMVERS,
            Thing::Time(_) => TIMES,
            Thing::Struct { .. } => return None,
        },
        _ => return None,
    };
    table.iter().find(|method| method.name == name)
}

const NAMED: &[Definition] = &[def("String", "", |_, args| Ok(Value::text(args::printed(&args[0]))))];

const SPANS: &[Definition] = &[
    def("String", "", |_, args| Ok(Value::text(args::printed(&args[0])))),
    def("Seconds", "", |_, args| Ok(Value::Float(nanoseconds(args) / 1e9))),
    def("Minutes", "", |_, args| Ok(Value::Float(nanoseconds(args) / 6e10))),
    def("Hours", "", |_, args| Ok(Value::Float(nanoseconds(args) / 3.6e12))),
];

#[allow(clippy::cast_precision_loss, reason = "so does Go")]
fn nanoseconds(args: &[Value]) -> f64 {
    args::int(args, 0) as f64
}

const KUBE_VERSIONS: &[Definition] = &[
    def("String", "", |_, args| Ok(Value::text(args::printed(&args[0])))),
    def("GitVersion", "", |_, args| Ok(Value::text(args::printed(&args[0])))),
];

const APIS: &[Definition] = &[def("Has", "s", |_, args| {
    let wanted = args::text(args, 1);
    let apis = args::items(&args[0]).unwrap_or_default();
    Ok(Value::Bool(apis.iter().any(|api| args::printed(api) == wanted.as_bytes())))
})];

const VALUES_METHODS: &[Definition] = &[
    def("AsMap", "", |_, args| {
        Ok(Value::Map(Rc::new(args::map(args, 0).typed(crate::render::value::ANY_MAP))))
    }),
    def("YAML", "", |_, args| {
        let json = super::json::to_json(&args[0])?;
        Ok(Value::text(crate::yaml::emit(&json)))
    }),
    def("Table", "s", |_, args| {
        let name = args::text(args, 1);
        let mut found = args[0].clone();
        for part in name.split('.') {
            let next = match &found {
                Value::Map(map) => map.get(part.as_bytes()),
                _ => None,
            };
            match next {
                Some(next @ Value::Map(_)) => found = next,
                _ => return Err(format!("{name:?} is not a table").into()),
            }
        }
        Ok(found)
    }),
];

fn version(args: &[Value]) -> Option<Version> {
    match args.first()? {
        Value::Thing(thing) => match &**thing {
            Thing::Semver(version, _) => Some(version.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn part(args: &[Value], part: fn(&Version) -> u64) -> Outcome {
    Ok(Value::Uint(Uint::Uint64, version(args).map_or(0, |version| part(&version))))
}

fn raised(args: &[Value], raise: fn(&mut Version)) -> Outcome {
    let Some(mut version) = version(args) else { return Ok(Value::Invalid) };
    raise(&mut version);
    version.pre.clear();
    version.build.clear();
    let text = format!("{}.{}.{}", version.major, version.minor, version.patch);
    Ok(Value::Thing(Rc::new(Thing::Semver(version, text))))
}

const SEMVERS: &[Definition] = &[
    def("Major", "", |_, args| part(args, |version| version.major)),
    def("Minor", "", |_, args| part(args, |version| version.minor)),
    def("Patch", "", |_, args| part(args, |version| version.patch)),
    def("Prerelease", "", |_, args| {
        Ok(Value::text(version(args).map(|version| version.pre).unwrap_or_default()))
    }),
    def("Metadata", "", |_, args| {
        Ok(Value::text(version(args).map(|version| version.build).unwrap_or_default()))
    }),
    def("Original", "", |_, args| {
        let Some(Value::Thing(thing)) = args.first() else { return Ok(Value::Invalid) };
        Ok(match &**thing {
            Thing::Semver(_, original) => Value::text(original),
            _ => Value::Invalid,
        })
    }),
    def("String", "", |_, args| Ok(Value::text(args::printed(&args[0])))),
    def("IncMajor", "", |_, args| {
        raised(args, |version| {
            (version.major, version.minor, version.patch) = (version.major + 1, 0, 0);
        })
    }),
    def("IncMinor", "", |_, args| {
        raised(args, |version| (version.minor, version.patch) = (version.minor + 1, 0))
    }),
    def("IncPatch", "", |_, args| {
        raised(args, |version| version.patch += u64::from(version.pre.is_empty()))
    }),
    def("Compare", "a", |_, args| Ok(Value::int(compared(args)?))),
    def("LessThan", "a", |_, args| Ok(Value::Bool(compared(args)? < 0))),
    def("GreaterThan", "a", |_, args| Ok(Value::Bool(compared(args)? > 0))),
    def("Equal", "a", |_, args| Ok(Value::Bool(compared(args)? == 0))),
];

fn compared(args: &[Value]) -> Result<i64, crate::render::fault::Fault> {
    let both = version(args).zip(version(&args[1..]));
    let (one, other) = both.ok_or("only versions can be compared")?;
    Ok(one.precedence(&other) as i64)
}

const TIMES: &[Definition] = &[
    def("Format", "s", |_, args| {
        let layout = args::text(args, 1);
        of_time(args, |time| Value::text(layouts::written(time, &layout)))
    }),
    def("String", "", |_, args| Ok(Value::text(args::printed(&args[0])))),
    def("Year", "", |_, args| of_time(args, |time| Value::int(time.year().into()))),
    def("Month", "", |_, args| of_time(args, |time| Value::Int(Int::Month, time.month().into()))),
    def("Day", "", |_, args| of_time(args, |time| Value::int(time.day().into()))),
    def("Hour", "", |_, args| of_time(args, |time| Value::int(time.hour().into()))),
    def("Minute", "", |_, args| of_time(args, |time| Value::int(time.minute().into()))),
    def("Second", "", |_, args| of_time(args, |time| Value::int(time.second().into()))),
    def("Nanosecond", "", |_, args| {
        of_time(args, |time| Value::int(time.subsec_nanosecond().into()))
    }),
    def("YearDay", "", |_, args| of_time(args, |time| Value::int(time.day_of_year().into()))),
    def("Weekday", "", |_, args| {
        of_time(args, |time| {
            Value::Int(Int::Weekday, time.weekday().to_sunday_zero_offset().into())
        })
    }),
    def("Unix", "", |_, args| of_time(args, |time| Value::int64(time.timestamp().as_second()))),
    def("UnixMilli", "", |_, args| {
        of_time(args, |time| Value::int64(time.timestamp().as_millisecond()))
    }),
    def("UnixNano", "", |_, args| {
        of_time(args, |time| {
            Value::int64(i64::try_from(time.timestamp().as_nanosecond()).unwrap_or(i64::MIN))
        })
    }),
    def("IsZero", "", |_, args| {
        of_time(args, |time| Value::Bool(time.timestamp().as_second() == -62_135_596_800))
    }),
    def("UTC", "", |_, args| {
        of_time(args, |time| {
            Value::Thing(Rc::new(Thing::Time(time.with_time_zone(TimeZone::UTC))))
        })
    }),
    def("AddDate", "iii", |_, args| {
        // The day that a month does not have is counted on into the next one.
        let moved = |time: &jiff::Zoned| {
            let first = time.with().day(1).build().ok()?;
            let days = args::int(args, 3).checked_add(i64::from(time.day()) - 1)?;
            let months = Span::new().try_years(args::int(args, 1)).ok()?;
            let months = months.try_months(args::int(args, 2)).ok()?;
            let days = Span::new().try_days(days).ok()?;
            first.checked_add(months).ok()?.checked_add(days).ok()
        };
        of_time(args, |time| match moved(time) {
            Some(moved) => Value::Thing(Rc::new(Thing::Time(moved))),
            None => Value::Invalid,
        })
    }),
    def("Sub", "t", |_, args| {
        let one = second(args, 0);
        Ok(Value::Int(Int::Duration, (one - second(args, 1)).saturating_mul(1_000_000_000)))
    }),
    def("Before", "t", |_, args| Ok(Value::Bool(second(args, 0) < second(args, 1)))),
    def("After", "t", |_, args| Ok(Value::Bool(second(args, 0) > second(args, 1)))),
    def("Equal", "t", |_, args| Ok(Value::Bool(second(args, 0) == second(args, 1)))),
];

fn of_time(args: &[Value], take: impl Fn(&jiff::Zoned) -> Value) -> Outcome {
    let Some(Value::Thing(thing)) = args.first() else { return Ok(Value::Invalid) };
    Ok(match &**thing {
        Thing::Time(time) => take(time),
        other => Value::text(times::text_of(other)),
    })
}

fn second(args: &[Value], at: usize) -> i64 {
    match args.get(at) {
        Some(Value::Thing(thing)) => match &**thing {
            Thing::Time(time) => time.timestamp().as_second(),
            _ => 0,
        },
        _ => 0,
    }
}
