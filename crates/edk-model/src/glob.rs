//! Patterns for paths, as Go's `filepath.Match` has them, and `**`.

use std::{iter::Peekable, str::Chars};

/// A pattern with `*`, `?` and `[ ]`, none of which matches a `/`, and with `**`, which matches any
/// number of folders. A backslash takes the meaning off the next character.
///
/// Rule and source: Dockerfile reference, "COPY" and ".dockerignore files", which name Go's
/// `filepath.Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Char(char),
    /// Any character but a slash.
    Any,
    Class {
        not: bool,
        ranges: Vec<(char, char)>,
    },
    /// Any number of characters but slashes.
    Star,
    /// Any number of characters.
    Stars,
    /// `**/` where it begins: none, or one more of what follows.
    Folders,
    /// `**/` within: characters up to a slash.
    Folder,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The reason, for brackets that are not closed or empty, and a backslash at the end.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let part = match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    let at_start = matches!(parts.last(), None | Some(Part::Char('/')));
                    if at_start && chars.next_if_eq(&'/').is_some() {
                        parts.push(Part::Folders);
                        Part::Folder
                    } else {
                        Part::Stars
                    }
                }
                '*' => Part::Star,
                '?' => Part::Any,
                '[' => class(&mut chars)?,
                '\\' => Part::Char(chars.next().ok_or("a backslash ends it")?),
                c => Part::Char(c),
            };
            parts.push(part);
        }
        Ok(Self(parts))
    }

    /// Says whether the pattern matches all of `text`. Takes time in the order of the product of
    /// both lengths, whatever the pattern.
    pub fn matches(&self, text: &str) -> bool {
        // Places in the pattern that may be reached so far.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.skip(&mut reached);
        for c in text.chars() {
            let mut next = vec![false; reached.len()];
            for (at, part) in self.0.iter().enumerate() {
                if !reached[at] {
                    continue;
                }
                match part {
                    Part::Char(wanted) => next[at + 1] |= *wanted == c,
                    Part::Any => next[at + 1] |= c != '/',
                    Part::Class { not, ranges } => {
                        let inside =
                            ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
                        next[at + 1] |= c != '/' && inside != *not;
                    }
                    Part::Star => next[at] |= c != '/',
                    Part::Stars => next[at] = true,
                    Part::Folder => {
                        next[at] = true;
                        next[at + 1] |= c == '/';
                    }
                    Part::Folders => {}
                }
            }
            reached = next;
            self.skip(&mut reached);
        }
        reached[self.0.len()]
    }

    /// Reaches what lies behind parts that may match nothing.
    fn skip(&self, reached: &mut [bool]) {
        for (at, part) in self.0.iter().enumerate() {
            if !reached[at] {
                continue;
            }
            match part {
                Part::Star | Part::Stars => reached[at + 1] = true,
                Part::Folders => reached[at + 1..at + 3].fill(true),
                _ => {}
            }
        }
    }
}

fn class(chars: &mut Peekable<Chars<'_>>) -> Result<Part, String> {
    let not = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Ok(Part::Class { not, ranges });
        }
        let open = || "a [ is not closed with a ]".to_owned();
        let first = letter(chars).ok_or_else(open)?;
        let mut last = first;
        if chars.next_if_eq(&'-').is_some() {
            last = letter(chars).ok_or_else(open)?;
        }
        ranges.push((first, last));
    }
}

fn letter(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    match chars.next() {
        Some('\\') => chars.next(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_says() {
        for (pattern, yes, no) in [
            ("a*c", &["ac", "abbc"][..], &["abb", "a/c"][..]),
            ("?", &["a", "ü"], &["", "ab", "/"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x"]),
            ("[^a]x", &["bx", "!x"], &["ax", "/x"]),
            ("[!a]x", &["!x", "ax"], &["bx"]),
            ("[\\]]", &["]"], &["\\"]),
            ("\\*", &["*"], &["a"]),
            ("{a,b}", &["{a,b}"], &["a"]),
            ("**/f", &["f", "a/f", "a/b/f"], &["af", "a/ff"]),
            ("a/**/f", &["a/f", "a/b/f", "a/b/c/f"], &["a/bf", "af"]),
            ("a/**", &["a/b", "a/b/c", "a/"], &["a", "b"]),
            ("**", &["", "a", "a/b"], &[]),
            ("a**b", &["ab", "a/b", "axxb"], &["a"]),
            ("", &[""], &["a"]),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            for text in yes {
                assert!(glob.matches(text), "{pattern} {text}");
            }
            for text in no {
                assert!(!glob.matches(text), "{pattern} {text}");
            }
        }
        for pattern in ["[", "[a", "[]", "a\\", "[a-"] {
            assert!(Glob::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_longer() {
        let glob = Glob::parse(&"*a".repeat(200)).unwrap();
        assert!(!glob.matches(&"a".repeat(2000).replace("aa", "ab")[..199]));
    }
}
