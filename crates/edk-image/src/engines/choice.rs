use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::commands::{Buildah, Buildkit, Docker, Engine, Podman};

/// Who builds images.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// We do.
    #[default]
    Edk,
    /// The program `buildah`.
    Buildah,
    /// The program `podman`.
    Podman,
    /// The program `docker`.
    Docker,
    /// BuildKit, through the program `buildctl`; at an address such as `tcp://build.example:1234`,
    /// else where `BUILDKIT_HOST` or `buildctl` itself says.
    Buildkit(Option<String>),
}

/// A text that names no builder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a builder: there are edk, buildah, podman, docker and buildkit[=ADDRESS]")]
pub struct EngineChoiceError(String);

impl edk_model::Explain for EngineChoiceError {
    fn code(&self) -> edk_model::Code {
        edk_model::Code::InvalidInput
    }
}

impl EngineChoice {
    /// Returns the other builder, or `None` when we build ourselves.
    pub fn other(&self) -> Option<Box<dyn Engine>> {
        match self {
            Self::Edk => None,
            Self::Buildah => Some(Box::new(Buildah)),
            Self::Podman => Some(Box::new(Podman)),
            Self::Docker => Some(Box::new(Docker)),
            Self::Buildkit(address) => Some(Box::new(Buildkit { address: address.clone() })),
        }
    }
}

impl FromStr for EngineChoice {
    type Err = EngineChoiceError;

    fn from_str(text: &str) -> Result<Self, EngineChoiceError> {
        let wrong = || EngineChoiceError(text.to_owned());
        let (name, address) = match text.split_once('=') {
            Some((name, address)) => (name, Some(address)),
            None => (text, None),
        };
        match (name, address) {
            ("edk", None) => Ok(Self::Edk),
            ("buildah", None) => Ok(Self::Buildah),
            ("podman", None) => Ok(Self::Podman),
            ("docker", None) => Ok(Self::Docker),
            ("buildkit", None) => Ok(Self::Buildkit(None)),
            ("buildkit", Some(address)) if address.contains("://") && !address.contains(' ') => {
                Ok(Self::Buildkit(Some(address.to_owned())))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edk => f.write_str("edk"),
            Self::Buildah => f.write_str("buildah"),
            Self::Podman => f.write_str("podman"),
            Self::Docker => f.write_str("docker"),
            Self::Buildkit(None) => f.write_str("buildkit"),
            Self::Buildkit(Some(address)) => write!(f, "buildkit={address}"),
        }
    }
}

impl Serialize for EngineChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EngineChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_as_it_is_written() {
        for text in ["edk", "buildah", "podman", "docker", "buildkit", "buildkit=tcp://b:1234"] {
            assert_eq!(text.parse::<EngineChoice>().unwrap().to_string(), text);
        }
        for bad in ["", "Docker", "buildkit=", "buildkit=host", "podman=x", "kaniko"] {
            assert!(bad.parse::<EngineChoice>().is_err(), "{bad}");
        }
    }
}
