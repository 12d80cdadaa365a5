//! Quotes and variables in the words of instructions.

use std::{iter::Peekable, str::Chars};

/// How deep variables may stand in each other's modifiers: far above any file, far below what
/// exhausts the stack.
const MAX_DEPTH: usize = 32;

/// What a variable is worth; `None` when it is not set.
pub(crate) type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns `word` without its quotes and with its variables replaced by what `look_up` says; an
/// unknown variable is empty. `escape` is the escape character of the Dockerfile.
///
/// # Errors
/// The reason, for an unclosed quote or brace, a modifier that is none of the Dockerfile reference
/// (`:-`, `:+`, `:?`, `-`, `+`, `?`, `#`, `##`, `%`, `%%`, `/`, `//`), and `${name:?reason}` of a
/// variable that is not set.
pub(crate) fn expand(word: &str, escape: char, look_up: LookUp<'_>) -> Result<String, String> {
    Expander { look_up, escape, depth: 0, out: String::new() }.word(word)
}

/// Returns the text of a here-document with its variables replaced; quotes and what is escaped are
/// the document's own and stay.
///
/// # Errors
/// As [`expand`].
pub(crate) fn expand_document(
    text: &str,
    escape: char,
    look_up: LookUp<'_>,
) -> Result<String, String> {
    let mut chars = text.chars().peekable();
    let mut expander = Expander { look_up, escape, depth: 0, out: String::new() };
    while let Some(c) = chars.next() {
        match c {
            c if c == escape => {
                expander.out.push(c);
                expander.out.extend(chars.next());
            }
            '$' => expander.variable(&mut chars)?,
            c => expander.out.push(c),
        }
    }
    Ok(expander.out)
}

struct Expander<'a> {
    look_up: LookUp<'a>,
    escape: char,
    depth: usize,
    out: String,
}

impl Expander<'_> {
    fn word(mut self, word: &str) -> Result<String, String> {
        if self.depth > MAX_DEPTH {
            return Err("variables stand too deep in each other".to_owned());
        }
        let mut chars = word.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' => self.single_quoted(&mut chars)?,
                '"' => self.double_quoted(&mut chars)?,
                '$' => self.variable(&mut chars)?,
                c if c == self.escape => self.out.extend(chars.next()),
                c => self.out.push(c),
            }
        }
        Ok(self.out)
    }

    /// The word of a modifier, expanded as a word of its own.
    fn nested(&self, word: &str) -> Result<String, String> {
        let Self { look_up, escape, depth, .. } = *self;
        Expander { look_up, escape, depth: depth + 1, out: String::new() }.word(word)
    }

    fn single_quoted(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        loop {
            match chars.next() {
                Some('\'') => return Ok(()),
                Some(c) => self.out.push(c),
                None => return Err("a ' is not closed".to_owned()),
            }
        }
    }

    fn double_quoted(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        loop {
            match chars.next() {
                Some('"') => return Ok(()),
                Some('$') => self.variable(chars)?,
                Some(c) if c == self.escape => match chars.next() {
                    Some(next) if matches!(next, '"' | '$') || next == c => self.out.push(next),
                    Some(next) => self.out.extend([c, next]),
                    None => self.out.push(c),
                },
                Some(c) => self.out.push(c),
                None => return Err("a \" is not closed".to_owned()),
            }
        }
    }

    fn variable(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        if chars.next_if_eq(&'{').is_some() {
            return self.braced(chars);
        }
        let name = take_name(chars);
        if name.is_empty() {
            self.out.push('$');
            return Ok(());
        }
        self.out.push_str(&(self.look_up)(&name).unwrap_or_default());
        Ok(())
    }

    fn braced(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        let name = take_name(chars);
        let rest = take_braced(chars)?;
        let value = (self.look_up)(&name);
        let (empty_counts, modifier) = match rest.strip_prefix(':') {
            Some(modifier) => (true, modifier),
            None => (false, rest.as_str()),
        };
        let set = value.filter(|value| !(empty_counts && value.is_empty()));
        let mut letters = modifier.chars();
        let result = match (letters.next(), letters.as_str()) {
            (None, _) if !name.is_empty() && rest.is_empty() => set.unwrap_or_default(),
            (Some('-'), word) => match set {
                Some(value) => value,
                None => self.nested(word)?,
            },
            (Some('+'), word) => match set {
                Some(_) => self.nested(word)?,
                None => String::new(),
            },
            (Some('?'), reason) => set.ok_or(format!("variable `{name}` is not set: {reason}"))?,
            (Some(kind @ ('#' | '%' | '/')), word) if !empty_counts && !name.is_empty() => {
                let (all, word) = match word.strip_prefix(kind) {
                    Some(word) => (true, word),
                    None => (false, word),
                };
                let word = self.nested(word)?;
                let value = set.unwrap_or_default();
                match kind {
                    '#' => remove_prefix(&value, &word, all),
                    '%' => remove_suffix(&value, &word, all),
                    _ => replace(&value, &word, all),
                }
            }
            _ => return Err(format!("`${{{name}{rest}}}` has a modifier that is not supported")),
        };
        self.out.push_str(&result);
        Ok(())
    }
}

