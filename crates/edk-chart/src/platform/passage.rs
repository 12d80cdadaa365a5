//! How the values of an installation reach a chart: what is lost and changed on the way.

use edk_model::Finding;
use serde_json::{Map, Value, json};

use super::{Platform, rules::found};

/// Characters that HTML gives a meaning; each becomes an escape that ends in `;`.
const ESCAPED: [char; 5] = ['&', '<', '>', '"', '\''];

/// The layers of values of one installation, the weakest first.
#[derive(Debug, Clone)]
pub struct Passage<'a> {
    /// The platform's own, under `global`.
    pub platform: Map<String, Value>,
    /// The user's answers as the backend gets them (see [`sent`]), under `global`.
    pub params: Map<String, Value>,
    /// The chart's own `global`: its texts and lists that are not empty beat the answers.
    pub chart: Option<&'a Map<String, Value>>,
    /// Full keys; they beat everything.
    pub sets: Map<String, Value>,
    /// Whether values go through the platform's shell command, which changes them.
    pub shell: bool,
    /// The release of the platform.
    pub release: Platform,
}

impl Passage<'_> {
    /// Returns the values that the chart is installed with, over its own.
    ///
    /// # Errors
    /// The platform's words, when it can't pass a value on.
    pub fn values(self) -> Result<Value, String> {
        let mut values = json!({});
        let release = self.release;
        let strong = |(_, value): &(&String, &Value)| beats(value, release);
        let chart = self.chart.into_iter().flatten().filter(strong);
        let chart = chart.map(|(key, value)| (key.clone(), value.clone()));
        let params =
            self.params.into_iter().filter(|(key, value)| !self.shell || survives(key, value));
        let global = self.platform.into_iter().chain(params).chain(chart);
        let global = global.map(|(key, value)| (format!("global.{key}"), value));
        for (key, value) in global.chain(self.sets) {
            let value = if self.shell { through_shell(value)? } else { value };
            set(&mut values, &key, value);
        }
        Ok(values)
    }
}

/// What becomes of the answers of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The values that the chart is installed with, over its own.
    pub values: Value,
    /// What does not arrive as it was sent, one finding for each.
    pub effects: Vec<Finding>,
}

/// Returns what becomes of `params`, sent to a platform of `release` with the globals `platform`
/// for a chart whose own `global` is `chart`. The values are those of the platform itself.
pub fn pass(
    platform: &Map<String, Value>,
    params: &Map<String, Value>,
    chart: Option<&Map<String, Value>>,
    release: Platform,
) -> Arrival {
    let mut effects = sent_parameters(params);
    for (key, value) in chart.into_iter().flatten() {
        if params.contains_key(key) && beats(value, release) {
            let message = format!(
                "the answer to `{key}` will be ignored: the chart's own `global.{key}` wins"
            );
            let fix = "take the value out of `global` in values.yaml, or make it an empty text";
            effects.push(found("platform/parameter-shadowed", message).fix(fix));
        }
    }
    let passage = Passage {
        platform: platform.clone(),
        params: sent(params),
        chart,
        sets: Map::new(),
        shell: true,
        release,
    };
    // A value that can't be passed on is told by an effect.
    let values = passage.values().unwrap_or(Value::Null);
    Arrival { values, effects }
}

/// Returns answers as they are after the platform's front door: texts are escaped for HTML.
pub fn sent(params: &Map<String, Value>) -> Map<String, Value> {
    params.iter().map(|(key, value)| (key.clone(), escape_body(value))).collect()
}

/// Returns `value` with all texts in it escaped for HTML, but not the keys: what a platform's front
/// door makes of the body of a request.
pub fn escape_body(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(escape_html(text)),
        Value::Array(items) => items.iter().map(escape_body).collect(),
        Value::Object(map) => map.iter().map(|(key, it)| (key.clone(), escape_body(it))).collect(),
        value => value.clone(),
    }
}

