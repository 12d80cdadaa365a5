//! What must show nowhere: looked for in all that `edk` says and keeps, in every test that runs it.

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
};

/// How the tokens and sessions of the sandbox's front door begin.
const TOKENS: [&str; 3] = ["sandbox-access-", "sandbox-refresh-", "sandbox-session-"];

/// Larger files are layers and programs.
const LARGEST: u64 = 4 << 20;

/// Secrets that tests have planted.
static PLANTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Makes a text a secret: from now on a test fails in which `edk` shows it or keeps it in a file.
/// Passphrases are planted by themselves.
pub fn plant(secret: &str) {
    let mut planted = PLANTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !secret.is_empty() && !planted.iter().any(|it| it == secret) {
        planted.push(secret.to_owned());
    }
}

/// Plants the passphrase which a command is given.
pub(crate) fn plant_of(command: &Command) {
    let passphrase = command.get_envs().find(|(name, _)| *name == OsStr::new("EDK_PASSPHRASE"));
    if let Some(text) = passphrase.and_then(|(_, value)| value?.to_str()) {
        plant(text);
    }
}

/// Returns the secret that shows in a text.
fn shown(text: &str) -> Option<String> {
    let planted = PLANTED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = planted.iter().map(String::as_str).chain(TOKENS);
    all.find(|secret| text.contains(secret)).map(str::to_owned)
}

/// Expects that what a command said holds no secret.
///
/// # Panics
/// If it holds one.
pub(crate) fn expect_silent(command: &str, said: &[&[u8]]) {
    for bytes in said {
        let text = String::from_utf8_lossy(bytes);
        if let Some(secret) = shown(&text) {
            panic!("`{secret}` shows in what `{command}` says:\n{text}");
        }
    }
}

/// Expects that no file below `folder` holds a secret, but one that holds nothing else: there a test
/// has put it. Blobs and the files of containers are passed over; sealed secrets are not.
///
/// # Panics
/// If a file holds one.
pub fn expect_no_secrets(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        let name = entry.file_name();
        let passed = ["blobs", "containers"].iter().any(|it| name == *it);
        if about.is_dir() && !passed {
            expect_no_secrets(&path);
        }
        if !about.is_file() || about.len() > LARGEST {
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        // A program, or something packed.
        if bytes[..bytes.len().min(8 << 10)].contains(&0) {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some(secret) = shown(&text) {
            let alone = text.trim() == secret || TOKENS.iter().any(|it| text.starts_with(it));
            assert!(alone, "`{secret}` is in {}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_files_and_in_what_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        plant("a planted word");
        fs::create_dir_all(at("store/blobs")).expect("a folder");
        fs::write(at("store/blobs/a"), "x a planted word").expect("a file");
        fs::write(at("given"), "a planted word\n").expect("a file");
        expect_no_secrets(folder.path());
        expect_silent("edk", &[b"nothing"]);
        let fails =
            |body: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err();
        assert!(fails(&|| expect_silent("edk", &[b"", b"with a planted word in it"])));
        assert!(fails(&|| expect_silent("edk", &[b"Bearer sandbox-access-0a"])));
        fs::write(at("store/log"), "x a planted word").expect("a file");
        assert!(fails(&|| expect_no_secrets(folder.path())));
    }
}
