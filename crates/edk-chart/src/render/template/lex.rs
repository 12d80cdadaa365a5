//! From text to tokens.

/// Kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fault,
    End,
    Text,
    Open,
    Close,
    Space,
    Assign,
    Declare,
    Pipe,
    OpenParen,
    CloseParen,
    Dot,
    Field,
    Variable,
    Identifier,
    Bool,
    Letter,
    Number,
    Quoted,
    Sign,
    Keyword,
}

/// A piece of a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) pos: usize,
    pub(super) line: usize,
    pub(super) text: &'t str,
}

/// The tokens of a template, and what is wrong at their end.
pub(super) struct Tokens<'t> {
    pub(super) all: Vec<Token<'t>>,
    /// The message of the last token, if that is a fault.
    pub(super) fault: String,
}

const KEYWORDS: [&str; 10] =
    ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"];

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    tokens: Tokens<'t>,
    parens: usize,
}

/// Returns the tokens of `text`; the last one is an end or a fault.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    let tokens = Tokens { all: Vec::new(), fault: String::new() };
    let mut lexer = Lexer { text, at: 0, line: 1, tokens, parens: 0 };
    if let Err(fault) = lexer.run() {
        let token = Token { kind: Kind::Fault, pos: lexer.at, line: lexer.line, text: "" };
        lexer.tokens.all.push(token);
        lexer.tokens.fault = fault;
    }
    lexer.tokens
}

