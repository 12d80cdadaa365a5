//! The patterns of a `.dockerignore` (Docker documentation, ".dockerignore file").

use globset::{GlobBuilder, GlobMatcher};

/// The patterns; the last one that matches a path or a folder above it decides.
#[derive(Debug, Default)]
pub(crate) struct DockerIgnore(Vec<(GlobMatcher, bool)>);

impl DockerIgnore {
    /// Reads the patterns; those that make no sense are left out, a build tells them.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let rules =
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(|line| {
                let (keep, pattern) = match line.strip_prefix('!') {
                    Some(pattern) => (true, pattern.trim()),
                    None => (false, line),
                };
                Some((glob(&super::tree::join("", pattern.trim_start_matches('/'))?)?, keep))
            });
        Self(rules.collect())
    }

    /// Says whether a path relative to the context is hidden.
    pub(crate) fn hides(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let above: Vec<&str> = ends.map(|end| &path[..end]).collect();
        let matching = self.0.iter().rev().find(|(it, _)| above.iter().any(|at| it.is_match(at)));
        matching.is_some_and(|(_, keep)| !keep)
    }

    /// Says whether there are no patterns.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns what matches a pattern in which no wildcard but `**` crosses a `/`.
pub(crate) fn glob(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    Some(glob.ok()?.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignore = DockerIgnore::parse("# c\n**/*.pyc\n!keep/a.pyc\n/data\n./x/\n[\n");
        for (path, hidden) in [
            ("a.pyc", true),
            ("b/c/a.pyc", true),
            ("keep/a.pyc", false),
            ("data/1/2", true),
            ("x/y", true),
            ("y/data", false),
        ] {
            assert_eq!(ignore.hides(path), hidden, "{path}");
        }
    }
}
