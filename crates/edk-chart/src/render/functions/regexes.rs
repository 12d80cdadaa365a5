//! Sprig: "Regex Functions". Go's dialect and ours agree but for details of messages.

use regex::bytes::{NoExpand, Regex, RegexBuilder};

use super::{Outcome, Table, args, def};
use crate::render::{
    fault::Fault,
    value::{TEXTS, Value},
};

pub(super) const TABLE: Table = &[
    def("regexMatch", "ss", |_, args| {
        Ok(Value::Bool(read(args).is_ok_and(|regex| regex.is_match(args::bytes(args, 1)))))
    }),
    def("mustRegexMatch", "ss", |_, args| {
        Ok(Value::Bool(read(args)?.is_match(args::bytes(args, 1))))
    }),
    def("regexFind", "ss", |_, args| found(args, &compiled(args)?)),
    def("mustRegexFind", "ss", |_, args| found(args, &read(args)?)),
    def("regexFindAll", "ssi", |_, args| found_all(args, &compiled(args)?)),
    def("mustRegexFindAll", "ssi", |_, args| found_all(args, &read(args)?)),
    def("regexReplaceAll", "sss", |_, args| replaced(args, &compiled(args)?, false)),
    def("mustRegexReplaceAll", "sss", |_, args| replaced(args, &read(args)?, false)),
    def("regexReplaceAllLiteral", "sss", |_, args| replaced(args, &compiled(args)?, true)),
    def("mustRegexReplaceAllLiteral", "sss", |_, args| replaced(args, &read(args)?, true)),
    def("regexSplit", "ssi", |_, args| split(args, &compiled(args)?)),
    def("mustRegexSplit", "ssi", |_, args| split(args, &read(args)?)),
    def("regexQuoteMeta", "s", |_, args| {
        let text = args::text(args, 0);
        let mut out = String::new();
        for c in text.chars() {
            if r"\.+*?()|[]{}^$".contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
        Ok(Value::text(out))
    }),
];

/// How large an expression may get.
const MAX_SIZE: usize = 4 << 20;

fn read(args: &[Value]) -> Result<Regex, Fault> {
    let text = args::text(args, 0);
    let regex = RegexBuilder::new(&text).size_limit(MAX_SIZE).build();
    regex.map_err(|error| {
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        let reason = reason.strip_prefix("error: ").unwrap_or(reason);
        format!("error parsing regexp: {reason}: `{text}`").into()
    })
}

/// Compiles an expression that Sprig insists on.
fn compiled(args: &[Value]) -> Result<Regex, Fault> {
    let text = args::text(args, 0);
    read(args).map_err(|fault| fault.wrapped(&format!("regexp: Compile({})", shown(&text))))
}

fn shown(text: &str) -> String {
    match text.contains('`') {
        true => crate::render::format::quoted(text.as_bytes()),
        false => format!("`{text}`"),
    }
}

fn found(args: &[Value], regex: &Regex) -> Outcome {
    let found = regex.find(args::bytes(args, 1));
    Ok(Value::text(found.map_or(&[][..], |found| found.as_bytes())))
}

fn limit(args: &[Value]) -> usize {
    usize::try_from(args::int(args, 2)).unwrap_or(usize::MAX)
}

fn found_all(args: &[Value], regex: &Regex) -> Outcome {
    let found: Vec<&[u8]> = regex
        .find_iter(args::bytes(args, 1))
        .take(limit(args))
        .map(|found| found.as_bytes())
        .collect();
    Ok(if found.is_empty() { Value::nil_list(TEXTS) } else { Value::texts(found) })
}

fn replaced(args: &[Value], regex: &Regex, literal: bool) -> Outcome {
    let (text, by) = (args::bytes(args, 1), args::bytes(args, 2));
    let most = regex.find_iter(text).count().saturating_mul(by.len() + text.len().min(64));
    if most > crate::render::engine::MAX_TEXT * 4 {
        return Err("the text would get too long".into());
    }
    Ok(Value::text(match literal {
        true => regex.replace_all(text, NoExpand(by)),
        false => regex.replace_all(text, by),
    }))
}

fn split(args: &[Value], regex: &Regex) -> Outcome {
    let (text, limit) = (args::bytes(args, 1), limit(args));
    if limit == 0 {
        return Ok(Value::nil_list(TEXTS));
    }
    if text.is_empty() && !regex.as_str().is_empty() {
        return Ok(Value::texts([""]));
    }
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(&text[start..end]);
        }
        start = found.end();
    }
    if end != text.len() {
        parts.push(&text[start..]);
    }
    Ok(Value::texts(parts))
}
