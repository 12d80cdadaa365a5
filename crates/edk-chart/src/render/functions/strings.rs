//! Sprig: "String Functions" and "String List Functions".

use std::rc::Rc;

use super::{Outcome, Table, args, def};
use crate::render::{
    engine::MAX_TEXT,
    fault::Fault,
    format::quoted,
    value::{Map, TEXT_MAP, Value},
};

pub(super) const TABLE: Table = &[
    def("trim", "s", |_, args| Ok(Value::text(args::text(args, 0).trim()))),
    def("trimAll", "ss", |_, args| trimmed(args)),
    def("trimall", "ss", |_, args| trimmed(args)),
    def("trimPrefix", "ss", |_, args| {
        let (prefix, text) = (args::bytes(args, 0), args::bytes(args, 1));
        Ok(Value::text(text.strip_prefix(prefix).unwrap_or(text)))
    }),
    def("trimSuffix", "ss", |_, args| {
        let (suffix, text) = (args::bytes(args, 0), args::bytes(args, 1));
        Ok(Value::text(text.strip_suffix(suffix).unwrap_or(text)))
    }),
    def("nospace", "s", |_, args| {
        let letters = args::text(args, 0);
        Ok(Value::text(letters.chars().filter(|c| !c.is_whitespace()).collect::<String>()))
    }),
    def("repeat", "is", |_, args| {
        let count = usize::try_from(args::int(args, 0));
        let count = count.map_err(|_| "strings: negative Repeat count")?;
        let text = args::bytes(args, 1);
        fits_in_text(count.saturating_mul(text.len()))?;
        Ok(Value::text(text.repeat(count)))
    }),
    def("substr", "iis", |_, args| substr(args)),
    def("trunc", "is", |_, args| {
        let (count, text) = (args::int(args, 0), args::bytes(args, 1));
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
        Ok(Value::text(if count < 0 { &text[text.len() - size..] } else { &text[..size] }))
    }),
    def("abbrev", "is", |_, args| abbreviated(0, args::int(args, 0), args::bytes(args, 1))),
    def("abbrevboth", "iis", |_, args| {
        let (left, right) = (args::int(args, 0), args::int(args, 1));
        abbreviated(left, right, args::bytes(args, 2))
    }),
    def("contains", "ss", |_, args| {
        let (part, text) = (args::bytes(args, 0), args::bytes(args, 1));
        let found = part.is_empty() || text.windows(part.len()).any(|window| window == part);
        Ok(Value::Bool(found))
    }),
    def("hasPrefix", "ss", |_, args| {
        Ok(Value::Bool(args::bytes(args, 1).starts_with(args::bytes(args, 0))))
    }),
    def("hasSuffix", "ss", |_, args| {
        Ok(Value::Bool(args::bytes(args, 1).ends_with(args::bytes(args, 0))))
    }),
    def("quote", "*a", |_, args| Ok(each(args, |text| quoted(text).into_bytes()))),
    def("squote", "*a", |_, args| Ok(each(args, |text| [b"'", text, b"'"].concat()))),
    def("cat", "*a", |_, args| Ok(each(args, <[u8]>::to_vec))),
    def("indent", "is", |_, args| indented(args, "")),
    def("nindent", "is", |_, args| indented(args, "\n")),
    def("replace", "sss", |_, args| {
        let (old, new) = (args::bytes(args, 0), args::bytes(args, 1));
        replaced(args::bytes(args, 2), old, new)
    }),
    def("plural", "ssi", |_, args| {
        let which = usize::from(args::int(args, 2) != 1);
        Ok(Value::text(args::bytes(args, which)))
    }),
    def("join", "sa", |_, args| {
        let texts = args::printed_items(args::any(args, 1));
        Ok(Value::text(texts.join(args::bytes(args, 0))))
    }),
    def("sortAlpha", "a", |_, args| {
        let mut texts = match args::any(args, 0) {
            value if args::items(value).is_some() => args::printed_items(value),
            value => vec![args::printed(value)],
        };
        texts.sort();
        Ok(Value::texts(texts))
    }),
    def("split", "ss", |_, args| Ok(numbered(parts(args::bytes(args, 1), args::bytes(args, 0), -1)))),
    def("splitn", "sis", |_, args| {
        Ok(numbered(parts(args::bytes(args, 2), args::bytes(args, 0), args::int(args, 1))))
    }),
    def("splitList", "ss", |_, args| {
        Ok(Value::texts(parts(args::bytes(args, 1), args::bytes(args, 0), -1)))
    }),
    def("wrap", "is", |_, args| {
        Ok(Value::text(wrapped(&args::text(args, 1), args::int(args, 0), "\n", false)))
    }),
    def("wrapWith", "iss", |_, args| {
        let (separator, text) = (args::text(args, 1), args::text(args, 2));
        Ok(Value::text(wrapped(&text, args::int(args, 0), &separator, true)))
    }),
    def("hello", "", |_, _| Ok(Value::text("Hello!"))),
];

/// Fails if a text of `bytes` bytes would be too long.
fn fits_in_text(bytes: usize) -> Result<(), Fault> {
    match bytes > MAX_TEXT {
        true => Err(format!("a text of more than {MAX_TEXT} bytes").into()),
        false => Ok(()),
    }
}

fn trimmed(args: &[Value]) -> Outcome {
    let set: Vec<char> = args::text(args, 0).chars().collect();
    Ok(Value::text(args::text(args, 1).trim_matches(set.as_slice())))
}

