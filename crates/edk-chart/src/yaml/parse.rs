use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use edk_model::Finding;
use libyaml_safer::{Encoding, Event, EventData, Mark, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::scalar;

/// How many values a file may unfold to: aliases of aliases can make few lines endless.
const MAX_VALUES: usize = 1_000_000;
/// How deep values may be nested.
const MAX_DEPTH: usize = 100;

/// Returns the first document of `text`; null if there is none. `file` names it in the finding.
///
/// # Errors
/// A finding of rule `yaml/syntax` at the place where reading stopped.
pub fn parse(text: &str, file: &str) -> Result<Value, Finding> {
    let mut documents = Documents::new(text, file);
    Ok(documents.next()?.unwrap_or(Value::Null))
}

/// Returns all documents of `text`. `file` names it in the finding.
///
/// # Errors
/// A finding of rule `yaml/syntax` at the place where reading stopped.
pub fn parse_all(text: &str, file: &str) -> Result<Vec<Value>, Finding> {
    let mut documents = Documents::new(text, file);
    let mut all = Vec::new();
    while let Some(document) = documents.next()? {
        all.push(document);
    }
    Ok(all)
}

/// An anchored value, and how many values it unfolds to.
type Anchored = (Value, usize);

struct Documents<'a> {
    parser: Parser<std::io::Chain<&'a [u8], &'static [u8]>>,
    /// Where the text ends, if we had to end its last line: a block scalar that reaches this far
    /// holds a line end too many.
    added_end: Option<u64>,
    /// Where the last part that was understood ends.
    last: Mark,
    file: &'a str,
    anchors: BTreeMap<String, Anchored>,
    values: usize,
}