type Done = Result<(), String>;

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn emit(&mut self, kind: Kind, length: usize) {
        let text = &self.rest()[..length];
        self.tokens.all.push(Token { kind, pos: self.at, line: self.line, text });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest()[..length].matches('\n').count();
        self.at += length;
    }

    fn run(&mut self) -> Done {
        while let Some(text) = self.rest().find("{{") {
            let after = &self.rest()[text + 2..];
            let trims = left_trim(after);
            let shown = &self.rest()[..text];
            let shown = if trims { shown.trim_end_matches(SPACES) } else { shown };
            let (shown, dropped) = (shown.len(), text - shown.len());
            if shown > 0 {
                self.emit(Kind::Text, shown);
            }
            self.skip(dropped);
            let marker = if trims { 2 } else { 0 };
            if self.rest()[2 + marker..].starts_with("/*") {
                self.skip(2 + marker);
                self.comment()?;
            } else {
                self.emit(Kind::Open, 2);
                self.skip(marker);
                self.parens = 0;
                while self.action()? {}
            }
        }
        if !self.rest().is_empty() {
            self.emit(Kind::Text, self.rest().len());
        }
        self.emit(Kind::End, 0);
        Ok(())
    }

    fn comment(&mut self) -> Done {
        let end = self.rest().find("*/").ok_or("unclosed comment")?;
        self.skip(end + 2);
        if right_trim(self.rest()) && self.rest()[2..].starts_with("}}") {
            self.skip(4);
            self.skip_spaces();
        } else if self.rest().starts_with("}}") {
            self.skip(2);
        } else {
            return Err("comment ends before closing delimiter".to_owned());
        }
        Ok(())
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
    }

    /// Takes one token inside of an action; false at its end.
    fn action(&mut self) -> Result<bool, String> {
        let rest = self.rest();
        let trims = right_trim(rest) && rest[2..].starts_with("}}");
        if trims || rest.starts_with("}}") {
            if self.parens > 0 {
                return Err("unclosed left paren".to_owned());
            }
            self.skip(if trims { 2 } else { 0 });
            self.emit(Kind::Close, 2);
            if trims {
                self.skip_spaces();
            }
            return Ok(false);
        }
        let first = rest.chars().next().ok_or("unclosed action")?;
        match first {
            c if SPACES.contains(&c) => self.spaces(),
            '=' => self.emit(Kind::Assign, 1),
            ':' if rest.starts_with(":=") => self.emit(Kind::Declare, 2),
            ':' => return Err("expected :=".to_owned()),
            '|' => self.emit(Kind::Pipe, 1),
            '"' => self.quoted('"', "unterminated quoted string")?,
            '\'' => self.quoted('\'', "unterminated character constant")?,
            '`' => self.raw()?,
            '$' => self.name(Kind::Variable)?,
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                match rest[1..].starts_with(is_word) {
                    true => self.name(Kind::Field)?,
                    false => self.name(Kind::Dot)?,
                }
            }
            c if matches!(c, '+' | '-' | '.') || c.is_ascii_digit() => self.number()?,
            c if is_word(c) => self.name(Kind::Identifier)?,
            '(' => {
                self.parens += 1;
                self.emit(Kind::OpenParen, 1);
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(Kind::CloseParen, 1);
            }
            c if c.is_ascii_graphic() => self.emit(Kind::Sign, 1),
            c => return Err(format!("unrecognized character in action: {}", shown(c))),
        }
        Ok(true)
    }

    /// Takes blanks, but not the one that belongs to a closing `-}}`.
    fn spaces(&mut self) {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(SPACES).len();
        if rest[length..].starts_with("-}}") {
            length -= 1;
        }
        if length > 0 {
            self.emit(Kind::Space, length);
        }
    }

    fn quoted(&mut self, quote: char, unterminated: &str) -> Done {
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, c)) = letters.next() {
            match c {
                '\\' => match letters.next() {
                    None | Some((_, '\n')) => break,
                    _ => {}
                },
                '\n' => break,
                c if c == quote => {
                    let kind = if quote == '"' { Kind::Quoted } else { Kind::Letter };
                    self.emit(kind, at + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(unterminated.to_owned())
    }

    fn raw(&mut self) -> Done {
        let end = self.rest()[1..].find('`').ok_or("unterminated raw quoted string")?;
        self.emit(Kind::Quoted, end + 2);
        Ok(())
    }

    fn name(&mut self, kind: Kind) -> Done {
        let rest = self.rest();
        let start = usize::from(kind != Kind::Identifier);
        let word = rest[start..].find(|c| !is_word(c)).unwrap_or(rest.len() - start);
        let length = start + word;
        if let Some(next) = rest[length..].chars().next()
            && kind != Kind::Dot
            && !SPACES.contains(&next)
            && !matches!(next, '.' | ',' | '|' | ':' | '(' | ')')
            && !rest[length..].starts_with("}}")
        {
            return Err(format!("bad character {}", shown(next)));
        }
        let kind = match &rest[..length] {
            "true" | "false" => Kind::Bool,
            word if kind == Kind::Identifier && (KEYWORDS.contains(&word) || word == "nil") => {
                Kind::Keyword
            }
            _ => kind,
        };
        self.emit(kind, length);
        Ok(())
    }

    fn number(&mut self) -> Done {
        let rest = self.rest();
        let mut at = usize::from(rest.starts_with(['+', '-']));
        let mut digits = "0123456789_";
        if rest[at..].starts_with('0') {
            at += 1;
            for (prefix, allowed) in
                [(['x', 'X'], "0123456789abcdefABCDEF_"), (['o', 'O'], "01234567_"), (['b', 'B'], "01_")]
            {
                if rest[at..].starts_with(prefix) {
                    at += 1;
                    digits = allowed;
                }
            }
        }
        let run = |at: usize, allowed: &str| {
            at + rest[at..].find(|c| !allowed.contains(c)).unwrap_or(rest.len() - at)
        };
        at = run(at, digits);
        if rest[at..].starts_with('.') {
            at = run(at + 1, digits);
        }
        let exponent: &[char] = if digits.len() > 12 { &['p', 'P'] } else { &['e', 'E'] };
        if digits.len() > 10 && rest[at..].starts_with(exponent) {
            at += 1;
            at += usize::from(rest[at..].starts_with(['+', '-']));
            at = run(at, "0123456789_");
        }
        at += usize::from(rest[at..].starts_with('i'));
        if let Some(next) = rest[at..].chars().next().filter(|c| is_word(*c)) {
            let bad = &rest[..at + next.len_utf8()];
            return Err(format!("bad number syntax: {bad:?}"));
        }
        if rest[at..].starts_with(['+', '-']) {
            // Go reads a complex number here, which no chart has.
            let end = at + 1 + rest[at + 1..].find(|c| !digits.contains(c)).unwrap_or(0);
            return Err(format!("bad number syntax: {:?}", &rest[..end]));
        }
        self.emit(Kind::Number, at);
        Ok(())
    }
}

fn left_trim(after: &str) -> bool {
    after.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACES))
}

fn right_trim(rest: &str) -> bool {
    rest.strip_prefix(SPACES).is_some_and(|rest| rest.starts_with('-'))
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Returns `c` as Go's `%#U` shows it.
fn shown(c: char) -> String {
    match c.is_control() {
        true => format!("U+{:04X}", u32::from(c)),
        false => format!("U+{:04X} '{c}'", u32::from(c)),
    }
}
