//! What a platform makes of a chart, known before anything is sent.
//!
//! Everything here was measured on the platform's own backend in the releases that
//! [`Platform`] names; where releases differ, the rules do.

mod check;
mod globals;
mod loose;
mod objects;
mod page;
mod parameter;
mod passage;
mod rules;

use std::{fmt, str::FromStr};

pub use check::{
    Preflight, chart_file, check_names, comparable, preflight, preflight_archive,
    preflight_unrendered,
};
pub use globals::{ADMIN_NAMESPACE, platform_globals};
pub use loose::compare_versions;
pub use page::preflight_page;
pub use parameter::{Kind, Parameter, answers, completed, join_choices, parameters};
pub use passage::{Arrival, Passage, escape_body, pass, sent, sent_parameters};
pub use rules::{Class, PREFLIGHT_RULES, Rule, rule};

/// A release of the platform, as far as releases differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Platform {
    /// 0.4.0 to 0.4.2.
    V0_4,
    /// 0.5.0.
    V0_5_0,
    /// 0.5.1 to 0.5.3.
    V0_5_1,
    /// 0.6.0 and, as far as it is known, newer.
    #[default]
    V0_6,
}

impl Platform {
    /// All of them, the oldest first.
    pub const ALL: [Self; 4] = [Self::V0_4, Self::V0_5_0, Self::V0_5_1, Self::V0_6];

    /// Returns the releases it stands for.
    pub fn name(self) -> &'static str {
        match self {
            Self::V0_4 => "0.4",
            Self::V0_5_0 => "0.5.0",
            Self::V0_5_1 => "0.5.1-0.5.3",
            Self::V0_6 => "0.6",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = String;

    /// Reads a version such as `0.6`, `0.5.1`, or what a platform says of itself, such as
    /// `0.6.0-12-gabc1234`. `0.5` is the last of its kind.
    ///
    /// # Errors
    /// The versions there are, when it is none of them.
    fn from_str(text: &str) -> Result<Self, String> {
        let core = text.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let numbers: Option<Vec<u32>> = core.split('.').map(|part| part.parse().ok()).collect();
        let unknown =
            || "it is no version of a platform, such as 0.4, 0.5.0, 0.5.1 or 0.6".to_owned();
        let numbers = numbers.ok_or_else(unknown)?;
        Ok(match numbers.as_slice() {
            [0, 4, ..] => Self::V0_4,
            [0, 5, 0] => Self::V0_5_0,
            [0, 5, ..] => Self::V0_5_1,
            [0, minor, ..] if *minor >= 6 => Self::V0_6,
            [major, ..] if *major >= 1 => Self::V0_6,
            _ => return Err(unknown()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_platforms_are_read() {
        for (text, platform) in [
            ("0.4", Some(Platform::V0_4)),
            ("0.4.2", Some(Platform::V0_4)),
            ("0.5.0", Some(Platform::V0_5_0)),
            ("0.5", Some(Platform::V0_5_1)),
            ("0.5.3", Some(Platform::V0_5_1)),
            ("v0.6.0-12-gabc1234", Some(Platform::V0_6)),
            ("0.6.1-latest", Some(Platform::V0_6)),
            ("1.0", Some(Platform::V0_6)),
            ("0.3.9", None),
            ("newest", None),
        ] {
            assert_eq!(text.parse().ok(), platform, "{text}");
        }
    }
}
