use std::cmp::Ordering;

/// A version as Helm reads it (Masterminds/semver): semantic, but `v1` and `1.2` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) pre: String,
    pub(crate) build: String,
    /// How many of the three numbers were written.
    parts: usize,
}

impl Version {
    /// Reads `text`; numbers that are missing are zero.
    pub(crate) fn lenient(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = text.split_once('+').map_or((text, None), |(a, b)| (a, Some(b)));
        let (core, pre) = rest.split_once('-').map_or((rest, None), |(a, b)| (a, Some(b)));
        let parts: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
        if parts.len() > 3
            || pre.is_some_and(|pre| !labels(pre))
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
            parts: parts.len(),
        })
    }

    fn numbers(&self) -> [u64; 3] {
        [self.major, self.minor, self.patch]
    }

    fn release(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch, pre: String::new(), build: String::new(), parts: 3 }
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

/// Says whether `version` lies in the range `constraint`; `None` if one of them is malformed.
///
/// Ranges are those of Masterminds/semver: `||` between groups, blanks or commas inside; a bare
/// version is exact up to what it names; a pre-release fits only a group that names one.
pub(crate) fn satisfies(constraint: &str, version: &str) -> Option<bool> {
    let version = Version::lenient(version)?;
    let mut fits = false;
    for group in constraint.split("||") {
        let tests = tests(group)?;
        let named = tests.iter().any(|test| !test.version.pre.is_empty());
        let admitted = version.pre.is_empty() || named;
        fits |= admitted && tests.iter().all(|test| test.holds(&version));
    }
    Some(fits)
}

struct Test {
    operator: &'static str,
    version: Version,
    /// How many numbers were named; the rest may be anything.
    named: usize,
}

const OPERATORS: [&str; 12] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^", ""];

fn tests(group: &str) -> Option<Vec<Test>> {
    let group = group.trim();
    if let Some((low, high)) = group.split_once(" - ") {
        return Some(vec![test(">=", low)?, test("<=", high)?]);
    }
    let spaced = group.replace(',', " ");
    let mut tests = Vec::new();
    let mut words = spaced.split_whitespace().peekable();
    if words.peek().is_none() {
        return Some(vec![test("", "*")?]);
    }
    while let Some(word) = words.next() {
        let operator = OPERATORS.into_iter().find(|operator| word.starts_with(operator))?;
        let rest = &word[operator.len()..];
        let rest = if rest.is_empty() { words.next()? } else { rest };
        tests.push(test(operator, rest)?);
    }
    Some(tests)
}

fn test(operator: &'static str, text: &str) -> Option<Test> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let core = text.split(['-', '+']).next().unwrap_or(text);
    let wild = |part: &str| matches!(part, "x" | "X" | "*");
    let named = core.split('.').take_while(|part| !wild(part)).count();
    if core.split('.').any(wild) {
        if !core.split('.').skip(named).all(wild) {
            return None;
        }
        let mut numbers: Vec<&str> = core.split('.').take(named).collect();
        if named == 0 {
            numbers.push("0");
        }
        let version = Version::lenient(&numbers.join("."))?;
        return Some(Test { operator, version: Version { parts: 3, ..version }, named });
    }
    let version = Version::lenient(text)?;
    let named = version.parts;
    Some(Test { operator, version, named })
}

impl Test {
    fn holds(&self, version: &Version) -> bool {
        let order = version.precedence(&self.version);
        let next = self.next();
        let below_next = |limit: &Option<Version>| {
            limit.as_ref().is_none_or(|limit| version.precedence(limit) == Ordering::Less)
        };
        match self.operator {
            "" | "=" if self.named == 3 => order == Ordering::Equal,
            "!=" if self.named == 3 => order != Ordering::Equal,
            "" | "=" | "~" | "~>" => order != Ordering::Less && below_next(&self.tilde()),
            "!=" => order == Ordering::Less || !below_next(&next),
            ">=" | "=>" => order != Ordering::Less,
            "<" => order == Ordering::Less,
            ">" if self.named == 3 => order == Ordering::Greater,
            ">" => !below_next(&next),
            "<=" | "=<" if self.named == 3 => order != Ordering::Greater,
            "<=" | "=<" => below_next(&next),
            _ => order != Ordering::Less && below_next(&self.caret()),
        }
    }

    /// The first version behind everything that the written numbers name.
    fn next(&self) -> Option<Version> {
        match self.named {
            0 => None,
            1 => Some(Version::release(self.version.major + 1, 0, 0)),
            _ => Some(Version::release(self.version.major, self.version.minor + 1, 0)),
        }
    }

    fn tilde(&self) -> Option<Version> {
        self.next()
    }

    fn caret(&self) -> Option<Version> {
        let Version { major, minor, patch, .. } = self.version;
        match (self.named, major, minor) {
            (0, ..) => None,
            (1, ..) | (_, 1.., _) => Some(Version::release(major + 1, 0, 0)),
            (2, ..) | (_, 0, 1..) => Some(Version::release(0, minor + 1, 0)),
            _ => Some(Version::release(0, 0, patch + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_helm_reads_them() {
        let table = [
            ("1.2.3", "1.3.0", false),
            ("1.2", "1.3.0", false),
            ("1.2", "1.2.9", true),
            (">=1.0.0 <2.0.0", "1.5.0", true),
            (">=1.0.0, <2.0.0", "2.0.0", false),
            ("^1 || ^3", "3.1.0", true),
            ("1.2 - 1.4", "1.4.5", true),
            ("~> 1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("v1.2.3", "1.2.3", true),
            ("01.2.3", "1.2.3", true),
            ("!=1.2.3", "1.2.4", true),
            ("=>1.2", "1.3.0", true),
            ("<=1", "1.9.0", true),
            ("<=1.2", "1.2.9", true),
            (">1.2", "1.2.9", false),
            (">=1.0.0-0", "1.1.0-rc.1", true),
            ("^1.2.3-beta.2", "1.2.4-beta.1", true),
            (">=1.2.3-beta.2", "1.3.0-alpha.1", true),
            ("*", "1.0.0-rc.1", false),
            (">=1.0.0", "1.1.0-rc.1", false),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.4", false),
            ("1.x", "1.9.9", true),
            (">=1.2", "v1.2", true),
        ];
        for (constraint, version, expected) in table {
            assert_eq!(satisfies(constraint, version), Some(expected), "{constraint} {version}");
        }
        for bad in ["==1.2.3", "a", ">=", "1.2.3.4"] {
            assert_eq!(satisfies(bad, "1.2.3"), None, "{bad}");
        }
    }

    #[test]
    fn a_version_of_a_checkout_is_a_pre_release() {
        assert_eq!(satisfies(">=0.6.0", "0.6.1-99-gabcdef1"), Some(false));
    }
}
