//! The methods of `.Files` (Helm: "Accessing Files Inside Templates").

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use gotmpl::Value;
use serde_json::{Map, Value as Json};

use super::{Outcome, args};
use crate::{
    render::{
        engine::{Files, Machine},
        value::{list, string},
    },
    yaml,
};

/// Calls the method `name` of `files`; `None` if they have none of that name.
pub(super) fn method(
    machine: &Machine<'_>,
    files: &Files,
    name: &str,
    args: &[Value],
) -> Option<Outcome> {
    Some(match name {
        "Get" | "GetBytes" => args::string(args, 0)
            .map(|name| string(content(files.get(name).map_or(&[], Vec::as_slice)))),
        "Glob" => {
            args::string(args, 0).map(|pattern| machine.engine.files(matching(files, pattern)))
        }
        "Lines" => args::string(args, 0).map(|name| {
            let text = content(files.get(name).map_or(&[], Vec::as_slice));
            let text = text.strip_suffix('\n').unwrap_or(&text);
            list(text.split('\n').filter(|_| !text.is_empty()).map(string))
        }),
        "AsConfig" => Ok(as_yaml(files, content)),
        "AsSecrets" => Ok(as_yaml(files, |data| STANDARD.encode(data))),
        _ => return None,
    })
}

fn content(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// Returns a YAML map from the last part of each name to its content.
fn as_yaml(files: &Files, written: impl Fn(&[u8]) -> String) -> Value {
    if files.is_empty() {
        return string("");
    }
    let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let map: Map<String, Json> =
        files.iter().map(|(name, data)| (base(name), Json::String(written(data)))).collect();
    let text = yaml::emit(&Json::Object(map));
    string(text.strip_suffix('\n').unwrap_or(&text))
}

fn matching(files: &Files, pattern: &str) -> BTreeMap<String, Vec<u8>> {
    let Ok(regex) = regex::Regex::new(&expression(pattern)) else { return BTreeMap::new() };
    let fitting = files.iter().filter(|(name, _)| regex.is_match(name));
    fitting.map(|(name, data)| (name.clone(), data.clone())).collect()
}

/// Returns the regular expression of a pattern with `*`, `**`, `?`, `[a-z]` and `{a,b}`.
fn expression(pattern: &str) -> String {
    let mut out = "(?s)^".to_owned();
    let mut braces = 0;
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '[' => {
                out.push('[');
                if rest.next_if_eq(&'!').is_some() {
                    out.push('^');
                }
            }
            ']' => out.push(']'),
            '-' => out.push('-'),
            '\\' => out.push_str(&regex::escape(&rest.next().unwrap_or('\\').to_string())),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out + "$"
}
