use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Digest;

/// The name of an image: `[registry/]repository[:tag][@digest]`.
///
/// The grammar is that of the OCI distribution specification, section "Pulling manifests"; the
/// first part is a registry when it holds a `.` or a `:` or is `localhost`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(type = "string"))]
pub struct Reference {
    /// Host and optional port, when the text named one.
    pub registry: Option<String>,
    /// Path of the repository, such as `library/debian`.
    pub repository: String,
    /// Tag, when the text named one.
    pub tag: Option<String>,
    /// Digest, when the text named one.
    pub digest: Option<Digest>,
}

/// A text which is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct ReferenceError {
    /// The text as given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Reference {
    /// Returns the same image under `tag`, without a digest.
    pub fn with_tag(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() }
    }

    /// Returns the tag, or `latest` when there is neither tag nor digest.
    pub fn tag_or_latest(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => Some("latest"),
            (None, Some(_)) => None,
        }
    }

    /// Returns the name of a base image `local-only/<name>`, which never lies in a registry.
    pub fn local_only(&self) -> Option<&str> {
        match self.registry {
            None => self.repository.strip_prefix("local-only/"),
            Some(_) => None,
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = |reason| ReferenceError { text: text.to_owned(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|_| error("its digest is malformed"))?))
            }
            None => (text, None),
        };
        let (registry, path) = split_registry(rest);
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if !is_repository(repository) {
            return Err(error(
                "a repository is lower-case letters, digits and single . _ - between them, in parts separated by /",
            ));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(error(
                "a tag is at most 128 letters, digits, _ . - and starts with none of . -",
            ));
        }
        Ok(Self {
            registry: registry.map(str::to_owned),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

fn split_registry(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((host, path)) if host.contains('.') || host.contains(':') || host == "localhost" => {
            (Some(host), path)
        }
        _ => (None, text),
    }
}

/// Says whether `text` is a repository path of the OCI distribution specification.
pub(crate) fn is_repository(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.split('/').all(is_path_component)
}

/// Says whether `text` is one component of a repository path.
pub(crate) fn is_path_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !alphanumeric(first) || !alphanumeric(last) {
        return false;
    }
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    separators.into_iter().all(|separator| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    })
}

/// Says whether `text` is a tag of the OCI distribution specification.
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, registry: Option<&str>, repository: &str, tag: Option<&str>) {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.registry.as_deref(), registry, "{text}");
        assert_eq!(reference.repository, repository, "{text}");
        assert_eq!(reference.tag.as_deref(), tag, "{text}");
        assert_eq!(reference.to_string(), text);
    }

    #[test]
    fn the_parts_of_a_reference_are_found() {
        check("debian", None, "debian", None);
        check("library/debian:12", None, "library/debian", Some("12"));
        check("localhost/x", Some("localhost"), "x", None);
        check("localhost:5000/a/b:1.0_x-y", Some("localhost:5000"), "a/b", Some("1.0_x-y"));
        check("example.org/a__b/c--d", Some("example.org"), "a__b/c--d", None);
        let pinned = format!("a/b@{}", Digest::of(b""));
        check(&pinned, None, "a/b", None);
    }

    #[test]
    fn what_is_not_a_reference_is_refused() {
        for bad in ["", ":x", "A", "a//b", "a/", "-a", "a:", "a:.x", "a@sha256:1", "a_-b", "a b"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_local_only_base_is_told_from_a_registry_image() {
        let name = |text: &str| text.parse::<Reference>().unwrap().local_only().map(str::to_owned);
        assert_eq!(name("local-only/base-installer:latest").as_deref(), Some("base-installer"));
        assert_eq!(name("localhost:5000/local-only/x"), None);
        assert_eq!(name("debian"), None);
    }

    proptest! {
        #[test]
        fn a_reference_is_written_as_it_was_read_and_names_no_other_folder(
            text in prop_oneof![
                "\\PC{0,40}",
                "([a-zA-Z0-9.:-]{1,8}/)?[a-zA-Z0-9._/-]{0,20}(:[a-zA-Z0-9._-]{0,8})?(@sha256:[0-9a-f]{64})?",
            ],
        ) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
                let mut parts = reference.repository.split('/');
                prop_assert!(parts.all(|part| is_path_component(part) && !part.contains("..")));
                prop_assert!(reference.tag.as_deref().is_none_or(is_tag));
            }
        }
    }
}
