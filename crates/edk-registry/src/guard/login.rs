//! Who sends a request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use edk_model::Digest;
use tokio::{sync::Semaphore, task};

use crate::{Account, Accounts, refusal::Refusal};

/// How long a password that was right need not be computed again: a push is hundreds of requests.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// How many passwords are computed at once; who guesses waits.
const AT_ONCE: usize = 2;

/// The accounts, and who logged in of late.
#[derive(Debug)]
pub(crate) struct Logins {
    accounts: Arc<Accounts>,
    /// By the digest of what the client sent.
    known: Mutex<HashMap<Digest, (Account, Instant)>>,
    turns: Semaphore,
}

/// What a client sends to log in.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Password(String, String),
    Token(String),
}

impl Logins {
    pub(crate) fn new(accounts: Accounts) -> Self {
        let turns = Semaphore::new(AT_ONCE);
        Self { accounts: Arc::new(accounts), known: Mutex::default(), turns }
    }

    /// Returns the account that sends a request.
    ///
    /// # Errors
    /// [`Refusal::Unauthorised`] if it names none, or not rightly.
    pub(crate) async fn who(&self, headers: &HeaderMap) -> Result<Account, Refusal> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let value = value.ok_or(Refusal::Unauthorised)?;
        let digest = Digest::of(value.as_bytes());
        if let Some(account) = self.remembered(&digest) {
            return Ok(account);
        }
        let account = match sent(value).ok_or(Refusal::Unauthorised)? {
            Sent::Token(token) => self.accounts.by_token(&token).cloned(),
            Sent::Password(name, password) => {
                let _turn = self.turns.acquire().await;
                let accounts = Arc::clone(&self.accounts);
                task::spawn_blocking(move || accounts.by_password(&name, &password).cloned())
                    .await?
            }
        };
        let account = account.ok_or(Refusal::Unauthorised)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, since)| since.elapsed() < REMEMBERED);
        known.insert(digest, (account.clone(), Instant::now()));
        Ok(account)
    }

    fn remembered(&self, digest: &Digest) -> Option<Account> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(digest).filter(|(_, since)| since.elapsed() < REMEMBERED);
        found.map(|(account, _)| account.clone())
    }
}

/// Reads an `Authorization` header (RFC 7617, RFC 6750).
fn sent(value: &str) -> Option<Sent> {
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Sent::Token(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some(Sent::Password(name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_login_is_read_or_it_is_none() {
        let password = |name: &str, word: &str| Sent::Password(name.into(), word.into());
        for (value, expected) in [
            ("Basic bmFtZTpwYTpzcw==", Some(password("name", "pa:ss"))),
            ("basic bmFtZTo=", Some(password("name", ""))),
            ("Bearer t0ken", Some(Sent::Token("t0ken".into()))),
            ("Basic %%", None),
            ("Basic bmFtZQ==", None),
            ("Digest x", None),
            ("Bearer", None),
            ("", None),
        ] {
            assert_eq!(sent(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(value in prop_oneof![
            "\\PC{0,30}", "(Basic|Bearer) [a-zA-Z0-9+/=]{0,30}"
        ]) {
            let _ = sent(&value);
        }
    }
}
