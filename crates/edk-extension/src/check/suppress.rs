//! Findings that a file allows: `# edk: allow D06 reason`.

use edk_model::Finding;

use super::{Options, facts::text::Place, rule::Finds, rules, tree::Tree};

/// What such a comment begins with.
const MARK: &str = "edk: allow";

/// A comment that allows something.
#[derive(Debug, PartialEq, Eq)]
struct Allowance {
    file: String,
    /// The line of the comment, from 1.
    line: usize,
    /// The line it is about.
    about: usize,
    rule: String,
    reason: String,
}

/// Takes away what the files allow, and adds what is wrong with how they do it. Returns what is left
/// and how many findings went.
pub(super) fn apply(
    tree: &Tree,
    options: &Options,
    findings: Vec<Finding>,
) -> (Vec<Finding>, usize) {
    let allowances: Vec<Allowance> = tree
        .files()
        .filter(|file| file.text().is_some_and(|text| text.contains(MARK)))
        .filter(|file| !file.name().ends_with(".md"))
        .flat_map(|file| read(&file.path, file.text().unwrap_or_default()))
        .collect();
    if allowances.is_empty() {
        return (findings, 0);
    }
    let mut used = vec![false; allowances.len()];
    let before = findings.len();
    let mut left: Vec<Finding> = Vec::new();
    for finding in findings {
        let allowed = allowances.iter().position(|it| it.covers(&finding));
        match allowed {
            Some(at) => used[at] = true,
            None => left.push(finding),
        }
    }
    let suppressed = before - left.len();
    for (allowance, used) in allowances.iter().zip(used) {
        left.extend(complaints(tree, options, allowance, used));
    }
    (left, suppressed)
}

impl Allowance {
    fn covers(&self, finding: &Finding) -> bool {
        let here = finding.file.as_deref() == Some(&self.file);
        let line = finding.span.is_none_or(|span| {
            let last = finding.end.map_or(span.line, |end| end.line);
            span.line == self.about
                || span.line == self.line
                || (span.line..=last).contains(&self.line)
        });
        here && line && finding.rule.eq_ignore_ascii_case(&self.rule) && !self.reason.is_empty()
    }
}

fn complaints(tree: &Tree, options: &Options, it: &Allowance, used: bool) -> Vec<Finding> {
    let place = Place::line(tree.text(&it.file).unwrap_or_default(), it.line);
    let known = rules::find(&it.rule);
    let (id, message) = if known.is_none() {
        ("S03", format!("there is no rule `{}` to be allowed", it.rule))
    } else if it.reason.is_empty() {
        ("S01", format!("`{}` is allowed without a reason", it.rule))
    } else if !used && known.is_some_and(|rule| options.wants(rule.id)) {
        ("S02", format!("nothing here breaks `{}`", it.rule))
    } else {
        return Vec::new();
    };
    let Some(rule) = rules::find(id).filter(|_| options.wants(id)) else { return Vec::new() };
    let mut finds = Finds::new(rule);
    finds.at(&it.file, place, message);
    finds.into_findings()
}

/// Reads the comments of a file that allow something.
fn read(file: &str, text: &str) -> Vec<Allowance> {
    let lines: Vec<&str> = text.lines().collect();
    let found = lines.iter().enumerate().filter_map(|(at, line)| {
        let mark = line.find(MARK)?;
        let before = line[..mark].trim_end();
        let code =
            ["{{- /*", "{{-/*", "{{/*", "#", "//"].iter().find_map(|it| before.strip_suffix(it))?;
        let rest = line[mark + MARK.len()..].trim();
        let rest = ["*/ -}}", "*/ }}", "*/-}}", "*/}}"]
            .iter()
            .find_map(|it| rest.strip_suffix(it))
            .unwrap_or(rest)
            .trim();
        let (rule, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let about = if code.trim().is_empty() { following(&lines, at) } else { at + 1 };
        let (rule, reason) = (rule.trim_end_matches(':').to_owned(), reason.trim().to_owned());
        Some(Allowance { file: file.to_owned(), line: at + 1, about, rule, reason })
    });
    found.collect()
}

/// Returns the number of the first line behind a comment that is none.
fn following(lines: &[&str], at: usize) -> usize {
    let is_comment = |line: &str| {
        let line = line.trim();
        line.is_empty()
            || line.starts_with('#')
            || line.starts_with("{{/*")
            || line.starts_with("{{- /*")
    };
    let next = lines.iter().skip(at + 1).position(|line| !is_comment(line));
    next.map_or(at + 1, |next| at + next + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_all_kinds_of_files_are_read() {
        let text = "FROM a # edk: allow D06 because we want it\n# edk: allow D12\n# more\n\nCMD x\n\
                    {{- /* edk: allow C18: a device */ -}}\nprivileged: true\nedk: allow D01 no comment\n";
        let found = read("f", text);
        let seen: Vec<_> = found
            .iter()
            .map(|it| (it.line, it.about, it.rule.as_str(), it.reason.as_str()))
            .collect();
        let expected =
            [(1, 1, "D06", "because we want it"), (2, 5, "D12", ""), (6, 7, "C18", "a device")];
        assert_eq!(seen, expected);
    }
}
