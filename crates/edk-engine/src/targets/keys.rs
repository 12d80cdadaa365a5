use std::time::{Duration, UNIX_EPOCH};

use edk_model::Secret;
use edk_target::Tokens;
use serde_json::{Value, json};

/// What is kept of a login: all of it is secret.
#[derive(Clone, PartialEq)]
pub(crate) struct Keys {
    /// The access token.
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    /// When the access token ends, in seconds since 1970.
    pub(crate) expires: Option<u64>,
    pub(crate) client_secret: Option<Secret>,
}

impl Keys {
    /// Returns the keys of a login's tokens.
    pub(super) fn of(tokens: &Tokens, client_secret: Option<Secret>) -> Self {
        let since = tokens.expires.and_then(|end| end.duration_since(UNIX_EPOCH).ok());
        Self {
            access: tokens.access.clone(),
            refresh: tokens.refresh.clone(),
            expires: since.map(|since| since.as_secs()),
            client_secret,
        }
    }

    pub(super) fn tokens(&self) -> Tokens {
        Tokens {
            access: self.access.clone(),
            refresh: self.refresh.clone(),
            expires: self.expires.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    /// Returns them as the one text that a vault keeps.
    pub(super) fn packed(&self) -> Secret {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|it| it.reveal().to_owned());
        let packed = json!({
            "access": self.access.reveal(),
            "refresh": text(&self.refresh),
            "expires": self.expires,
            "client_secret": text(&self.client_secret),
        });
        Secret::new(packed.to_string())
    }

    pub(super) fn unpacked(packed: &Secret) -> Option<Self> {
        let packed: Value = serde_json::from_str(packed.reveal()).ok()?;
        let secret = |key: &str| packed[key].as_str().map(Secret::new);
        Some(Self {
            access: secret("access")?,
            refresh: secret("refresh"),
            expires: packed["expires"].as_u64(),
            client_secret: secret("client_secret"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_out_of_a_vault_as_they_went_in() {
        let end = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        for (refresh, expires, secret) in
            [(None, None, None), (Some("r\"x"), Some(end), Some("s")), (Some("r"), None, None)]
        {
            let refresh = refresh.map(Secret::new);
            let tokens = Tokens { access: Secret::new("a"), refresh, expires };
            let keys = Keys::of(&tokens, secret.map(Secret::new));
            let found = Keys::unpacked(&keys.packed()).unwrap();
            assert!(found == keys);
            assert_eq!(found.tokens(), tokens);
        }
        assert!(Keys::unpacked(&Secret::new("{}")).is_none());
    }
}
