//! Values against the schemas of a chart and of the charts in it.

use edk_model::Finding;
use jsonschema::{Draft, Validator};
use serde_json::Value;

use crate::{
    Chart,
    places::{Places, readable},
};

/// Name of the file, as Helm has it.
const FILE: &str = "values.schema.json";

/// The draft of a schema that names none: the newest that the Helm of Kaapana knows.
const DRAFT: Draft = Draft::Draft7;

/// Texts in which a wrong value may stand, the weakest first: name and content.
pub(crate) type Texts<'a> = [(&'a str, &'a str)];

/// Returns what the schemas of `chart` and of all charts in it refuse in `values`, which are
/// complete: with a map for each subchart. `texts` are the files of the user's values.
pub(crate) fn check(chart: &Chart, values: &Value, texts: &Texts<'_>) -> Vec<Finding> {
    let mut findings = own(chart, values, texts, "");
    subcharts(chart, values, texts, "", &mut findings);
    findings
}

fn subcharts(
    chart: &Chart,
    values: &Value,
    texts: &Texts<'_>,
    path: &str,
    findings: &mut Vec<Finding>,
) {
    for subchart in &chart.subcharts {
        let path = format!("{path}/{}", subchart.name());
        let inner = values.get(subchart.name()).cloned().unwrap_or_default();
        findings.extend(own(subchart, &inner, texts, &path));
        subcharts(subchart, &inner, texts, &path, findings);
    }
}

/// What the schema of `chart` alone refuses; `path` is the pointer to its values in the user's.
pub(crate) fn own(chart: &Chart, values: &Value, texts: &Texts<'_>, path: &str) -> Vec<Finding> {
    let Some(text) = &chart.schema else { return Vec::new() };
    let validator = match compiled(text) {
        Ok(validator) => validator,
        Err(reason) => {
            let message = format!("the schema can't be used: {reason}");
            return vec![Finding::error("schema/broken", message).in_file(chart.path_of(FILE))];
        }
    };
    let values = with_whole_numbers(values);
    let mut errors = validator.iter_errors(&values).peekable();
    if errors.peek().is_none() {
        return Vec::new();
    }
    let origins = Origins::of(chart, texts, path);
    errors
        .map(|error| {
            let pointer = error.instance_path().to_string();
            let what = match readable(&pointer) {
                path if path.is_empty() => String::new(),
                path => format!("`{path}`: "),
            };
            let message = format!("{what}{error} ({FILE} of {})", chart.name());
            origins.placed(&pointer, Finding::error("schema/values", message))
        })
        .collect()
}

/// Returns values in which whole numbers are written as such: what comes from files is floating,
/// and would be told as `7.0`.
fn with_whole_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(with_whole_numbers).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, it)| (key.clone(), with_whole_numbers(it))).collect()
        }
        _ => value.clone(),
    }
}

fn compiled(text: &[u8]) -> Result<Validator, String> {
    let schema: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let draft = match schema.get("$schema").and_then(Value::as_str) {
        Some(_) => Draft::default().detect(&schema),
        None => DRAFT,
    };
    let formats = matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7);
    // What lies elsewhere is never fetched: a chart must mean the same on every machine.
    let options = jsonschema::options().with_draft(draft).should_validate_formats(formats);
    options.offline().build(&schema).map_err(|error| error.to_string())
}

/// Where the values of a chart stand: in texts of the user, the weakest first, and in `values.yaml`.
struct Origins<'a> {
    path: &'a str,
    texts: Vec<(&'a str, Places)>,
    own: (String, Option<Places>),
}

impl<'a> Origins<'a> {
    fn of(chart: &Chart, texts: &Texts<'a>, path: &'a str) -> Self {
        let own = chart.values_file.as_ref().map(|file| String::from_utf8_lossy(&file.data));
        Self {
            path,
            texts: texts.iter().map(|(name, text)| (*name, Places::of(text))).collect(),
            own: (chart.path_of("values.yaml"), own.map(|text| Places::of(&text))),
        }
    }

