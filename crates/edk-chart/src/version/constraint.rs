use std::{cmp::Ordering, sync::LazyLock};

use regex::Regex;

use super::Version;

/// A range of versions as Helm 3.17 reads it (Masterminds/semver).
///
/// `||` stands between groups; inside of one, blanks or a comma mean "and". A bare version is
/// exact up to the number that it names, and `1.2 - 1.4` is a range with both ends. A pre-release
/// lies in a range only if each test of a group names a pre-release itself; `!=` with a whole
/// version is the exception.
#[derive(Debug, Clone)]
pub(crate) struct Constraint(Vec<Vec<Test>>);

/// Says whether `version` lies in the range `constraint`; `None` if one of them is malformed.
pub(crate) fn satisfies(constraint: &str, version: &str) -> Option<bool> {
    Some(Constraint::parse(constraint)?.holds(&Version::lenient(version)?))
}

#[derive(Debug, Clone)]
struct Test {
    operator: Operator,
    version: Version,
    /// The first number that may be anything.
    open: Open,
}

/// Which numbers of a version were left out, or written as `x` or `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Tilde,
    Caret,
}

/// The parts of the grammar: blanks, an operator, and a version with open numbers.
const BLANK: &str = r"[\t\n\x0c\r ]";
const OPERATOR: &str = r"!=|>=|=>|<=|=<|~>|=|>|<|~|\^|";
const VERSION: &str = r"v?(?:[0-9]+|[xX*])(?:\.(?:[0-9]+|[xX*])){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";

/// A pattern that is known to be right; without one nothing would match.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static HYPHEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!("{BLANK}*({VERSION}){BLANK}+-{BLANK}+({VERSION}){BLANK}*")));
static TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!("^{BLANK}*({OPERATOR}){BLANK}*({VERSION})")));
static BETWEEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!("^(?:{BLANK}*,{BLANK}*|{BLANK}+)")));

impl Constraint {
    /// Reads `text`, or returns `None` if it is no range.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split("||").map(group).collect::<Option<_>>().map(Self)
    }

    /// Says whether `version` lies in the range.
    pub(crate) fn holds(&self, version: &Version) -> bool {
        self.0.iter().any(|group| group.iter().all(|test| test.holds(version)))
    }
}

fn group(text: &str) -> Option<Vec<Test>> {
    let text = HYPHEN.as_ref()?.replace_all(text, ">=$1,<=$2 ");
    let blank = |c: char| "\t\n\x0c\r ".contains(c);
    let mut rest: &str = &text;
    let mut tests = Vec::new();
    loop {
        let found = TEST.as_ref()?.captures(rest)?;
        tests.push(test(found.get(1)?.as_str(), found.get(2)?.as_str())?);
        rest = &rest[found.get(0)?.end()..];
        if rest.trim_matches(blank).is_empty() {
            return Some(tests);
        }
        rest = &rest[BETWEEN.as_ref()?.find(rest)?.end()..];
    }
}

