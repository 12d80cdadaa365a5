//! Patterns of `.dockerignore`, of `COPY` and of `--exclude` (Dockerfile reference, ".dockerignore
//! files": the rules of Go's `filepath.Match`, and `**`).

use std::path::{Component, Path};

use edk_model::Glob;

/// Lines of which the last that matches decides.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    matcher: Glob,
    keep: bool,
}

impl Rules {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// The number of the line and the reason why it is no pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Only what begins with # is a comment; blanks before it make it a pattern.
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        let mut rules = Vec::new();
        for (index, line) in lines {
            rules.extend(rule(line).map_err(|reason| (index + 1, reason))?);
        }
        Ok(Self(rules))
    }

    /// Reads patterns that stand each for itself, such as those of `--exclude`.
    ///
    /// # Errors
    /// The pattern and the reason why it is none.
    pub(crate) fn of(patterns: &[String]) -> Result<Self, (String, String)> {
        let rule = |text: &String| rule(text).map_err(|reason| (text.clone(), reason));
        let rules = patterns.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(rules.into_iter().flatten().collect()))
    }

    /// Says whether `relative` is left out: the last rule that matches it or a folder above it
    /// decides.
    pub(crate) fn ignores(&self, relative: &Path) -> bool {
        let matching = self.0.iter().rev().find(|rule| {
            relative
                .ancestors()
                .any(|at| at != Path::new("") && rule.matcher.matches(&at.to_string_lossy()))
        });
        matching.is_some_and(|rule| !rule.keep)
    }
}

fn rule(line: &str) -> Result<Option<Rule>, String> {
    let line = line.trim();
    let (keep, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern.trim()),
        None => (false, line),
    };
    if pattern.is_empty() {
        return if keep { Err("there is no pattern after the !".to_owned()) } else { Ok(None) };
    }
    // What leads out of the folder matches nothing in it.
    if Path::new(pattern).components().any(|part| part == Component::ParentDir)
        && clean_out(pattern)
    {
        return Ok(None);
    }
    let pattern = clean(pattern);
    if pattern.is_empty() {
        Ok(None)
    } else {
        Ok(Some(Rule { matcher: Glob::parse(&pattern)?, keep }))
    }
}

/// Says whether `..` leads above where the path began.
fn clean_out(pattern: &str) -> bool {
    let mut depth = 0_i64;
    for part in Path::new(pattern).components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// A path relative to the context, without `.`, leading and trailing slashes.
pub(crate) fn clean(pattern: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in Path::new(pattern).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            // "Paths that navigate outside the build context … automatically" lose what leads out
            // (Dockerfile reference, COPY).
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}

/// Says whether a part of a path has a wildcard.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, ignored: &[&str], kept: &[&str]) {
        let rules = Rules::parse(rules).unwrap();
        for path in ignored {
            assert!(rules.ignores(Path::new(path)), "{path}");
        }
        for path in kept {
            assert!(!rules.ignores(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn the_last_line_that_matches_decides() {
        check("*.md\n!README.md", &["a.md"], &["README.md", "sub/a.md", "a.txt"]);
        check("*.md\n!README*.md\nREADME-secret.md", &["README-secret.md"], &["README-x.md"]);
        check("sub\n!sub/keep", &["sub", "sub/a/b"], &["sub/keep", "sub/keep/x"]);
        check("**/*.pyc\n**/cache", &["a.pyc", "x/y/a.pyc", "x/cache/z"], &["cachet"]);
        check("*/temp*\n*/*/temp*", &["a/temporary", "a/b/temp"], &["temp", "a/b/c/temp"]);
        check("/lead/\n./dot/./x\n", &["lead/f", "dot/x"], &["x"]);
        check("*\n!src/**/*.py", &["a", "src"], &["src/x/a.py", "src/a.py"]);
    }

    #[test]
    fn go_has_no_braces_and_another_negation() {
        check("{a,b}\n", &["{a,b}"], &["a", "b"]);
        check("[^a]x\n", &["bx"], &["ax"]);
        check("[!a]x\n", &["!x", "ax"], &["bx"]);
        check("\\*\n", &["*"], &["a"]);
    }

    #[test]
    fn comments_blanks_and_what_leads_out_match_nothing() {
        check("# x\n\n  \n.\n..\n../x\n", &[], &["x", "# x", "a"]);
        check("  y  \n #z\n", &["y", "#z"], &[]);
        assert_eq!(Rules::parse("a\n!\n").unwrap_err().0, 2);
        assert!(Rules::parse("[a\n").is_err());
    }
}
