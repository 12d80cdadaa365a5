//! The file that says who may do what.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use edk_archive::{Readers, write_whole};
use edk_model::{Code, Explain, Secret};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How much work a guess of a password is (bcrypt's cost); as `htpasswd` would do by `-C 10`.
const COST: u32 = 10;

/// Who may log in, and what they may do then.
#[derive(Debug, Clone, Default)]
pub struct Accounts(Vec<Account>);

/// An account of the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The password as bcrypt, as `htpasswd -B` writes it; without one, that of the htpasswd file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// SHA-256 of a bearer token, in hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_sha256: Option<String>,
    /// Beginnings of the repositories it may pull from; `*` means all.
    #[serde(default)]
    pub pull: Vec<String>,
    /// Beginnings of the repositories it may push to, and pull from; `*` means all.
    #[serde(default)]
    pub push: Vec<String>,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// Beginnings of the repositories it may pull from.
    pub pull: Vec<String>,
    /// Beginnings of the repositories it may push to.
    pub push: Vec<String>,
    /// Whether it logs in with a bearer token rather than a password.
    pub token: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// A file with a line `name:bcrypt` for each user, relative to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    htpasswd: Option<PathBuf>,
    #[serde(default, rename = "account")]
    accounts: Vec<Account>,
}

/// Why accounts can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file is not there, or can't be read or written.
    #[error("could not read or write the accounts in `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file says nothing that could be used.
    #[error("the accounts in `{}` can't be used: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Explain for AccessError {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::Invalid { .. } => Code::InvalidInput,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                vec!["make an account: `edk registry account NAME --pull '*'`".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

impl Accounts {
    /// Reads the accounts in the file `path` (TOML: `[[account]]` with `name`, `password` or
    /// `token_sha256`, `pull` and `push`; and `htpasswd`, a file with passwords).
    ///
    /// # Errors
    /// [`AccessError::Io`] if it can't be read, [`AccessError::Invalid`] if it makes no sense or has
    /// no account that could log in.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let file = read(path)?;
        let passwords = match &file.htpasswd {
            Some(other) => htpasswd(&path.parent().unwrap_or(Path::new(".")).join(other))?,
            None => BTreeMap::new(),
        };
        accounts(file, &passwords)
            .map(Self)
            .map_err(|reason| AccessError::Invalid { path: path.to_owned(), reason })
    }

    /// Adds an account to the file `path`, making it if need be, and returns its password or token,
    /// which is kept nowhere. An account of the same name is replaced.
    ///
    /// # Errors
    /// As [`Accounts::read`].
    pub fn add(path: &Path, new: NewAccount) -> Result<Secret, AccessError> {
        let invalid = |reason: String| AccessError::Invalid { path: path.to_owned(), reason };
        let mut file = match read(path) {
            Err(AccessError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                File::default()
            }
            other => other?,
        };
        let secret = Uuid::new_v4().simple().to_string();
        let (password, token_sha256) = match new.token {
            true => (None, Some(edk_model::Digest::of(secret.as_bytes()).hex())),
            false => (Some(bcrypt::hash(&secret, COST).map_err(|e| invalid(e.to_string()))?), None),
        };
        let NewAccount { name, pull, push, .. } = new;
        file.accounts.retain(|account| account.name != name);
        file.accounts.push(Account { name, password, token_sha256, pull, push });
        accounts(File { htpasswd: None, accounts: file.accounts.clone() }, &BTreeMap::new())
            .map_err(invalid)?;
        let text = toml::to_string_pretty(&file).map_err(|error| invalid(error.to_string()))?;
        write(path, &text)?;
        Ok(Secret::new(secret))
    }

    /// Returns the account that logs in with this bearer token.
    pub(crate) fn by_token(&self, token: &str) -> Option<&Account> {
        let digest = edk_model::Digest::of(token.as_bytes()).hex();
        self.0.iter().find(|account| account.token_sha256.as_ref() == Some(&digest))
    }

    /// Returns the account with this name and password. Takes a tenth of a second.
    pub(crate) fn by_password(&self, name: &str, password: &str) -> Option<&Account> {
        let account = self.0.iter().find(|account| account.name == name)?;
        let right = match (&account.password, &account.token_sha256) {
            (Some(hash), _) => bcrypt::verify(password, hash).unwrap_or(false),
            // Clients that know no bearer tokens send them as passwords.
            (None, Some(_)) => self.by_token(password).is_some_and(|it| it.name == name),
            (None, None) => false,
        };
        right.then_some(account)
    }
}

impl Account {
    pub(crate) fn may_pull(&self, repository: &str) -> bool {
        covers(&self.pull, repository) || self.may_push(repository)
    }

    pub(crate) fn may_push(&self, repository: &str) -> bool {
        covers(&self.push, repository)
    }

    pub(crate) fn may_pull_all(&self) -> bool {
        self.pull.iter().chain(&self.push).any(|prefix| prefix == "*")
    }

    pub(crate) fn may_push_all(&self) -> bool {
        self.push.iter().any(|prefix| prefix == "*")
    }
}

