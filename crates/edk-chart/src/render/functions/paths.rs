//! Sprig: "File Path Functions" (Go: "path").

use super::{Table, args, def};
use crate::render::value::Value;

pub(super) const TABLE: Table = &[
    def("base", "s", |_, args| Ok(Value::text(base(&args::text(args, 0))))),
    def("osBase", "s", |_, args| Ok(Value::text(base(&args::text(args, 0))))),
    def("dir", "s", |_, args| Ok(Value::text(dir(&args::text(args, 0))))),
    def("osDir", "s", |_, args| Ok(Value::text(dir(&args::text(args, 0))))),
    def("clean", "s", |_, args| Ok(Value::text(clean(&args::text(args, 0))))),
    def("osClean", "s", |_, args| Ok(Value::text(clean(&args::text(args, 0))))),
    def("ext", "s", |_, args| Ok(Value::text(ext(&args::text(args, 0))))),
    def("osExt", "s", |_, args| Ok(Value::text(ext(&args::text(args, 0))))),
    def("isAbs", "s", |_, args| Ok(Value::Bool(args::bytes(args, 0).starts_with(b"/")))),
    def("osIsAbs", "s", |_, args| Ok(Value::Bool(args::bytes(args, 0).starts_with(b"/")))),
];

pub(super) fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let path = path.trim_end_matches('/');
    let base = path.rsplit('/').next().unwrap_or(path);
    if base.is_empty() { "/".to_owned() } else { base.to_owned() }
}

fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |at| at + 1);
    clean(&path[..end])
}

fn ext(path: &str) -> String {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.rfind('.').map_or(String::new(), |at| base[at..].to_owned())
}

/// Returns the shortest form of `path`.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", _) if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
