//! How a registry wants to be logged in to (RFC 9110, "WWW-Authenticate"; distribution token
//! specification).

use reqwest::{Client, RequestBuilder, Url};

use crate::transfer::access::Login;

/// A way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// User and password with each request.
    Basic,
    /// A token from another service.
    Bearer(Challenge),
}

/// Where a token is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    pub(crate) service: Option<String>,
}

impl Scheme {
    /// Chooses among the ways which a header offers: a token, which can be had without a login as
    /// well, before a password.
    pub(crate) fn choose(header: &str) -> Option<Self> {
        let offered = http_auth::parse_challenges(header).ok()?;
        let value = |challenge: &http_auth::ChallengeRef<'_>, name: &str| {
            let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let bearer = offered.iter().filter(|it| it.scheme.eq_ignore_ascii_case("bearer"));
        let bearer = bearer.filter_map(|challenge| {
            let (realm, service) = (value(challenge, "realm")?, value(challenge, "service"));
            Url::parse(&realm).ok().map(|_| Self::Bearer(Challenge { realm, service }))
        });
        let basic = offered.iter().any(|it| it.scheme.eq_ignore_ascii_case("basic"));
        bearer.into_iter().next().or(basic.then_some(Self::Basic))
    }
}

impl Challenge {
    /// Says whether a password may be sent there, as far as the connection goes: no less safely than
    /// to the registry itself.
    pub(crate) fn realm_is_safe(&self, registry: &str) -> bool {
        self.realm.starts_with("https://") || registry.starts_with("http://")
    }

    /// The request for a token. One who logs in with an identity token trades it (OAuth2).
    pub(crate) fn request(
        &self,
        http: &Client,
        login: Option<&Login>,
        scopes: &[String],
    ) -> RequestBuilder {
        let service = self.service.as_deref().unwrap_or_default();
        if let Some(Login { identity: true, password, .. }) = login {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", "edk"),
                ("scope", &scopes.join(" ")),
                ("refresh_token", password.reveal()),
            ];
            return http.post(&self.realm).form(&form);
        }
        let service = [("service", service)].into_iter().filter(|(_, it)| !it.is_empty());
        let scopes = scopes.iter().map(|scope| ("scope", scope.as_str()));
        let query: Vec<(&str, &str)> = service.chain(scopes).collect();
        let request = http.get(&self.realm).query(&query);
        match login {
            Some(login) => request.basic_auth(&login.user, Some(login.password.reveal())),
            None => request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_preferred_to_a_password_and_nonsense_is_nothing() {
        let bearer = |realm: &str, service: Option<&str>| {
            let service = service.map(str::to_owned);
            Some(Scheme::Bearer(Challenge { realm: realm.to_owned(), service }))
        };
        for (header, expected) in [
            ("Basic realm=\"Registry\"", Some(Scheme::Basic)),
            ("basic realm=x", Some(Scheme::Basic)),
            (
                "Bearer realm=\"https://a.example/t\",service=\"r\",scope=\"repository:a:pull\"",
                bearer("https://a.example/t", Some("r")),
            ),
            (
                "Basic realm=\"x\", Bearer realm=\"https://a.example/t\"",
                bearer("https://a.example/t", None),
            ),
            ("Bearer realm=\"no address\"", None),
            ("Digest realm=\"x\"", None),
            ("", None),
            ("===", None),
        ] {
            assert_eq!(Scheme::choose(header), expected, "{header}");
        }
    }

    #[test]
    fn a_password_goes_nowhere_less_safe_than_the_registry() {
        let to = |realm: &str| Challenge { realm: realm.to_owned(), service: None };
        assert!(to("https://a.example").realm_is_safe("https://r.example"));
        assert!(!to("http://a.example").realm_is_safe("https://r.example"));
        assert!(to("http://localhost:1").realm_is_safe("http://localhost:2"));
    }
}
