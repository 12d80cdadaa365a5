//! Keys of build steps.

use edk_model::{Digest, Hasher};

/// Makes a key out of parts, each with its length, so that no two lists of parts give the same
/// text.
pub(crate) struct KeyMaker(Hasher);

/// Raised when what a step makes of the same inputs changes, so that older results are not found.
const VERSION: &str = "edk-step-4";

impl KeyMaker {
    /// Starts the key of a step of kind `kind` on the layers `below`.
    pub(crate) fn new(kind: &str, below: &[Digest]) -> Self {
        let mut key = Self(Hasher::new());
        key.add(VERSION).add(kind).add(&below.len().to_string());
        for layer in below {
            key.add(&layer.to_string());
        }
        key
    }

    /// Adds one part.
    pub(crate) fn add(&mut self, part: &str) -> &mut Self {
        self.bytes(part.as_bytes())
    }

    /// Adds one part that need not be text.
    pub(crate) fn bytes(&mut self, part: &[u8]) -> &mut Self {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// Returns the key.
    pub(crate) fn finish(self) -> Digest {
        self.0.finish()
    }
}