/// Returns `text` with `& < > " '` escaped, as a platform does with all texts that are sent to it.
fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Says whether a value in a chart's `global` is sent at installation, and so beats an answer.
pub(super) fn beats(value: &Value, release: Platform) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        // 0.4 sends no lists.
        Value::Array(items) => !items.is_empty() && release > Platform::V0_4,
        _ => false,
    }
}

/// Says whether an answer is passed on: what holds a `;`, which every escape does, is dropped.
fn survives(key: &str, value: &Value) -> bool {
    !key.contains(';') && !value.as_str().is_some_and(|text| text.contains(';'))
}

/// Changes a value as its way through the platform's shell command does.
fn through_shell(value: Value) -> Result<Value, String> {
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

/// Returns what does not arrive of `params` as it is sent, whatever the chart; errors are what must
/// not be sent at all.
pub fn sent_parameters(params: &Map<String, Value>) -> Vec<Finding> {
    params
        .iter()
        .flat_map(|(key, value)| of_key(key).into_iter().chain(of_value(key, value)))
        .collect()
}

fn of_key(key: &str) -> Option<Finding> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if key == "helm_namespace" {
        let message = "the parameter `helm_namespace` moves the release to another namespace";
        return Some(found("platform/parameter-namespace", message).fix("rename the parameter"));
    }
    if key.is_empty() || !key.chars().all(word) {
        let message = format!("the parameter name `{key}` is dropped, or run by a shell");
        return Some(found("platform/parameter-key", message).fix("use letters, digits and _"));
    }
    key.contains('.').then(|| {
        let message = format!("the parameter `{key}` arrives as a mapping, one level for each dot");
        found("platform/parameter-dots", message)
    })
}

fn of_value(key: &str, value: &Value) -> Option<Finding> {
    match value {
        Value::Null => {
            let message =
                format!("the parameter `{key}` has no value, and arrives as the text `None`");
            Some(found("platform/parameter-unsendable", message).fix("leave it out"))
        }
        Value::String(text) => of_text(key, text),
        Value::Array(items) if items.is_empty() => {
            let message = format!("the empty list `{key}` arrives as a list of one empty text");
            Some(found("platform/parameter-changed", message))
        }
        Value::Array(items) => match items.iter().all(Value::is_string) {
            true => items.iter().filter_map(Value::as_str).find_map(|item| of_text(key, item)),
            false => {
                let message =
                    format!("the list `{key}` holds other things than texts: the install fails");
                Some(found("platform/parameter-unsendable", message).fix("send texts"))
            }
        },
        Value::Object(_) => {
            let message = format!("the parameter `{key}` is a mapping, which is not passed on");
            Some(found("platform/parameter-unsendable", message).fix("send its values one by one"))
        }
        Value::Number(number) if number.is_f64() => {
            let message = format!("the number `{number}` of `{key}` arrives as a text");
            Some(found("platform/parameter-changed", message))
        }
        Value::Bool(_) | Value::Number(_) => None,
    }
}

