//! One registry over HTTP: requests with a login, sent again when that helps.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use edk_model::Monitor;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;

use crate::{
    ImageError,
    transfer::{
        Access,
        access::Login,
        challenge::{Challenge, Scheme},
        fault::WireError,
        tries::Tries,
    },
};

/// How long a registry may take to let itself be connected to, and to answer a small request.
const CONNECT: Duration = Duration::from_secs(10);
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a refusal is read, in bytes.
const REFUSAL: usize = 16 << 10;

/// A registry, and how it is reached. Repositories of one registry share it.
pub(crate) struct Wire {
    http: Client,
    /// Host and port, as users name it.
    pub(crate) registry: String,
    /// Scheme and host, without a slash at the end.
    base: String,
    access: Access,
    state: Mutex<State>,
    pub(crate) monitor: Monitor,
    /// Whether it ever answered: one that did is worth more patience.
    heard: AtomicBool,
}

#[derive(Default)]
struct State {
    scheme: Option<Scheme>,
    /// Tokens by what they allow.
    tokens: HashMap<String, String>,
    /// Logins by repository.
    logins: HashMap<String, Option<Login>>,
}

/// What a request is allowed to do: the repository it is about, and what else it touches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need<'a> {
    pub(crate) repository: &'a str,
    pub(crate) push: bool,
    /// Another repository to be read from.
    pub(crate) also: Option<&'a str>,
}

impl<'a> Need<'a> {
    pub(crate) fn pull(repository: &'a str) -> Self {
        Self { repository, push: false, also: None }
    }

    pub(crate) fn push(repository: &'a str) -> Self {
        Self { repository, push: true, also: None }
    }

    /// The scopes of a token (distribution token specification, "Requesting a Token").
    fn scopes(self) -> Vec<String> {
        let actions = if self.push { "pull,push" } else { "pull" };
        let own = format!("repository:{}:{actions}", self.repository);
        let also = self.also.map(|repository| format!("repository:{repository}:pull"));
        [own].into_iter().chain(also).collect()
    }
}

