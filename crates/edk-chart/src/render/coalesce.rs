//! The values that a chart sees: the user's over the parent's over its own (Helm: "Subcharts and
//! Global Values", "Chart Dependencies").

use serde_json::{Map, Value};

use crate::{Chart, Dependency, version::satisfies};

type Object = Map<String, Value>;

/// What is worth a warning.
pub(super) type Warnings = Vec<String>;

/// How nulls are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// A null deletes the key, and is gone itself.
    Delete,
    /// A null stays, to delete further down.
    Keep,
}

/// Returns `chart` without the subcharts that conditions and tags switch off, and with the ones
/// that have another name under it; imported values become values of their user.
///
/// # Errors
/// A sentence, if a value that has to be a map for a subchart is none.
pub(super) fn enabled(
    chart: &Chart,
    values: &Value,
    warnings: &mut Warnings,
) -> Result<Chart, String> {
    let mut chart = chart.clone();
    keep(&mut chart, values, "", warnings)?;
    import(&mut chart, warnings)?;
    Ok(chart)
}

fn keep(
    chart: &mut Chart,
    values: &Value,
    path: &str,
    warnings: &mut Warnings,
) -> Result<(), String> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let fits = |dependency: &Dependency, subchart: &Chart| {
        let range = &dependency.version;
        dependency.name == subchart.name()
            && (range.is_empty() || satisfies(range, subchart.version()) == Some(true))
    };
    let dependencies = &chart.metadata.dependencies;
    let mut kept: Vec<Chart> = chart
        .subcharts
        .iter()
        .filter(|subchart| !dependencies.iter().any(|it| fits(it, subchart)))
        .cloned()
        .collect();
    for dependency in dependencies {
        if let Some(subchart) = chart.subcharts.iter().find(|it| fits(dependency, it)) {
            let mut subchart = subchart.clone();
            dependency.effective_name().clone_into(&mut subchart.metadata.name);
            kept.push(subchart);
        }
    }
    chart.subcharts = kept;
    let all = coalesced(chart, values, warnings)?;
    let (on, off): (Vec<_>, Vec<_>) = std::mem::take(&mut chart.metadata.dependencies)
        .into_iter()
        .partition(|dependency| is_on(dependency, &all, path, warnings));
    let off: Vec<&str> = off.iter().map(Dependency::effective_name).collect();
    chart.metadata.dependencies = on;
    chart.subcharts.retain(|subchart| !off.contains(&subchart.name()));
    for subchart in &mut chart.subcharts {
        let path = format!("{path}{}.", subchart.name());
        keep(subchart, &all, &path, warnings)?;
    }
    Ok(())
}