fn substr(args: &[Value]) -> Outcome {
    let (start, end, text) = (args::int(args, 0), args::int(args, 1), args::bytes(args, 2));
    let length = text.len();
    let place = |at: i64| usize::try_from(at).ok().filter(|at| *at <= length);
    let wrong = |what: String| Err(format!("runtime error: slice bounds out of range {what}").into());
    if start < 0 {
        let Some(end) = place(end) else {
            return match end < 0 {
                true => wrong(format!("[:{end}]")),
                false => wrong(format!("[:{end}] with length {length}")),
            };
        };
        return Ok(Value::text(&text[..end]));
    }
    let last = place(end).unwrap_or(length);
    match place(start) {
        Some(start) if start <= last => Ok(Value::text(&text[start..last])),
        _ => wrong(format!("[{start}:{last}]")),
    }
}

fn abbreviated(offset: i64, width: i64, text: &[u8]) -> Outcome {
    let whole = Ok(Value::text(text));
    let (Ok(width), Ok(offset)) = (usize::try_from(width), usize::try_from(offset.max(0))) else {
        return whole;
    };
    let length = text.len();
    if width < 4 || (offset > 0 && width < 7) || length <= width {
        return whole;
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return Ok(Value::text([&text[..width - 3], b"..."].concat()));
    }
    if width < 7 {
        return Ok(Value::text(""));
    }
    if offset + width - 3 < length {
        let rest = &text[offset..];
        return Ok(Value::text([b"...", &rest[..width - 6], b"..."].concat()));
    }
    Ok(Value::text([b"...", &text[length - (width - 3)..]].concat()))
}

/// Returns each argument that is not nil through `form`, with blanks between.
fn each(args: &[Value], form: impl Fn(&[u8]) -> Vec<u8>) -> Value {
    let given = args.iter().filter(|value| !value.is_nil());
    let texts: Vec<Vec<u8>> = given.map(|value| form(&args::printed(value))).collect();
    Value::text(texts.join(&b' '))
}

fn indented(args: &[Value], before: &str) -> Outcome {
    let count = usize::try_from(args::int(args, 0));
    let count = count.map_err(|_| "strings: negative Repeat count")?;
    let text = args::bytes(args, 1);
    let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
    fits_in_text(count.saturating_mul(lines).saturating_add(text.len()))?;
    let blanks = b" ".repeat(count);
    let mut out = before.as_bytes().to_vec();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&blanks);
        out.extend_from_slice(line);
    }
    Ok(Value::text(out))
}

fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Outcome {
    let found = if old.is_empty() { text.len() + 1 } else { text.len() / old.len() };
    fits_in_text(found.saturating_mul(new.len()).saturating_add(text.len()))?;
    if old.is_empty() {
        let letters = parts(text, b"", -1);
        let mut out = new.to_vec();
        for letter in letters {
            out.extend(letter);
            out.extend_from_slice(new);
        }
        return Ok(Value::text(out));
    }
    Ok(Value::text(parts(text, old, -1).join(new)))
}

/// Returns `text` cut at each `separator`, into at most `count` parts unless that is negative; an
/// empty separator cuts between all letters.
fn parts(text: &[u8], separator: &[u8], count: i64) -> Vec<Vec<u8>> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if most == 0 {
        return parts;
    }
    let mut rest = text;
    while parts.len() + 1 < most {
        let cut = if separator.is_empty() {
            let letter = String::from_utf8_lossy(&rest[..rest.len().min(4)]).chars().next();
            let broken = letter == Some('\u{fffd}') && !rest.starts_with("\u{fffd}".as_bytes());
            let length = if broken { 1 } else { letter.map_or(0, char::len_utf8) };
            (length < rest.len()).then_some((length, 0))
        } else {
            let at = rest.windows(separator.len()).position(|window| window == separator);
            at.map(|at| (at, separator.len()))
        };
        let Some((at, skipped)) = cut else { break };
        parts.push(rest[..at].to_vec());
        rest = &rest[at + skipped..];
    }
    if !(separator.is_empty() && text.is_empty()) {
        parts.push(rest.to_vec());
    }
    parts
}

/// Returns a map from `_0`, `_1` and so on to `parts`.
fn numbered(parts: Vec<Vec<u8>>) -> Value {
    let entries = parts.into_iter().enumerate();
    let entries = entries.map(|(at, part)| (format!("_{at}").as_bytes().into(), Value::text(part)));
    Value::Map(Rc::new(Map::new(TEXT_MAP, entries.collect())))
}

/// Returns `text` in lines of at most `width` bytes; words that are longer are cut only if told.
fn wrapped(text: &str, width: i64, separator: &str, cut: bool) -> String {
    let separator = if separator.is_empty() { "\n" } else { separator };
    let bytes = text.as_bytes();
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let (mut out, mut at) = (Vec::new(), 0);
    while bytes.len() - at > width {
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let end = (at + width + 1).min(bytes.len());
        let before = bytes[at..end].iter().rposition(|byte| *byte == b' ').map(|space| at + space);
        let after = || bytes[end - 1..].iter().position(|byte| *byte == b' ').map(|it| end - 1 + it);
        let space = match before {
            Some(space) => space,
            None if cut => {
                out.extend_from_slice(&bytes[at..at + width]);
                out.extend_from_slice(separator.as_bytes());
                at += width;
                continue;
            }
            None => match after() {
                Some(space) => space,
                None => break,
            },
        };
        out.extend_from_slice(&bytes[at..space]);
        out.extend_from_slice(separator.as_bytes());
        at = space + 1;
    }
    out.extend_from_slice(&bytes[at..]);
    String::from_utf8_lossy(&out).into_owned()
}
