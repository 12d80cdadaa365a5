use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// How a [`Digest`] is computed: one of the two algorithms which the OCI image specification
/// registers ("Descriptors, Registered algorithms").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Algorithm {
    /// SHA-256: what everything made here is named by.
    #[default]
    Sha256,
    /// SHA-512: taken from others who use it.
    Sha512,
}

impl Algorithm {
    /// Both algorithms.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// Returns its name, as before the colon of a digest and as the folder of an OCI layout.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the algorithm called `name`, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// The digest of some bytes, written `sha256:<64 lower-case hex digits>` or
/// `sha512:<128 lower-case hex digits>`.
///
/// The form is that of the OCI image specification, "Descriptors, Digests".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(type = "string"))]
pub struct Digest(Value);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

/// A text which is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest of the form sha256:<64 hex digits> or sha512:<128 hex digits>")]
pub struct DigestError(pub String);

impl Digest {
    /// Returns the SHA-256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::with(Algorithm::Sha256, bytes)
    }

    /// Returns the digest of `bytes` by `algorithm`.
    pub fn with(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::with(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Returns how it was computed.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Value::Sha256(_) => Algorithm::Sha256,
            Value::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Returns the hex digits without the algorithm.
    pub fn hex(&self) -> String {
        let bytes: &[u8] = match &self.0 {
            Value::Sha256(bytes) => bytes,
            Value::Sha512(bytes) => bytes,
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the first 12 hex digits: enough for a person to tell digests apart.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let value = text.split_once(':').and_then(|(name, hex)| match Algorithm::named(name)? {
            Algorithm::Sha256 => bytes(hex).map(Value::Sha256),
            Algorithm::Sha512 => bytes(hex).map(Value::Sha512),
        });
        value.map(Self).ok_or_else(|| DigestError(text.to_owned()))
    }
}

/// Reads exactly `N` bytes of lower-case hex digits.
fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if hex.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes a [`Digest`] piece by piece.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(Box<sha2::Sha512>),
}

impl Default for Hasher {
    fn default() -> Self {
        Self::with(Algorithm::default())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// Starts a SHA-256 digest with no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a digest by `algorithm` with no bytes.
    pub fn with(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::default()),
            Algorithm::Sha512 => State::Sha512(Box::default()),
        })
    }

    /// Adds `bytes` to what is hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Returns the digest of all bytes added so far.
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            State::Sha256(state) => Value::Sha256(state.finalize().into()),
            State::Sha512(state) => Value::Sha512(state.finalize().into()),
        })
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_512: &str = "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        for (algorithm, text) in [(Algorithm::Sha256, EMPTY), (Algorithm::Sha512, EMPTY_512)] {
            let digest = Digest::with(algorithm, b"");
            assert_eq!((digest.to_string().as_str(), digest.algorithm()), (text, algorithm));
            assert_eq!(text.parse::<Digest>().unwrap(), digest);
        }
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
    }

    #[test]
    fn what_is_not_a_digest_is_refused_with_its_text() {
        let mixed = EMPTY.replace("256", "512");
        for bad in ["", "sha256:", "sha512:00", "sha1:00", &mixed, &EMPTY[1..], &EMPTY[..70]] {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError(bad.to_owned())));
        }
        assert!(EMPTY.to_uppercase().parse::<Digest>().is_err());
    }

    proptest! {
        #[test]
        fn a_text_is_a_digest_only_if_the_digest_is_that_text(
            text in prop_oneof![
                "\\PC{0,80}",
                "(sha256|sha512|sha1|):?[0-9a-fA-F]{0,3}[0-9a-f]{60,64}",
                "sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})",
            ],
        ) {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
                let safe = digest.hex().bytes().all(|it| it.is_ascii_hexdigit());
                prop_assert!(safe);
            }
        }

        #[test]
        fn a_digest_does_not_depend_on_how_the_bytes_arrive(
            bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..300,
        ) {
            for algorithm in Algorithm::ALL {
                let (one, two) = bytes.split_at(at.min(bytes.len()));
                let mut hasher = Hasher::with(algorithm);
                hasher.update(one);
                hasher.update(two);
                prop_assert_eq!(hasher.finish(), Digest::with(algorithm, &bytes));
            }
        }
    }
}
