//! Values with a Go type of their own: structures with fields, and what has methods.

use std::{collections::BTreeMap, rc::Rc};

use jiff::Zoned;

use super::value::Value;
use crate::version::Version;

/// The files of a chart, or some of them, by name.
pub(super) type Files = Rc<BTreeMap<String, Vec<u8>>>;

/// A value that is neither a scalar nor a plain list or map.
#[derive(Debug)]
pub(super) enum Thing {
    /// A structure with fields; the flag says whether it is pointed to.
    Struct { go: &'static str, pointer: bool, fields: Vec<(&'static str, Value)> },
    /// `.Files`.
    Files(Files),
    /// `.Capabilities.KubeVersion`.
    KubeVersion { version: String, major: String, minor: String },
    /// `.Capabilities.APIVersions`.
    Apis(Vec<String>),
    /// The result of `semver`, with the text it was made of.
    Semver(Version, String),
    /// A time in its zone.
    Time(Zoned),
}

impl Thing {
    pub(super) fn go(&self) -> &'static str {
        match self {
            Self::Struct { go, .. } => go,
            Self::Files(_) => "engine.files",
            Self::KubeVersion { .. } => "chartutil.KubeVersion",
            Self::Apis(_) => "chartutil.VersionSet",
            Self::Semver(..) => "*semver.Version",
            Self::Time(_) => "time.Time",
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Struct { pointer: true, .. } | Self::Semver(..) => "ptr",
            Self::Struct { .. } | Self::KubeVersion { .. } | Self::Time(_) => "struct",
            Self::Files(_) => "map",
            Self::Apis(_) => "slice",
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Files(files) => !files.is_empty(),
            Self::Apis(apis) => !apis.is_empty(),
            _ => true,
        }
    }

    /// Returns its fields by name, if it is a structure.
    pub(super) fn fields(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Struct { fields, .. } => fields.clone(),
            Self::KubeVersion { version, major, minor } => vec![
                ("Version", Value::text(version)),
                ("Major", Value::text(major)),
                ("Minor", Value::text(minor)),
            ],
            _ => Vec::new(),
        }
    }
}
