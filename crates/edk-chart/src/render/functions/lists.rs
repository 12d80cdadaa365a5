//! Sprig: "Lists and List Functions".

use gotmpl::Value;

use super::{Outcome, Table, args};
use crate::render::{
    fault::Fault,
    value::{list, string},
};

/// How long a list of numbers may get.
const MAX_NUMBERS: usize = 100_000;

pub(super) const TABLE: Table = &[
    ("list", |_, args| Ok(list(args.iter().cloned()))),
    ("tuple", |_, args| Ok(list(args.iter().cloned()))),
    ("first", |_, args| Ok(args::list(args, 0)?.first().cloned().unwrap_or(Value::Nil))),
    ("mustFirst", |_, args| Ok(args::list(args, 0)?.first().cloned().unwrap_or(Value::Nil))),
    ("last", |_, args| Ok(args::list(args, 0)?.last().cloned().unwrap_or(Value::Nil))),
    ("mustLast", |_, args| Ok(args::list(args, 0)?.last().cloned().unwrap_or(Value::Nil))),
    ("rest", |_, args| Ok(list(args::list(args, 0)?.iter().skip(1).cloned()))),
    ("mustRest", |_, args| Ok(list(args::list(args, 0)?.iter().skip(1).cloned()))),
    ("initial", |_, args| {
        let items = args::list(args, 0)?;
        Ok(list(items.iter().take(items.len().saturating_sub(1)).cloned()))
    }),
    ("append", |_, args| joined(args::list(args, 0)?, &[args::any(args, 1)?.clone()])),
    ("push", |_, args| joined(args::list(args, 0)?, &[args::any(args, 1)?.clone()])),
    ("mustAppend", |_, args| joined(args::list(args, 0)?, &[args::any(args, 1)?.clone()])),
    ("prepend", |_, args| joined(&[args::any(args, 1)?.clone()], args::list(args, 0)?)),
    ("mustPrepend", |_, args| joined(&[args::any(args, 1)?.clone()], args::list(args, 0)?)),
    ("concat", |_, args| {
        let mut all = Vec::new();
        for at in 0..args.len() {
            all.extend_from_slice(args::list(args, at)?);
        }
        Ok(list(all))
    }),
    ("reverse", |_, args| Ok(list(args::list(args, 0)?.iter().rev().cloned()))),
    ("uniq", |_, args| {
        let mut kept: Vec<Value> = Vec::new();
        for item in args::list(args, 0)? {
            if !kept.contains(item) {
                kept.push(item.clone());
            }
        }
        Ok(list(kept))
    }),
    ("without", |_, args| {
        let items = args::list(args, 0)?.iter();
        Ok(list(items.filter(|item| !args[1..].contains(item)).cloned()))
    }),
    ("compact", |_, args| {
        Ok(list(args::list(args, 0)?.iter().filter(|item| item.is_truthy()).cloned()))
    }),
    ("has", |_, args| {
        let wanted = args::any(args, 0)?;
        match args::any(args, 1)? {
            Value::Nil => Ok(Value::Bool(false)),
            _ => Ok(Value::Bool(args::list(args, 1)?.contains(wanted))),
        }
    }),
    ("chunk", |_, args| {
        let size = args::count(args, 0)?.max(1);
        Ok(list(args::list(args, 1)?.chunks(size).map(|part| list(part.iter().cloned()))))
    }),
    ("sortAlpha", |_, args| {
        let mut texts = args::strings(args::any(args, 0)?);
        texts.sort();
        Ok(list(texts.into_iter().map(string)))
    }),
    ("until", |_, args| {
        let end = args::as_int(args::any(args, 0)?);
        numbers(0, end, if end < 0 { -1 } else { 1 })
    }),
    ("untilStep", |_, args| {
        let number = |at| args::any(args, at).map(args::as_int);
        numbers(number(0)?, number(1)?, number(2)?)
    }),
    ("seq", |_, args| seq(args)),
];

fn joined(one: &[Value], other: &[Value]) -> Outcome {
    Ok(list(one.iter().chain(other).cloned()))
}

/// Returns the numbers from `start` to before `end`.
fn numbers(start: i64, end: i64, step: i64) -> Outcome {
    Ok(list(stepped(start, end, step)?.into_iter().map(Value::Int)))
}

fn stepped(start: i64, end: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let mut numbers = Vec::new();
    let mut at = start;
    while (step > 0 && at < end) || (step < 0 && at > end) {
        if numbers.len() == MAX_NUMBERS {
            return Err(format!("more than {MAX_NUMBERS} numbers").into());
        }
        numbers.push(at);
        at = at.saturating_add(step);
    }
    Ok(numbers)
}

/// The numbers of the program `seq`, as a text.
fn seq(args: &[Value]) -> Outcome {
    let number = |at| args::any(args, at).map(args::as_int);
    let (start, step, end) = match args.len() {
        1 => (1, None, number(0)?),
        2 => (number(0)?, None, number(1)?),
        3 => (number(0)?, Some(number(1)?), number(2)?),
        _ => return Ok(string("")),
    };
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    let texts: Vec<String> = stepped(start, end.saturating_add(step.signum()), step)?
        .iter()
        .map(ToString::to_string)
        .collect();
    Ok(string(texts.join(" ")))
}
