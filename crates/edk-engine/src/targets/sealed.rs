//! A file of secrets for machines without a keychain, sealed with a passphrase.
//!
//! The file is JSON: the format's number, and in base64 a salt of 16 bytes, a nonce of 24 bytes, and
//! the text sealed by XChaCha20-Poly1305 with a key that Argon2id makes of passphrase and salt (19
//! MiB, 2 passes, 1 lane: the least that OWASP's Password Storage Cheat Sheet recommends).

use std::{collections::BTreeMap, io, path::Path};

use argon2::Argon2;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce, aead::Aead as _};
use edk_archive::{Readers, write_whole};
use edk_model::Secret;
use serde::{Deserialize, Serialize};

use super::VaultError;

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Sealed {
    format: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

/// Secrets by name.
pub(super) type Secrets = BTreeMap<String, String>;

/// Reads the secrets of a file; without a file there are none.
///
/// # Errors
/// [`VaultError::Passphrase`] when it was sealed with another passphrase, or was changed since.
pub(super) fn read(path: &Path, passphrase: &Secret) -> Result<Secrets, VaultError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Secrets::new()),
        Err(source) => return Err(VaultError::io(path, source)),
    };
    let damaged = || VaultError::Damaged { path: path.to_owned() };
    let sealed: Sealed = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    let nonce: [u8; 24] = bytes(&sealed.nonce)?.try_into().map_err(|_| damaged())?;
    if sealed.format != FORMAT {
        return Err(damaged());
    }
    let cipher = cipher(passphrase, &bytes(&sealed.salt)?).ok_or_else(damaged)?;
    let opened = cipher.decrypt(&XNonce::from(nonce), bytes(&sealed.sealed)?.as_slice());
    let opened = opened.map_err(|_| VaultError::Passphrase { path: path.to_owned() })?;
    serde_json::from_slice(&opened).map_err(|_| damaged())
}

/// Seals the secrets anew, with another salt and nonce each time.
///
/// # Errors
/// What the disk said.
pub(super) fn write(path: &Path, passphrase: &Secret, secrets: &Secrets) -> Result<(), VaultError> {
    let failed = |source| VaultError::io(path, source);
    let (salt, nonce) = (random::<16>().map_err(failed)?, random::<24>().map_err(failed)?);
    let plain = serde_json::to_vec(secrets).map_err(|error| failed(error.into()))?;
    let refused = || failed(io::Error::other("the secrets could not be sealed"));
    let cipher = cipher(passphrase, &salt).ok_or_else(refused)?;
    let sealed = cipher.encrypt(&XNonce::from(nonce), plain.as_slice()).map_err(|_| refused())?;
    let file = Sealed {
        format: FORMAT,
        salt: STANDARD.encode(salt),
        nonce: STANDARD.encode(nonce),
        sealed: STANDARD.encode(sealed),
    };
    let text = serde_json::to_vec_pretty(&file).map_err(|error| failed(error.into()))?;
    write_whole(path, &text, Readers::Owner).map_err(failed)
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Returns the cipher, unless the salt is too short to be one of ours.
fn cipher(passphrase: &Secret, salt: &[u8]) -> Option<XChaCha20Poly1305> {
    let mut key = [0; 32];
    let made = Argon2::default().hash_password_into(passphrase.reveal().as_bytes(), salt, &mut key);
    made.ok().map(|()| XChaCha20Poly1305::new(&key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_the_file_and_nothing_in_it_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let (right, wrong) = (Secret::new("right"), Secret::new("wrong"));
        assert_eq!(read(&path, &right).unwrap(), Secrets::new());
        let secrets = Secrets::from([("ward".to_owned(), "hunter2".to_owned())]);
        write(&path, &right, &secrets).unwrap();
        assert_eq!(read(&path, &right).unwrap(), secrets);
        assert!(matches!(read(&path, &wrong), Err(VaultError::Passphrase { .. })));

        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("ward"), "{text}");
        write(&path, &right, &secrets).unwrap();
        assert_ne!(std::fs::read_to_string(&path).unwrap(), text, "a nonce was used twice");

        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            match read(&path, &right) {
                Err(VaultError::Passphrase { .. } | VaultError::Damaged { .. }) => {}
                // White space between the fields of JSON does not count.
                Ok(read) => assert_eq!(read, secrets, "byte {at}"),
                Err(error) => panic!("byte {at}: {error}"),
            }
            if at % 16 != 0 {
                continue;
            }
            std::fs::write(&path, &text[..at]).unwrap();
            assert!(read(&path, &right).is_err(), "cut at {at}");
        }
    }
}
