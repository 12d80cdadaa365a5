//! The list as an old copy, with the platform's way of mending it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The last full list and what happened since.
#[derive(Debug, Default)]
pub(crate) struct ListCache {
    made: Option<Instant>,
    rows: Vec<Value>,
    touched: BTreeSet<String>,
}

impl ListCache {
    /// Says whether the copy is older than `age` and a full list has to be made.
    pub(crate) fn is_stale(&self, age: Duration) -> bool {
        self.made.is_none_or(|made| made.elapsed() >= age)
    }

    /// Takes a full list.
    pub(crate) fn refresh(&mut self, rows: Vec<Value>) -> Vec<Value> {
        *self = Self { made: Some(Instant::now()), rows, touched: BTreeSet::new() };
        self.rows.clone()
    }

    /// Tells that the chart `name` was installed or removed.
    pub(crate) fn touch(&mut self, name: &str) {
        self.touched.insert(name.to_owned());
    }

    /// Returns the old copy, entries of touched charts made anew from `now` as a platform does it:
    /// they lose all versions but the newest. A touched chart that is not in the copy is added as a
    /// bare string, and this answer is an error.
    pub(crate) fn patched(&mut self, now: &[Value]) -> Result<Vec<Value>, ()> {
        let mut broken = false;
        for name in std::mem::take(&mut self.touched) {
            let is =
                |row: &Value| row["name"] == name.as_str() && row["releaseName"] == name.as_str();
            match (self.rows.iter_mut().find(|row| is(row)), now.iter().find(|row| is(row))) {
                (Some(old), Some(new)) => *old = only_newest(new.clone()),
                _ => {
                    broken = true;
                    self.rows.push(Value::String(name));
                }
            }
        }
        if broken { Err(()) } else { Ok(self.rows.clone()) }
    }
}

fn only_newest(mut row: Value) -> Value {
    let newest = row["version"].clone();
    let key = newest.as_str().unwrap_or_default();
    let entry = row["available_versions"][key].clone();
    let deployed = entry["deployments"].as_array().is_some_and(|it| !it.is_empty());
    row["available_versions"] = json!({ key: entry });
    row["installed"] = json!(if deployed { "yes" } else { "no" });
    row["versions"] = json!([newest]);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, versions: &[&str]) -> Value {
        let available: serde_json::Map<_, _> =
            versions.iter().map(|it| ((*it).to_owned(), json!({"deployments": []}))).collect();
        json!({"name": name, "releaseName": name, "version": versions[0], "versions": versions,
            "available_versions": available})
    }

    #[test]
    fn a_touched_entry_loses_all_versions_but_the_newest() {
        let mut cache = ListCache::default();
        let full = vec![row("a", &["0.2.0", "0.1.0"])];
        cache.refresh(full.clone());
        cache.touch("a");
        let patched = cache.patched(&full).unwrap();
        assert_eq!(patched[0]["versions"], json!(["0.2.0"]));
        assert_eq!(cache.patched(&[]), Ok(patched));
        assert!(!cache.is_stale(Duration::from_secs(3600)));
    }

    #[test]
    fn a_chart_installed_before_it_was_listed_breaks_the_list_once_and_leaves_a_string() {
        let mut cache = ListCache::default();
        cache.refresh(vec![]);
        cache.touch("new");
        assert_eq!(cache.patched(&[row("new", &["0.1.0"])]), Err(()));
        assert_eq!(cache.patched(&[]), Ok(vec![json!("new")]));
        assert_eq!(cache.refresh(vec![]), Vec::<Value>::new());
    }
}
