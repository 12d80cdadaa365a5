//! What is written out in a Python file, as JSON.

use std::collections::HashMap;

use edk_model::Finding;
use serde_json::{Map, Value};
use tree_sitter::Node;

/// How many names and brackets may stand in each other.
const DEEPEST: usize = 64;

/// Reads values of a file; what can't be read becomes a finding and is left out.
pub(crate) struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    names: HashMap<&'a str, Node<'a>>,
    depth: usize,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    /// Returns a reader that knows the names which the file itself gives.
    pub(crate) fn new(text: &'a str, file: &'a str, module: Node<'a>) -> Self {
        let mut reader = Self { text, file, names: HashMap::new(), depth: 0, findings: Vec::new() };
        for statement in parts(module).filter(|it| it.kind() == "expression_statement") {
            for assign in parts(statement).filter(|it| it.kind() == "assignment") {
                let (name, value) = (field(assign, "left"), field(assign, "right"));
                if let (Some(name), Some(value)) = (name, value) {
                    reader.names.insert(reader.written(name), value);
                }
            }
        }
        reader
    }

    /// Returns what is written at a node.
    pub(crate) fn written(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Returns line and column of a node, both from 1.
    pub(crate) fn place(&self, node: Node<'_>) -> (usize, usize) {
        let (line, before) = (node.start_position().row, node.start_position().column);
        let start = node.start_byte().saturating_sub(before);
        let column = self.text.get(start..node.start_byte()).unwrap_or_default().chars().count();
        (line + 1, column + 1)
    }

    /// Returns an argument of a call: by its name, else the one at `position`.
    pub(crate) fn argument(&self, call: Node<'a>, name: &str, position: usize) -> Option<Node<'a>> {
        let arguments = field(call, "arguments")?;
        let named = parts(arguments).filter(|it| it.kind() == "keyword_argument");
        let mut named =
            named.filter(|it| field(*it, "name").is_some_and(|it| self.written(it) == name));
        let plain = parts(arguments).filter(|it| it.kind() != "keyword_argument").nth(position);
        named.next().map_or(plain, |it| field(it, "value"))
    }

    /// Returns a text, when it is one; nothing is told.
    pub(crate) fn text(&self, node: Node<'a>) -> Option<String> {
        self.string(self.followed(node))
    }

    /// Returns what stands under `key` in a dictionary, when it is one; nothing is told.
    pub(crate) fn entry(&self, dict: Node<'a>, key: &str) -> Option<Node<'a>> {
        let dict = self.followed(dict);
        match dict.kind() {
            "dictionary" => {
                let entries: Vec<Node<'a>> = parts(dict).collect();
                entries.into_iter().rev().find_map(|it| match it.kind() {
                    "pair" => {
                        let name = field(it, "key").and_then(|name| self.string(name));
                        if name.as_deref() == Some(key) { field(it, "value") } else { None }
                    }
                    "dictionary_splat" => self.entry(parts(it).next()?, key),
                    _ => None,
                })
            }
            "call" if self.is_dict(dict) => self.argument(dict, key, usize::MAX),
            _ => None,
        }
    }

    /// Returns what an expression is, if it can be read.
    pub(crate) fn value(&mut self, node: Node<'a>) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth > DEEPEST { self.unreadable(node) } else { self.read(node) };
        self.depth -= 1;
        value
    }

    fn read(&mut self, node: Node<'a>) -> Option<Value> {
        match node.kind() {
            "none" => Some(Value::Null),
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            "integer" | "float" => number(self.written(node)).or_else(|| self.unreadable(node)),
            "string" | "concatenated_string" => match self.string(node) {
                Some(text) => Some(text.into()),
                None => self.unreadable(node),
            },
            "list" | "tuple" => parts(node).filter_map(|it| self.value(it)).map(Some).collect(),
            "dictionary" => Some(self.dict(node)),
            "call" if self.is_dict(node) => Some(self.dict(field(node, "arguments")?)),
            "parenthesized_expression" => self.value(parts(node).next()?),
            "identifier" => match self.names.get(self.written(node)) {
                Some(meant) => self.value(*meant),
                None => self.unreadable(node),
            },
            "unary_operator" => self.negative(node),
            "binary_operator" => self.sum(node),
            "subscript" => self.part(node),
            _ => self.unreadable(node),
        }
    }

    /// A dictionary, or the arguments of `dict(…)`.
    fn dict(&mut self, node: Node<'a>) -> Value {
        let mut map = Map::new();
        for it in parts(node) {
            match it.kind() {
                "pair" => {
                    let key = field(it, "key").and_then(|key| self.value(key));
                    let value = field(it, "value").and_then(|value| self.value(value));
                    if let (Some(Value::String(key)), Some(value)) = (key, value) {
                        map.insert(key, value);
                    }
                }
                "keyword_argument" => {
                    let name = field(it, "name").map(|name| self.written(name).to_owned());
                    let value = field(it, "value").and_then(|value| self.value(value));
                    if let (Some(name), Some(value)) = (name, value) {
                        map.insert(name, value);
                    }
                }
                "dictionary_splat" => {
                    let more = parts(it).next();
                    more.into_iter().for_each(|more| self.spread(more, &mut map));
                }
                _ => self.spread(it, &mut map),
            }
        }
        Value::Object(map)
    }

    fn spread(&mut self, node: Node<'a>, map: &mut Map<String, Value>) {
        match self.value(node) {
            Some(Value::Object(more)) => map.extend(more),
            Some(_) => _ = self.unreadable(node),
            None => {}
        }
    }

    fn negative(&mut self, node: Node<'a>) -> Option<Value> {
        if !self.written(node).starts_with('-') {
            return self.unreadable(node);
        }
        match self.value(field(node, "argument")?)? {
            Value::Number(it) if it.is_f64() => it.as_f64().map(|it| (-it).into()),
            Value::Number(it) => it.as_i64().map(|it| (-it).into()),
            _ => self.unreadable(node),
        }
    }

    fn sum(&mut self, node: Node<'a>) -> Option<Value> {
        if field(node, "operator").is_none_or(|it| it.kind() != "+") {
            return self.unreadable(node);
        }
        match (self.value(field(node, "left")?)?, self.value(field(node, "right")?)?) {
            (Value::String(left), Value::String(right)) => Some((left + &right).into()),
            (Value::Array(left), Value::Array(right)) => {
                Some(left.into_iter().chain(right).collect())
            }
            _ => self.unreadable(node),
        }
    }

    fn part(&mut self, node: Node<'a>) -> Option<Value> {
        let whole = self.value(field(node, "value")?)?;
        let part = match self.value(field(node, "subscript")?)? {
            Value::String(key) => whole.get(key).cloned(),
            Value::Number(at) => {
                at.as_u64().and_then(|at| whole.get(usize::try_from(at).ok()?)).cloned()
            }
            _ => None,
        };
        part.or_else(|| self.unreadable(node))
    }

    fn string(&self, node: Node<'a>) -> Option<String> {
        if node.kind() == "concatenated_string" {
            return parts(node).map(|it| self.string(it)).collect();
        }
        let start = node.child(0)?;
        if node.kind() != "string" || parts(node).any(|it| it.kind() == "interpolation") {
            return None;
        }
        let prefix = self.written(start).to_lowercase();
        let content = parts(node).filter(|it| it.kind() == "string_content");
        let content: String = content.map(|it| self.written(it)).collect();
        match prefix.trim_end_matches(['"', '\'']) {
            "" | "u" => unescaped(&content),
            "r" => Some(content),
            _ => None,
        }
    }

    fn is_dict(&self, call: Node<'a>) -> bool {
        field(call, "function").is_some_and(|it| self.written(it) == "dict")
    }

    /// Follows names of the file.
    fn followed(&self, node: Node<'a>) -> Node<'a> {
        let mut at = node;
        for _ in 0..DEEPEST {
            let next = self.names.get(self.written(at)).filter(|_| at.kind() == "identifier");
            let Some(next) = next else { break };
            at = *next;
        }
        at
    }

    fn unreadable(&mut self, node: Node<'_>) -> Option<Value> {
        let written = self.written(node).lines().next().unwrap_or_default();
        let (line, column) = self.place(node);
        let message = format!("`{written}` of the form is known only when Python runs");
        let finding = Finding::warning("dag/form", message).in_file(self.file).at(line, column);
        self.findings.push(finding.fix("write it out, so that it can be asked before"));
        None
    }
}

/// Returns the nodes a node is made of, without comments.
fn parts<'a>(node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let children = (0..node.named_child_count()).filter_map(move |at| node.named_child(at as u32));
    children.filter(|it| it.kind() != "comment")
}

/// Returns the part of a node that has a name.
pub(crate) fn field<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.child_by_field_name(name)
}

fn number(written: &str) -> Option<Value> {
    let digits = written.replace('_', "");
    if let Ok(whole) = digits.parse::<i64>() {
        return Some(whole.into());
    }
    let number = digits.parse::<f64>().ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

/// Python's escapes of a text (Python Language Reference, "String and Bytes literals"); `None` for
/// those that name a character.
fn unescaped(content: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = content.chars();
    while let Some(letter) = letters.next() {
        let escape = if letter == '\\' { letters.next() } else { None };
        let Some(escape) = escape else {
            text.push(letter);
            continue;
        };
        let plain = match escape {
            '\n' => continue,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '\\' | '\'' | '"' => escape,
            'x' => character(&mut letters, 2)?,
            'u' => character(&mut letters, 4)?,
            'U' => character(&mut letters, 8)?,
            'N' | '0'..='7' | 'a' | 'b' | 'f' | 'v' => return None,
            other => {
                text.push('\\');
                other
            }
        };
        text.push(plain);
    }
    Some(text)
}

fn character(letters: &mut std::str::Chars<'_>, length: usize) -> Option<char> {
    let digits: String = letters.take(length).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_python() {
        for (written, text) in [
            (r"a\nb", "a\nb"),
            (r"\'\\", r"'\"),
            (r"\x41\u00e4", "A\u{e4}"),
            (r"\d", r"\d"),
            ("a\\\nb", "ab"),
        ] {
            assert_eq!(unescaped(written).as_deref(), Some(text), "{written}");
        }
        assert_eq!(unescaped(r"\N{BULLET}"), None);
    }

    #[test]
    fn numbers_keep_their_kind() {
        for (written, value) in
            [("25", "25"), ("1_000", "1000"), ("2.50", "2.5"), ("1e3", "1000.0")]
        {
            assert_eq!(number(written).unwrap().to_string(), value);
        }
        assert_eq!(number("2j"), None);
    }
}