/// Says whether one of the prefixes is the beginning of `repository`, in whole parts of its path.
fn covers(prefixes: &[String], repository: &str) -> bool {
    prefixes.iter().any(|prefix| {
        let prefix = prefix.trim_end_matches('/');
        let rest = repository.strip_prefix(prefix);
        prefix == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn read(path: &Path) -> Result<File, AccessError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| AccessError::Io { path: path.to_owned(), source })?;
    let invalid = |error: toml::de::Error| AccessError::Invalid {
        path: path.to_owned(),
        // Its text would show the line, and so perhaps a hash.
        reason: error.message().to_owned(),
    };
    toml::from_str(&text).map_err(invalid)
}

fn htpasswd(path: &Path) -> Result<BTreeMap<String, String>, AccessError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| AccessError::Io { path: path.to_owned(), source })?;
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect())
}

fn accounts(file: File, passwords: &BTreeMap<String, String>) -> Result<Vec<Account>, String> {
    let mut accounts: Vec<Account> = Vec::new();
    for mut account in file.accounts {
        let name = account.name.clone();
        if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
            return Err(format!("`{name}` is no name: it is empty or has a colon"));
        }
        if accounts.iter().any(|other| other.name == name) {
            return Err(format!("`{name}` is there twice"));
        }
        if account.password.is_none() {
            account.password = passwords.get(&name).cloned();
        }
        if account.password.as_ref().is_some_and(|hash| !hash.starts_with("$2")) {
            return Err(format!(
                "the password of `{name}` is not bcrypt, as `htpasswd -B` makes it"
            ));
        }
        let hex = |text: &String| text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit());
        if account.token_sha256.as_ref().is_some_and(|text| !hex(text)) {
            return Err(format!("the token of `{name}` is not the 64 hex digits of a SHA-256"));
        }
        if account.password.is_none() && account.token_sha256.is_none() {
            return Err(format!("`{name}` has neither password nor token"));
        }
        if account.pull.iter().chain(&account.push).any(String::is_empty) {
            return Err(format!("a right of `{name}` is empty; `*` means all repositories"));
        }
        account.token_sha256 = account.token_sha256.map(|text| text.to_ascii_lowercase());
        accounts.push(account);
    }
    if accounts.is_empty() {
        return Err("it has no account".to_owned());
    }
    Ok(accounts)
}

/// Writes a file that only its owner may read.
fn write(path: &Path, text: &str) -> Result<(), AccessError> {
    write_whole(path, text.as_bytes(), Readers::Owner)
        .map_err(|source| AccessError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Accounts, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("users"), "# users\nold:$2y$04$x\nmd5:$apr1$x\n")
            .unwrap();
        let path = folder.path().join("access.toml");
        std::fs::write(&path, text).unwrap();
        Accounts::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_right_covers_whole_parts_of_a_path() {
        for (prefix, repository, covered) in [
            ("*", "anything/at/all", true),
            ("team", "team", true),
            ("team", "team/app", true),
            ("team/", "team/app", true),
            ("team", "teammate/app", false),
            ("team/app", "team", false),
            ("team/app", "team/app/deep", true),
        ] {
            assert_eq!(covers(&[prefix.to_owned()], repository), covered, "{prefix} {repository}");
        }
        assert!(!covers(&[], "a"));
    }

    #[test]
    fn what_makes_no_sense_is_told_and_no_hash_is_shown() {
        let token = "ab".repeat(32);
        for (text, part) in [
            ("", "no account"),
            ("[[account]]\nname = \"a\"", "neither password nor token"),
            ("[[account]]\nname = \"a:b\"\npassword = \"$2b$1\"", "colon"),
            ("[[account]]\nname = \"a\"\npassword = \"plain-secret\"", "not bcrypt"),
            ("htpasswd = \"users\"\n[[account]]\nname = \"md5\"", "not bcrypt"),
            ("[[account]]\nname = \"a\"\ntoken_sha256 = \"abc\"", "64 hex digits"),
            (
                &format!("[[account]]\nname = \"a\"\ntoken_sha256 = \"{token}\"\npull = [\"\"]"),
                "`*`",
            ),
            ("[[account]]\nname = \"a\"\npassword = \"$2b$secret", "can't be used"),
            ("[[user]]\nname = \"a\"", "unknown field"),
            ("htpasswd = \"none\"", "could not read"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(parse("htpasswd = \"users\"\n[[account]]\nname = \"old\"").unwrap().0.len(), 1);
    }

    #[test]
    fn an_account_that_was_made_can_log_in_and_its_password_is_kept_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/access.toml");
        let new = |name: &str, token| NewAccount {
            name: name.to_owned(),
            pull: vec!["*".to_owned()],
            push: vec!["team/".to_owned()],
            token,
        };
        let first = Accounts::add(&path, new("node", false)).unwrap();
        let password = Accounts::add(&path, new("node", false)).unwrap();
        let token = Accounts::add(&path, new("ci", true)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(password.reveal()) && !text.contains(token.reveal()), "{text}");
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let accounts = Accounts::read(&path).unwrap();
        let name = |account: Option<&Account>| account.map(|account| account.name.clone());
        let by = |user: &str, secret: &Secret| name(accounts.by_password(user, secret.reveal()));
        assert_eq!(by("node", &password).as_deref(), Some("node"));
        assert_eq!(by("ci", &token).as_deref(), Some("ci"));
        assert_eq!(name(accounts.by_token(token.reveal())).as_deref(), Some("ci"));
        for (user, secret) in [("node", &first), ("node", &token), ("ci", &password), ("x", &token)]
        {
            assert_eq!(by(user, secret), None, "{user}");
        }
        assert!(accounts.by_token(password.reveal()).is_none());
        assert!(accounts.by_token("").is_none());
    }
}
