use edk_model::Finding;

/// The patterns of a `.helmignore`.
///
/// They look like git's but are not: a `!pattern` ignores everything that does not match it, and
/// `**` does not exist (Helm documentation, "The .helmignore file").
#[derive(Debug, Clone, Default)]
pub struct Ignore(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    pattern: Vec<char>,
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
        let pattern: Vec<char> = line.strip_prefix('/').unwrap_or(line).chars().collect();
        if glob(&pattern, &['a']).is_none() {
            return Err(format!("the pattern `{line}` is malformed"));
        }
        Ok(Some(Self { pattern, negated, folders_only, whole_path }))
    }

    fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let text: Vec<char> = if self.whole_path { path } else { name }.chars().collect();
        glob(&self.pattern, &text) == Some(true)
    }
}

/// Matches the way Go's `filepath.Match` does: `*` and `?` don't cross `/`. `None` is a bad
/// pattern.
fn glob(pattern: &[char], text: &[char]) -> Option<bool> {
    let Some((&first, rest)) = pattern.split_first() else { return Some(text.is_empty()) };
    match first {
        '*' => {
            let reach = text.iter().position(|&c| c == '/').unwrap_or(text.len());
            let mut found = false;
            for skip in 0..=reach {
                found |= glob(rest, &text[skip..])?;
            }
            Some(found)
        }
        '?' => next(text, |c| c != '/', rest),
        '[' => {
            let (class, rest) = Class::parse(rest)?;
            next(text, |c| c != '/' && class.holds(c), rest)
        }
        '\\' => {
            let (&literal, rest) = rest.split_first()?;
            next(text, |c| c == literal, rest)
        }
        literal => next(text, |c| c == literal, rest),
    }
}

/// Goes on behind one character if it `fits`; a bad rest of the pattern is noticed in any case.
fn next(text: &[char], fits: impl Fn(char) -> bool, rest: &[char]) -> Option<bool> {
    match text.split_first() {
        Some((&c, text)) if fits(c) => glob(rest, text),
        _ => glob(rest, &[]).map(|_| false),
    }
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    fn parse(mut rest: &[char]) -> Option<(Self, &[char])> {
        let negated = rest.first() == Some(&'^');
        rest = &rest[usize::from(negated)..];
        let mut ranges = Vec::new();
        loop {
            if rest.first() == Some(&']') && !ranges.is_empty() {
                return Some((Self { negated, ranges }, &rest[1..]));
            }
            let (low, after) = Self::character(rest)?;
            rest = after;
            let mut high = low;
            if rest.first() == Some(&'-') {
                (high, rest) = Self::character(&rest[1..])?;
            }
            ranges.push((low, high));
        }
    }

    fn character(rest: &[char]) -> Option<(char, &[char])> {
        match rest {
            [] | ['-' | ']', ..] | ['\\'] => None,
            ['\\', c, rest @ ..] | [c, rest @ ..] => Some((*c, rest)),
        }
    }

    fn holds(&self, c: char) -> bool {
        self.ranges.iter().any(|&(low, high)| low <= c && c <= high) != self.negated
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

    proptest! {
        #[test]
        fn a_plain_name_matches_itself_only(name in "[a-z.]{1,10}", other in "[a-z.]{1,10}") {
            let pattern: Vec<char> = name.chars().collect();
            let text: Vec<char> = other.chars().collect();
            prop_assert_eq!(glob(&pattern, &text), Some(name == other));
        }
    }
}
