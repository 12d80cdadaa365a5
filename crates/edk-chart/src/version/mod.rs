//! Versions and ranges of versions as Helm reads them.

mod constraint;

use std::cmp::Ordering;

pub(crate) use constraint::{Constraint, satisfies};

/// A version as Helm reads it (Masterminds/semver): semantic, but `v1` and `1.2` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) pre: String,
    pub(crate) build: String,
}

impl Version {
    /// Reads `text`; numbers that are missing are zero.
    pub(crate) fn lenient(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = text.split_once('+').map_or((text, None), |(a, b)| (a, Some(b)));
        let (core, pre) = rest.split_once('-').map_or((rest, None), |(a, b)| (a, Some(b)));
        let parts: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
        if parts.len() > 3
            || pre.is_some_and(|pre| !labels(pre) || pre.split('.').any(leading_zero))
            || build.is_some_and(|b| !labels(b))
        {
            return None;
        }
        let part = |at: usize| parts.get(at).copied().unwrap_or(0);
        Some(Self {
            major: part(0),
            minor: part(1),
            patch: part(2),
            pre: pre.unwrap_or_default().to_owned(),
            build: build.unwrap_or_default().to_owned(),
        })
    }

    /// Reads `text` as Semantic Versioning has it: no `v`, all three numbers, no zeros in front.
    pub(crate) fn strict(text: &str) -> Option<Self> {
        let core = text.split(['-', '+']).next().unwrap_or(text);
        let whole = core.split('.').count() == 3 && !core.split('.').any(leading_zero);
        if whole && text.starts_with(|c: char| c.is_ascii_digit()) {
            return Self::lenient(text);
        }
        None
    }

    fn numbers(&self) -> [u64; 3] {
        [self.major, self.minor, self.patch]
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn labels(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// A number in a pre-release has no zero in front (Semantic Versioning 2.0.0, section 9).
fn leading_zero(label: &str) -> bool {
    label.len() > 1 && label.starts_with('0') && label.bytes().all(|byte| byte.is_ascii_digit())
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.precedence(other))
    }
}

impl Version {
    /// Compares by precedence (Semantic Versioning 2.0.0, section 11).
    pub(crate) fn precedence(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers()).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => pre_release(&self.pre, &other.pre),
            }
        })
    }
}

fn pre_release(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one.split('.'), other.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_helm_reads_them() {
        for good in [
            "1.2.3",
            "01.2.3",
            "v1",
            "1.2-a",
            "1+a",
            "18446744073709551615.0.0",
            "1.2.3-0",
            "0.0",
            "1.2.3-0a",
            "1.2.3+01",
            "1.2.3+a.b-c",
            "1.2.3-A-Z-.0",
        ] {
            assert!(Version::lenient(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "1.2.3.4",
            "1..2",
            "1.2.3-01",
            "V1.2.3",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "-1",
            "1.2.3-a+b+c",
            "vv1",
            " 1.2.3",
            "1.x",
            "1.",
            "v",
            "1.2.3-1.01",
            "1.2.3-a_b",
            "18446744073709551616.0.0",
        ] {
            assert!(Version::lenient(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn precedence_is_that_of_semantic_versioning() {
        let ascending = [
            "1.0.0-1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        let versions: Vec<_> = ascending.iter().map(|text| Version::lenient(text)).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    }
}