    /// Puts a finding where the value stands: in the last text of the user that has it, else in
    /// `values.yaml`.
    fn placed(&self, pointer: &str, finding: Finding) -> Finding {
        let full = format!("{}{pointer}", self.path);
        for (name, places) in self.texts.iter().rev() {
            if places.has(&full)
                && let Some((line, column)) = places.find(&full)
            {
                return finding.in_file(*name).at(line, column);
            }
        }
        let (name, places) = &self.own;
        let finding = finding.in_file(name);
        match places.as_ref().and_then(|places| places.find(pointer)) {
            Some((line, column)) => finding.at(line, column),
            None => finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::File;

    fn chart(values: &str, schema: &str) -> Chart {
        let file = |name: &str, text: &str| File { name: name.into(), data: text.into() };
        let files = vec![
            file("Chart.yaml", "name: a\nversion: 0.1.0\n"),
            file("values.yaml", values),
            file("values.schema.json", schema),
        ];
        Chart::from_files("a", files).unwrap()
    }

    #[test]
    fn a_wrong_value_is_named_by_path_and_place() {
        let schema = r#"{"properties": {"a": {"properties": {"b": {"type": "integer"}}}}}"#;
        let chart = chart("# one\na:\n  b: word\n", schema);
        let findings = check(&chart, &chart.values, &[]);
        assert_eq!(
            findings[0].to_string(),
            "a/values.yaml:3:3: `a.b`: \"word\" is not of type \"integer\" (values.schema.json of \
             a) (schema/values)"
        );
        let user = ("mine.yaml", "a: {b: other}\n");
        let findings = check(&chart, &json!({"a": {"b": "other"}}), &[user]);
        assert!(findings[0].to_string().starts_with("mine.yaml:1:5: `a.b`"), "{}", findings[0]);
    }

    #[test]
    fn every_draft_is_read_as_it_says_and_nothing_is_fetched() {
        let check = |schema: &str, values: Value, wrong: bool| {
            let chart = chart("", schema);
            assert_eq!(!check(&chart, &values, &[]).is_empty(), wrong, "{schema} {values}");
        };
        let draft = |url: &str, rest: &str| format!(r#"{{"$schema": "{url}", {rest}}}"#);
        let four = "http://json-schema.org/draft-04/schema#";
        let exclusive = r#""properties": {"a": {"minimum": 1, "exclusiveMinimum": true}}"#;
        check(&draft(four, exclusive), json!({"a": 1}), true);
        check(&draft(four, exclusive), json!({"a": 2}), false);
        let newest = "https://json-schema.org/draft/2020-12/schema";
        let tuple = r#""properties": {"a": {"prefixItems": [{"type": "string"}]}}"#;
        check(&draft(newest, tuple), json!({"a": [1]}), true);
        let defs =
            r##""$defs": {"w": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/w"}}"##;
        check(&draft(newest, defs), json!({"a": 1}), true);
        check(&format!("{{{defs}}}"), json!({"a": 1}), true);
        check(r#"{"$ref": "https://example.org/s.json"}"#, json!({}), true);
        check(r#"{"$ref": "file:///s.json"}"#, json!({}), true);
        check("{", json!({}), true);
        check(r#"{"type": "thing"}"#, json!({}), true);
    }

    #[test]
    fn the_schema_of_a_subchart_sees_its_own_values() {
        let mut parent = chart("", "{}");
        let mut inner = chart("x: 1\n", r#"{"properties": {"x": {"type": "string"}}}"#);
        inner.metadata.name = "b".into();
        parent.subcharts.push(inner);
        assert_eq!(check(&parent, &json!({"b": {"x": "a"}}), &[]), []);
        let findings = check(&parent, &json!({"b": {"x": 1}}), &[("f.yaml", "b:\n  x: 1\n")]);
        assert!(findings[0].to_string().starts_with("f.yaml:2:3: `x`: 1 is not"), "{findings:?}");
    }
}
