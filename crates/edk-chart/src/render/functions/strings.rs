//! Sprig: "String Functions" and "String List Functions".

use gotmpl::Value;

use super::{Outcome, Table, args};
use crate::render::value::{list, map_of, string, text};

pub(super) const TABLE: Table = &[
    ("toString", |_, args| Ok(string(args::printed(args, 0)?))),
    ("toStrings", |_, args| Ok(list(args::strings(args::any(args, 0)?).into_iter().map(string)))),
    ("trim", |_, args| Ok(string(args::string(args, 0)?.trim()))),
    ("trimAll", |_, args| trimmed(args, |text, set| text.trim_matches(set))),
    ("trimall", |_, args| trimmed(args, |text, set| text.trim_matches(set))),
    ("trimPrefix", |_, args| {
        let (prefix, text) = (args::string(args, 0)?, args::string(args, 1)?);
        Ok(string(text.strip_prefix(prefix).unwrap_or(text)))
    }),
    ("trimSuffix", |_, args| {
        let (suffix, text) = (args::string(args, 0)?, args::string(args, 1)?);
        Ok(string(text.strip_suffix(suffix).unwrap_or(text)))
    }),
    ("nospace", |_, args| {
        let letters = args::string(args, 0)?.chars().filter(|c| !c.is_whitespace());
        Ok(string(letters.collect::<String>()))
    }),
    ("repeat", |_, args| {
        let (count, text) = (args::count(args, 0)?, args::string(args, 1)?);
        if count.saturating_mul(text.len()) > 1_000_000 {
            return Err("the text would get too long".into());
        }
        Ok(string(text.repeat(count)))
    }),
    ("substr", |_, args| {
        let (start, end) = (args::as_int(args::any(args, 0)?), args::as_int(args::any(args, 1)?));
        let text = args::string(args, 2)?;
        let bound =
            |at: i64, other: usize| usize::try_from(at).map_or(other, |at| at.min(text.len()));
        Ok(cut(text, bound(start, 0), bound(end, text.len())))
    }),
    ("trunc", |_, args| {
        let (count, text) = (args::as_int(args::any(args, 0)?), args::string(args, 1)?);
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
        Ok(if count < 0 { cut(text, text.len() - size, text.len()) } else { cut(text, 0, size) })
    }),
    ("abbrev", |_, args| {
        let (width, text) = (args::count(args, 0)?, args::string(args, 1)?);
        if width < 4 || text.len() <= width {
            return Ok(string(text));
        }
        let kept = String::from_utf8_lossy(&text.as_bytes()[..width - 3]);
        Ok(string(format!("{kept}...")))
    }),
    ("contains", |_, args| {
        Ok(Value::Bool(args::string(args, 1)?.contains(args::string(args, 0)?)))
    }),
    ("hasPrefix", |_, args| {
        Ok(Value::Bool(args::string(args, 1)?.starts_with(args::string(args, 0)?)))
    }),
    ("hasSuffix", |_, args| {
        Ok(Value::Bool(args::string(args, 1)?.ends_with(args::string(args, 0)?)))
    }),
    ("quote", |_, args| Ok(quoted(args, |text| format!("\"{}\"", escaped(text))))),
    ("squote", |_, args| Ok(quoted(args, |text| format!("'{text}'")))),
    ("cat", |_, args| Ok(quoted(args, str::to_owned))),
    ("indent", |_, args| Ok(string(indented(args::count(args, 0)?, args::string(args, 1)?)))),
    ("nindent", |_, args| {
        Ok(string(format!("\n{}", indented(args::count(args, 0)?, args::string(args, 1)?))))
    }),
    ("replace", |_, args| {
        let (old, new) = (args::string(args, 0)?, args::string(args, 1)?);
        Ok(string(args::string(args, 2)?.replace(old, new)))
    }),
    ("plural", |_, args| {
        let which = usize::from(args::as_int(args::any(args, 2)?) != 1);
        Ok(string(args::string(args, which)?))
    }),
    ("join", |_, args| Ok(string(args::strings(args::any(args, 1)?).join(args::string(args, 0)?)))),
    ("split", |_, args| Ok(numbered(args::string(args, 1)?.split(args::string(args, 0)?)))),
    ("splitn", |_, args| {
        let count = args::count(args, 1)?;
        Ok(numbered(args::string(args, 2)?.splitn(count, args::string(args, 0)?)))
    }),
    ("splitList", |_, args| {
        Ok(list(args::string(args, 1)?.split(args::string(args, 0)?).map(string)))
    }),
];