impl Wire {
    /// Prepares to speak to `registry`; nothing is sent. One on this machine (`localhost`,
    /// `127.0.0.1`) is spoken to over plain HTTP, unless a certificate is named.
    pub(crate) fn open(
        registry: &str,
        access: &Access,
        monitor: &Monitor,
    ) -> Result<Self, ImageError> {
        let local = ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| registry == *name || registry.starts_with(&format!("{name}:")));
        let plain = local && access.certificate.is_none();
        // Another part of the program may have chosen a provider first; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = Client::builder()
            .connect_timeout(CONNECT)
            .tcp_keepalive(Duration::from_secs(30))
            .user_agent(concat!("edk/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &access.certificate {
            let failed = |source| ImageError::io(path, source);
            let pem = std::fs::read(path).map_err(failed)?;
            let read = reqwest::Certificate::from_pem_bundle(&pem);
            let certificates = read.map_err(|error| failed(std::io::Error::other(error)))?;
            http = http.tls_certs_merge(certificates);
        }
        let http = http.build().map_err(|error| {
            ImageError::io(std::path::Path::new(registry), std::io::Error::other(error))
        })?;
        let scheme = if plain { "http" } else { "https" };
        // The registry of Docker Hub answers under another name than it is known by.
        let host = match registry {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        Ok(Self {
            http,
            registry: registry.to_owned(),
            base: format!("{scheme}://{host}"),
            access: access.clone(),
            state: Mutex::default(),
            monitor: monitor.clone(),
            heard: AtomicBool::new(false),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to count how often something is tried.
    pub(crate) fn tries(&self) -> Tries {
        Tries::new(self.heard.load(Ordering::Relaxed))
    }

    /// The whole address of a path, or of a location the registry gave.
    pub(crate) fn address(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    /// Sends a small request until it is answered with something other than trouble that passes.
    /// Whatever status is not in `fine` is an error.
    pub(crate) async fn send(
        &self,
        need: Need<'_>,
        fine: &[StatusCode],
        make: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Response, WireError> {
        let mut tries = self.tries();
        loop {
            match self.with_login(need, fine, &make).await {
                Err(error) => tries.again(error, self).await?,
                answered => return answered,
            }
        }
    }

    /// Sends a request once, or twice when the registry first tells how to log in.
    async fn with_login(
        &self,
        need: Need<'_>,
        fine: &[StatusCode],
        make: &impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Response, WireError> {
        let first = self.once(need, fine, make(&self.http), Some(PATIENCE)).await;
        match first {
            Err(WireError::Unauthorised { challenge, .. }) if self.learn(need, &challenge) => {
                self.once(need, fine, make(&self.http), Some(PATIENCE)).await
            }
            other => other,
        }
    }

    /// Sends a request once, with what is known of the login. `patience` is none for one with a
    /// long body.
    pub(crate) async fn once(
        &self,
        need: Need<'_>,
        fine: &[StatusCode],
        request: RequestBuilder,
        patience: Option<Duration>,
    ) -> Result<Response, WireError> {
        let request = match self.authorization(need).await? {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        };
        let sent = request.send();
        let response = match patience {
            None => sent.await,
            Some(patience) => match tokio::time::timeout(patience, sent).await {
                Ok(sent) => sent,
                Err(_) => return Err(WireError::Silent { seconds: patience.as_secs() }),
            },
        };
        let response = response.map_err(WireError::Request)?;
        self.heard.store(true, Ordering::Relaxed);
        if fine.contains(&response.status()) {
            return Ok(response);
        }
        Err(self.refusal(need, response).await)
    }

    pub(crate) fn http(&self) -> &Client {
        &self.http
    }

    async fn refusal(&self, need: Need<'_>, mut response: Response) -> WireError {
        let status = response.status();
        let header = |name: header::HeaderName| {
            let value = response.headers().get(name).and_then(|it| it.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (challenge, wait) = (header(header::WWW_AUTHENTICATE), header(header::RETRY_AFTER));
        let mut body = Vec::new();
        while let Ok(Ok(Some(piece))) =
            tokio::time::timeout(Duration::from_secs(5), response.chunk()).await
        {
            body.extend_from_slice(&piece);
            if body.len() > REFUSAL {
                break;
            }
        }
        let said = said(&body);
        let user = self.login(need.repository).map(|login| login.user);
        match status {
            StatusCode::UNAUTHORIZED => WireError::Unauthorised { user, said, challenge },
            StatusCode::FORBIDDEN => WireError::Forbidden { user, said },
            _ => WireError::Answer {
                status: status.as_u16(),
                said,
                wait: wait.trim().parse().ok().map(Duration::from_secs),
            },
        }
    }

    /// Learns from a refusal how to log in; says whether another attempt makes sense.
    fn learn(&self, need: Need<'_>, challenge: &str) -> bool {
        let Some(scheme) = Scheme::choose(challenge) else { return false };
        let login = self.login(need.repository);
        let mut state = self.state();
        let known = state.scheme.replace(scheme);
        match state.scheme.as_ref() {
            // Sent already, and refused.
            Some(Scheme::Basic) => known.is_none() && login.is_some(),
            // A token may have expired.
            Some(Scheme::Bearer(_)) => state.tokens.remove(&key(need)).is_some() || known.is_none(),
            None => false,
        }
    }

    /// Forgets a token that is not taken any more.
    pub(crate) fn forget(&self, need: Need<'_>) {
        self.state().tokens.remove(&key(need));
    }

    fn login(&self, repository: &str) -> Option<Login> {
        if let Some(known) = self.state().logins.get(repository) {
            return known.clone();
        }
        let found = self.access.login(&self.registry, repository);
        self.state().logins.insert(repository.to_owned(), found.clone());
        found
    }

    async fn authorization(&self, need: Need<'_>) -> Result<Option<String>, WireError> {
        let scheme = self.state().scheme.clone();
        match scheme {
            None => Ok(None),
            Some(Scheme::Basic) => Ok(self.login(need.repository).map(|login| login.basic())),
            Some(Scheme::Bearer(challenge)) => {
                if let Some(token) = self.state().tokens.get(&key(need)) {
                    return Ok(Some(format!("Bearer {token}")));
                }
                let token = self.token(&challenge, need).await?;
                let value = format!("Bearer {token}");
                self.state().tokens.insert(key(need), token);
                Ok(Some(value))
            }
        }
    }

    /// Asks for a token (distribution token specification), with the login if there is one.
    async fn token(&self, challenge: &Challenge, need: Need<'_>) -> Result<String, WireError> {
        let login = self.login(need.repository);
        if login.is_some() && !challenge.realm_is_safe(&self.base) {
            return Err(WireError::Strange(format!(
                "it sends to `{}` for a login, over a connection that is not encrypted",
                challenge.realm
            )));
        }
        let request = challenge.request(&self.http, login.as_ref(), &need.scopes());
        let answer = tokio::time::timeout(PATIENCE, request.send()).await;
        let answer = answer.map_err(|_| WireError::Silent { seconds: PATIENCE.as_secs() })?;
        let answer = answer.map_err(WireError::Request)?;
        if !answer.status().is_success() {
            return Err(self.refusal(need, answer).await);
        }
        let body = answer.bytes().await.map_err(WireError::Request)?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = value["token"].as_str().or(value["access_token"].as_str());
        let missing = || WireError::Strange("its login service answers without a token".to_owned());
        token.filter(|token| !token.is_empty()).map(str::to_owned).ok_or_else(missing)
    }
}

fn key(need: Need<'_>) -> String {
    need.scopes().join(" ")
}

/// What a refusal says, in its own words (OCI distribution specification, "Error Codes").
fn said(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &value["errors"][0];
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    let said = match (text("message"), text("code")) {
        (message, code) if message.is_empty() => code,
        (message, code) if code.is_empty() => message,
        (message, code) => format!("{message} ({code})"),
    };
    let details = value["details"].as_str().unwrap_or_default();
    let plain = || String::from_utf8_lossy(body).lines().next().unwrap_or_default().to_owned();
    let said = match (said.is_empty(), details.is_empty(), value.is_null()) {
        (false, ..) => said,
        (true, false, _) => details.to_owned(),
        (true, true, true) if !body.starts_with(b"<") => plain(),
        _ => String::new(),
    };
    said.chars().filter(|it| !it.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_registry() {
        let check = |body: &str, expected: &str| assert_eq!(said(body.as_bytes()), expected);
        check(r#"{"errors":[{"code":"DENIED","message":"no"}]}"#, "no (DENIED)");
        check(r#"{"errors":[{"code":"DENIED"}]}"#, "DENIED");
        check(r#"{"errors":[{"message":"no\u001b[1m"}]}"#, "no[1m");
        check(r#"{"details":"incorrect username"}"#, "incorrect username");
        check("slow down\nnow", "slow down");
        check("<html>", "");
        check("", "");
    }

    #[test]
    fn a_token_is_asked_for_all_that_is_touched() {
        let need = Need { also: Some("b"), ..Need::push("a") };
        assert_eq!(need.scopes(), ["repository:a:pull,push", "repository:b:pull"]);
        assert_eq!(Need::pull("a").scopes(), ["repository:a:pull"]);
    }
}
