//! From the YAML of a `Chart.yaml` to its [`Metadata`], the way of Helm.

use std::sync::LazyLock;

use edk_model::Finding;
use regex::Regex;
use serde_json::{Map, Value};

use super::Metadata;

/// The keys of a `Chart.yaml` that Helm knows.
pub(crate) const KEYS: [&str; 17] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];
/// The keys of the maps in it.
const MAINTAINER_KEYS: [&str; 3] = ["name", "email", "url"];
const DEPENDENCY_KEYS: [&str; 8] =
    ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];

impl Metadata {
    /// Returns the metadata of the `Chart.yaml` with the content `value`.
    ///
    /// # Errors
    /// A finding of rule `chart/metadata` if a key has a value of the wrong type.
    pub(crate) fn from_value(value: &Value, text: &str, file: &str) -> Result<Self, Finding> {
        let mut value = value.clone();
        drop_nulls(&mut value);
        canonical(&mut value);
        scalars(&mut value);
        let mut metadata: Self =
            typed(value.clone()).map_err(|message| place(&value, text, file, &message))?;
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_owned();
        }
        metadata.clean();
        Ok(metadata)
    }

    /// Cleans the texts that Helm cleans: any space becomes a blank, what can't be printed goes.
    fn clean(&mut self) {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = cleaned(text);
        }
        for text in self.keywords.iter_mut().chain(&mut self.sources) {
            *text = cleaned(text);
        }
        for person in &mut self.maintainers {
            for text in [&mut person.name, &mut person.email, &mut person.url] {
                *text = cleaned(text);
            }
        }
        for dependency in &mut self.dependencies {
            dependency.clean();
        }
    }
}

impl super::Dependency {
    /// As [`Metadata`]'s.
    fn clean(&mut self) {
        for text in [
            &mut self.name,
            &mut self.version,
            &mut self.repository,
            &mut self.condition,
            &mut self.alias,
        ] {
            *text = cleaned(text);
        }
        for tag in &mut self.tags {
            *tag = cleaned(tag);
        }
    }
}

/// What Go calls printable: letters, marks, numbers, punctuation, symbols and the blank.
static UNPRINTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[^\p{L}\p{M}\p{N}\p{P}\p{S} ]").ok());

fn cleaned(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let blank = |c: char| if c.is_whitespace() { ' ' } else { c };
    let text: String = text.chars().map(blank).collect();
    match UNPRINTABLE.as_ref() {
        Some(unprintable) => unprintable.replace_all(&text, "").into_owned(),
        None => text,
    }
}

/// Returns `value` as a `T`, or what is wrong with it.
pub(crate) fn typed<T: serde::de::DeserializeOwned + Default>(value: Value) -> Result<T, String> {
    match value {
        Value::Null => Ok(T::default()),
        value => serde_json::from_value(value).map_err(|error| error.to_string()),
    }
}

/// Drops what is null: Go leaves such a field as it is.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Gives the keys of a `Chart.yaml` or a `requirements.yaml` their usual letters: Helm takes `Name`
/// for `name`. Of two spellings the last in the order of the alphabet wins.
pub(crate) fn canonical(value: &mut Value) {
    let Value::Object(map) = value else { return };
    rename(map, &KEYS);
    for (key, keys) in
        [("dependencies", &DEPENDENCY_KEYS[..]), ("maintainers", &MAINTAINER_KEYS[..])]
    {
        let items = map.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten();
        for item in items.filter_map(Value::as_object_mut) {
            rename(item, keys);
        }
    }
}

fn rename(map: &mut Map<String, Value>, keys: &[&str]) {
    if map.keys().all(|key| keys.contains(&key.as_str())) {
        return;
    }
    let mut entries: Vec<_> = std::mem::take(map).into_iter().collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (key, value) in entries {
        let known = keys.iter().find(|known| known.eq_ignore_ascii_case(&key));
        map.insert(known.map_or(key, |known| (*known).to_owned()), value);
    }
}

/// Turns numbers and booleans into texts, as Helm does where it expects a text: `version: 1.10`
/// is the version `1.1`.
pub(crate) fn scalars(value: &mut Value) {
    match value {
        Value::Object(map) => map
            .iter_mut()
            .filter(|(key, _)| !matches!(key.as_str(), "deprecated" | "enabled" | "import-values"))
            .for_each(|(_, value)| scalars(value)),
        Value::Array(items) => items.iter_mut().for_each(scalars),
        Value::Number(number) => {
            let text = match number.as_f64() {
                Some(float) if number.is_f64() => crate::number::general(float),
                _ => number.to_string(),
            };
            *value = Value::String(text);
        }
        Value::Bool(flag) => *value = Value::String(flag.to_string()),
        Value::Null | Value::String(_) => {}
    }
}

/// Returns a finding at the key whose value has the wrong type.
fn place(value: &Value, text: &str, file: &str, message: &str) -> Finding {
    let finding = Finding::error("chart/metadata", message).in_file(file);
    let wrong = value.as_object().into_iter().flatten().find(|(key, value)| {
        let alone = Value::Object([((*key).clone(), (*value).clone())].into_iter().collect());
        serde_json::from_value::<Metadata>(alone).is_err()
    });
    let Some((key, value)) = wrong else { return finding };
    let empty = value.as_array().is_some_and(|items| items.iter().any(Value::is_null));
    let message = match empty {
        true => format!("`{key}` must not hold empty entries"),
        false => format!("`{key}`: {message}"),
    };
    let finding = Finding::error("chart/metadata", message).in_file(file);
    match line_of(text, key) {
        Some(line) => finding.at(line, 1),
        None => finding,
    }
}

/// Returns the line, from 1, on which the key `key` of the outermost map stands.
pub(crate) fn line_of(text: &str, key: &str) -> Option<usize> {
    let starts =
        |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    text.lines().position(starts).map(|line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_printed_stays() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\tb\u{7}c\u{200b}d\u{ad}e", "a bcde"),
            ("a\u{2028}b\u{a0}c\u{e000}", "a b c"),
            ("grüße 漢字 €", "grüße 漢字 €"),
        ] {
            assert_eq!(cleaned(text), expected, "{text:?}");
        }
    }

    #[test]
    fn keys_are_known_in_any_spelling() {
        let value = serde_json::json!({
            "NAME": "b", "Version": 1, "name": "a", "Dependencies": [{"Name": "c", "odd": 1}],
        });
        let metadata = Metadata::from_value(&value, "", "Chart.yaml").unwrap();
        assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("a", "1"));
        assert_eq!(metadata.dependencies[0].name, "c");
    }
}
