//! What lies in `charts/` of what is declared.

use std::fmt;

use serde::Serialize;

use super::plan::vendored;
use crate::{
    Chart, Dependency,
    version::{Constraint, Version},
};

/// A dependency and whether its chart lies in `charts/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Name of the needed chart.
    pub name: String,
    /// Name under which its values and objects appear, when it is another.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// The range that is asked for.
    pub version: String,
    /// Where it is to come from; empty means by name.
    pub repository: String,
    /// Whether it is there.
    pub state: State,
}

/// Whether a needed chart lies in `charts/`, in the words of `helm dependency list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As an archive, of a version in the range.
    Ok,
    /// As a folder, of a version in the range.
    Unpacked,
    /// Not at all.
    Missing,
    /// Of a version that is not in the range.
    WrongVersion,
    /// The range is none.
    InvalidVersion,
    /// Several times.
    TooManyMatches,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Unpacked => "unpacked",
            Self::Missing => "missing",
            Self::WrongVersion => "wrong version",
            Self::InvalidVersion => "invalid version",
            Self::TooManyMatches => "too many matches",
        })
    }
}

impl Chart {
    /// Returns the chart's dependencies and whether they lie in its `charts/`.
    pub fn dependencies(&self) -> Vec<Listed> {
        let listed = |dependency: &Dependency| Listed {
            name: dependency.name.clone(),
            alias: dependency.alias.clone(),
            version: dependency.version.clone(),
            repository: dependency.repository.clone(),
            state: self.state(dependency),
        };
        self.metadata.dependencies.iter().map(listed).collect()
    }

    /// Returns the charts in `charts/` that are not declared.
    pub fn undeclared(&self) -> Vec<&Chart> {
        let declared = &self.metadata.dependencies;
        let unknown = |chart: &&Chart| declared.iter().all(|it| it.name != chart.name());
        self.subcharts.iter().filter(unknown).collect()
    }

    fn state(&self, dependency: &Dependency) -> State {
        let named = self.subcharts.iter().filter(|chart| chart.name() == dependency.name);
        let archives = named.filter(|chart| chart.origin.ends_with(".tgz")).count();
        let Some(chart) = vendored(self, dependency) else { return State::Missing };
        if archives > 1 {
            return State::TooManyMatches;
        }
        let there = if archives == 1 { State::Ok } else { State::Unpacked };
        if archives == 0 && chart.version() == dependency.version {
            return there;
        }
        match (Constraint::parse(&dependency.version), Version::lenient(chart.version())) {
            (Some(range), Some(version)) if range.holds(&version) => there,
            (Some(_), Some(_)) => State::WrongVersion,
            _ => State::InvalidVersion,
        }
    }
}
