//! The index of a chart repository.

use std::{cmp::Ordering, collections::BTreeMap};

use edk_model::Digest;
use serde_json::Value;

use super::Wanted;
use crate::{
    version::{Constraint, Version},
    yaml,
};

/// What a repository has, by name; the highest version first.
#[derive(Debug, Default)]
pub(crate) struct Index(BTreeMap<String, Vec<Entry>>);

/// A version of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: String,
    parsed: Version,
    /// Where it is: the first address of the index.
    pub(crate) url: String,
    pub(crate) digest: Option<Digest>,
}

impl Index {
    /// Reads an `index.yaml`. Entries without an address, or with a version that is none, are passed
    /// over, as Helm does.
    ///
    /// # Errors
    /// What is wrong with it as a whole.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let value = yaml::parse(text, "index.yaml").map_err(|finding| finding.to_string())?;
        let Some(entries) = value.get("entries") else {
            return Err("it has no entries".to_owned());
        };
        let mut index = Self::default();
        for (name, versions) in entries.as_object().into_iter().flatten() {
            let versions = versions.as_array().into_iter().flatten();
            let mut versions: Vec<Entry> = versions.filter_map(entry).collect();
            versions.sort_by(|one, other| other.parsed.precedence(&one.parsed));
            index.0.insert(name.clone(), versions);
        }
        Ok(index)
    }

    /// Returns the names of charts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the versions of the chart `name`, or `None` if it is not there.
    pub(crate) fn versions(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        self.0.get(name).map(|entries| entries.iter().map(|entry| entry.version.as_str()))
    }

    /// Returns the best version of the chart `name`.
    pub(crate) fn choose(&self, name: &str, wanted: Wanted<'_>) -> Option<&Entry> {
        let entries = self.0.get(name)?;
        match wanted {
            Wanted::Range(range) => {
                let range = Constraint::parse(range)?;
                entries.iter().find(|entry| range.holds(&entry.parsed))
            }
            Wanted::Exactly(version) => {
                let parsed = Version::lenient(version)?;
                let same = |entry: &&Entry| entry.parsed.precedence(&parsed) == Ordering::Equal;
                let written = entries.iter().find(|entry| entry.version == version);
                written.or_else(|| entries.iter().find(same))
            }
        }
    }
}

fn entry(value: &Value) -> Option<Entry> {
    let version = match &value["version"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let url = value["urls"].as_array()?.iter().find_map(Value::as_str)?.to_owned();
    let digest = value["digest"].as_str().unwrap_or_default();
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    let digest = format!("sha256:{}", hex.to_ascii_lowercase()).parse().ok();
    Some(Entry { parsed: Version::lenient(&version)?, version, url, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "apiVersion: v1\nentries:\n  a:\n  - {version: 1.0.0, urls: [a-1.tgz]}\n  \
        - {version: 1.2.0, urls: []}\n  - {version: 1.3.0-rc.1, urls: [rc.tgz]}\n  \
        - {version: nonsense, urls: [x.tgz]}\n  - {version: 1.1.0+b, urls: [b.tgz], digest: \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}\n  - 3\n  b: 4\n";

    #[test]
    fn the_highest_version_with_an_address_is_chosen() {
        let index = Index::parse(INDEX).unwrap();
        let chosen = |wanted| index.choose("a", wanted).map(|entry| entry.url.as_str());
        assert_eq!(chosen(Wanted::Range("*")), Some("b.tgz"));
        assert_eq!(chosen(Wanted::Range(">0-0")), Some("rc.tgz"));
        assert_eq!(chosen(Wanted::Range("1.2")), None);
        assert_eq!(chosen(Wanted::Exactly("1.1.0")), Some("b.tgz"));
        assert_eq!(index.choose("c", Wanted::Range("*")), None);
        assert_eq!(index.choose("b", Wanted::Range("*")), None);
        let digest = index.choose("a", Wanted::Range("1.1")).unwrap().digest;
        assert_eq!(digest, Some(Digest::of(b"")));
        assert!(Index::parse("entries: [").is_err() && Index::parse("a: b").is_err());
    }
}
