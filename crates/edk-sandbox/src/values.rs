//! Which values reach a chart.

use serde_json::{Map, Value, json};

use crate::{Settings, escape};

/// Namespace in which nothing of an extension may be.
pub(crate) const ADMIN: &str = "admin";

/// The project of calls that name none.
pub(crate) const PROJECT_ID: &str = "5f3b8c1e-0000-4000-8000-000000000001";

/// What the platform's own release has under `global`: the values every chart may count on.
pub(crate) fn globals(settings: &Settings) -> Map<String, Value> {
    let globals = json!({
        "registry_url": settings.registry_url,
        "kaapana_build_version": settings.build_version,
        "admin_namespace": ADMIN,
        "helm_namespace": ADMIN,
        "services_namespace": "services",
        "extensions_namespace": "extensions",
        "project_namespace": "project-admin",
        "pull_policy_images": "IfNotPresent",
        "pull_policy_jobs": "IfNotPresent",
        "pull_policy_pods": "IfNotPresent",
        "hostname": "localhost",
        "https_port": "443",
        "http_proxy": "",
        "https_proxy": "",
        "instance_name": "sandbox",
        "instance_uid": "sandbox",
        "main_node_name": "sandbox",
        "storage_node": "sandbox",
        "storage_class_fast": "sandbox",
        "storage_class_slow": "sandbox",
        "storage_class_workflow": "sandbox",
        "volume_slow_data": "100Gi",
        "fast_data_dir": "/home/kaapana",
        "slow_data_dir": "/home/kaapana",
        "platform_build_branch": "sandbox",
        "credentials_minio_username": "kaapanaminio",
        "credentials_minio_password": "sandbox",
        "gpu_support": false,
        "offline_mode": false,
        "dev_mode": true,
    });
    match globals {
        Value::Object(globals) => globals,
        _ => Map::new(),
    }
}

/// The layers of values of one install, the weakest first.
pub(crate) struct Layers<'a> {
    /// The platform's own, under `global`.
    pub(crate) platform: Map<String, Value>,
    /// The user's answers, under `global`.
    pub(crate) params: Map<String, Value>,
    /// The chart's own `global`: its texts and lists that are not empty beat the user's answers.
    pub(crate) chart: Option<&'a Map<String, Value>>,
    /// Full keys; they beat everything.
    pub(crate) sets: Map<String, Value>,
    /// Whether texts arrive as a platform mangles them.
    pub(crate) mangle: bool,
}

impl Layers<'_> {
    /// Returns the values to render the chart with, over its own.
    ///
    /// # Errors
    /// The platform's words, when it could not pass a value on.
    pub(crate) fn compose(self) -> Result<Value, String> {
        let mut values = json!({});
        let strong = |value: &Value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        let chart = self.chart.into_iter().flatten().filter(|(_, value)| strong(value));
        let chart = chart.map(|(key, value)| (key.clone(), value.clone()));
        let params =
            self.params.into_iter().filter(|(key, value)| !self.mangle || survives(key, value));
        let global = self.platform.into_iter().chain(params).chain(chart);
        let global = global.map(|(key, value)| (format!("global.{key}"), value));
        for (key, value) in global.chain(self.sets) {
            let value = if self.mangle { mangle(value)? } else { value };
            set(&mut values, &key, value);
        }
        Ok(values)
    }
}

/// Says whether a platform passes an answer on: what holds a `;`, which every HTML escape does, is
/// dropped.
fn survives(key: &str, value: &Value) -> bool {
    !key.contains(';') && !value.as_str().is_some_and(|text| text.contains(';'))
}

/// Changes a value as its way through the platform's shell command does.
fn mangle(value: Value) -> Result<Value, String> {
    let text = |text: &str| Value::String(text.replace([' ', '\\'], ""));
    Ok(match value {
        Value::String(it) => text(&it),
        Value::Null => text("None"),
        Value::Number(number) if number.is_f64() => Value::String(number.to_string()),
        Value::Array(items) if items.is_empty() => json!([""]),
        Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(text)).collect();
            Value::Array(texts.ok_or("Chart install failed sequence item 0: expected str")?)
        }
        value => value,
    })
}

/// Sets the value at a dotted key, making the mappings on the way.
fn set(values: &mut Value, key: &str, value: Value) {
    let mut place = values;
    for part in key.split('.') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[part];
    }
    *place = value;
}

/// Escapes all texts of a request body, but not its keys, as a platform's front door does.
pub(crate) fn escape_body(body: Value) -> Value {
    match body {
        Value::String(text) => Value::String(escape::html(&text)),
        Value::Array(items) => items.into_iter().map(escape_body).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key, escape_body(value))).collect()
        }
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "it is called with `json!`")]
    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn compose(params: Value, chart: Value, sets: Value, mangle: bool) -> Result<Value, String> {
        let chart = map(chart);
        let layers = Layers {
            platform: map(json!({"registry_url": "r", "flag": false})),
            params: map(params),
            chart: Some(&chart),
            sets: map(sets),
            mangle,
        };
        layers.compose().map(|values| values["global"].clone())
    }

    #[test]
    fn the_platform_yields_to_answers_and_answers_to_texts_of_the_chart() {
        let chart = json!({"dead": "chart", "empty": "", "number": 1, "flag": true});
        let params = json!({"dead": "user", "empty": "user", "number": 2});
        let values = compose(params.clone(), chart.clone(), json!({}), false).unwrap();
        let expected = json!({"registry_url": "r", "flag": false, "dead": "chart",
            "empty": "user", "number": 2});
        assert_eq!(values, expected);
        let sets = json!({"global.dead": "set", "global.deep.key": 1});
        let values = compose(params, chart, sets, false).unwrap();
        assert_eq!((&values["dead"], &values["deep"]["key"]), (&json!("set"), &json!(1)));
    }

    #[test]
    fn a_mangled_answer_arrives_as_it_does_on_a_platform() {
        let check = |sent: Value, arrives: Value| {
            let sent = escape_body(json!({ "key": sent }));
            let values = compose(sent.clone(), json!({}), json!({}), true).unwrap();
            assert_eq!(values["key"], arrives, "{sent}");
        };
        check(json!("hello world"), json!("helloworld"));
        check(json!("back\\slash"), json!("backslash"));
        check(json!("a,b"), json!("a,b"));
        check(json!("007"), json!("007"));
        check(json!(true), json!(true));
        check(json!(1.5), json!("1.5"));
        check(json!(null), json!("None"));
        check(json!([]), json!([""]));
        for lost in ["a&b", "a<b", "it's", "\"", "a;b"] {
            check(json!(lost), Value::Null);
        }
        assert!(compose(json!({"key": [1]}), json!({}), json!({}), true).is_err());
    }
}
