//! Settings which users write: of an extension, and of this machine.

use std::{
    io,
    path::{Path, PathBuf},
};

use edk_image::{Compression, EngineChoice};
use serde::{Deserialize, Deserializer};

use crate::{EngineError, registry::parse_size};

/// The file with settings of an extension, beside its charts and images.
pub(crate) const PROJECT: &str = "edk.toml";
/// The file with settings of this machine, in the data folder.
pub(crate) const MACHINE: &str = "config.toml";

/// What such a file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Who builds.
    pub(crate) engine: Option<EngineChoice>,
    /// How we compress layers.
    pub(crate) compression: Option<Compression>,
    /// How many bytes the store may have: of this machine only.
    #[serde(default, deserialize_with = "size")]
    pub(crate) store_budget: Option<u64>,
}

impl Settings {
    /// Reads a file; one that is not there says nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, EngineError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(EngineError::io(path, source)),
        };
        toml::from_str(&text).map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = text[..before].matches('\n').count() + 1;
            let path: PathBuf = path.to_owned();
            EngineError::Settings { path, line, reason: error.message().to_owned() }
        })
    }
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_size(&text).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_settings_is_read_or_its_mistake_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edk.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let read = Settings::read(&path).map(|it| (it.engine, it.store_budget));
            read.map_err(|error| error.to_string())
        };
        assert_eq!(Settings::read(&folder.path().join("none")).unwrap().engine, None);
        assert_eq!(read("# nothing\n"), Ok((None, None)));
        assert_eq!(read("engine = \"podman\"\n"), Ok((Some(EngineChoice::Podman), None)));
        assert_eq!(read("store_budget = \"2MB\"\n"), Ok((None, Some(2_000_000))));
        let wrong = read("compression = \"lzma\"\n").unwrap_err();
        assert!(wrong.contains("edk.toml:1") && wrong.contains("`gzip` or `zstd`"), "{wrong}");
        let wrong = read("\nengine = \"kaniko\"\n").unwrap_err();
        assert!(
            wrong.contains("edk.toml:2") && wrong.contains("there are edk, buildah"),
            "{wrong}"
        );
        assert!(read("store_budget = \"much\"\n").unwrap_err().contains("20GB"));
        assert!(read("motor = 1\n").unwrap_err().contains("motor"));
    }
}