fn of_text(key: &str, text: &str) -> Option<Finding> {
    let bad = |c: &char| ESCAPED.contains(c) || *c == ';';
    if let Some(bad) = text.chars().find(bad) {
        let message = format!("`{bad}` in the value of `{key}`: the whole value is dropped");
        let fix = "use other characters, or encode the value, for example as base64";
        return Some(found("platform/parameter-dropped", message).fix(fix));
    }
    let mut changed = text.to_owned();
    changed.retain(|c| !matches!(c, ' ' | '\\'));
    (changed != text).then(|| {
        let lost = if text.contains(' ') { "spaces" } else { "backslashes" };
        let message = format!("the value of `{key}` loses its {lost}, and arrives as `{changed}`");
        found("platform/parameter-changed", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "it is called with `json!`")]
    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn global(params: Value, chart: Value, sets: Value, shell: bool) -> Result<Value, String> {
        let chart = map(chart);
        let passage = Passage {
            platform: map(json!({"registry_url": "r", "flag": false})),
            params: map(params),
            chart: Some(&chart),
            sets: map(sets),
            shell,
            release: Platform::V0_6,
        };
        passage.values().map(|values| values["global"].clone())
    }

    #[test]
    fn the_platform_yields_to_answers_and_answers_to_texts_of_the_chart() {
        let chart = json!({"dead": "chart", "empty": "", "number": 1, "flag": true});
        let params = json!({"dead": "user", "empty": "user", "number": 2});
        let values = global(params.clone(), chart.clone(), json!({}), false).unwrap();
        let expected = json!({"registry_url": "r", "flag": false, "dead": "chart",
            "empty": "user", "number": 2});
        assert_eq!(values, expected);
        let sets = json!({"global.dead": "set", "global.deep.key": 1});
        let values = global(params, chart, sets, false).unwrap();
        assert_eq!((&values["dead"], &values["deep"]["key"]), (&json!("set"), &json!(1)));
    }

    #[test]
    fn what_arrives_is_what_was_measured_and_every_change_is_told() {
        let check = |value: Value, arrives: Option<Value>, rule: &str| {
            let params = map(json!({ "key": value }));
            let arrival = pass(&Map::new(), &params, None, Platform::V0_6);
            assert_eq!(arrival.values["global"].get("key"), arrives.as_ref(), "{params:?}");
            let rules: Vec<_> = arrival.effects.iter().map(|it| it.rule.as_str()).collect();
            let expected: Vec<_> = Some(rule).filter(|it| !it.is_empty()).into_iter().collect();
            assert_eq!(rules, expected, "{params:?}");
        };
        let (changed, dropped) = ("platform/parameter-changed", "platform/parameter-dropped");
        for same in ["a,b", "{a,b}", "a=b", "$HOME", "a\nb", "ä", "[x]", "007", ""] {
            check(json!(same), Some(json!(same)), "");
        }
        for same in [json!(true), json!(7), json!(["a", "b"])] {
            check(same.clone(), Some(same), "");
        }
        check(json!("hello world"), Some(json!("helloworld")), changed);
        check(json!("back\\slash"), Some(json!("backslash")), changed);
        check(json!(1.5), Some(json!("1.5")), changed);
        check(json!([]), Some(json!([""])), changed);
        check(json!(null), Some(json!("None")), "platform/parameter-unsendable");
        for lost in ["a&b", "a<b", "a>b", "a\"b", "it's", "a;b"] {
            check(json!(lost), None, dropped);
        }
        check(json!([1]), None, "platform/parameter-unsendable");
    }

    #[test]
    fn keys_that_mean_something_else_are_told() {
        let check = |key: &str, rule: &str| {
            let effects = sent_parameters(&Map::from_iter([(key.to_owned(), json!("x"))]));
            assert_eq!(effects[0].rule, rule, "{key}");
        };
        check("helm_namespace", "platform/parameter-namespace");
        check("a;b", "platform/parameter-key");
        check("", "platform/parameter-key");
        check("a.b", "platform/parameter-dots");
        let nested = map(json!({"a.b": "x"}));
        let arrival = pass(&Map::new(), &nested, None, Platform::V0_6);
        assert_eq!(arrival.values["global"]["a"]["b"], "x");
    }

    #[test]
    fn a_list_of_the_chart_wins_since_0_5() {
        let (params, chart) = (map(json!({"l": "mine"})), map(json!({"l": ["chart"]})));
        let check = |release: Platform, arrives: Value, effects: usize| {
            let arrival = pass(&Map::new(), &params, Some(&chart), release);
            assert_eq!(
                (&arrival.values["global"]["l"], arrival.effects.len()),
                (&arrives, effects)
            );
        };
        check(Platform::V0_4, json!("mine"), 0);
        check(Platform::V0_5_0, json!(["chart"]), 1);
    }
}
