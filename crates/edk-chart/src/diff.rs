//! What differs between two lists of objects.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::{places::escaped, places::readable, yaml};

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is only in the second list.
    Added,
    /// It is only in the first list.
    Removed,
    /// It is in both, and differs.
    Changed,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathChange {
    /// Where it is, such as `spec.template.spec.containers[app].image`.
    pub path: String,
    /// The value in the first object; none if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// The value in the second object; none if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// An object that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectDiff {
    /// Its kind.
    pub kind: String,
    /// Its namespace, when it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// The values that differ; none for an object that is only in one list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathChange>,
    /// The difference as lines of YAML with sorted keys, in the unified form.
    pub text: String,
}

/// Kind, namespace, name, and the how-manieth of that name.
type Key = (String, Option<String>, String, usize);

/// Returns what differs between the objects `from` and `to`, by kind, namespace and name; their
/// order and their way of writing YAML don't count.
pub fn diff(from: &[Value], to: &[Value]) -> Vec<ObjectDiff> {
    let (from, to) = (keyed(from), keyed(to));
    let mut all = Vec::new();
    for (key, old) in &from {
        match to.get(key) {
            None => all.push(object(key, Change::Removed, Some(old), None)),
            Some(new) if new != old => all.push(object(key, Change::Changed, Some(old), Some(new))),
            Some(_) => {}
        }
    }
    let new = to.iter().filter(|(key, _)| !from.contains_key(*key));
    all.extend(new.map(|(key, new)| object(key, Change::Added, None, Some(new))));
    all
}

fn keyed(objects: &[Value]) -> BTreeMap<Key, &Value> {
    let mut keyed = BTreeMap::new();
    for object in objects.iter().filter(|object| !object.is_null()) {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let kind = text("/kind").unwrap_or_default();
        let name = text("/metadata/name").unwrap_or_default();
        let namespace = text("/metadata/namespace");
        let mut key = (kind, namespace, name, 0);
        while keyed.contains_key(&key) {
            key.3 += 1;
        }
        keyed.insert(key, object);
    }
    keyed
}

fn object(key: &Key, change: Change, old: Option<&Value>, new: Option<&Value>) -> ObjectDiff {
    let (kind, namespace, name, _) = key.clone();
    let mut paths = Vec::new();
    if let (Some(old), Some(new)) = (old, new) {
        values(old, new, "", &mut paths);
    }
    let (before, after) = (old.map(yaml::emit), new.map(yaml::emit));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let place = namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
    let title = format!("{kind} {place}{name}");
    let (from, to) = match change {
        Change::Added => ("nothing".to_owned(), title),
        Change::Removed => (title, "nothing".to_owned()),
        Change::Changed => (title.clone(), title),
    };
    let lines = TextDiff::from_lines(&before, &after);
    let text = lines.unified_diff().context_radius(3).header(&from, &to).to_string();
    ObjectDiff { kind, namespace, name, change, paths, text }
}

fn values(old: &Value, new: &Value, at: &str, found: &mut Vec<PathChange>) {
    match (old, new) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, old) in one {
                let inner = format!("{at}/{}", escaped(key));
                side(Some(old), other.get(key), &inner, found);
            }
            for (key, new) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
                side(None, Some(new), &format!("{at}/{}", escaped(key)), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => match named(one).zip(named(other)) {
            Some((one, other)) => {
                for (name, old) in &one {
                    side(Some(*old), other.get(name).copied(), &format!("{at}[{name}]"), found);
                }
                for (name, new) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
                    side(None, Some(*new), &format!("{at}[{name}]"), found);
                }
            }
            None => {
                for place in 0..one.len().max(other.len()) {
                    side(one.get(place), other.get(place), &format!("{at}/{place}"), found);
                }
            }
        },
        (old, new) if old != new => side(Some(old), None, at, found),
        _ => {}
    }
}

fn side(old: Option<&Value>, new: Option<&Value>, at: &str, found: &mut Vec<PathChange>) {
    match (old, new) {
        (Some(old), Some(new)) if nests(old) && same_kind(old, new) => values(old, new, at, found),
        (old, new) if old != new => {
            let (from, to) = (old.cloned(), new.cloned());
            found.push(PathChange { path: readable(at), from, to });
        }
        _ => {}
    }
}

fn nests(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn same_kind(old: &Value, new: &Value) -> bool {
    old.is_object() == new.is_object() && old.is_array() == new.is_array()
}

/// The items of a list by their name, when each has one of its own.
fn named(items: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let mut named = BTreeMap::new();
    for item in items {
        named.insert(item.get("name")?.as_str()?, item);
    }
    (named.len() == items.len() && !items.is_empty()).then_some(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, image: &str, args: &[&str]) -> Value {
        json!({"kind": "Pod", "metadata": {"name": name, "labels": {"a/b": "c"}},
            "spec": {"containers": [{"name": "app", "image": image, "args": args}]}})
    }

    #[test]
    fn objects_are_compared_by_name_and_values_by_path() {
        let old = [pod("one", "i:1", &["a", "b"]), pod("gone", "i:1", &[])];
        let mut changed = pod("one", "i:2", &["a", "c", "d"]);
        changed["metadata"]["labels"] = json!({"x": "y"});
        let found = diff(&old, &[pod("new", "i:1", &[]), changed]);
        let short: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.change)).collect();
        assert_eq!(
            short,
            [("gone", Change::Removed), ("one", Change::Changed), ("new", Change::Added)]
        );
        let paths: Vec<_> =
            found[1].paths.iter().map(|it| (it.path.as_str(), &it.from, &it.to)).collect();
        let some = |value: Value| Some(value);
        assert_eq!(
            paths,
            [
                ("metadata.labels.a/b", &some(json!("c")), &None),
                ("metadata.labels.x", &None, &some(json!("y"))),
                ("spec.containers[app].image", &some(json!("i:1")), &some(json!("i:2"))),
                ("spec.containers[app].args[1]", &some(json!("b")), &some(json!("c"))),
                ("spec.containers[app].args[2]", &None, &some(json!("d"))),
            ]
        );
        assert!(found[1].text.starts_with("--- Pod one\n+++ Pod one\n@@ "), "{}", found[1].text);
        for line in ["\n-    image: i:1\n", "\n+    image: i:2\n"] {
            assert!(found[1].text.contains(line), "{}", found[1].text);
        }
        assert!(found[2].text.starts_with("--- nothing\n+++ Pod new\n"), "{}", found[2].text);
    }

    #[test]
    fn order_does_not_count_and_twins_are_told_apart() {
        let one = [pod("a", "i", &[]), pod("b", "i", &[])];
        let other = [pod("b", "i", &[]), pod("a", "i", &[])];
        assert_eq!(diff(&one, &other), []);
        let twins = [pod("a", "i", &[]), pod("a", "j", &[])];
        assert_eq!(diff(&twins, &twins), []);
        assert_eq!(diff(&twins, &twins[..1]).len(), 1);
    }
}
