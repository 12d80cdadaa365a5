use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use edk_model::Secret;
use edk_target::{SessionCookies, Tokens};
use serde_json::{Value, json};

/// What is kept of a login: all of it is secret.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Keys {
    /// The tokens, and the secret of the client that renews them.
    Tokens(Tokens, Option<Secret>),
    /// The session of a browser.
    Cookies(SessionCookies),
}

impl Keys {
    /// Returns them as the one text that a vault keeps.
    pub(super) fn packed(&self) -> Secret {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|it| it.reveal().to_owned());
        let packed = match self {
            Self::Tokens(tokens, client_secret) => json!({
                "access": tokens.access.reveal(),
                "refresh": text(&tokens.refresh),
                "expires": tokens.expires.and_then(seconds),
                "client_secret": text(client_secret),
            }),
            Self::Cookies(cookies) => {
                json!({ "cookies": cookies.header().reveal(), "set": seconds(cookies.set()) })
            }
        };
        Secret::new(packed.to_string())
    }

    pub(super) fn unpacked(packed: &Secret) -> Option<Self> {
        let packed: Value = serde_json::from_str(packed.reveal()).ok()?;
        let secret = |key: &str| packed[key].as_str().map(Secret::new);
        let time = |key: &str| Some(UNIX_EPOCH + Duration::from_secs(packed[key].as_u64()?));
        if let Some(cookies) = packed["cookies"].as_str() {
            return SessionCookies::read(cookies, time("set")).map(Self::Cookies);
        }
        let tokens = Tokens {
            access: secret("access")?,
            refresh: secret("refresh"),
            expires: time("expires"),
        };
        Some(Self::Tokens(tokens, secret("client_secret")))
    }
}

/// Returns when an access token ends, as it says itself (RFC 7519, 4.1.4); `None` when it is no JSON
/// web token, or says nothing.
pub(super) fn end_of(token: &Secret) -> Option<SystemTime> {
    let claims = URL_SAFE_NO_PAD.decode(token.reveal().split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(claims["exp"].as_u64()?))
}

fn seconds(time: SystemTime) -> Option<u64> {
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 1_800_000_000;

    fn end() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(END)
    }

    #[test]
    fn keys_come_out_of_a_vault_as_they_went_in() {
        let tokens = |refresh: Option<&str>, expires| {
            let access = Secret::new("a");
            Tokens { access, refresh: refresh.map(Secret::new), expires }
        };
        let cookies = "_oauth2_proxy_0=a|1|\"; _oauth2_proxy_1=b";
        for keys in [
            Keys::Tokens(tokens(None, None), None),
            Keys::Tokens(tokens(Some("r\"x"), Some(end())), Some(Secret::new("s"))),
            Keys::Tokens(tokens(Some("r"), None), None),
            Keys::Cookies(SessionCookies::read(cookies, Some(end())).unwrap()),
        ] {
            assert_eq!(Keys::unpacked(&keys.packed()), Some(keys));
        }
        assert_eq!(Keys::unpacked(&Secret::new("{}")), None);
    }

    #[test]
    fn a_token_says_when_it_ends() {
        let token = |claims: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims));
        let check = |token: &str, expected| assert_eq!(end_of(&Secret::new(token)), expected);
        check(&token(&format!("{{\"exp\":{END}}}")), Some(end()));
        check(&token("{}"), None);
        check(&token("no object"), None);
        check("sandbox-access-1", None);
        check("a.%.b", None);
    }
}
