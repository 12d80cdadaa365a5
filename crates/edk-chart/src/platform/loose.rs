//! How a platform compares versions: Python's `LooseVersion`.

use std::cmp::Ordering;

/// One part of a version.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

/// Compares two versions as a platform sorts them, a pre-release above its release; none, where a
/// number meets a text, at which its list fails.
pub fn compare_versions(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (parts(one), parts(other));
    match one.iter().zip(&other).find(|(a, b)| a != b) {
        Some((Part::Number(_), Part::Text(_)) | (Part::Text(_), Part::Number(_))) => None,
        Some((a, b)) => Some(a.cmp(b)),
        None => Some(one.len().cmp(&other.len())),
    }
}

/// Splits into numbers, runs of lower-case letters and the rest; dots are dropped.
fn parts(version: &str) -> Vec<Part> {
    let class = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut parts: Vec<(i32, String)> = Vec::new();
    for c in version.chars() {
        match parts.last_mut() {
            Some((last, text)) if *last == class(c) => text.push(c),
            _ => parts.push((class(c), c.to_string())),
        }
    }
    parts.retain(|(class, _)| *class != 2);
    let part = |(class, text): (i32, String)| match text.parse() {
        Ok(number) if class == 0 => Part::Number(number),
        _ => Part::Text(text),
    };
    parts.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_part_by_part() {
        for (one, other, expected) in [
            ("0.1.0", "0.2.0", Some(Ordering::Less)),
            ("0.10.0", "0.9.0", Some(Ordering::Greater)),
            // Above, not below: a platform knows no pre-releases.
            ("0.1.0-alpha.1", "0.1.0", Some(Ordering::Greater)),
            ("0.1.0-1", "0.1.0-alpha.1", None),
            ("0.1.0", "03-22", Some(Ordering::Less)),
            ("0.1.1", "0.1.a", None),
            ("0.2.1", "0.1.a", Some(Ordering::Greater)),
        ] {
            assert_eq!(compare_versions(one, other), expected, "{one} {other}");
        }
    }
}
