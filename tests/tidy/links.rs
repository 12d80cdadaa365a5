//! Links in Markdown lead somewhere.

use regex::Regex;

use crate::{
    expect_none,
    repository::{self, Text},
};

/// Returns `text` without what stands in fences and between backticks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let code = Regex::new("`[^`]*`").unwrap();
    let lines = text.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fenced || fence { String::new() } else { code.replace_all(line, "`x`").into_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the anchors of the headings of `text`, as code hosts make them.
fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let headings = text.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

fn check(path: &str, text: &str, exists: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let link = Regex::new(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)").unwrap();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut complaints = Vec::new();
    for found in link.captures_iter(&prose(text)) {
        let target = &found[1];
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let content =
            if file.is_empty() { Some(text.to_owned()) } else { exists(&join(folder, file)) };
        let leads = content.is_some_and(|text| {
            anchor.is_empty() || anchors(&text).iter().any(|known| known == anchor)
        });
        if !leads {
            complaints.push(format!("{path}: `{target}` leads nowhere"));
        }
    }
    complaints
}

/// Returns `file`, seen from `folder`, as a path from the root.
fn join(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the content of a file, or an empty text for a folder and for what is no text.
fn content(path: &str) -> Option<String> {
    let target = repository::root().join(path);
    if target.is_dir() {
        return Some(String::new());
    }
    std::fs::read(target).ok().map(|bytes| String::from_utf8(bytes).unwrap_or_default())
}

#[test]
fn links_in_markdown_resolve() {
    let pages = repository::texts().iter().filter(|file| file.path.ends_with(".md"));
    let complaints = pages.flat_map(|Text { path, text }| check(path, text, content));
    expect_none(&complaints.collect::<Vec<_>>());
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let exists = |path: &str| (path == "docs/a.md").then(|| "# One `Two`: three\n".to_owned());
    let finds = |text: &str, count: usize| {
        assert_eq!(check("docs/b.md", text, exists).len(), count, "{text}");
    };
    finds("[a](a.md) [a](../docs/a.md#one-two-three) [h](https://example.org/x)", 0);
    finds("[a](../a.md) [a](a.md#four)", 2);
    finds("# Here\n[a](#here) [b](#there)", 1);
    finds("```\n[a](b.md)\n```\n`[a](b.md)`", 0);
}
