//! Lock files: which versions were chosen, and for which dependencies.

use std::time::SystemTime;

use edk_model::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Chart, Dependency, metadata::typed, yaml};

/// What a `Chart.lock` says, or the `requirements.lock` of a v1 chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    /// The chosen charts: name, repository and version.
    pub dependencies: Option<Vec<Dependency>>,
    /// Digest over what was asked for and what was chosen: `sha256:<64 hex digits>`.
    pub digest: String,
    /// When it was written (RFC 3339).
    pub generated: String,
}

impl Default for Lock {
    fn default() -> Self {
        // What Go makes of a time that nobody set.
        let generated = "0001-01-01T00:00:00Z".to_owned();
        Self { dependencies: None, digest: String::new(), generated }
    }
}

impl Lock {
    /// Returns the lock of `locked`, chosen for `requested`, made at `now`. In `requested`, aliases
    /// of repositories are their addresses already.
    pub(crate) fn new(requested: &[Dependency], locked: Vec<Dependency>, now: SystemTime) -> Self {
        let digest = digest(requested, &locked);
        let generated =
            jiff::Timestamp::try_from(now).map(|time| time.to_string()).unwrap_or_default();
        Self { dependencies: Some(locked), digest, generated }
    }

    /// Reads the value of a lock file; `None` for one that says nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn from_value(value: &Value) -> Result<Option<Self>, String> {
        if value.is_null() {
            return Ok(None);
        }
        if !value.is_object() {
            return Err("the lock is not a map".to_owned());
        }
        // The parts that are read elsewhere read the same way.
        let mut holder = json!({ "dependencies": value.get("dependencies") });
        crate::metadata::scalars(&mut holder);
        let dependencies = typed(holder["dependencies"].take())?;
        let text = |key: &str| match value.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let generated = match text("generated") {
            time if time.is_empty() => Self::default().generated,
            time => go_time(&time).ok_or(format!("`generated`: `{time}` is not a time"))?,
        };
        Ok(Some(Self { dependencies, digest: text("digest"), generated }))
    }

    /// Returns the chosen charts.
    pub fn locked(&self) -> &[Dependency] {
        self.dependencies.as_deref().unwrap_or_default()
    }

    /// Returns the content of the file, as Helm writes it.
    pub fn to_yaml(&self) -> String {
        yaml::emit(&serde_json::to_value(self).unwrap_or_default())
    }

    /// Says whether the lock was made for these dependencies; that of a v1 chart may also carry the
    /// digest of Helm 2, over what `Chart::metadata` says before aliases become addresses.
    pub(crate) fn fits(&self, chart: &Chart, requested: &[Dependency]) -> bool {
        self.digest == digest(requested, self.locked())
            || chart.metadata.is_v1() && self.digest == helm_2(&chart.metadata.dependencies)
    }
}

impl Chart {
    /// Returns the name of the chart's lock file.
    pub fn lock_name(&self) -> &'static str {
        if self.metadata.is_v1() { "requirements.lock" } else { "Chart.lock" }
    }
}

/// The digest of a lock: over `[requested, locked]` as Go writes JSON.
pub(crate) fn digest(requested: &[Dependency], locked: &[Dependency]) -> String {
    Digest::of(go_json(&json!([requested, locked])).as_bytes()).to_string()
}

fn helm_2(requested: &[Dependency]) -> String {
    Digest::of(go_json(&json!({ "dependencies": requested })).as_bytes()).to_string()
}

/// Returns the JSON that Go's encoder writes: signs of HTML escaped, and the keys of maps (which
/// only `import-values` has) sorted.
fn go_json(value: &Value) -> String {
    let mut value = value.clone();
    sort_imports(&mut value);
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text += &format!("\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text
}

fn sort_imports(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort_imports),
        Value::Object(map) => {
            if let Some(imports) = map.get_mut("import-values") {
                sort(imports);
            }
            map.values_mut().for_each(sort_imports);
        }
        _ => {}
    }
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort),
        Value::Object(map) => {
            map.sort_keys();
            map.values_mut().for_each(sort);
        }
        _ => {}
    }
}

/// Returns a time of RFC 3339 as Go writes it again.
fn go_time(text: &str) -> Option<String> {
    let (date, rest) = text.split_once('T')?;
    text.parse::<jiff::Timestamp>().ok()?;
    let zone = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone);
    let clock = match clock.split_once('.') {
        Some((clock, fraction)) if fraction.trim_end_matches('0').is_empty() => clock.to_owned(),
        Some((clock, fraction)) => format!("{clock}.{}", fraction.trim_end_matches('0')),
        None => clock.to_owned(),
    };
    let zone = if zone == "+00:00" { "Z" } else { zone };
    Some(format!("{date}T{clock}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_one_of_helm() {
        // `helm dependency update` of Helm 3.17.3 on a file:// dependency.
        let mut requested = vec![Dependency {
            name: "x".to_owned(),
            version: "1".to_owned(),
            repository: "file://../src/x-1.2.0".to_owned(),
            ..Dependency::default()
        }];
        let locked = vec![Dependency { version: "1.2.0".to_owned(), ..requested[0].clone() }];
        assert_eq!(
            digest(&requested, &locked),
            "sha256:e2e56478d185a84ed7865433a35a8cbed3115c1d86c667f59e5fee18796a5336"
        );
        requested[0].version = ">=1 <2".to_owned();
        requested[0].import_values = vec![json!({"parent": "b", "child": "a"})];
        assert!(go_json(&json!([requested])).contains(
            r#""version":"\u003e=1 \u003c2","repository":"file://../src/x-1.2.0","import-values":[{"child":"a","parent":"b"}]"#
        ));
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (text, expected) in [
            ("2020-01-01T00:00:00.120Z", Some("2020-01-01T00:00:00.12Z")),
            ("2020-01-01T00:00:00.000+00:00", Some("2020-01-01T00:00:00Z")),
            ("2020-01-01T00:00:00.123456789+02:00", Some("2020-01-01T00:00:00.123456789+02:00")),
            ("2020-13-01T00:00:00Z", None),
            ("2020-01-01", None),
            ("zzz", None),
        ] {
            assert_eq!(go_time(text).as_deref(), expected, "{text}");
        }
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 120_000_000);
        assert_eq!(Lock::new(&[], Vec::new(), now).generated, "2023-11-14T22:13:20.12Z");
    }

    #[test]
    fn a_lock_is_written_as_helm_writes_it() {
        let read = |text: &str| Lock::from_value(&yaml::parse(text, "f").unwrap());
        assert_eq!(
            read("digest: x\nmore: 1\n").unwrap().unwrap().to_yaml(),
            "dependencies: null\ndigest: x\ngenerated: \"0001-01-01T00:00:00Z\"\n"
        );
        assert_eq!(read(""), Ok(None));
        for bad in ["- a\n", "dependencies: a\n", "generated: zzz\n"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
