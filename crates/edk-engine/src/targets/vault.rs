//! Where secrets are: in the keychain of the desktop (the Secret Service of the session on Linux),
//! or, when the user has given a passphrase, in a sealed file of the data folder.

use std::{
    io,
    path::{Path, PathBuf},
};

use edk_model::{Code, Explain, Secret};

use super::sealed;
use crate::Engine;

/// What our entries are called in a keychain.
const SERVICE: &str = "kaapana-edk";

/// Why a secret could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no keychain, or it does not open.
    #[error("the keychain of this session can't be used")]
    Keychain {
        /// What it said.
        #[source]
        source: Box<keyring::Error>,
    },
    /// Another passphrase sealed the file.
    #[error("the passphrase does not open `{}`", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed by something else.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("could not read or write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl VaultError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl From<keyring::Error> for VaultError {
    fn from(source: keyring::Error) -> Self {
        Self::Keychain { source: Box::new(source) }
    }
}

impl Explain for VaultError {
    fn code(&self) -> Code {
        match self {
            Self::Keychain { .. } => Code::Precondition,
            Self::Passphrase { .. } => Code::Unauthorised,
            Self::Damaged { .. } => Code::InvalidInput,
            Self::Io { source, .. } => Code::of_io(source),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::Keychain { .. } => &[
                "unlock the keychain of the desktop and try again",
                "where there is none, set EDK_PASSPHRASE: secrets are then in a sealed file",
            ],
            Self::Passphrase { .. } => &["set EDK_PASSPHRASE to the one that sealed it"],
            Self::Damaged { .. } => &["remove the file and log in to the targets again"],
            Self::Io { .. } => &[],
        };
        hints.iter().map(|&hint| hint.to_owned()).collect()
    }
}

/// The place of secrets.
pub(crate) struct Vault<'a> {
    data: &'a Path,
    passphrase: Option<&'a Secret>,
}

impl Engine {
    pub(crate) fn vault(&self) -> Vault<'_> {
        Vault { data: &self.setup.data, passphrase: self.setup.passphrase.as_ref() }
    }
}

impl Vault<'_> {
    fn file(&self) -> PathBuf {
        self.data.join("secrets.json")
    }

    /// The entry of a target in the keychain; another data folder has others.
    fn entry(&self, target: &str) -> Result<keyring::Entry, VaultError> {
        Ok(keyring::Entry::new(SERVICE, &format!("{target} in {}", self.data.display()))?)
    }

    /// Returns the secret of a target, if there is one.
    pub(crate) fn get(&self, target: &str) -> Result<Option<Secret>, VaultError> {
        if let Some(passphrase) = self.passphrase {
            let secrets = sealed::read(&self.file(), passphrase)?;
            return Ok(secrets.get(target).map(Secret::new));
        }
        match self.entry(target)?.get_password() {
            Ok(secret) => Ok(Some(Secret::new(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the secret of a target.
    pub(crate) fn set(&self, target: &str, secret: &Secret) -> Result<(), VaultError> {
        let Some(passphrase) = self.passphrase else {
            return Ok(self.entry(target)?.set_password(secret.reveal())?);
        };
        let mut secrets = sealed::read(&self.file(), passphrase)?;
        secrets.insert(target.to_owned(), secret.reveal().to_owned());
        sealed::write(&self.file(), passphrase, &secrets)
    }

    /// Forgets the secret of a target, wherever it is; where none can be, none is.
    pub(crate) fn forget(&self, target: &str) -> Result<(), VaultError> {
        if let Some(passphrase) = self.passphrase {
            let mut secrets = sealed::read(&self.file(), passphrase)?;
            if secrets.remove(target).is_some() {
                sealed::write(&self.file(), passphrase, &secrets)?;
            }
            return Ok(());
        }
        match self.entry(target).and_then(|entry| Ok(entry.delete_credential()?)) {
            Err(VaultError::Keychain { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
