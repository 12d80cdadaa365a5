//! From tokens to trees.

use std::rc::Rc;

use super::{
    Mistake, Number,
    lex::{self, Kind, Token, Tokens},
    tree::{Branch, Command, Expr, ExprKind, Node, NodeKind, Pipe},
    unquote,
};

/// How deep parts and parentheses may be nested.
const MAX_NESTING: usize = 500;

/// What a text says: its own tree, and the named ones it defines.
pub(in crate::render) struct Parsed {
    pub(in crate::render) tree: Vec<Node>,
    pub(in crate::render) named: Vec<(String, Vec<Node>)>,
}

/// Parses `text` of the template `name`; `known` says which functions there are.
///
/// # Errors
/// The first mistake, in Go's words.
pub(in crate::render) fn parse(
    name: &str,
    text: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<Parsed, Mistake> {
    let mut parser = Parser {
        name,
        known,
        tokens: lex::tokens(text),
        at: 0,
        variables: vec!["$".into()],
        loops: 0,
        depth: 0,
        action_line: 0,
        named: Vec::new(),
    };
    let tree = parser.all()?;
    Ok(Parsed { tree, named: parser.named })
}

/// Says whether a tree says nothing: such a tree replaces no other.
pub(in crate::render) fn is_blank(tree: &[Node]) -> bool {
    tree.iter().all(|node| matches!(&node.kind, NodeKind::Text(text) if text.trim().is_empty()))
}

struct Parser<'t> {
    name: &'t str,
    known: &'t dyn Fn(&str) -> bool,
    tokens: Tokens<'t>,
    at: usize,
    variables: Vec<Rc<str>>,
    loops: usize,
    depth: usize,
    /// Where the action began that is read; 0 outside of one.
    action_line: usize,
    named: Vec<(String, Vec<Node>)>,
}

type Done<T> = Result<T, Mistake>;

/// What ends a list of nodes.
enum Stop {
    End,
    Else,
}

