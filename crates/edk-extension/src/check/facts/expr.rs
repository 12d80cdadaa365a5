//! Expressions of Python as far as rules need them, without the tree they were parsed from.

use tree_sitter::Node;

use super::text::Place;

/// How deep expressions may nest; what is deeper counts as unknown.
const DEEPEST: usize = 100;

/// An expression with its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A text that is written out.
    Str(String),
    /// A text with names in it.
    Format(Vec<Piece>),
    /// A number as written.
    Number(String),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
    /// A dictionary, or `dict(…)`; what is spread into it is left out.
    Dict(Vec<(Expr, Expr)>),
    /// A list, tuple or set.
    List(Vec<Expr>),
    /// A name, with dots.
    Name(String),
    /// A call.
    Call(Box<Call>),
    /// Anything else.
    Other,
}

/// A part of a formatted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// What stands between braces.
    Name(String),
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called, with dots.
    pub callee: String,
    /// Where the call stands.
    pub place: Place,
    /// Arguments without a name.
    pub plain: Vec<Expr>,
    /// Arguments with a name, and the place of name and value together.
    pub named: Vec<(String, Place, Expr)>,
    /// Whether `**` spreads more into it.
    pub spread: bool,
}

impl Call {
    /// Returns the argument called `name`.
    pub fn arg(&self, name: &str) -> Option<&Expr> {
        self.named.iter().find(|(it, _, _)| it == name).map(|(_, _, value)| value)
    }

    /// Returns the place of the argument called `name`, its name included.
    pub fn place_of(&self, name: &str) -> Option<Place> {
        self.named.iter().find(|(it, _, _)| it == name).map(|(_, place, _)| *place)
    }

    /// Returns the last part of what is called.
    pub fn name(&self) -> &str {
        self.callee.rsplit('.').next().unwrap_or(&self.callee)
    }
}

impl Expr {
    /// Returns the text, when it is written out.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns what stands under a key of a dictionary.
    pub fn get(&self, key: &str) -> Option<&Expr> {
        self.entries().iter().rev().find(|(it, _)| it.text() == Some(key)).map(|(_, it)| it)
    }

    /// Returns the entries of a dictionary.
    pub fn entries(&self) -> &[(Expr, Expr)] {
        match &self.kind {
            Kind::Dict(entries) => entries,
            _ => &[],
        }
    }

    /// Says whether it is `None`.
    pub fn is_none(&self) -> bool {
        matches!(self.kind, Kind::None)
    }

    /// Returns the pieces of a text with or without names in it.
    pub fn pieces(&self) -> Option<Vec<Piece>> {
        match &self.kind {
            Kind::Str(text) => Some(vec![Piece::Text(text.clone())]),
            Kind::Format(pieces) => Some(pieces.clone()),
            _ => None,
        }
    }
}

/// Takes expressions out of a tree.
pub(crate) struct Taker<'a> {
    /// The text of the file.
    pub text: &'a str,
}

