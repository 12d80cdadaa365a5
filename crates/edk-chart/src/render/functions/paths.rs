//! Sprig: "File Path Functions".

use gotmpl::Value;

use super::{Table, args};
use crate::render::value::string;

pub(super) const TABLE: Table = &[
    ("base", |_, args| Ok(string(base(args::string(args, 0)?)))),
    ("osBase", |_, args| Ok(string(base(args::string(args, 0)?)))),
    ("dir", |_, args| {
        let path = args::string(args, 0)?;
        Ok(string(clean(path.rfind('/').map_or("", |at| &path[..=at]))))
    }),
    ("clean", |_, args| Ok(string(clean(args::string(args, 0)?)))),
    ("ext", |_, args| {
        let path = args::string(args, 0)?;
        let name = path.rsplit('/').next().unwrap_or(path);
        Ok(string(name.rfind('.').map_or("", |at| &name[at..])))
    }),
    ("isAbs", |_, args| Ok(Value::Bool(args::string(args, 0)?.starts_with('/')))),
];

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path, trimmed) {
        ("", _) => ".",
        (_, "") => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// Returns the shortest path of the same meaning (Go: `path.Clean`).
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
