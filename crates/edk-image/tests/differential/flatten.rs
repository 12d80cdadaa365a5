//! An image as it looks: its configuration, and its file tree with all layers applied.

use std::{collections::BTreeMap, io::Read};

use edk_model::Digest;
use serde_json::Value;

/// What lies at a path: kind, mode, owner, link or digest of the content, attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    text: String,
    /// The same for all names of one file.
    file: usize,
}

pub(crate) struct Flat {
    pub(crate) config: Value,
    files: BTreeMap<String, Look>,
    count: usize,
}

/// Fields of an image's configuration that say how it behaves.
const FIELDS: [&str; 12] = [
    "Env",
    "Cmd",
    "Entrypoint",
    "WorkingDir",
    "User",
    "Labels",
    "ExposedPorts",
    "Volumes",
    "StopSignal",
    "Healthcheck",
    "OnBuild",
    "Shell",
];

/// What a builder only makes to mount something on it.
const MOUNT_POINTS: [&str; 9] = [
    "dev",
    "proc",
    "sys",
    "run",
    "run/.containerenv",
    "run/secrets",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
];

impl Flat {
    pub(crate) fn new(config: Value) -> Self {
        Self { config, files: BTreeMap::new(), count: 0 }
    }

    /// Applies the next layer, an uncompressed tar.
    pub(crate) fn apply(&mut self, tar: impl Read) {
        let below = std::mem::take(&mut self.files);
        let (mut layer, mut hidden) = (BTreeMap::new(), Vec::new());
        for entry in tar::Archive::new(tar).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let path = path.trim_start_matches("./").trim_matches('/').to_owned();
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let join = |name: &str| match parent {
                "" => name.to_owned(),
                parent => format!("{parent}/{name}"),
            };
            if name == ".wh..wh..opq" {
                hidden.push(join(""));
            } else if let Some(gone) = name.strip_prefix(".wh.") {
                hidden.extend([join(gone), format!("{}/", join(gone))]);
            } else if !path.is_empty() {
                self.count += 1;
                let look = look(&mut entry, &layer, self.count);
                layer.insert(path, look);
            }
        }
        let gone = |path: &str| {
            hidden.iter().any(|it| {
                if it.ends_with('/') { path.starts_with(it.as_str()) } else { path == it }
            })
        };
        let replaced = |path: &str| {
            // What was a folder and is none any more takes along what was in it.
            path.match_indices('/').any(|(at, _)| {
                layer.get(&path[..at]).is_some_and(|look| !look.text.starts_with("dir"))
            })
        };
        self.files = below.into_iter().filter(|(path, _)| !gone(path) && !replaced(path)).collect();
        self.files.extend(layer);
    }

    /// Tells every difference, ours first.
    pub(crate) fn differences(&self, other: &Self, except: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for field in FIELDS {
            let (ours, theirs) = (self.field(field), other.field(field));
            if ours != theirs && !except.contains(&field) {
                found.push(format!("{field}: {ours} instead of {theirs}"));
            }
        }
        let paths = self.files.keys().chain(other.files.keys());
        let paths: std::collections::BTreeSet<&String> = paths.collect();
        for path in paths {
            let look = |flat: &Self| flat.shown(path);
            let (ours, theirs) = (look(self), look(other));
            if ours != theirs
                && !MOUNT_POINTS.contains(&path.as_str())
                && !except.contains(&format!("/{path}").as_str())
            {
                found.push(format!("/{path}: {ours} instead of {theirs}"));
            }
        }
        found
    }

    /// What lies at `path`, with its other names.
    fn shown(&self, path: &str) -> String {
        let Some(look) = self.files.get(path) else { return "nothing".to_owned() };
        let twins = self.files.iter().filter(|(_, other)| other.file == look.file);
        let twins: Vec<&str> = twins.map(|(path, _)| path.as_str()).collect();
        match twins.len() {
            0 | 1 => look.text.clone(),
            _ => format!("{} = {}", look.text, twins.join(" = ")),
        }
    }

    /// A field; empty and missing are the same.
    fn field(&self, name: &str) -> Value {
        let mut value = self.config["config"][name].clone();
        if let ("Env", Value::Array(list)) = (name, &mut value) {
            // The order in which variables were set is nobody's business.
            list.sort_by_key(ToString::to_string);
        }
        match &value {
            Value::String(text) if text.is_empty() => Value::Null,
            Value::Array(list) if list.is_empty() => Value::Null,
            Value::Object(map) if map.is_empty() => Value::Null,
            _ => value,
        }
    }
}

fn look(
    entry: &mut tar::Entry<'_, impl Read>,
    layer: &BTreeMap<String, Look>,
    file: usize,
) -> Look {
    let mut attributes = Vec::new();
    for record in entry.pax_extensions().unwrap().into_iter().flatten() {
        let record = record.unwrap();
        if let Some(name) = record.key().unwrap().strip_prefix("SCHILY.xattr.") {
            attributes.push(format!(" {name}={:?}", record.value_bytes()));
        }
    }
    attributes.sort();
    let header = entry.header().clone();
    let owner = format!("{}:{}", header.uid().unwrap(), header.gid().unwrap());
    let mode = header.mode().unwrap() & 0o7777;
    let link =
        entry.link_name().unwrap().map(|link| link.display().to_string()).unwrap_or_default();
    let text = match header.entry_type() {
        tar::EntryType::Directory => format!("dir {mode:o} {owner}"),
        tar::EntryType::Symlink => format!("link {owner} -> {link}"),
        // A second name looks as the first.
        tar::EntryType::Link => {
            let first = link.trim_start_matches("./").trim_start_matches('/');
            return layer.get(first).cloned().unwrap_or(Look { text: link, file });
        }
        tar::EntryType::Regular => {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            format!("file {mode:o} {owner} {}", Digest::of(&content).short())
        }
        other => format!("{other:?} {mode:o} {owner}"),
    };
    Look { text: text + &attributes.concat(), file }
}
