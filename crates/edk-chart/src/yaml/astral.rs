//! Letters beyond U+FFFF, such as pictures: Helm's writer can't print them and writes `\U0001F600`.
//!
//! Ours would print them. So they pass through it as as many other letters as the escape has, from
//! a block for private use, so that lines fold where Helm folds them; then they become the escape.

use std::borrow::Cow;

/// Stands for `\`, the next one for `U`, the sixteen behind them for hexadecimal digits.
const FIRST: u32 = 0xf8a0;

pub(super) fn holds(text: &str) -> bool {
    text.chars().any(|c| c > '\u{ffff}')
}

/// Returns `text` as it goes into the writer.
pub(super) fn hidden(text: &str) -> Cow<'_, str> {
    if !holds(text) {
        return Cow::Borrowed(text);
    }
    let stand_in = |at: u32| char::from_u32(FIRST + at).unwrap_or('?');
    let mut hidden = String::new();
    for c in text.chars() {
        if c <= '\u{ffff}' {
            hidden.push(c);
            continue;
        }
        hidden.extend([stand_in(0), stand_in(1)]);
        let digits = (0..8).rev().map(|place| u32::from(c) >> (4 * place) & 0xf);
        hidden.extend(digits.map(|digit| stand_in(2 + digit)));
    }
    Cow::Owned(hidden)
}

/// Returns what the writer wrote with the escapes in place.
pub(super) fn shown(written: String) -> String {
    let is_stand_in = |c: char| (FIRST..FIRST + 18).contains(&u32::from(c));
    if !written.contains(is_stand_in) {
        return written;
    }
    let back = |c: char| match u32::from(c).wrapping_sub(FIRST) {
        0 => '\\',
        1 => 'U',
        digit @ 2..=17 => char::from_digit(digit - 2, 16).unwrap_or('0').to_ascii_uppercase(),
        _ => c,
    };
    written.chars().map(back).collect()
}
