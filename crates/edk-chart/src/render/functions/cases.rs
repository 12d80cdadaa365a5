//! Sprig's functions that change the case of letters.

use super::{Table, args, def};
use crate::render::value::Value;

pub(super) const TABLE: Table = &[
    def("upper", "s", |_, args| Ok(Value::text(args::text(args, 0).chars().map(upper).collect::<String>()))),
    def("lower", "s", |_, args| Ok(Value::text(args::text(args, 0).chars().map(lower).collect::<String>()))),
    def("title", "s", |_, args| {
        let start = |before: char| !(before.is_alphanumeric() || before == '_' );
        Ok(Value::text(at_starts(&args::text(args, 0), start, upper)))
    }),
    def("untitle", "s", |_, args| {
        Ok(Value::text(at_starts(&args::text(args, 0), char::is_whitespace, lower)))
    }),
    def("swapcase", "s", |_, args| {
        let swap = |c: char| {
            let swapped = if c.is_uppercase() { lower(c) } else { upper(c) };
            if c.is_lowercase() || c.is_uppercase() { swapped } else { c }
        };
        Ok(Value::text(args::text(args, 0).chars().map(swap).collect::<String>()))
    }),
    def("initials", "s", |_, args| {
        let text = args::text(args, 0);
        let firsts = text.split_whitespace().filter_map(|word| word.chars().next());
        Ok(Value::text(firsts.collect::<String>()))
    }),
    def("snakecase", "s", |_, args| Ok(Value::text(connected(&args::text(args, 0), '_')))),
    def("kebabcase", "s", |_, args| Ok(Value::text(connected(&args::text(args, 0), '-')))),
    def("camelcase", "s", |_, args| Ok(Value::text(camel(&args::text(args, 0))))),
];

fn upper(c: char) -> char {
    let mut letters = c.to_uppercase();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => letter,
        _ => c,
    }
}

fn lower(c: char) -> char {
    let mut letters = c.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => letter,
        _ => c,
    }
}

/// Returns `text` with `change` applied to each letter at a start and behind one that `starts`.
fn at_starts(text: &str, starts: impl Fn(char) -> bool, change: fn(char) -> char) -> String {
    let mut before = ' ';
    let changed = text.chars().map(|c| {
        let start = starts(before);
        before = c;
        if start { change(c) } else { c }
    });
    changed.collect()
}

fn is_connector(c: char) -> bool {
    matches!(c, '_' | '-' | ' ') || c.is_whitespace()
}

/// Returns the words of a name: they end at connectors and where the kind of letters changes.
///
/// A number belongs to the word before it, unless small letters follow: `http2xx` is `http`, `2xx`.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    let mut at = 0;
    while at < letters.len() {
        let c = letters[at];
        let next = letters.get(at + 1).copied();
        let before = at.checked_sub(1).map(|before| letters[before]);
        let word = words.last().cloned().unwrap_or_default();
        let starts = if is_connector(c) {
            words.push(String::new());
            at += 1;
            continue;
        } else if c.is_uppercase() {
            let after_other = before.is_some_and(|c| !c.is_uppercase());
            let before_small = next.is_some_and(char::is_lowercase);
            after_other || before_small
        } else if c.is_ascii_digit() && !before.is_some_and(|c| c.is_ascii_digit()) {
            let end = (at..letters.len()).find(|at| !letters[*at].is_ascii_digit());
            let small = end.is_some_and(|end| letters[end].is_lowercase());
            small && !word.starts_with(|c: char| c.is_ascii_digit())
        } else {
            false
        };
        if starts && !word.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
        at += 1;
    }
    words
}

fn connected(text: &str, connector: char) -> String {
    let words: Vec<String> =
        words(text).iter().map(|word| word.chars().map(lower).collect()).collect();
    words.join(&connector.to_string())
}

fn camel(text: &str) -> String {
    let inner = text.trim_start_matches(is_connector);
    let mut out: String = text[..text.len() - inner.len()].to_owned();
    let words: Vec<&str> = inner.split(is_connector).collect();
    let last = words.len() - 1;
    for (at, word) in words.iter().enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) => {
                out.push(upper(first));
                let shouted = !word.chars().any(char::is_lowercase);
                out.extend(letters.map(|c| if shouted { lower(c) } else { c }));
            }
            // One connector of several between words stays, and the ones at the end.
            None if at <= last && !inner.is_empty() => out.push('_'),
            None => {}
        }
    }
    out
}
