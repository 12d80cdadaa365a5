//! Just enough of Rust's grammar to look at code without its comments, literals and tests.

use std::{iter::Peekable, str::Chars};

/// Returns `text` with comments and the insides of literals as spaces; lines stay where they are.
pub(crate) fn code(text: &str) -> String {
    let mut blanker = Blanker { chars: text.chars().peekable(), code: String::new() };
    blanker.run();
    blanker.code
}

/// Returns `code` with every item under `#[cfg(test)]` as spaces.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, item) = rest.split_at(at);
        let end = item_end(item);
        kept.push_str(before);
        kept.extend(item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    kept + rest
}

/// Returns where the item at the start of `code` ends, in bytes: after its block or its `;`.
pub(crate) fn item_end(code: &str) -> usize {
    let (mut round, mut curly) = (0_usize, 0_usize);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round = round.saturating_sub(1),
            ';' if round == 0 && curly == 0 => return at + 1,
            '{' => curly += 1,
            '}' => {
                curly = curly.saturating_sub(1);
                if curly == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Returns the number of the line at byte `at`, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

struct Blanker<'a> {
    chars: Peekable<Chars<'a>>,
    code: String,
}

impl Blanker<'_> {
    fn run(&mut self) {
        while let Some(c) = self.chars.next() {
            match (c, self.chars.peek().copied()) {
                ('/', Some('/')) => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(),
                ('r', Some('"' | '#')) if !self.inside_a_word() => self.raw_string(),
                ('\'', _) => self.quote(),
                _ => self.code.push(c),
            }
        }
    }

    /// Says whether the last character can't stand before a literal; `b` and `c` can.
    fn inside_a_word(&self) -> bool {
        let mut before = self.code.chars().rev();
        let last = before.next();
        let prefix = matches!(last, Some('b' | 'c'));
        let last = if prefix { before.next() } else { last };
        last.is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    fn blank(&mut self, c: char) {
        self.code.push(if c == '\n' { '\n' } else { ' ' });
    }

    fn line_comment(&mut self) {
        self.blank('/');
        while let Some(c) = self.chars.next_if(|&c| c != '\n') {
            self.blank(c);
        }
    }

    fn block_comment(&mut self) {
        let (mut depth, mut last) = (0_usize, '/');
        self.blank('/');
        while let Some(c) = self.chars.next() {
            self.blank(c);
            match (last, c) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    last = c;
                    continue;
                }
            }
            last = ' ';
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.code.push('"');
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return self.code.push('"'),
                '\\' => {
                    self.blank(c);
                    if let Some(escaped) = self.chars.next() {
                        self.blank(escaped);
                    }
                }
                _ => self.blank(c),
            }
        }
    }

    fn raw_string(&mut self) {
        let mut fences = 0;
        while self.chars.next_if_eq(&'#').is_some() {
            fences += 1;
        }
        if self.chars.next_if_eq(&'"').is_none() {
            // A raw identifier, such as `r#type`.
            return self.code.push('r');
        }
        self.code.push('"');
        let end = format!("\"{}", "#".repeat(fences));
        let mut tail = String::new();
        for c in self.chars.by_ref() {
            tail.push(c);
            if tail.ends_with(&end) {
                break;
            }
        }
        self.code.extend(tail.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.code.push('"');
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) {
        let mut ahead = self.chars.clone();
        let literal = match ahead.next() {
            Some('\\') => true,
            Some(_) => ahead.next() == Some('\''),
            None => false,
        };
        self.code.push('\'');
        if !literal {
            return;
        }
        while let Some(c) = self.chars.next() {
            match c {
                '\'' => return self.code.push('\''),
                '\\' => {
                    self.blank(c);
                    if let Some(escaped) = self.chars.next() {
                        self.blank(escaped);
                    }
                }
                _ => self.blank(c),
            }
        }
    }
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    let check = |text: &str, expected: &str| {
        let code = code(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words.join(" "), expected, "{text}");
        assert_eq!(code.matches('\n').count(), text.matches('\n').count(), "{text}");
    };
    check("a // b\nc", "a c");
    check("a /* b /* c */ d */ e", "a e");
    check("a(\"b \\\" { c\"); d", "a(\" \"); d");
    check("a(r#\"b \" { c\"#); d", "a(\" \"); d");
    check("a(br\"{\"); d", "a(b\" \"); d");
    check("a('{', '\\'', 'x'); b", "a(' ', ' ', ' '); b");
    check("fn a<'b>(c: &'b str) {}", "fn a<'b>(c: &'b str) {}");
    check("let r#type = bar\n;", "let rtype = bar ;");
}

#[test]
fn items_of_tests_are_taken_out() {
    let check = |code: &str, expected: &str| {
        let left = without_tests(code);
        assert_eq!(left.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{code}");
    };
    check("a; #[cfg(test)] mod b { fn c() { d } } e;", "a; e;");
    check("a; #[cfg(test)] mod b; e;", "a; e;");
    check("a; #[cfg(test)] use b::{c, d}; e;", "a; ; e;");
}