impl<'a> Taker<'a> {
    /// Returns what is written at a node.
    pub(crate) fn written(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Returns the place of a node.
    pub(crate) fn place(&self, node: Node<'_>) -> Place {
        let column = |row: usize, byte: usize, before: usize| {
            let start = byte.saturating_sub(before);
            let line = self.text.get(start..byte).unwrap_or_default();
            (row + 1, line.chars().count() + 1)
        };
        let (from, to) = (node.start_position(), node.end_position());
        Place {
            start: column(from.row, node.start_byte(), from.column),
            end: column(to.row, node.end_byte(), to.column),
        }
    }

    /// Returns the expression at a node.
    pub(crate) fn expr(&self, node: Node<'_>, depth: usize) -> Expr {
        let kind = if depth > DEEPEST { Kind::Other } else { self.kind(node, depth + 1) };
        Expr { place: self.place(node), kind }
    }

    fn kind(&self, node: Node<'_>, depth: usize) -> Kind {
        match node.kind() {
            "none" => Kind::None,
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "integer" | "float" => Kind::Number(self.written(node).to_owned()),
            "unary_operator" if self.written(node).starts_with('-') => {
                Kind::Number(self.written(node).to_owned())
            }
            "string" => of_pieces(self.pieces(node)),
            "concatenated_string" => {
                of_pieces(parts(node).flat_map(|it| self.pieces(it)).collect())
            }
            "list" | "tuple" | "set" => {
                Kind::List(parts(node).map(|it| self.expr(it, depth)).collect())
            }
            "dictionary" => Kind::Dict(parts(node).filter_map(|it| self.pair(it, depth)).collect()),
            "identifier" | "attribute" => Kind::Name(self.written(node).to_owned()),
            "parenthesized_expression" => match parts(node).next() {
                Some(inner) => self.kind(inner, depth),
                None => Kind::Other,
            },
            "call" => self.call_kind(node, depth),
            _ => Kind::Other,
        }
    }

    fn call_kind(&self, node: Node<'_>, depth: usize) -> Kind {
        let Some(call) = self.call(node, depth) else { return Kind::Other };
        if call.callee != "dict" || !call.plain.is_empty() {
            return Kind::Call(Box::new(call));
        }
        let entry = |(name, place, value): (String, Place, Expr)| {
            (Expr { place, kind: Kind::Str(name) }, value)
        };
        Kind::Dict(call.named.into_iter().map(entry).collect())
    }

    /// Returns the call at a node, if it is one.
    pub(crate) fn call(&self, node: Node<'_>, depth: usize) -> Option<Call> {
        if node.kind() != "call" {
            return None;
        }
        let callee = self.written(node.child_by_field_name("function")?).to_owned();
        let place = self.place(node);
        let mut call = Call { callee, place, plain: vec![], named: vec![], spread: false };
        for it in parts(node.child_by_field_name("arguments")?) {
            match it.kind() {
                "keyword_argument" => {
                    let name = it.child_by_field_name("name").map(|it| self.written(it).to_owned());
                    let value = it.child_by_field_name("value").map(|it| self.expr(it, depth));
                    if let (Some(name), Some(value)) = (name, value) {
                        call.named.push((name, self.place(it), value));
                    }
                }
                "dictionary_splat" => call.spread = true,
                _ => call.plain.push(self.expr(it, depth)),
            }
        }
        Some(call)
    }

    fn pair(&self, node: Node<'_>, depth: usize) -> Option<(Expr, Expr)> {
        let key = self.expr(node.child_by_field_name("key")?, depth);
        Some((key, self.expr(node.child_by_field_name("value")?, depth)))
    }

    fn pieces(&self, node: Node<'_>) -> Vec<Piece> {
        let start = node.child(0).map(|it| self.written(it).to_lowercase()).unwrap_or_default();
        let raw = start.contains('r');
        let mut pieces = Vec::new();
        for it in parts(node) {
            match it.kind() {
                "string_content" => {
                    let written = self.written(it);
                    let plain = if raw { written.to_owned() } else { unescaped(written) };
                    // Doubled braces of a formatted text stand for one.
                    let plain = if start.contains('f') {
                        plain.replace("{{", "{").replace("}}", "}")
                    } else {
                        plain
                    };
                    pieces.push(Piece::Text(plain));
                }
                "interpolation" => {
                    let name = it.child_by_field_name("expression").or_else(|| parts(it).next());
                    let name = name.map(|it| self.written(it)).unwrap_or_default();
                    pieces.push(Piece::Name(name.to_owned()));
                }
                _ => {}
            }
        }
        pieces
    }
}

fn of_pieces(pieces: Vec<Piece>) -> Kind {
    if pieces.iter().any(|it| matches!(it, Piece::Name(_))) {
        return Kind::Format(pieces);
    }
    let text = pieces.into_iter().map(|it| match it {
        Piece::Text(text) | Piece::Name(text) => text,
    });
    Kind::Str(text.collect())
}

/// The escapes that stand in names and paths; others stay as they are written.
fn unescaped(content: &str) -> String {
    if !content.contains('\\') {
        return content.to_owned();
    }
    let mut text = String::new();
    let mut letters = content.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('\n') => {}
                Some(it @ ('\\' | '\'' | '"')) => text.push(it),
                Some(it) => text.extend(['\\', it]),
                None => text.push('\\'),
            },
            (letter, false) => text.push(letter),
        }
    }
    text
}

/// Returns the nodes a node is made of, without comments.
pub(crate) fn parts<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    let children = (0..node.named_child_count()).filter_map(move |at| node.named_child(at as u32));
    children.filter(|it| it.kind() != "comment")
}
