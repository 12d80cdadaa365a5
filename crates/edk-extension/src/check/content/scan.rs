//! Keys and tokens in a stream of bytes, through a window that moves over it.

use std::{
    io::{self, Read},
    sync::OnceLock,
};

use regex::bytes::{Regex, RegexSet};

use super::{At, MOST, What, fill};

/// How much is looked at at once, and how much of it is looked at again with what follows: more than
/// any key needs that is told.
pub(super) const WINDOW: usize = 256 * 1024;
pub(super) const OVERLAP: usize = 4096;

/// What tokens look like, by who gives them out.
const TOKENS: [(&str, &str); 9] = [
    ("an access key of AWS", r"\bAKIA[0-9A-Z]{16}\b"),
    ("a token of GitHub", r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})\b"),
    ("a token of GitLab", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a token of Hugging Face", r"\bhf_[A-Za-z0-9]{34,}\b"),
    ("a token of Slack", r"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    ("a key of Google", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("a token for uploading Python packages", r"\bpypi-AgEI[A-Za-z0-9_-]{40,}"),
    ("a login of npm", r"_authToken\s*=\s*[A-Za-z0-9._-]{20,}"),
    ("a login of a registry", r#""auth"\s*:\s*"[A-Za-z0-9+/=]{16,}""#),
];
/// With a line of the key itself, so that a text about keys is none.
const KEY: &str = r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----\s+(\w+:.*\s+)*[A-Za-z0-9+/=]{16}";

struct Patterns {
    all: RegexSet,
    each: Vec<(What, Regex)>,
}

/// The patterns, of bytes: most files are no text.
fn patterns() -> Option<&'static Patterns> {
    static PATTERNS: OnceLock<Option<Patterns>> = OnceLock::new();
    let made = PATTERNS.get_or_init(|| {
        let tokens = TOKENS.map(|(what, pattern)| (What::Token(what), pattern));
        let all: Vec<(What, String)> = std::iter::once((What::Key, KEY))
            .chain(tokens)
            .map(|(what, pattern)| (what, format!("(?-u){pattern}")))
            .collect();
        let set = RegexSet::new(all.iter().map(|(_, pattern)| pattern)).ok()?;
        let each = all.into_iter().map(|(what, it)| Some((what, Regex::new(&it).ok()?)));
        Some(Patterns { all: set, each: each.collect::<Option<_>>()? })
    });
    made.as_ref()
}

/// Adds what `reader` holds to `found`, also when it breaks off. A window has to be larger than what
/// two of them share.
///
/// # Errors
/// What reading says.
pub(super) fn scan(
    reader: &mut dyn Read,
    window: usize,
    found: &mut Vec<(What, At)>,
) -> io::Result<()> {
    let Some(patterns) = patterns() else { return Ok(()) };
    let mut scan = Scan::new(patterns);
    let ended = loop {
        match fill(reader, &mut scan.bytes, window) {
            Ok(false) => scan.look(false),
            Ok(true) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    scan.look(true);
    let is_text = scan.is_text;
    let at = |hit: &Hit| if is_text { At::Line(hit.line, hit.column) } else { At::Byte(hit.byte) };
    found.extend(scan.hits.iter().map(|it| (it.what.clone(), at(it))));
    ended
}

struct Hit {
    what: What,
    byte: u64,
    line: usize,
    column: usize,
}

struct Scan {
    patterns: &'static Patterns,
    /// What is looked at, and which byte of the stream is the first of it.
    bytes: Vec<u8>,
    base: u64,
    /// Bytes of the stream from which each pattern is looked for.
    from: Vec<u64>,
    hits: Vec<Hit>,
    /// Line and column of a byte, all three of them as far as they were counted.
    counted: (u64, usize, usize),
    /// Whether all is UTF-8 so far, and up to which byte that was seen.
    is_text: bool,
    seen: u64,
}

impl Scan {
    fn new(patterns: &'static Patterns) -> Self {
        Self {
            patterns,
            bytes: Vec::new(),
            base: 0,
            from: vec![0; patterns.each.len()],
            hits: Vec::new(),
            counted: (0, 1, 1),
            is_text: true,
            seen: 0,
        }
    }

    fn index(&self, byte: u64) -> usize {
        usize::try_from(byte.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len())
    }

    /// Looks at the window; what begins in the part that is shared with the next is left to that.
    fn look(&mut self, is_end: bool) {
        let own = if is_end { self.bytes.len() } else { self.bytes.len().saturating_sub(OVERLAP) };
        self.decode(is_end);
        let mut new: Vec<(u64, What)> = Vec::new();
        for at in self.patterns.all.matches(&self.bytes) {
            let (what, pattern) = &self.patterns.each[at];
            let mut start = self.index(self.from[at]);
            while let Some(hit) = pattern.find_at(&self.bytes, start).filter(|it| it.start() < own)
            {
                new.push((self.base + hit.start() as u64, what.clone()));
                start = hit.end();
                if new.len() > 2 * MOST {
                    break;
                }
            }
            self.from[at] = self.base + start as u64;
        }
        new.sort_by_key(|(byte, _)| *byte);
        for (byte, what) in new.into_iter().take((2 * MOST).saturating_sub(self.hits.len())) {
            self.count(byte);
            let (_, line, column) = self.counted;
            self.hits.push(Hit { what, byte, line, column });
        }
        self.pass(own);
    }

    /// Sees whether what came is text.
    fn decode(&mut self, is_end: bool) {
        if !self.is_text {
            return;
        }
        let rest = &self.bytes[self.index(self.seen)..];
        match std::str::from_utf8(rest) {
            Ok(_) => self.seen += rest.len() as u64,
            // A letter that goes on in what is to come.
            Err(error) if error.error_len().is_none() && !is_end => {
                self.seen += error.valid_up_to() as u64;
            }
            Err(_) => self.is_text = false,
        }
    }

    /// Counts lines and columns up to a byte of the window.
    fn count(&mut self, byte: u64) {
        let (from, line, column) = self.counted;
        if !self.is_text || byte <= from {
            return;
        }
        let passed = &self.bytes[self.index(from)..self.index(byte)];
        let letters = |bytes: &[u8]| bytes.iter().filter(|it| *it & 0xc0 != 0x80).count();
        self.counted = match passed.iter().rposition(|it| *it == b'\n') {
            None => (byte, line, column + letters(passed)),
            Some(last) => {
                let lines = passed.iter().filter(|it| **it == b'\n').count();
                (byte, line + lines, 1 + letters(&passed[last + 1..]))
            }
        };
    }

    /// Leaves the first bytes of the window behind, but for the one before the next that is looked
    /// at: it says whether a word begins there.
    fn pass(&mut self, own: usize) {
        let end = self.base + own as u64;
        self.count(end);
        for from in &mut self.from {
            *from = end.max(*from);
        }
        let gone = own.saturating_sub(1);
        self.bytes.drain(..gone);
        self.base += gone as u64;
    }
}
