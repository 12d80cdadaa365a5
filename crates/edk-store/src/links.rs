//! What a manifest, an index or the result of a step refers to.

use edk_model::{Digest, media};
use serde_json::Value;

/// What a document in JSON refers to by descriptors (OCI image specification, "Descriptors").
///
/// It is read without regard to its type, rather once too often than lose a blob: every object with
/// a `digest` counts, wherever it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Blobs which are no documents themselves: configurations and layers.
    pub(crate) blobs: Vec<Digest>,
    /// Manifests and indexes, which refer to more.
    pub(crate) documents: Vec<Digest>,
    /// The manifest this one is about; it does not need it.
    pub(crate) subject: Option<Digest>,
}

impl Links {
    /// Reads a document; what is no JSON refers to nothing.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut links = Self::default();
        if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
            if let Value::Object(object) = &mut value
                && let Some(subject) = object.remove("subject")
            {
                links.subject = digest_in(&subject);
            }
            links.add(&value);
        }
        links
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(object) => {
                if let Some(digest) = digest_in(value) {
                    match is_document(value) {
                        true => self.documents.push(digest),
                        false => self.blobs.push(digest),
                    }
                }
                object.values().for_each(|inner| self.add(inner));
            }
            _ => {}
        }
    }
}

fn digest_in(value: &Value) -> Option<Digest> {
    value.get("digest")?.as_str()?.parse().ok()
}

fn is_document(value: &Value) -> bool {
    let kinds = [media::MANIFEST, media::INDEX, media::DOCKER_MANIFEST, media::DOCKER_INDEX];
    value.get("mediaType").and_then(Value::as_str).is_some_and(|kind| kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(document: &Value, blobs: &[&[u8]], documents: &[&[u8]], subject: Option<&[u8]>) {
        let digests = |all: &[&[u8]]| all.iter().map(|it| Digest::of(it)).collect::<Vec<_>>();
        let expected = Links {
            blobs: digests(blobs),
            documents: digests(documents),
            subject: subject.map(Digest::of),
        };
        assert_eq!(Links::of(document.to_string().as_bytes()), expected, "{document}");
    }

    #[test]
    fn every_descriptor_counts_and_the_subject_is_told_apart() {
        let link = |kind: &str, content: &[u8]| json!({"mediaType": kind, "digest": Digest::of(content), "size": 1});
        let (config, layer) = (link(media::CONFIG, b"c"), link(media::LAYER, b"l"));
        let manifest =
            json!({"config": config, "layers": [layer], "subject": link(media::MANIFEST, b"s")});
        check(&manifest, &[b"c", b"l"], &[], Some(b"s"));
        let index = json!({"manifests": [link(media::MANIFEST, b"m"), link("x/y", b"o")]});
        check(&index, &[b"o"], &[b"m"], None);
        // A step: the digest of the uncompressed layer is none of a blob.
        let step = json!({"descriptor": layer, "diff_id": Digest::of(b"d")});
        check(&step, &[b"l"], &[], None);
        check(&link(media::MANIFEST, b"m"), &[], &[b"m"], None);
        check(&json!({"digest": "sha256:1", "layers": 3}), &[], &[], None);
        assert_eq!(Links::of(b"\xff{"), Links::default());
    }
}
