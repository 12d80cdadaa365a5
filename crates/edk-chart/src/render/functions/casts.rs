//! Sprig: "Type Conversion Functions".

use std::rc::Rc;

use super::{Table, args, def};
use crate::render::{
    template::whole,
    value::{List, Value},
};

pub(super) const TABLE: Table = &[
    def("atoi", "s", |_, args| {
        let text = args::text(args, 0);
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        Ok(Value::int(if plain { saturated(&text) } else { 0 }))
    }),
    def("int", "a", |_, args| Ok(Value::int(args::as_int(args::any(args, 0))))),
    def("int64", "a", |_, args| Ok(Value::int64(args::as_int(args::any(args, 0))))),
    def("float64", "a", |_, args| Ok(Value::Float(args::as_float(args::any(args, 0))))),
    def("toDecimal", "a", |_, args| {
        let text = crate::render::format::shown(args::any(args, 0));
        let number = i64::from_str_radix(&text, 8).unwrap_or(0);
        Ok(Value::int64(number))
    }),
    def("toString", "a", |_, args| Ok(Value::text(args::printed(args::any(args, 0))))),
    def("toStrings", "a", |_, args| Ok(Value::texts(args::printed_items(args::any(args, 0))))),
    def("until", "i", |_, args| {
        let count = args::int(args, 0);
        steps(0, count, if count < 0 { -1 } else { 1 })
    }),
    def("untilStep", "iii", |_, args| {
        steps(args::int(args, 0), args::int(args, 1), args::int(args, 2))
    }),
    def("seq", "*i", |_, args| {
        let number = |at| args::int(args, at);
        let (start, step, end) = match args.len() {
            1 if number(0) < 1 => (1, -1, number(0)),
            1 => (1, 1, number(0)),
            2 if number(1) < number(0) => (number(0), -1, number(1)),
            2 => (number(0), 1, number(1)),
            3 => (number(0), number(1), number(2)),
            _ => return Ok(Value::text("")),
        };
        if args.len() == 3 && ((step > 0 && end < start) || (step < 0 && end > start)) {
            return Ok(Value::text(""));
        }
        let beyond = end.saturating_add(step.signum());
        let list = args::items(&steps(start, beyond, step)?).unwrap_or_default();
        let texts: Vec<String> = list.iter().map(crate::render::format::shown).collect();
        Ok(Value::text(texts.join(" ")))
    }),
];

fn saturated(text: &str) -> i64 {
    // A number that is too large is an error to Go, and an error is zero to Sprig.
    let decimal = text.trim_start_matches(['+', '-']).trim_start_matches('0');
    let number = whole(if decimal.is_empty() { "0" } else { decimal }).unwrap_or(0);
    let number = if text.starts_with('-') { -number } else { number };
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// Returns the numbers from `start` up or down to `end`, which is not among them.
fn steps(start: i64, end: i64, step: i64) -> super::Outcome {
    let mut numbers = Vec::new();
    let goes = |at: i64| if step > 0 { at < end } else { at > end };
    if (step > 0) == (end > start) && step != 0 {
        let mut at = start;
        while goes(at) {
            numbers.push(Value::int(at));
            if numbers.len() > crate::render::engine::MAX_ITEMS {
                let most = crate::render::engine::MAX_ITEMS;
                return Err(format!("a list of more than {most} items").into());
            }
            let Some(next) = at.checked_add(step) else { break };
            at = next;
        }
    }
    Ok(Value::List(Rc::new(List::new("[]int", numbers))))
}