/// Whether a shell pattern with `*` and `?` matches the whole text. Takes time in the order of the
/// product of both lengths, whatever the pattern.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when a star has to take one more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = retry else { return false };
                retry = Some((after, taken + 1));
                (p, t) = (after, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// `${value#pattern}`: the shortest match at the start goes, or the longest.
fn remove_prefix(value: &str, pattern: &str, longest: bool) -> String {
    let (value, pattern): (Vec<char>, Vec<char>) =
        (value.chars().collect(), pattern.chars().collect());
    let mut ends: Vec<usize> = (0..=value.len()).collect();
    if longest {
        ends.reverse();
    }
    let end = ends.into_iter().find(|&end| matches(&pattern, &value[..end]));
    value[end.unwrap_or(0)..].iter().collect()
}

/// `${value%pattern}`: the shortest match at the end goes, or the longest.
fn remove_suffix(value: &str, pattern: &str, longest: bool) -> String {
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    reversed(&remove_prefix(&reversed(value), &reversed(pattern), longest))
}

/// `${value/pattern/replacement}`: the first match is replaced, or all; each as long as can be.
fn replace(value: &str, rule: &str, all: bool) -> String {
    let (pattern, replacement) = rule.split_once('/').unwrap_or((rule, ""));
    let (value, pattern): (Vec<char>, Vec<char>) =
        (value.chars().collect(), pattern.chars().collect());
    let (mut out, mut at, mut done) = (String::new(), 0, pattern.is_empty());
    while at < value.len() {
        let end =
            (at + 1..=value.len()).rev().find(|&end| !done && matches(&pattern, &value[at..end]));
        match end {
            Some(end) => {
                out.push_str(replacement);
                at = end;
                done = !all;
            }
            None => {
                out.push(value[at]);
                at += 1;
            }
        }
    }
    out
}

fn take_name(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(c) = chars.next_if(|&c| {
        c == '_' || c.is_ascii_alphabetic() || (c.is_ascii_digit() && !name.is_empty())
    }) {
        name.push(c);
    }
    name
}

/// Takes everything up to the brace that closes, nested ones included.
fn take_braced(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let (mut text, mut depth) = (String::new(), 0);
    for c in chars.by_ref() {
        match c {
            '}' if depth == 0 => return Ok(text),
            '}' => depth -= 1,
            '{' => depth += 1,
            _ => {}
        }
        text.push(c);
    }
    Err("a ${ is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".to_owned()),
            "V" => Some("v1.2.3-rc1.tar.gz".to_owned()),
            "E" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn quotes_go_and_variables_are_replaced() {
        let table = [
            ("plain", "plain"),
            ("$A-${A}", "a-a"),
            ("'$A' \"$A\"", "$A a"),
            (r"\$A \a", "$A a"),
            (r#""\$A \n""#, r"$A \n"),
            ("${E:-x}${E-x}${U-y}", "xy"),
            ("${A:+x}${E:+x}${E+z}${U+x}", "xz"),
            ("${U:-${A}}", "a"),
            ("$ $1", "$ $1"),
            ("${U}", ""),
            ("${V#v}", "1.2.3-rc1.tar.gz"),
            ("${V#*.}", "2.3-rc1.tar.gz"),
            ("${V##*.}", "gz"),
            ("${V%.*}", "v1.2.3-rc1.tar"),
            ("${V%%-*}", "v1.2.3"),
            ("${V/./_}", "v1_2.3-rc1.tar.gz"),
            ("${V//./_}", "v1_2_3-rc1_tar_gz"),
            ("${V//rc?/}", "v1.2.3-.tar.gz"),
            ("${V#x}", "v1.2.3-rc1.tar.gz"),
        ];
        for (word, expected) in table {
            assert_eq!(expand(word, '\\', &look_up).as_deref(), Ok(expected), "{word}");
        }
    }

    #[test]
    fn a_document_keeps_its_quotes_and_escapes() {
        let expanded = expand_document(r#"$A '$A' "${A}" \$A \n"#, '\\', &look_up);
        assert_eq!(expanded.as_deref(), Ok(r#"a 'a' "a" \$A \n"#));
    }

    #[test]
    fn another_escape_character_leaves_backslashes_alone() {
        assert_eq!(expand(r"D\x`$A\$A", '`', &look_up).as_deref(), Ok(r"D\x$A\a"));
    }

    #[test]
    fn depth_and_stars_end_in_time() {
        let deep = format!("{}x{}", "${U:-".repeat(5000), "}".repeat(5000));
        assert!(expand(&deep, '\\', &look_up).is_err());
        let stars: Vec<char> = "*a".repeat(60).chars().chain("b".chars()).collect();
        assert!(!matches(&stars, &vec!['a'; 200]));
    }

    #[test]
    fn what_is_not_closed_or_not_supported_is_refused() {
        for word in ["'a", "\"a", "${A", "${A:=x}", "${A:#x}", "${}", "${U:?must be set}"] {
            assert!(expand(word, '\\', &look_up).is_err(), "{word}");
        }
    }
}