/// Functions that change the case of letters.
pub(super) const CASES: Table = &[
    ("upper", |_, args| Ok(string(args::string(args, 0)?.to_uppercase()))),
    ("lower", |_, args| Ok(string(args::string(args, 0)?.to_lowercase()))),
    ("title", |_, args| Ok(string(words(args::string(args, 0)?, |c| c.to_uppercase().collect())))),
    ("untitle", |_, args| {
        Ok(string(words(args::string(args, 0)?, |c| c.to_lowercase().collect())))
    }),
    ("snakecase", |_, args| Ok(string(parts(args::string(args, 0)?).join("_")))),
    ("kebabcase", |_, args| Ok(string(parts(args::string(args, 0)?).join("-")))),
    ("camelcase", |_, args| {
        let parts = parts(args::string(args, 0)?);
        let upper = |part: &String| words(part, |c| c.to_uppercase().collect());
        Ok(string(parts.iter().map(upper).collect::<String>()))
    }),
];

fn trimmed(args: &[Value], trim: for<'t> fn(&'t str, &[char]) -> &'t str) -> Outcome {
    let set: Vec<char> = args::string(args, 0)?.chars().collect();
    Ok(string(trim(args::string(args, 1)?, &set)))
}

/// Returns the bytes from `start` to `end`; a letter cut in two becomes a sign for it, as Go
/// prints it.
fn cut(text: &str, start: usize, end: usize) -> Value {
    let bytes = text.as_bytes().get(start..end.max(start)).unwrap_or_default();
    string(String::from_utf8_lossy(bytes))
}

/// Returns each argument that is not nil through `form`, with blanks between.
fn quoted(args: &[Value], form: impl Fn(&str) -> String) -> Value {
    let given = args.iter().filter(|value| !matches!(value, Value::Nil));
    let texts: Vec<String> = given.map(|value| form(&text(value))).collect();
    string(texts.join(" "))
}

/// Returns `text` with the escapes of Go's `%q`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn indented(count: usize, text: &str) -> String {
    let blanks = " ".repeat(count.min(1000));
    format!("{blanks}{}", text.replace('\n', &format!("\n{blanks}")))
}

/// Returns a map from `_0`, `_1` and so on to `parts`.
fn numbered<'a>(parts: impl Iterator<Item = &'a str>) -> Value {
    map_of(parts.enumerate().map(|(at, part)| (format!("_{at}"), string(part))))
}

/// Returns `text` with `change` applied to the first letter of each word.
fn words(text: &str, change: impl Fn(char) -> String) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in text.chars() {
        if start {
            out.push_str(&change(c));
        } else {
            out.push(c);
        }
        start = c.is_whitespace();
    }
    out
}

/// Returns the words of a name in small letters: they end at signs and before capitals.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_small = false;
    for c in text.chars() {
        let sign = matches!(c, '_' | '-' | ' ' | '.');
        if sign || (c.is_uppercase() && before_small) {
            parts.push(String::new());
        }
        if let (false, Some(part)) = (sign, parts.last_mut()) {
            part.extend(c.to_lowercase());
        }
        before_small = c.is_lowercase() || c.is_ascii_digit();
    }
    parts.retain(|part| !part.is_empty());
    parts
}
