use std::collections::BTreeMap;

use edk_model::{Digest, media};
use serde::Deserialize;

use crate::{refusal::Refusal, route::parse_digest};

/// What a manifest or an index refers to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) media_type: String,
    /// Configuration and layers which must be in the store.
    pub(crate) blobs: Vec<Digest>,
    /// Manifests of an index, which must be in the repository.
    pub(crate) manifests: Vec<Digest>,
    /// The manifest this one is about; it need not exist.
    pub(crate) subject: Option<Digest>,
    /// What kind of artifact this is; a manifest that does not say so is of its configuration's
    /// type (OCI distribution specification, "Listing Referrers").
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Link>,
    layers: Option<Vec<Link>>,
    manifests: Option<Vec<Link>>,
    subject: Option<Link>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    media_type: String,
    digest: String,
    #[serde(default)]
    urls: Option<Vec<String>>,
}

impl Link {
    fn digest(&self) -> Result<Digest, Refusal> {
        parse_digest(&self.digest)
    }

    /// Says whether the content lies elsewhere by design (OCI image specification,
    /// "Non-Distributable Layers").
    fn is_foreign(&self) -> bool {
        self.urls.as_ref().is_some_and(|urls| !urls.is_empty())
            || self.media_type.contains("nondistributable")
            || self.media_type.contains(".foreign.")
    }
}

/// Reads a manifest or an index; `content_type` is what the client says it is, if anything.
///
/// # Errors
/// [`Refusal::ManifestInvalid`] when it is not one, or not what the client says;
/// [`Refusal::DigestInvalid`] when it refers to something by a digest which we don't keep.
pub(crate) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Document, Refusal> {
    let raw: Raw = serde_json::from_slice(bytes)
        .map_err(|error| invalid(format!("is not a manifest in JSON: {error}")))?;
    if raw.schema_version != 2 {
        return Err(invalid(format!("has schema version {}, not 2", raw.schema_version)));
    }
    let media_type = media_type(&raw, content_type)?;
    let is_index = [media::INDEX, media::DOCKER_INDEX].contains(&media_type.as_str());
    let document = if is_index { index(&raw)? } else { image(&raw)? };
    Ok(Document { media_type, ..document })
}

fn invalid(reason: String) -> Refusal {
    Refusal::ManifestInvalid { reason }
}

/// The type of the manifest: what it says itself, else what the client says, else what it looks
/// like. A contradiction is refused, since another client might read it as something else.
fn media_type(raw: &Raw, content_type: Option<&str>) -> Result<String, Refusal> {
    let said = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    let found = match (raw.media_type.as_deref(), said.filter(|said| !said.is_empty())) {
        (Some(own), Some(said)) if own != said => {
            return Err(invalid(format!("is of type `{own}`, but was sent as `{said}`")));
        }
        (Some(media_type), _) | (None, Some(media_type)) => media_type,
        (None, None) if raw.manifests.is_some() => media::INDEX,
        (None, None) => media::MANIFEST,
    };
    let known = [media::MANIFEST, media::INDEX, media::DOCKER_MANIFEST, media::DOCKER_INDEX];
    if known.contains(&found) {
        return Ok(found.to_owned());
    }
    Err(invalid(format!("is of type `{found}`, which this registry does not know")))
}

fn index(raw: &Raw) -> Result<Document, Refusal> {
    let links = raw.manifests.as_ref().ok_or_else(|| invalid("has no `manifests`".into()))?;
    let manifests = links.iter().map(Link::digest).collect::<Result<_, _>>()?;
    Ok(Document { manifests, ..shared(raw)? })
}

fn image(raw: &Raw) -> Result<Document, Refusal> {
    let config = raw.config.as_ref().ok_or_else(|| invalid("has no `config`".into()))?;
    let layers = raw.layers.as_ref().ok_or_else(|| invalid("has no `layers`".into()))?;
    let needed = layers.iter().filter(|layer| !layer.is_foreign());
    let blobs = [config].into_iter().chain(needed).map(Link::digest).collect::<Result<_, _>>()?;
    let shared = shared(raw)?;
    let artifact_type = shared.artifact_type.or_else(|| Some(config.media_type.clone()));
    Ok(Document { blobs, artifact_type, ..shared })
}

fn shared(raw: &Raw) -> Result<Document, Refusal> {
    Ok(Document {
        media_type: String::new(),
        blobs: Vec::new(),
        manifests: Vec::new(),
        subject: raw.subject.as_ref().map(Link::digest).transpose()?,
        artifact_type: raw.artifact_type.clone().filter(|text| !text.is_empty()),
        annotations: raw.annotations.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What a hostile client would put anywhere in a manifest.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "(sha256|sha512|md5):[0-9a-f]{0,64}".prop_map(Value::from),
            Just(json!({ "digest": Digest::of(b""), "size": -1, "mediaType": "x" })),
        ];
        let key = prop_oneof![
            Just("config"),
            Just("layers"),
            Just("manifests"),
            Just("subject"),
            Just("digest"),
            Just("mediaType"),
            Just("annotations"),
            Just("urls"),
            Just("schemaVersion"),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_type_make_the_reader_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            kind in prop::option::of("\\PC{0,20}"),
        ) {
            let _ = parse(&bytes, kind.as_deref());
        }

        #[test]
        fn what_is_taken_has_a_known_type_and_names_real_digests(value in any_value()) {
            let mut value = value;
            if let Value::Object(object) = &mut value {
                object.insert("schemaVersion".to_owned(), 2.into());
            }
            if let Ok(document) = parse(value.to_string().as_bytes(), None) {
                prop_assert!(document.media_type.starts_with("application/vnd."));
                let text = value.to_string();
                for digest in document.blobs.iter().chain(&document.manifests) {
                    prop_assert!(text.contains(&digest.to_string()));
                }
            }
        }
    }
}
