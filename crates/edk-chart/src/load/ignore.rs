use edk_model::Finding;

/// The patterns of a `.helmignore`.
///
/// They look like git's but are not: a `!pattern` ignores everything that does not match it, and
/// `**` does not exist (Helm documentation, "The .helmignore file").
#[derive(Debug, Clone, Default)]
pub struct Ignore(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    folders_only: bool,
    whole_path: bool,
}

impl Ignore {
    /// Reads the content of the file `name`, and adds the rule which Helm adds.
    ///
    /// # Errors
    /// One finding of rule `chart/helmignore` for each bad pattern.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Finding>> {
        let mut rules = Vec::new();
        let mut findings = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            match Rule::parse(line.trim()) {
                Ok(rule) => rules.extend(rule),
                Err(message) => findings.push(
                    Finding::error("chart/helmignore", message).in_file(name).at(number + 1, 1),
                ),
            }
        }
        if let Ok(rule) = Rule::parse("templates/.?*") {
            rules.extend(rule);
        }
        if findings.is_empty() { Ok(Self(rules)) } else { Err(findings) }
    }

    /// Says whether the file or folder at `path`, relative to the chart, is ignored.
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.0 {
            if rule.negated {
                // The odd half of Helm: a file is kept only if it is named here.
                if (rule.folders_only && !is_folder) || !rule.matches(path) {
                    return true;
                }
                continue;
            }
            if (!rule.folders_only || is_folder) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Self>, String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        let (negated, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (folders_only, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let whole_path = line.contains('/');
        let pattern = Pattern::parse(line.strip_prefix('/').unwrap_or(line));
        let pattern = pattern.ok_or_else(|| format!("the pattern `{line}` is malformed"))?;
        Ok(Some(Self { pattern, negated, folders_only, whole_path }))
    }

    fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.pattern.matches(if self.whole_path { path } else { name })
    }
}

/// A pattern of Go's `filepath.Match`: `*` and `?` don't cross `/`.
#[derive(Debug, Clone)]
struct Pattern(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    /// Any characters but `/`.
    Star,
    /// Any character but `/`.
    Any,
    One(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads a pattern; `None` if it is malformed.
    fn parse(text: &str) -> Option<Self> {
        let all: Vec<char> = text.chars().collect();
        let mut rest = all.as_slice();
        let mut pieces = Vec::new();
        while let Some((&first, after)) = rest.split_first() {
            let piece;
            (piece, rest) = match first {
                '*' => (Piece::Star, after),
                '?' => (Piece::Any, after),
                '[' => class(after)?,
                '\\' => after.split_first().map(|(&c, after)| (Piece::One(c), after))?,
                c => (Piece::One(c), after),
            };
            pieces.push(piece);
        }
        Some(Self(pieces))
    }

    /// Says whether all of `text` matches. Only the last star is ever tried again: what an earlier
    /// one could take more, the last one can take as well. So the time is at most the product of
    /// both lengths.
    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut piece, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(piece) {
                Some(Piece::Star) => {
                    star = Some((piece, at));
                    piece += 1;
                }
                Some(other) if other.takes(text[at]) => {
                    piece += 1;
                    at += 1;
                }
                _ => match star {
                    Some((behind, from)) if text[from] != '/' => {
                        star = Some((behind, from + 1));
                        piece = behind + 1;
                        at = from + 1;
                    }
                    _ => return false,
                },
            }
        }
        self.0[piece..].iter().all(|piece| matches!(piece, Piece::Star))
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => c != '/',
            Self::One(one) => *one == c,
            Self::Class { negated, ranges } => {
                c != '/' && ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated
            }
        }
    }
}

/// Reads a class behind its `[`.
fn class(mut rest: &[char]) -> Option<(Piece, &[char])> {
    let negated = rest.first() == Some(&'^');
    rest = &rest[usize::from(negated)..];
    let mut ranges = Vec::new();
    loop {
        if rest.first() == Some(&']') && !ranges.is_empty() {
            return Some((Piece::Class { negated, ranges }, &rest[1..]));
        }
        let (low, after) = member(rest)?;
        rest = after;
        let mut high = low;
        if rest.first() == Some(&'-') {
            (high, rest) = member(&rest[1..])?;
        }
        ranges.push((low, high));
    }
}

fn member(rest: &[char]) -> Option<(char, &[char])> {
    match rest {
        [] | ['-' | ']', ..] | ['\\'] => None,
        ['\\', c, rest @ ..] | [c, rest @ ..] => Some((*c, rest)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, path: &str, ignored: bool) {
        let folder = path.ends_with('/');
        let rules = Ignore::parse(text, ".helmignore").unwrap();
        assert_eq!(rules.ignores(path.trim_end_matches('/'), folder), ignored, "{text:?} {path}");
    }

    #[test]
    fn patterns_match_as_in_helm() {
        check("*.md", "docs/a.md", true);
        check("# *.md", "a.md", false);
        check("docs/*.md", "docs/a.md", true);
        check("docs/*.md", "docs/b/a.md", false);
        check("/a.md", "a.md", true);
        check("/a.md", "docs/a.md", false);
        check("docs/", "docs/", true);
        check("docs/", "docs", false);
        check("a?c", "abc", true);
        check("[a-c].txt", "b.txt", true);
        check("[^a-c].txt", "b.txt", false);
        check("", "templates/.hidden", true);
        check("", "templates/.", false);
    }

    #[test]
    fn a_negated_pattern_ignores_everything_else() {
        check("!*.yaml", "a.yaml", false);
        check("!*.yaml", "a.txt", true);
    }

    #[test]
    fn bad_patterns_are_found_with_their_line() {
        for text in ["\n**/a", "\n[a", "\n[]a]", "\na\\"] {
            let findings = Ignore::parse(text, ".helmignore").unwrap_err();
            assert_eq!(findings[0].span.unwrap().line, 2, "{text}");
        }
    }

    /// The definition, in exponential time.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), None) => plainly(rest, text),
            (Some((b'*', rest)), Some((c, more))) => {
                plainly(rest, text) || (*c != b'/' && plainly(pattern, more))
            }
            (Some((b'?', rest)), Some((c, more))) => *c != b'/' && plainly(rest, more),
            (Some((one, rest)), Some((c, more))) => one == c && plainly(rest, more),
            _ => false,
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_few() {
        let pattern = "*a".repeat(200) + "b";
        check(&pattern, &"a".repeat(2000), false);
    }

    proptest! {
        #[test]
        fn a_plain_name_matches_itself_only(name in "[a-z.]{1,10}", other in "[a-z.]{1,10}") {
            prop_assert_eq!(Pattern::parse(&name).unwrap().matches(&other), name == other);
        }

        #[test]
        fn stars_match_as_the_plain_definition_says(
            pattern in "[ab*?/]{0,7}", text in "[ab/]{0,8}",
        ) {
            let expected = plainly(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(Pattern::parse(&pattern).unwrap().matches(&text), expected);
        }
    }
}
