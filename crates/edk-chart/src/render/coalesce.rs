//! The values that a chart sees: the user's over the parent's over its own (Helm: "Subcharts and
//! Global Values", "Chart Dependencies").

use serde_json::{Map, Value};

use crate::{Chart, Dependency};

type Object = Map<String, Value>;

/// Returns `chart` without the subcharts that conditions and tags switch off, and with the ones
/// that have another name under it; imported values become values of their user.
pub(super) fn enabled(chart: &Chart, values: &Value) -> Chart {
    let mut chart = chart.clone();
    let all = coalesced(&chart, values);
    keep(&mut chart, &all, "");
    import(&mut chart);
    chart
}

fn keep(chart: &mut Chart, all: &Value, path: &str) {
    let mut kept: Vec<Chart> = Vec::new();
    for subchart in &chart.subcharts {
        let uses: Vec<&Dependency> = chart
            .metadata
            .dependencies
            .iter()
            .filter(|dependency| dependency.name == subchart.name())
            .collect();
        if uses.is_empty() {
            kept.push(subchart.clone());
        }
        for dependency in uses.into_iter().filter(|dependency| is_on(dependency, all, path)) {
            let mut subchart = subchart.clone();
            dependency.effective_name().clone_into(&mut subchart.metadata.name);
            kept.push(subchart);
        }
    }
    for subchart in &mut kept {
        let path = format!("{path}{}.", subchart.name());
        keep(subchart, all, &path);
    }
    chart.subcharts = kept;
}

/// Tags switch first, then the first condition that names a boolean.
fn is_on(dependency: &Dependency, all: &Value, path: &str) -> bool {
    let tags: Vec<bool> =
        dependency.tags.iter().filter_map(|tag| all.get("tags")?.get(tag)?.as_bool()).collect();
    let by_tags = tags.is_empty() || tags.contains(&true);
    let conditions = dependency.condition.split(',').map(str::trim).filter(|c| !c.is_empty());
    let mut named = conditions.filter_map(|c| at_path(all, &format!("{path}{c}"))?.as_bool());
    named.next().unwrap_or(by_tags)
}

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|key| !key.is_empty()).try_fold(value, |value, key| value.get(key))
}

/// Takes values of subcharts over (Helm: "Importing Child Values via dependencies").
fn import(chart: &mut Chart) {
    for subchart in &mut chart.subcharts {
        import(subchart);
    }
    let mut imported = Object::new();
    for dependency in &chart.metadata.dependencies {
        let Some(subchart) = chart.subchart(dependency.effective_name()) else { continue };
        for entry in &dependency.import_values {
            let (child, parent) = match entry {
                Value::String(name) => (format!("exports.{name}"), "."),
                entry => (
                    entry.get("child").and_then(Value::as_str).unwrap_or_default().to_owned(),
                    entry.get("parent").and_then(Value::as_str).unwrap_or("."),
                ),
            };
            if let Some(value @ Value::Object(_)) = at_path(&subchart.values, &child) {
                merge(&mut imported, nested(parent, value.clone()));
            }
        }
    }
    if let Value::Object(own) = &mut chart.values {
        merge(own, imported);
    }
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
pub(super) fn coalesced(chart: &Chart, values: &Value) -> Value {
    let mut values = values.as_object().cloned().unwrap_or_default();
    coalesce(chart, &mut values);
    Value::Object(values)
}

fn coalesce(chart: &Chart, values: &mut Object) {
    let own = chart.values.as_object().cloned().unwrap_or_default();
    merge(values, own);
    for subchart in &chart.subcharts {
        let globals = values.get("global").and_then(Value::as_object).cloned();
        let slot = values.entry(subchart.name()).or_insert_with(|| Value::Object(Object::new()));
        if slot.is_null() {
            *slot = Value::Object(Object::new());
        }
        let Value::Object(inner) = slot else { continue };
        push_down(globals.unwrap_or_default(), inner);
        coalesce(subchart, inner);
    }
}

/// Gives a subchart the globals of its parent, which win over its own.
fn push_down(globals: Object, inner: &mut Object) {
    let slot = inner.entry("global").or_insert_with(|| Value::Object(Object::new()));
    if let Value::Object(own) = slot {
        let mut all = globals;
        merge_keeping_null(&mut all, std::mem::take(own));
        *own = all;
    }
}

fn merge_keeping_null(upper: &mut Object, lower: Object) {
    for (key, value) in lower {
        match (upper.get_mut(&key), value) {
            (None, value) => {
                upper.insert(key, value);
            }
            (Some(Value::Object(upper)), Value::Object(value)) => merge_keeping_null(upper, value),
            _ => {}
        }
    }
}

/// Puts `lower` under `upper`: maps are joined, for the rest `upper` wins, and its null deletes.
fn merge(upper: &mut Object, lower: Object) {
    for (key, value) in lower {
        match (upper.get_mut(&key), value) {
            (None, value) => {
                upper.insert(key, value);
            }
            (Some(Value::Null), _) => {
                upper.shift_remove(&key);
            }
            (Some(Value::Object(upper)), Value::Object(value)) => merge(upper, value),
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
        let all = coalesced(&parent("version: 0.0.0"), &values);
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
            ("condition: x.y, b.on", json!({"b": {"on": false}}), 0),
            ("condition: Release.IsInstall", json!({}), 1),
            ("tags: [t]", json!({"tags": {"t": false}}), 0),
            ("tags: [t, u]", json!({"tags": {"t": false, "u": true}}), 1),
            ("tags: [t]", json!({}), 1),
        ];
        for (requirement, values, count) in table {
            let enabled = enabled(&parent(requirement), &values);
            assert_eq!(enabled.subcharts.len(), count, "{requirement} {values}");
        }
    }

    #[test]
    fn an_alias_renames_the_subchart_and_its_values() {
        let enabled = enabled(&parent("alias: c"), &json!({}));
        assert_eq!(enabled.subcharts[0].name(), "c");
    }

    #[test]
    fn exported_values_are_imported() {
        let enabled = enabled(&parent("import-values: [e]"), &json!({}));
        assert_eq!(enabled.values["imported"], json!(true));
    }
}