impl<'a> Documents<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // The reader insists on an end of the last line; libyaml does not.
        let whole = text.is_empty() || text.ends_with('\n');
        let end: &'static [u8] = if whole { b"" } else { b"\n" };
        let mut parser = Parser::new();
        // Else it takes the first byte of `：` and many other signs for that of a byte order mark.
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(std::io::Read::chain(text.as_bytes(), end));
        let added_end = (!whole).then_some(text.len() as u64);
        Self { parser, added_end, last: Mark::default(), file, anchors: BTreeMap::new(), values: 0 }
    }

    fn next(&mut self) -> Result<Option<Value>, Finding> {
        loop {
            let event = self.event()?;
            match event.data {
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => {
                    self.anchors.clear();
                    let first = self.event()?;
                    return self.value(first, 0).map(Some);
                }
                _ => {}
            }
        }
    }

    fn event(&mut self) -> Result<Event, Finding> {
        // The reader is a port which panics on some texts that libyaml refuses.
        let parsed = catch_unwind(AssertUnwindSafe(|| self.parser.parse()));
        let Ok(parsed) = parsed else {
            return Err(self.finding(Some(self.last), "the text can't be understood as YAML"));
        };
        let event = parsed.map_err(|error| {
            let mark = error.problem_mark().or_else(|| error.context_mark()).or(Some(self.last));
            let message = match (error.problem(), error.context()) {
                ("", _) => error.to_string(),
                (problem, Some(context)) if !context.is_empty() => format!("{problem} {context}"),
                (problem, _) => problem.to_owned(),
            };
            self.finding(mark, &message)
        })?;
        self.last = event.end_mark;
        Ok(event)
    }

    fn finding(&self, mark: Option<Mark>, message: &str) -> Finding {
        let finding = Finding::error("yaml/syntax", message).in_file(self.file);
        match mark {
            Some(mark) => finding.at(mark.line as usize + 1, mark.column as usize + 1),
            None => finding,
        }
    }

    fn value(&mut self, event: Event, depth: usize) -> Result<Value, Finding> {
        let mark = Some(event.start_mark);
        let before = self.values;
        self.values += 1;
        if self.values > MAX_VALUES || depth > MAX_DEPTH {
            return Err(self.finding(mark, "the document unfolds to too many values"));
        }
        let (anchor, value) = match event.data {
            EventData::Alias { anchor } => {
                let Some((value, count)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.finding(mark, &format!("the anchor `{anchor}` is unknown")));
                };
                self.values += count;
                if depth + nesting(&value) > MAX_DEPTH {
                    return Err(self.finding(mark, "the document unfolds to too many values"));
                }
                return Ok(value);
            }
            EventData::Scalar { anchor, tag, mut value, style, .. } => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let at_end = self.added_end.is_some_and(|end| event.end_mark.index > end);
                if block && at_end && value.ends_with('\n') {
                    value.pop();
                }
                let plain = style == ScalarStyle::Plain;
                (anchor, self.scalar(mark, tag.as_deref(), value, plain)?)
            }
            EventData::SequenceStart { anchor, .. } => (anchor, self.sequence(depth)?),
            EventData::MappingStart { anchor, .. } => (anchor, self.mapping(depth)?),
            _ => return Err(self.finding(mark, "a value was expected")),
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, (value.clone(), self.values - before));
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Finding> {
        let mut items = Vec::new();
        loop {
            let event = self.event()?;
            if matches!(event.data, EventData::SequenceEnd) {
                return Ok(Value::Array(items));
            }
            items.push(self.value(event, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Finding> {
        let mut map = Map::new();
        loop {
            let event = self.event()?;
            if matches!(event.data, EventData::MappingEnd) {
                return Ok(Value::Object(map));
            }
            let mark = Some(event.start_mark);
            let merge = is_merge(&event.data);
            let key = self.value(event, depth + 1)?;
            let next = self.event()?;
            let value = self.value(next, depth + 1)?;
            if merge {
                self.merge(mark, &mut map, value)?;
            } else {
                map.insert(self.key(mark, key)?, value);
            }
        }
    }

    /// Takes over the entries of `<<: value`; of several maps the first wins.
    fn merge(
        &self,
        mark: Option<Mark>,
        map: &mut Map<String, Value>,
        value: Value,
    ) -> Result<(), Finding> {
        match value {
            Value::Object(entries) => map.extend(entries),
            Value::Array(items) => {
                for item in items.into_iter().rev() {
                    self.merge(mark, map, item)?;
                }
            }
            _ => return Err(self.finding(mark, "map merge requires map or sequence of maps")),
        }
        Ok(())
    }

    fn key(&self, mark: Option<Mark>, key: Value) -> Result<String, Finding> {
        match key {
            Value::String(text) => Ok(text),
            Value::Bool(_) | Value::Number(_) => Ok(key.to_string()),
            Value::Null => Err(self.finding(mark, "null can't be a key")),
            _ => Err(self.finding(mark, "a list or a map can't be a key")),
        }
    }

    fn scalar(
        &self,
        mark: Option<Mark>,
        tag: Option<&str>,
        text: String,
        plain: bool,
    ) -> Result<Value, Finding> {
        let kind = tag.and_then(|tag| tag.strip_prefix("tag:yaml.org,2002:"));
        let wrong = || self.finding(mark, &format!("`{text}` is not of the type its tag names"));
        let value = match kind {
            Some("str") => return Ok(Value::String(text)),
            Some("binary") => {
                use base64::Engine;
                let clean: String = text.split_whitespace().collect();
                let bytes = base64::engine::general_purpose::STANDARD.decode(clean);
                let bytes = bytes.map_err(|_| wrong())?;
                return Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Some("float") => scalar::float(&text).ok_or_else(wrong)?,
            Some("int") => scalar::integer(&text).ok_or_else(wrong)?,
            Some("bool") => scalar::plain(&text).filter(Value::is_boolean).ok_or_else(wrong)?,
            Some("null") => scalar::plain(&text).filter(Value::is_null).ok_or_else(wrong)?,
            _ if !plain => return Ok(Value::String(text)),
            _ => scalar::plain(&text)
                .ok_or_else(|| self.finding(mark, &format!("`{text}` has no form in JSON")))?,
        };
        Ok(value)
    }
}

/// Returns how deep values are nested in `value`.
fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

fn is_merge(data: &EventData) -> bool {
    matches!(data, EventData::Scalar { value, style: ScalarStyle::Plain, tag: None, .. } if value == "<<")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::yaml::emit;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(parse(text, "f.yaml"), Ok(expected), "{text}");
    }

    #[test]
    fn a_text_may_begin_with_any_sign() {
        check("：: １\n", json!({ "：": "１" }));
        check("\u{feff}a: b\n", json!({ "a": "b" }));
        check("\u{fffd}\n", json!("\u{fffd}"));
    }

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        let table = [
            ("yes", json!(true)),
            ("On", json!(true)),
            ("n", json!(false)),
            ("OFF", json!(false)),
            ("'yes'", json!("yes")),
            ("0644", json!(420)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("089", json!(89.0)),
            ("1_000", json!(1000)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            ("1.50", json!(1.5)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("1.2.3", json!("1.2.3")),
            ("1:30", json!("1:30")),
            ("2024-01-02", json!("2024-01-02")),
            ("~", json!(null)),
            ("", json!(null)),
            ("!!str 12", json!("12")),
            ("!!int 12", json!(12)),
            ("!!binary aGk=", json!("hi")),
            ("|\n x", json!("x")),
            ("-", json!([null])),
            ("e3", json!("e3")),
        ];
        for (text, expected) in table {
            check(text, expected);
        }
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        check("a: 1\nb: 2\na: 3\n", json!({"a": 3, "b": 2}));
    }

    #[test]
    fn keys_become_text() {
        check("1: a\nyes: b\n1.5: c\n", json!({"1": "a", "true": "b", "1.5": "c"}));
    }

    #[test]
    fn anchors_and_merge_keys_are_unfolded() {
        check("a: &x [1]\nb: *x\n", json!({"a": [1], "b": [1]}));
        check(
            "b: &b {p: 1, q: 2}\nc:\n  <<: *b\n  q: 3\n",
            json!({"b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 3}}),
        );
        check("c:\n  <<: [{p: 1}, {p: 2, q: 2}]\n", json!({"c": {"p": 1, "q": 2}}));
    }

    #[test]
    fn a_flow_list_may_end_at_the_column_of_its_key() {
        check("a: [\n  1,\n]\nb: 2\n", json!({"a": [1], "b": 2}));
    }

    #[test]
    fn a_block_at_the_end_keeps_its_missing_line_end() {
        check("a: |\n  x", json!({"a": "x"}));
        check("a: |+\n  x", json!({"a": "x"}));
        check("a: |\n  x\n", json!({"a": "x\n"}));
        check("a: >-\n  x\n  y", json!({"a": "x y"}));
        check("b: |\n  x\na: c", json!({"b": "x\n", "a": "c"}));
    }

    #[test]
    fn documents_are_told_apart() {
        let all = parse_all("a: 1\n---\n---\nb: 2\n", "f.yaml").unwrap();
        assert_eq!(all, [json!({"a": 1}), json!(null), json!({"b": 2})]);
    }

    #[test]
    fn a_fault_is_found_with_its_place() {
        for (text, line) in [
            ("a: 1\n b: 2\n", 2),
            ("a: [1\nb: 2\n", 2),
            ("a: *x\n", 1),
            ("a: .nan\n", 1),
            ("a:\n\t- b\n", 2),
        ] {
            let finding = parse(text, "f.yaml").unwrap_err();
            assert_eq!(finding.span.unwrap().line, line, "{text:?} {finding}");
            assert_eq!(finding.file.as_deref(), Some("f.yaml"));
        }
    }

    #[test]
    fn aliases_of_aliases_come_to_an_end() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
        }
        assert!(parse(&text, "f.yaml").is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~äß\n\t:#'\"]{0,90}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-z0-9]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let text = emit(&value);
            prop_assert_eq!(parse(&text, "f.yaml"), Ok(value), "{}", text);
        }

        #[test]
        fn every_refusal_names_the_file(text in "[a-z0-9:\\-\\[\\]{}&*!|>'\"#,. \n\t]{0,60}") {
            if let Err(finding) = parse_all(&text, "f.yaml") {
                prop_assert_eq!(finding.file.as_deref(), Some("f.yaml"));
                prop_assert!(!finding.message.is_empty());
                prop_assert!(finding.span.is_some(), "{text:?}");
            }
        }
    }
}