fn test(operator: &str, text: &str) -> Option<Test> {
    let operator = match operator {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        ">=" | "=>" => Operator::GreaterEqual,
        "<" => Operator::Less,
        "<=" | "=<" => Operator::LessEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let text = text.strip_prefix('v').unwrap_or(text);
    let (core, labels) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let mut numbers = core.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*"));
    let named: Vec<&str> = numbers.by_ref().collect();
    let open = match named.len() {
        0 => Open::Everything,
        1 => Open::Minor,
        2 => Open::Patch,
        _ => Open::Nothing,
    };
    let core = if named.is_empty() { "0".to_owned() } else { named.join(".") };
    let version = Version::lenient(&format!("{core}{labels}"))?;
    Some(Test { operator, version, open })
}

impl Test {
    fn holds(&self, version: &Version) -> bool {
        let whole = self.open == Open::Nothing;
        if whole && self.operator == Operator::Equal {
            return version.precedence(&self.version) == Ordering::Equal;
        }
        if whole && self.operator == Operator::NotEqual {
            return version.precedence(&self.version) != Ordering::Equal;
        }
        if !version.pre.is_empty() && self.version.pre.is_empty() {
            return false;
        }
        let order = version.precedence(&self.version);
        match self.operator {
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.differs(version),
            Operator::Greater if whole => order == Ordering::Greater,
            Operator::Greater => self.greater(version),
            Operator::GreaterEqual => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::LessEqual if whole => order != Ordering::Greater,
            Operator::LessEqual => !self.exceeded(version),
            Operator::Caret => order != Ordering::Less && self.caret(version),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        if version.precedence(&self.version) == Ordering::Less {
            return false;
        }
        // `~0.0.0` is anything, as `*` is.
        let zero = self.version.numbers() == [0, 0, 0];
        if zero && matches!(self.open, Open::Nothing | Open::Everything) {
            return true;
        }
        let minor = self.open == Open::Minor || version.minor == self.version.minor;
        version.major == self.version.major && minor
    }

    /// `!=` with open numbers.
    fn differs(&self, version: &Version) -> bool {
        if version.major != self.version.major {
            return true;
        }
        match self.open {
            Open::Minor => false,
            _ if version.minor != self.version.minor => true,
            Open::Patch => version.pre != self.version.pre,
            _ => version.precedence(&self.version) != Ordering::Equal,
        }
    }

    /// `>` with open numbers: behind everything that the written ones name.
    fn greater(&self, version: &Version) -> bool {
        match version.major.cmp(&self.version.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => match self.open {
                Open::Minor => false,
                Open::Patch => version.minor > self.version.minor,
                _ => version.precedence(&self.version) == Ordering::Greater,
            },
        }
    }

    /// Says whether a version lies behind `<=` with open numbers.
    fn exceeded(&self, version: &Version) -> bool {
        version.major > self.version.major
            || (version.major == self.version.major
                && version.minor > self.version.minor
                && self.open != Open::Minor)
    }

    fn caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if own.major > 0 || self.open == Open::Minor {
            return version.major == own.major;
        }
        if own.minor > 0 || self.open == Open::Patch {
            return (version.major, version.minor) == (0, own.minor);
        }
        version.numbers() == own.numbers()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Helm says, asked once; `tests/oracle` asks it again.
    const GOLDEN: &str = include_str!("../../tests/golden/constraints.txt");

    #[test]
    fn ranges_are_read_as_helm_reads_them() {
        let mut lines = GOLDEN.lines().skip(1);
        let versions = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap();
        let versions: Vec<String> = serde_json::from_str(versions).unwrap();
        let mut wrong = Vec::new();
        for line in lines {
            let (expected, range) = line.split_once(' ').unwrap();
            let range: String = serde_json::from_str(range).unwrap();
            let sign = |version| match satisfies(&range, version) {
                Some(true) => '+',
                Some(false) => '.',
                None => 'E',
            };
            let ours: String = versions.iter().map(|version| sign(version)).collect();
            if ours != expected {
                wrong.push(format!("{range:?}\n  ours {ours}\n  Helm {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_version_of_a_checkout_is_a_pre_release() {
        assert_eq!(satisfies(">=0.6.0", "0.6.1-99-gabcdef1"), Some(false));
        assert_eq!(satisfies(">=0.6.0-0", "0.6.1-99-gabcdef1"), Some(true));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(range in "\\PC{0,40}", odd in "[0-9x*.^~<>=!|, v+-]{0,30}") {
            for text in [range, odd] {
                let _ = satisfies(&text, "1.2.3");
                let _ = satisfies("*", &text);
            }
        }

        #[test]
        fn a_version_lies_in_the_ranges_made_of_it(a in 0..9_u64, b in 0..9_u64, c in 0..9_u64) {
            let version = format!("{a}.{b}.{c}");
            for range in ["", "=", ">=", "<=", "~", "^"] {
                prop_assert_eq!(satisfies(&format!("{range}{version}"), &version), Some(true));
            }
            for range in ["!=", "<", ">"] {
                prop_assert_eq!(satisfies(&format!("{range}{version}"), &version), Some(false));
            }
        }
    }
}
