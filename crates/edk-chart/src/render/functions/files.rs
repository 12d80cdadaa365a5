//! The methods of `.Files` (Helm: "Accessing Files Inside Templates").

use std::rc::Rc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json};

use super::{Definition, Outcome, args, def, paths};
use crate::{
    render::{
        thing::{Files, Thing},
        value::Value,
    },
    yaml,
};

pub(super) const METHODS: &[Definition] = &[
    def("Get", "s", |_, args| Ok(Value::text(named(args)))),
    def("GetBytes", "s", |_, args| Ok(Value::Bytes(named(args).into()))),
    def("Glob", "s", |_, args| {
        let pattern = args::text(args, 1);
        let files = of(args);
        let Ok(regex) = regex::Regex::new(&expression(&pattern)) else {
            return Ok(Value::Thing(Rc::new(Thing::Files(Files::default()))));
        };
        let fitting = files.iter().filter(|(name, _)| regex.is_match(name));
        let fitting = fitting.map(|(name, data)| (name.clone(), data.clone())).collect();
        Ok(Value::Thing(Rc::new(Thing::Files(Rc::new(fitting)))))
    }),
    def("Lines", "s", |_, args| {
        let data = named(args);
        if data.is_empty() {
            return Ok(Value::texts::<&str>([]));
        }
        let data = data.strip_suffix(b"\n").unwrap_or(&data);
        Ok(Value::texts(data.split(|byte| *byte == b'\n')))
    }),
    def("AsConfig", "", |_, args| {
        as_yaml(args, |data| String::from_utf8_lossy(data).into_owned())
    }),
    def("AsSecrets", "", |_, args| as_yaml(args, |data| STANDARD.encode(data))),
];

fn of(args: &[Value]) -> Files {
    match args.first() {
        Some(Value::Thing(thing)) => match &**thing {
            Thing::Files(files) => files.clone(),
            _ => Files::default(),
        },
        _ => Files::default(),
    }
}

fn named(args: &[Value]) -> Vec<u8> {
    of(args).get(&*args::text(args, 1)).cloned().unwrap_or_default()
}

/// Returns a YAML map from the last part of each name to its content.
fn as_yaml(args: &[Value], written: impl Fn(&[u8]) -> String) -> Outcome {
    let files = of(args);
    let entries = files.iter().map(|(name, data)| (paths::base(name), Json::String(written(data))));
    let text = yaml::emit(&Json::Object(entries.collect::<Map<_, _>>()));
    Ok(Value::text(text.strip_suffix('\n').unwrap_or(&text)))
}

/// Returns the regular expression of a pattern with `*`, `**`, `?`, `[a-z]` and `{a,b}`.
fn expression(pattern: &str) -> String {
    let mut out = "(?s)^".to_owned();
    let (mut braces, mut class) = (0, false);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ']' if class => {
                class = false;
                out.push(']');
            }
            '-' if class => out.push('-'),
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
                class = true;
                out.push('[');
                if rest.next_if_eq(&'!').is_some() {
                    out.push('^');
                }
            }
            '\\' => out.push_str(&regex::escape(&rest.next().unwrap_or('\\').to_string())),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out + "$"
}