/// A node, or what ends a list of them.
enum Part {
    Node(Node),
    Stop(Stop),
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        self.tokens.all[self.at.min(self.tokens.all.len() - 1)]
    }

    fn next(&mut self) -> Token<'t> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn peek_word(&mut self) -> Token<'t> {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
        self.peek()
    }

    fn next_word(&mut self) -> Token<'t> {
        self.peek_word();
        self.next()
    }

    fn stop<T>(&self, message: impl Into<String>) -> Done<T> {
        let last = self.tokens.all[self.at.saturating_sub(1).min(self.tokens.all.len() - 1)];
        Err(Mistake { line: last.line, offset: last.pos, message: message.into() })
    }

    fn unexpected<T>(&self, token: Token<'t>, context: &str) -> Done<T> {
        if token.kind != Kind::Fault {
            return self.stop(format!("unexpected {} in {context}", self.shown(token)));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            extra = format!(" in action started at {}:{}", self.name, self.action_line);
            if self.tokens.fault.ends_with(" action") {
                extra.drain(.." in action".len());
            }
        }
        self.stop(format!("{}{extra}", self.tokens.fault))
    }

    fn shown(&self, token: Token<'t>) -> String {
        match token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Fault => self.tokens.fault.clone(),
            Kind::Keyword | Kind::Dot => format!("<{}>", token.text),
            _ if token.text.len() > 10 => {
                let start: String = token.text.chars().take(10).collect();
                format!("{}...", super::super::format::quoted(start.as_bytes()))
            }
            _ => super::super::format::quoted(token.text.as_bytes()),
        }
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Done<Token<'t>> {
        let token = self.next_word();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    fn deeper(&mut self) -> Done<()> {
        self.depth += 1;
        match self.depth > MAX_NESTING {
            true => self.stop(format!("nested more than {MAX_NESTING} deep")),
            false => Ok(()),
        }
    }

    fn all(&mut self) -> Done<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::End {
            if self.peek().kind == Kind::Open {
                let start = self.at;
                self.next();
                if self.peek_word().text == "define" && self.peek().kind == Kind::Keyword {
                    self.next();
                    self.define()?;
                    continue;
                }
                self.at = start;
            }
            match self.part()? {
                Part::Node(node) => nodes.push(node),
                Part::Stop(Stop::End) => return self.stop("unexpected {{end}}"),
                Part::Stop(Stop::Else) => return self.stop("unexpected {{else}}"),
            }
        }
        Ok(nodes)
    }

    fn define(&mut self) -> Done<()> {
        let context = "define clause";
        let name = self.template_name(context)?.0;
        self.expect(Kind::Close, context)?;
        self.named_body(name, context)
    }

    /// Reads the body of a named template, which has variables of its own.
    fn named_body(&mut self, name: String, context: &str) -> Done<()> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, stop) = self.list()?;
        if matches!(stop, Stop::Else) {
            return self.stop(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.variables = variables;
        self.loops = loops;
        self.name_body(name, body)
    }

    fn name_body(&mut self, name: String, body: Vec<Node>) -> Done<()> {
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            None => self.named.push((name, body)),
            Some((_, old)) if is_blank(old) => *old = body,
            Some(_) if is_blank(&body) => {}
            Some(_) => return self.stop(format!("template: multiple definition of template {name:?}")),
        }
        Ok(())
    }

    fn template_name(&mut self, context: &str) -> Done<(String, String)> {
        let token = self.next_word();
        if token.kind != Kind::Quoted {
            return self.unexpected(token, context);
        }
        let text = self.unquoted(token)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let quoted = super::super::format::quoted(text.as_bytes());
        Ok((text, quoted))
    }

    fn unquoted(&self, token: Token<'t>) -> Done<Vec<u8>> {
        unquote::text(token.text).map_or_else(|| self.stop("invalid syntax"), Ok)
    }

    /// Reads nodes up to the end or the else of the part they are in.
    fn list(&mut self) -> Done<(Vec<Node>, Stop)> {
        self.deeper()?;
        let mut nodes = Vec::new();
        while self.peek_word().kind != Kind::End {
            match self.part()? {
                Part::Node(node) => nodes.push(node),
                Part::Stop(stop) => {
                    self.depth -= 1;
                    return Ok((nodes, stop));
                }
            }
        }
        self.next();
        self.stop("unexpected EOF")
    }

    fn part(&mut self) -> Done<Part> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => {
                let kind = NodeKind::Text(token.text.into());
                Ok(Part::Node(Node { pos: token.pos, kind }))
            }
            Kind::Open => {
                self.action_line = token.line;
                let part = self.action()?;
                self.action_line = 0;
                Ok(part)
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Done<Part> {
        let token = self.peek_word();
        let pos = token.pos;
        let node = |kind| Ok(Part::Node(Node { pos, kind }));
        if token.kind == Kind::Keyword && token.text != "nil" && token.text != "define" {
            self.next();
            return match token.text {
                "end" => {
                    self.expect(Kind::Close, "end")?;
                    Ok(Part::Stop(Stop::End))
                }
                "else" => self.otherwise(),
                "if" => node(NodeKind::If(self.branch("if")?)),
                "with" => node(NodeKind::With(self.branch("with")?)),
                "range" => node(NodeKind::Range(self.branch("range")?)),
                "template" => self.call_of_template(),
                "block" => self.block(),
                "break" => self.leave(pos, "{{break}}", NodeKind::Break),
                _ => self.leave(pos, "{{continue}}", NodeKind::Continue),
            };
        }
        let pipe = self.pipe("command", Kind::Close)?;
        node(NodeKind::Action(pipe))
    }

    fn otherwise(&mut self) -> Done<Part> {
        let next = self.peek_word();
        let chained = next.kind == Kind::Keyword && matches!(next.text, "if" | "with");
        if !chained {
            self.expect(Kind::Close, "else")?;
        }
        Ok(Part::Stop(Stop::Else))
    }

    fn leave(&mut self, pos: usize, name: &str, kind: NodeKind) -> Done<Part> {
        let token = self.next_word();
        if token.kind != Kind::Close {
            return self.unexpected(token, name);
        }
        if self.loops == 0 {
            return self.stop(format!("{name} outside {{{{range}}}}"));
        }
        Ok(Part::Node(Node { pos, kind }))
    }

    /// Reads what follows the word `context`: a condition and the parts that depend on it.
    fn branch(&mut self, context: &str) -> Done<Branch> {
        let known = self.variables.len();
        let pipe = self.pipe(context, Kind::Close)?;
        self.loops += usize::from(context == "range");
        let (then, stop) = self.list()?;
        self.loops -= usize::from(context == "range");
        let mut otherwise = Vec::new();
        if matches!(stop, Stop::Else) {
            let next = self.peek();
            if next.kind == Kind::Keyword && next.text == context && context != "range" {
                self.next();
                self.deeper()?;
                let inner = self.branch(context)?;
                self.depth -= 1;
                let kind = if context == "if" { NodeKind::If(inner) } else { NodeKind::With(inner) };
                otherwise.push(Node { pos: next.pos, kind });
            } else {
                let (nodes, stop) = self.list()?;
                if matches!(stop, Stop::Else) {
                    return self.stop("expected end; found {{else}}");
                }
                otherwise = nodes;
            }
        }
        self.variables.truncate(known);
        Ok(Branch { pipe, then, otherwise })
    }

    fn call_of_template(&mut self) -> Done<Part> {
        let context = "template clause";
        let pos = self.peek_word().pos;
        let (name, quoted) = self.template_name(context)?;
        let mut pipe = None;
        if self.peek_word().kind == Kind::Close {
            self.next();
        } else {
            pipe = Some(self.pipe(context, Kind::Close)?);
        }
        let kind = NodeKind::Template { name: name.into(), quoted, pipe };
        Ok(Part::Node(Node { pos, kind }))
    }

    fn block(&mut self) -> Done<Part> {
        let context = "block clause";
        let pos = self.peek_word().pos;
        let (name, quoted) = self.template_name(context)?;
        let pipe = self.pipe(context, Kind::Close)?;
        self.named_body(name.clone(), context)?;
        let kind = NodeKind::Template { name: name.into(), quoted, pipe: Some(pipe) };
        Ok(Part::Node(Node { pos, kind }))
    }

    fn pipe(&mut self, context: &str, end: Kind) -> Done<Pipe> {
        let pos = self.peek_word().pos;
        let (variables, assigns) = self.declarations(context)?;
        let mut commands = Vec::new();
        loop {
            let token = self.peek_word();
            match token.kind {
                kind if kind == end => {
                    self.next();
                    self.check(&commands, context)?;
                    return Ok(Pipe { pos, variables, assigns, commands });
                }
                Kind::Bool | Kind::Letter | Kind::Dot | Kind::Field | Kind::Identifier
                | Kind::Number | Kind::Quoted | Kind::Variable | Kind::OpenParen => {
                    commands.push(self.command()?);
                }
                Kind::Keyword if token.text == "nil" => commands.push(self.command()?),
                _ => {
                    self.next();
                    return self.unexpected(token, context);
                }
            }
        }
    }

    /// Reads the variables before `:=` or `=`.
    fn declarations(&mut self, context: &str) -> Done<(Vec<Rc<str>>, bool)> {
        let mut variables: Vec<Rc<str>> = Vec::new();
        while self.peek_word().kind == Kind::Variable {
            let start = self.at;
            let name = self.next().text;
            let next = self.peek_word();
            let comma = next.kind == Kind::Sign && next.text == ",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.at = start;
                break;
            }
            self.next();
            variables.push(name.into());
            self.variables.push(name.into());
            if !comma {
                return Ok((variables, next.kind == Kind::Assign));
            }
            if context != "range" || variables.len() >= 2 {
                return self.stop(format!("too many declarations in {context}"));
            }
            let after = self.peek_word().kind;
            if !matches!(after, Kind::Variable | Kind::Close | Kind::CloseParen) {
                return self.stop("range can only initialize variables");
            }
        }
        Ok((variables, false))
    }

    fn check(&self, commands: &[Command], context: &str) -> Done<()> {
        if commands.is_empty() {
            return self.stop(format!("missing value for {context}"));
        }
        let idle = |command: &Command| {
            let first = command.args.first().map(|arg| &arg.kind);
            matches!(
                first,
                Some(
                    ExprKind::Bool(_)
                        | ExprKind::Dot
                        | ExprKind::Nil
                        | ExprKind::Number(_)
                        | ExprKind::Text(..)
                )
            )
        };
        match commands.iter().skip(1).position(idle) {
            Some(at) => self.stop(format!("non executable command in pipeline stage {}", at + 2)),
            None => Ok(()),
        }
    }

    fn command(&mut self) -> Done<Command> {
        let mut args = Vec::new();
        loop {
            self.peek_word();
            args.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::Close | Kind::CloseParen => {
                    self.at -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        if args.is_empty() {
            return self.stop("empty command");
        }
        Ok(Command { args })
    }

    fn operand(&mut self) -> Done<Option<Expr>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let pos = self.peek().pos;
        let mut fields: Vec<Rc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.next().text[1..].into());
        }
        let kind = match term.kind {
            ExprKind::Field(mut all) => {
                all.extend(fields);
                ExprKind::Field(all)
            }
            ExprKind::Variable(name, mut all) => {
                all.extend(fields);
                ExprKind::Variable(name, all)
            }
            ExprKind::Pipe(_) | ExprKind::Function(_) | ExprKind::Chain(..) => {
                ExprKind::Chain(Box::new(term), fields)
            }
            _ => return self.stop(format!("unexpected . after term {:?}", term.to_string())),
        };
        Ok(Some(Expr { pos, kind }))
    }

    fn term(&mut self) -> Done<Option<Expr>> {
        let token = self.next_word();
        let kind = match token.kind {
            Kind::Identifier if (self.known)(token.text) => ExprKind::Function(token.text.into()),
            Kind::Identifier => {
                return self.stop(format!("function {:?} not defined", token.text));
            }
            Kind::Dot => ExprKind::Dot,
            Kind::Keyword if token.text == "nil" => ExprKind::Nil,
            Kind::Variable => {
                if !self.variables.iter().any(|known| **known == *token.text) {
                    return self.stop(format!("undefined variable {:?}", token.text));
                }
                ExprKind::Variable(token.text.into(), Vec::new())
            }
            Kind::Field => ExprKind::Field(vec![token.text[1..].into()]),
            Kind::Bool => ExprKind::Bool(token.text == "true"),
            Kind::Letter | Kind::Number => match Number::read(token.text) {
                Ok(number) => ExprKind::Number(number),
                Err(message) => return self.stop(message),
            },
            Kind::Quoted => ExprKind::Text(token.text.to_owned(), self.unquoted(token)?.into()),
            Kind::OpenParen => {
                self.deeper()?;
                let pipe = self.pipe("parenthesized pipeline", Kind::CloseParen)?;
                self.depth -= 1;
                ExprKind::Pipe(pipe)
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Expr { pos: token.pos, kind }))
    }
}
