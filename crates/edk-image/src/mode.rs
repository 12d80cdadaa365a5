//! `--chmod=`: octal or symbolic modes (chmod(1p), "The mode operand has symbolic values").

use edk_model::Finding;

/// A change of permission bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All bits, whatever they were.
    Octal(u32),
    /// Clauses such as `u+x`, one after the other.
    Symbolic(Vec<Clause>),
}

/// One clause of a symbolic mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The bits of those it speaks of: 0o700 for the user, 0o070, 0o007.
    who: u32,
    operator: char,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// Letters of `rwxXst`.
    Letters(String),
    /// As another has it: `u`, `g` or `o`.
    As(char),
}

impl Mode {
    /// Reads `--chmod=`.
    pub(crate) fn parse(text: &str) -> Result<Self, Finding> {
        let malformed = || {
            let message = format!("--chmod={text} is no mode");
            Finding::error("dockerfile/malformed", message)
                .fix("use a mode such as --chmod=755 or --chmod=u=rwX,go=rX")
        };
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).ok().filter(|&mode| mode <= 0o7777);
            return mode.map(Self::Octal).ok_or_else(malformed);
        }
        let clauses = text.split(',').map(Clause::parse).collect::<Option<Vec<_>>>();
        clauses.map(|all| Self::Symbolic(all.concat())).ok_or_else(malformed)
    }

    /// Returns the mode of a file that had `mode`.
    pub(crate) fn of(&self, mode: u32, is_dir: bool) -> u32 {
        match self {
            Self::Octal(mode) => *mode,
            Self::Symbolic(clauses) => {
                clauses.iter().fold(mode, |mode, clause| clause.apply(mode, is_dir))
            }
        }
    }

    /// Returns it as one text for the same meaning.
    pub(crate) fn canonical(&self) -> String {
        format!("{self:?}")
    }
}

impl Clause {
    fn parse(text: &str) -> Option<Vec<Self>> {
        let start = text.find(['+', '-', '='])?;
        let mut who = 0;
        for c in text[..start].chars() {
            who |= match c {
                'u' => 0o700,
                'g' => 0o070,
                'o' => 0o007,
                'a' => 0o777,
                _ => return None,
            };
        }
        let who = if who == 0 { 0o777 } else { who };
        let mut clauses = Vec::new();
        let mut rest = &text[start..];
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
            let letters = &rest[1..end];
            let what = match letters {
                "u" | "g" | "o" => What::As(letters.chars().next()?),
                _ if letters.chars().all(|c| "rwxXst".contains(c)) => {
                    What::Letters(letters.to_owned())
                }
                _ => return None,
            };
            clauses.push(Self { who, operator, what });
            rest = &rest[end..];
        }
        Some(clauses)
    }

    fn apply(&self, mode: u32, is_dir: bool) -> u32 {
        let mut bits = 0;
        match &self.what {
            What::As(who) => {
                let shift = match who {
                    'u' => 6,
                    'g' => 3,
                    _ => 0,
                };
                bits |= (((mode >> shift) & 0o7) * 0o111) & self.who;
            }
            What::Letters(letters) => {
                for letter in letters.chars() {
                    bits |= match letter {
                        'r' => 0o444 & self.who,
                        'w' => 0o222 & self.who,
                        'x' => 0o111 & self.who,
                        'X' if is_dir || mode & 0o111 != 0 => 0o111 & self.who,
                        's' => self.set_id(),
                        't' => 0o1000,
                        _ => 0,
                    };
                }
            }
        }
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => mode & !(self.who | self.set_id()) | bits,
        }
    }

    /// The set-id bits of those it speaks of.
    fn set_id(&self) -> u32 {
        (if self.who & 0o700 != 0 { 0o4000 } else { 0 })
            | (if self.who & 0o070 != 0 { 0o2000 } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_or_symbolic() {
        for (text, before, is_dir, after) in [
            ("0755", 0o600, false, 0o755),
            ("+x", 0o644, false, 0o755),
            ("u+x", 0o644, false, 0o744),
            ("go-rwx", 0o755, false, 0o700),
            ("u=rwX,go=rX", 0o600, false, 0o644),
            ("u=rwX,go=rX", 0o600, true, 0o755),
            ("g=u", 0o640, false, 0o660),
            ("o+u-x", 0o750, false, 0o756),
            ("u+s,+t", 0o755, false, 0o5755),
            ("a=", 0o4755, false, 0),
        ] {
            assert_eq!(
                Mode::parse(text).unwrap().of(before, is_dir),
                after,
                "{text} of {before:o}"
            );
        }
        for text in ["", "8", "77777", "x", "u", "u+q", "z+x", "755x", "u+x,"] {
            assert!(Mode::parse(text).is_err(), "{text}");
        }
    }
}
