//! Places and files as the protocol has them.

use std::path::{Path, PathBuf};

use edk_model::{Finding, Span};
use lsp_types::{Position, Range, Uri};

/// Returns a place in a text: lines from 0, columns in units of UTF-16, as the protocol counts.
pub(crate) fn position(text: &str, span: Span) -> Position {
    let line = text.lines().nth(span.line.saturating_sub(1)).unwrap_or_default();
    let units =
        line.chars().take(span.column.saturating_sub(1)).map(char::len_utf16).sum::<usize>();
    Position { line: number(span.line.saturating_sub(1)), character: number(units) }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Returns the place of a finding; the first line for one about a whole file.
pub(crate) fn range(text: &str, finding: &Finding) -> Range {
    let Some(span) = finding.span else {
        let end =
            Span { line: 1, column: text.lines().next().unwrap_or_default().chars().count() + 1 };
        return Range { start: Position::default(), end: position(text, end) };
    };
    let line = text.lines().nth(span.line.saturating_sub(1)).unwrap_or_default();
    let end = finding.end.unwrap_or(Span { line: span.line, column: line.chars().count() + 1 });
    Range { start: position(text, span), end: position(text, end) }
}

/// Returns the file of an address `file://…`, if it is one.
pub(crate) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    // An authority before the path names another machine.
    let rest = &rest[rest.find('/')?..];
    let mut bytes = Vec::new();
    let mut left = rest.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [left.next()?, left.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    Some(PathBuf::from(String::from_utf8(bytes).ok()?))
}

/// Returns the address of a file.
pub(crate) fn uri(path: &Path) -> Option<Uri> {
    let plain = |it: &u8| it.is_ascii_alphanumeric() || b"-._~/".contains(it);
    let escaped: String = path
        .to_str()?
        .bytes()
        .map(|it| if plain(&it) { char::from(it).to_string() } else { format!("%{it:02X}") })
        .collect();
    format!("file://{escaped}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_lead_to_each_other() {
        for name in ["/a/b c/ä%.py", "/x"] {
            assert_eq!(path(&uri(Path::new(name)).unwrap()).unwrap(), Path::new(name));
        }
        assert_eq!(path(&"http://a/b".parse().unwrap()), None);
    }

    #[test]
    fn columns_are_counted_in_utf_16() {
        let at = position("ä𝄞x\n", Span { line: 1, column: 3 });
        assert_eq!((at.line, at.character), (0, 3));
    }
}
