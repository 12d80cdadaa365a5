//! Texts in quotes.

/// A letter of a text, or a byte that is part of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum Letter {
    Char(char),
    Broken(u8),
}

/// Returns the letters of `text`.
pub(in crate::render) fn letters(text: &[u8]) -> impl Iterator<Item = Letter> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(Letter::Char);
        valid.chain(chunk.invalid().iter().map(|byte| Letter::Broken(*byte)))
    })
}

/// Returns `text` in double quotes with escapes (Go: `%q`).
pub(in crate::render) fn quoted(text: &[u8]) -> String {
    with_quotes(text, '"', false)
}

/// Returns `text` between `quote`s; with `ascii` all other letters are escaped.
pub(super) fn with_quotes(text: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::from(quote);
    for letter in letters(text) {
        match letter {
            Letter::Char(c) => escape(&mut out, c, quote, ascii),
            Letter::Broken(byte) => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

fn escape(out: &mut String, c: char, quote: char, ascii: bool) {
    let code = u32::from(c);
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == quote => out.extend(['\\', c]),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if printable(c) && (c.is_ascii() || !ascii) => out.push(c),
        _ if code < 0x20 || code == 0x7f => out.push_str(&format!("\\x{code:02x}")),
        _ if code < 0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push_str(&format!("\\U{code:08x}")),
    }
}

/// Says whether Go takes `c` for a letter that can be printed.
pub(super) fn printable(c: char) -> bool {
    let hidden = matches!(u32::from(c), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0xad | 0xfeff | 0xfff0..=0xfffb | 0xe000..=0xf8ff | 0xf0000.. | 0xe0000..=0xe0fff);
    !(c.is_control() || hidden || (c.is_whitespace() && c != ' '))
}
