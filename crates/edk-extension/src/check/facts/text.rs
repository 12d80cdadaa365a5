//! Places in texts.

use edk_model::Span;

/// A part of a text by its places, for findings and edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line and column of the first character, from 1; 0 where the place is not known.
    pub start: (usize, usize),
    /// Line and column behind the last one.
    pub end: (usize, usize),
}

impl Place {
    /// Returns the place of a whole line, from 1, without the blanks around its text.
    pub fn line(text: &str, number: usize) -> Self {
        let line = text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
        let lead = line.chars().take_while(|c| c.is_whitespace()).count();
        let end = line.trim_end().chars().count();
        Self { start: (number, lead.min(end) + 1), end: (number, end + 1) }
    }

    /// Returns the place of bytes of a text.
    pub fn bytes(text: &str, from: usize, to: usize) -> Self {
        Self { start: place_of(text, from), end: place_of(text, to) }
    }

    /// Returns the place where `part` stands in the text for the first time.
    pub fn find(text: &str, part: &str) -> Option<Self> {
        let at = text.find(part)?;
        Some(Self::bytes(text, at, at + part.len()))
    }

    /// Returns the place of the first line that a test picks.
    pub fn where_line(text: &str, picks: impl Fn(&str) -> bool) -> Option<Self> {
        text.lines().position(picks).map(|at| Self::line(text, at + 1))
    }

    /// Returns where it starts.
    pub fn from(self) -> Span {
        Span { line: self.start.0, column: self.start.1 }
    }

    /// Returns where it ends.
    pub fn to(self) -> Span {
        Span { line: self.end.0, column: self.end.1 }
    }
}

/// Returns line and column of a byte of the text, both from 1.
pub(crate) fn place_of(text: &str, byte: usize) -> (usize, usize) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Returns the byte at a line and column, both from 1; the end of the line or text when there are
/// fewer.
pub(crate) fn byte_of(text: &str, span: Span) -> usize {
    let mut start = 0;
    for _ in 1..span.line {
        match text[start..].find('\n') {
            Some(at) => start += at + 1,
            None => return text.len(),
        }
    }
    let line = text[start..].split('\n').next().unwrap_or_default();
    let column = span.column.saturating_sub(1);
    start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn places_lead_back_to_their_bytes(text in "[aä\n]{0,30}", at in 0usize..40) {
            let at = at.min(text.len());
            if text.is_char_boundary(at) {
                let (line, column) = place_of(&text, at);
                proptest::prop_assert_eq!(byte_of(&text, Span { line, column }), at);
            }
        }

        #[test]
        fn any_place_is_answered(text in "[aä\n]{0,9}", line in 0usize..12, column in 0usize..12) {
            let at = byte_of(&text, Span { line, column });
            proptest::prop_assert!(text.is_char_boundary(at));
        }
    }
}
