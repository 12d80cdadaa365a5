//! Sprig: regular expressions. Go's dialect and ours agree on what charts use.

use gotmpl::Value;
use regex::Regex;

use super::{Outcome, Table, args};
use crate::render::{
    fault::Fault,
    value::{list, string},
};

pub(super) const TABLE: Table = &[
    ("regexMatch", |_, args| is_match(args)),
    ("mustRegexMatch", |_, args| is_match(args)),
    ("regexFind", |_, args| find(args)),
    ("mustRegexFind", |_, args| find(args)),
    ("regexFindAll", |_, args| find_all(args)),
    ("mustRegexFindAll", |_, args| find_all(args)),
    ("regexReplaceAll", |_, args| replace(args, false)),
    ("mustRegexReplaceAll", |_, args| replace(args, false)),
    ("regexReplaceAllLiteral", |_, args| replace(args, true)),
    ("mustRegexReplaceAllLiteral", |_, args| replace(args, true)),
    ("regexSplit", |_, args| split(args)),
    ("mustRegexSplit", |_, args| split(args)),
    ("regexQuoteMeta", |_, args| Ok(string(regex::escape(args::string(args, 0)?)))),
];

fn compiled(args: &[Value]) -> Result<Regex, Fault> {
    Regex::new(args::string(args, 0)?)
        .map_err(|error| format!("error parsing regexp: {error}").into())
}

fn is_match(args: &[Value]) -> Outcome {
    Ok(Value::Bool(compiled(args)?.is_match(args::string(args, 1)?)))
}

fn find(args: &[Value]) -> Outcome {
    let found = compiled(args)?;
    let found = found.find(args::string(args, 1)?);
    Ok(string(found.map_or("", |found| found.as_str())))
}

fn limit(args: &[Value]) -> Result<usize, Fault> {
    Ok(usize::try_from(args::as_int(args::any(args, 2)?)).unwrap_or(usize::MAX))
}

fn find_all(args: &[Value]) -> Outcome {
    let (regex, text, limit) = (compiled(args)?, args::string(args, 1)?, limit(args)?);
    Ok(list(regex.find_iter(text).take(limit).map(|found| string(found.as_str()))))
}

fn replace(args: &[Value], literal: bool) -> Outcome {
    let (regex, text, by) = (compiled(args)?, args::string(args, 1)?, args::string(args, 2)?);
    Ok(string(match literal {
        true => regex.replace_all(text, regex::NoExpand(by)),
        false => regex.replace_all(text, by),
    }))
}

fn split(args: &[Value]) -> Outcome {
    let (regex, text, limit) = (compiled(args)?, args::string(args, 1)?, limit(args)?);
    Ok(list(regex.splitn(text, limit).map(string)))
}
