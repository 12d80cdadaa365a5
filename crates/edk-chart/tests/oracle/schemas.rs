//! Values against schemas: what Helm refuses, we refuse.
//!
//! Every row becomes a subchart with that schema and these values, so that one call of Helm judges
//! all of them.

use std::{collections::BTreeSet, fmt::Write as _};

use edk_chart::check_values;
use serde_json::json;

use crate::{corpus::Case, helm::Helm};

/// Schema and values.
type Row = (&'static str, &'static str);

/// What every draft from 4 to 7 has, without a name of a draft.
const PLAIN: &[Row] = &[
    (r#"{}"#, "{}"),
    (r#"{"type": "object"}"#, "{}"),
    (r#"{"type": "array"}"#, "{}"),
    (r#"{"required": ["a"]}"#, "a: null"),
    (r#"{"required": ["a"]}"#, "a: ''"),
    (r#"{"required": ["a"]}"#, "b: 1"),
    (r#"{"properties": {"a": {"type": "string"}}}"#, "a: 1"),
    (r#"{"properties": {"a": {"type": "string"}}}"#, "a: '1'"),
    (r#"{"properties": {"a": {"type": ["string", "null"]}}}"#, "a: null"),
    (r#"{"properties": {"a": {"type": "integer"}}}"#, "a: 1.5"),
    (r#"{"properties": {"a": {"type": "integer"}}}"#, "a: 2"),
    (r#"{"properties": {"a": {"type": "integer"}}}"#, "a: 1000000"),
    (r#"{"properties": {"a": {"type": "integer"}}}"#, "a: yes"),
    (r#"{"properties": {"a": {"type": "boolean"}}}"#, "a: yes"),
    (r#"{"properties": {"a": {"type": "number"}}}"#, "a: 1"),
    (r#"{"properties": {"a": {"enum": ["x", 1, null]}}}"#, "a: 1"),
    (r#"{"properties": {"a": {"enum": ["x", 1, null]}}}"#, "a: y"),
    (r#"{"properties": {"a": {"minimum": 3}}}"#, "a: 2"),
    (r#"{"properties": {"a": {"minimum": 3, "maximum": 5}}}"#, "a: 5"),
    (r#"{"properties": {"a": {"multipleOf": 2}}}"#, "a: 3"),
    (r#"{"properties": {"a": {"multipleOf": 0.1}}}"#, "a: 0.3"),
    (r#"{"properties": {"a": {"minLength": 2}}}"#, "a: ü"),
    (r#"{"properties": {"a": {"maxLength": 1}}}"#, "a: ü"),
    (r#"{"properties": {"a": {"pattern": "^[a-z]+$"}}}"#, "a: aB"),
    (r#"{"properties": {"a": {"pattern": "b"}}}"#, "a: abc"),
    (r#"{"properties": {"a": {"items": {"type": "string"}}}}"#, "a: [x, 1]"),
    (r#"{"properties": {"a": {"items": [{"type": "string"}, {"type": "integer"}]}}}"#, "a: [x, y]"),
    (r#"{"properties": {"a": {"items": [{}], "additionalItems": false}}}"#, "a: [x, y]"),
    (r#"{"properties": {"a": {"minItems": 1}}}"#, "a: []"),
    (r#"{"properties": {"a": {"maxItems": 1}}}"#, "a: [1, 2]"),
    (r#"{"properties": {"a": {"uniqueItems": true}}}"#, "a: [1, 1]"),
    (r#"{"properties": {"a": {"uniqueItems": true}}}"#, "a: [{x: 1}, {x: 2}]"),
    (r#"{"properties": {"a": {"additionalProperties": false}}}"#, "a: {b: 1}"),
    (r#"{"properties": {"a": {"additionalProperties": {"type": "string"}}}}"#, "a: {b: x}"),
    (r#"{"properties": {"a": {"patternProperties": {"^x": {"type": "string"}}}}}"#, "a: {xy: 1}"),
    (r#"{"properties": {"a": {"minProperties": 1}}}"#, "a: {}"),
    (r#"{"properties": {"a": {"maxProperties": 1}}}"#, "a: {b: 1, c: 2}"),
    (r#"{"dependencies": {"a": ["b"]}}"#, "a: 1"),
    (r#"{"dependencies": {"a": ["b"]}}"#, "{a: 1, b: 1}"),
    (r#"{"allOf": [{"required": ["a"]}, {"required": ["b"]}]}"#, "a: 1"),
    (r#"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#, "a: 1"),
    (r#"{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#, "{a: 1, b: 1}"),
    (r#"{"not": {"required": ["a"]}}"#, "a: 1"),
    (
        r##"{"definitions": {"w": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/w"}}}"##,
        "a: 1",
    ),
    (r##"{"properties": {"a": {"$ref": "#/definitions/none"}}}"##, "a: 1"),
    (r#"{"type": "thing"}"#, "{}"),
    (r#"{"properties": {"a": {"pattern": "("}}}"#, "a: x"),
    (r#"{"#, "{}"),
    (r#"[]"#, "{}"),
    (r#"{"properties": {"global": {"required": ["z"]}}}"#, "{}"),
    (r#"{"additionalProperties": false, "properties": {"a": {}}}"#, "a: 1"),
    (r#"{"additionalProperties": false, "properties": {"a": {}, "global": {}}}"#, "a: 1"),
];

/// What came with draft 6 and 7, again without a name.
const SEVEN: &[Row] = &[
    (r#"{"properties": {"a": {"const": "x"}}}"#, "a: y"),
    (r#"{"properties": {"a": {"const": {"b": [1]}}}}"#, "a: {b: [1]}"),
    (r#"{"properties": {"a": {"exclusiveMinimum": 1}}}"#, "a: 1"),
    (r#"{"properties": {"a": {"contains": {"type": "string"}}}}"#, "a: [1, 2]"),
    (r#"{"properties": {"a": {"contains": {"type": "string"}}}}"#, "a: [1, x]"),
    (r#"{"properties": {"a": {"propertyNames": {"pattern": "^x"}}}}"#, "a: {b: 1}"),
    (r#"{"properties": {"a": false}}"#, "a: 1"),
    (r#"{"properties": {"a": true}}"#, "a: 1"),
    (r#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}}"#, "a: 1"),
    (r#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": false}"#, "{a: 1, b: 2}"),
];

/// Rows that name draft 4 and 6.
const NAMED: &[Row] = &[
    (
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"minimum": 1, "exclusiveMinimum": true}}}"#,
        "a: 1",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"minimum": 1, "exclusiveMinimum": false}}}"#,
        "a: 1",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"const": "x"}}}"#,
        "a: y",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-06/schema#", "properties": {"a": {"const": "x"}}}"#,
        "a: y",
    ),
    (r#"{"$schema": "http://json-schema.org/draft-06/schema#", "if": {}, "then": false}"#, "a: y"),
    (r#"{"$schema": "http://json-schema.org/draft-07/schema#", "if": {}, "then": false}"#, "a: y"),
    (
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "ipv4"}}}"#,
        "a: 1.2.3",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "ipv4"}}}"#,
        "a: 1.2.3.4",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "date"}}}"#,
        "a: '2020-13-01'",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "email"}}}"#,
        "a: nobody",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "regex"}}}"#,
        "a: (",
    ),
    (
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "our-own"}}}"#,
        "a: x",
    ),
];

/// Rows of drafts that only Helm 4 knows.
const NEW: &[Row] = &[
    (
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"prefixItems": [{"type": "string"}]}}}"#,
        "a: [1]",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"prefixItems": [{"type": "string"}], "items": false}}}"#,
        "a: [x, y]",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "dependentRequired": {"a": ["b"]}}"#,
        "a: 1",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"properties": {"b": {}}, "unevaluatedProperties": false}}}"#,
        "a: {c: 1}",
    ),
    (
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"w": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/w", "minLength": 2}}}"##,
        "a: x",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"contains": {"const": 1}, "maxContains": 1}}}"#,
        "a: [1, 1]",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"format": "ipv4"}}}"#,
        "a: 1.2.3",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2019-09/schema", "dependentSchemas": {"a": {"required": ["b"]}}}"#,
        "a: 1",
    ),
    (
        r#"{"$schema": "https://json-schema.org/draft/2019-09/schema", "properties": {"a": {"items": [{"type": "string"}], "unevaluatedItems": false}}}"#,
        "a: [x, y]",
    ),
];

fn case(rows: &[Row]) -> Case {
    let mut text = String::from("Schemas.\n");
    for (at, (schema, values)) in rows.iter().enumerate() {
        let _ = write!(
            text,
            "-- charts/s{at:03}/Chart.yaml --\napiVersion: v2\nname: s{at:03}\nversion: 0.1.0\n\
             -- charts/s{at:03}/values.yaml --\n{values}\n\
             -- charts/s{at:03}/values.schema.json --\n{schema}\n"
        );
    }
    Case::parse("schemas", &text)
}

/// Compares the rows which are refused.
fn compare(rows: &[Row], helm: Helm) {
    let dir = tempfile::tempdir().unwrap();
    let case = case(rows);
    case.write(dir.path());
    let said = helm.run(dir.path(), &["template", "c"]).stderr;
    // After some messages Helm goes on in the same line.
    let name =
        |line: &str| line.strip_suffix(':')?.get(line.len() - 4..line.len() - 1)?.parse().ok();
    let theirs: BTreeSet<usize> = said.lines().filter_map(name).collect();
    let findings = check_values(&case.chart().unwrap(), &json!({}), &[]).unwrap();
    let file = |finding: &edk_model::Finding| {
        let file = finding.file.clone().unwrap();
        file.split("/s").nth(1).unwrap()[..3].parse::<usize>().unwrap()
    };
    let ours: BTreeSet<usize> = findings.iter().map(file).collect();
    let wrong: Vec<_> = ours.symmetric_difference(&theirs).map(|at| (*at, rows[*at])).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{said}\n{findings:#?}");
    assert!(!ours.is_empty() && ours.len() < rows.len(), "rows of both kinds");
}

#[test]
fn values_are_refused_as_helm_3_refuses_them() {
    compare(&[PLAIN, SEVEN, NAMED].concat(), Helm::Three);
}

#[test]
fn newer_drafts_are_those_of_helm_4() {
    compare(&[NEW, &SEVEN[..6]].concat(), Helm::Four);
}