/// Tags switch first, then the first condition that names a boolean.
fn is_on(dependency: &Dependency, all: &Value, path: &str, warnings: &mut Warnings) -> bool {
    let name = dependency.effective_name();
    let mut tags = Vec::new();
    for tag in &dependency.tags {
        match all.get("tags").and_then(|tags| tags.get(tag)) {
            Some(Value::Bool(flag)) => tags.push(*flag),
            Some(_) => {
                warnings.push(format!("Tag '{tag}' for chart {name} returned non-bool value"));
            }
            None => {}
        }
    }
    let by_tags = tags.is_empty() || tags.contains(&true);
    for condition in dependency.condition.trim().split(',').filter(|it| !it.is_empty()) {
        match at_path(all, &format!("{path}{condition}")) {
            Some(Value::Bool(flag)) => return *flag,
            None | Some(Value::Object(_)) => {}
            Some(_) => warnings.push(format!(
                "Condition path '{condition}' for chart {name} returned non-bool value"
            )),
        }
    }
    by_tags
}

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// Takes values of subcharts over (Helm: "Importing Child Values via dependencies").
fn import(chart: &mut Chart, warnings: &mut Warnings) -> Result<(), String> {
    for subchart in &mut chart.subcharts {
        import(subchart, warnings)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let mut all = Object::new();
    coalesce(chart, &mut all, Nulls::Keep, "", warnings)?;
    let mut imported = Object::new();
    for dependency in &chart.metadata.dependencies {
        for entry in &dependency.import_values {
            let part = |key: &str| match entry.get(key) {
                Some(Value::String(text)) => text.clone(),
                _ => "<nil>".to_owned(),
            };
            let (child, parent) = match entry {
                Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                _ => (part("child"), part("parent")),
            };
            let path = format!("{}.{child}", dependency.effective_name());
            let found = path.split('.').try_fold(&all, |map, key| map.get(key)?.as_object());
            match found {
                Some(found) => {
                    let found = nested(&parent, Value::Object(found.clone()));
                    merge(&mut imported, found, Nulls::Keep, "", warnings);
                }
                None => warnings.push(format!("ImportValues missing table from chart {path}")),
            }
        }
    }
    merge(&mut all, imported, Nulls::Keep, "", warnings);
    chart.values = Value::Object(all);
    Ok(())
}

/// Returns `value` below the keys of `path`.
fn nested(path: &str, value: Value) -> Object {
    let keys = path.split('.').filter(|key| !key.is_empty());
    let wrapped = keys
        .rev()
        .fold(value, |value, key| Value::Object([(key.to_owned(), value)].into_iter().collect()));
    match wrapped {
        Value::Object(map) => map,
        _ => Object::new(),
    }
}

/// Returns the values of `chart` under those of the user, with a map for each subchart.
///
/// # Errors
/// A sentence, if a value that has to be a map for a subchart is none.
pub(super) fn coalesced(
    chart: &Chart,
    values: &Value,
    warnings: &mut Warnings,
) -> Result<Value, String> {
    let mut values = values.as_object().cloned().unwrap_or_default();
    coalesce(chart, &mut values, Nulls::Delete, "", warnings)?;
    Ok(Value::Object(values))
}

fn coalesce(
    chart: &Chart,
    values: &mut Object,
    nulls: Nulls,
    path: &str,
    warnings: &mut Warnings,
) -> Result<(), String> {
    own(chart, values, nulls, path, warnings);
    for subchart in &chart.subcharts {
        let globals = values.get("global").cloned();
        let name = subchart.name();
        let slot = values.entry(name).or_insert_with(|| Value::Object(Object::new()));
        let Value::Object(inner) = slot else {
            return Err(format!("type mismatch on {name}: the values of a subchart are a map"));
        };
        let path = format!("{path}{}.", chart.name());
        push_down(globals, inner, &path, warnings);
        coalesce(subchart, inner, nulls, &path, warnings)?;
    }
    Ok(())
}

/// Puts the chart's own values under `values`.
fn own(
    chart: &Chart,
    values: &mut Object,
    nulls: Nulls,
    path: &str,
    warnings: &mut Warnings,
) {
    for (key, value) in chart.values.as_object().cloned().unwrap_or_default() {
        match values.get_mut(&key) {
            None => {
                values.insert(key, value);
            }
            Some(Value::Null) if nulls == Nulls::Delete => {
                values.shift_remove(&key);
            }
            Some(Value::Object(upper)) => match value {
                Value::Object(lower) => {
                    // What is meant for a subchart keeps its nulls until it gets there.
                    let nulls = if chart.subchart(&key).is_some() { Nulls::Keep } else { nulls };
                    let path = format!("{path}{}.{key}", chart.name());
                    merge(upper, lower, nulls, &path, warnings);
                }
                Value::Null => {}
                _ => warnings.push(format!(
                    "skipped value for {path}{}.{key}: Not a table.",
                    chart.name()
                )),
            },
            Some(_) => {}
        }
    }
}

/// Gives a subchart the globals of its parent, which win over its own.
fn push_down(globals: Option<Value>, inner: &mut Object, path: &str, warnings: &mut Warnings) {
    let slot = inner.entry("global").or_insert_with(|| Value::Object(Object::new()));
    let Value::Object(own) = slot else {
        warnings.push("skipping globals because destination global is not a table".to_owned());
        return;
    };
    let globals = match globals {
        None => Object::new(),
        Some(Value::Object(globals)) => globals,
        Some(_) => {
            warnings.push("skipping globals because source global is not a table".to_owned());
            return;
        }
    };
    for (key, value) in globals {
        match (own.get_mut(&key), value) {
            (Some(Value::Object(lower)), Value::Object(mut upper)) => {
                let below = std::mem::take(lower);
                merge(&mut upper, below, Nulls::Delete, path, warnings);
                *lower = upper;
            }
            (Some(Value::Object(_)), _) => {
                warnings.push(format!("Conflict: cannot merge map onto non-map for \"{key}\""));
            }
            (Some(_), Value::Object(_)) => {
                warnings.push(format!("Conflict: cannot merge map onto non-map for \"{key}\""));
            }
            (_, value) => {
                own.insert(key, value);
            }
        }
    }
}

/// Puts `lower` under `upper`: maps are joined, for the rest `upper` wins.
fn merge(upper: &mut Object, mut lower: Object, nulls: Nulls, path: &str, warnings: &mut Warnings) {
    for (key, value) in upper.iter() {
        if value.is_null() {
            lower.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in lower {
        match (upper.get_mut(&key), value) {
            (None, value) => {
                upper.insert(key, value);
            }
            (Some(Value::Null), _) if nulls == Nulls::Delete => {
                upper.shift_remove(&key);
            }
            (Some(Value::Object(upper)), Value::Object(value)) => {
                merge(upper, value, nulls, &format!("{path}.{key}"), warnings);
            }
            (Some(_), Value::Object(_)) => {
                warnings.push(format!("cannot overwrite table with non table for {path}.{key}"));
            }
            (Some(Value::Object(_)), value) if !value.is_null() => {
                warnings.push(format!(
                    "destination for {path}.{key} is a table. Ignoring non-table value ({value})"
                ));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::File;

    fn chart(files: &[(&str, &str)]) -> Chart {
        let file =
            |(name, text): &(&str, &str)| File { name: (*name).into(), data: (*text).into() };
        Chart::from_files("a", files.iter().map(file).collect()).unwrap()
    }

    fn parent(requirement: &str) -> Chart {
        chart(&[
            ("Chart.yaml", "name: a\nversion: 0.0.0\n"),
            ("requirements.yaml", &format!("dependencies:\n- name: b\n  {requirement}\n")),
            (
                "values.yaml",
                "global: {g: 1, t: {x: 1}}\nkeep: 1\ndrop: 2\nm: {p: 1, q: 2}\nb: {v: parent}\n",
            ),
            ("charts/b/Chart.yaml", "name: b\nversion: 0.0.0\n"),
            (
                "charts/b/values.yaml",
                "v: own\nw: own\nglobal: {g: 0, h: 2, t: {z: 2}}\nexports: {e: {imported: yes}}\n",
            ),
        ])
    }

    #[test]
    fn the_user_wins_over_the_parent_over_the_subchart() {
        let values = json!({"drop": null, "m": {"p": 9, "q": null}, "b": {"w": "user"}});
        let all = coalesced(&parent("version: 0.0.0"), &values, &mut Vec::new()).unwrap();
        assert_eq!(all["m"], json!({"p": 9}));
        assert_eq!((&all["keep"], all.get("drop")), (&json!(1), None));
        assert_eq!((&all["b"]["v"], &all["b"]["w"]), (&json!("parent"), &json!("user")));
        assert_eq!(all["b"]["global"], json!({"g": 1, "h": 2, "t": {"x": 1, "z": 2}}));
        assert_eq!(all["global"], json!({"g": 1, "t": {"x": 1}}));
    }

    #[test]
    fn conditions_and_tags_switch_subcharts() {
        let table = [
            ("condition: b.on", json!({"b": {"on": false}}), 0),
            ("condition: b.on", json!({"b": {"on": "no"}}), 1),
            ("condition: \"x.y,b.on\"", json!({"b": {"on": false}}), 0),
            ("condition: Release.IsInstall", json!({}), 1),
            ("tags: [t]", json!({"tags": {"t": false}}), 0),
            ("tags: [t, u]", json!({"tags": {"t": false, "u": true}}), 1),
            ("tags: [t]", json!({}), 1),
        ];
        for (requirement, values, count) in table {
            let enabled = enabled(&parent(requirement), &values, &mut Vec::new()).unwrap();
            assert_eq!(enabled.subcharts.len(), count, "{requirement} {values}");
        }
    }

    #[test]
    fn an_alias_renames_the_subchart_and_its_values() {
        let enabled = enabled(&parent("alias: c"), &json!({}), &mut Vec::new()).unwrap();
        assert_eq!(enabled.subcharts[0].name(), "c");
    }

    #[test]
    fn exported_values_are_imported() {
        let enabled = enabled(&parent("import-values: [e]"), &json!({}), &mut Vec::new()).unwrap();
        assert_eq!(enabled.values["imported"], json!(true));
    }
}
