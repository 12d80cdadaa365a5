//! Getting, renewing and giving back the tokens of a platform's login (Keycloak, realm `kaapana`).
//!
//! A platform comes with one confidential client, `kaapana`, that allows a password; its secret is
//! in the hands of the administrator. Logging in with a code or from another device needs a public
//! client that an administrator makes, with the audience `kaapana` among its mappers.
//!
//! Where nobody gives a secret or makes a client, the session of a browser that has logged in does
//! as well: the front door takes its cookie in place of a token ([`CookieJar`]).

mod cookies;
mod problem;
mod session;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

pub(crate) use cookies::is_session;
pub use cookies::{CookieJar, SessionCookies};
use edk_model::{Cancelled, Monitor, Secret};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, ResourceOwnerPassword,
    ResourceOwnerUsername, StandardDeviceAuthorizationResponse, TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
pub use problem::LoginProblem;
pub use session::Session;

use crate::{TargetError, Trust, send::connection};

/// Path of the login behind the front door.
const REALM: &str = "/auth/realms/kaapana/protocol/openid-connect";

type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// How a target's login is reached.
#[derive(Debug, Clone)]
pub struct Login {
    /// Name of the target.
    pub target: String,
    /// Address of the front door, without a slash at its end.
    pub url: String,
    /// Which certificates are believed.
    pub trust: Trust,
    /// The client of the login, such as `kaapana`.
    pub client: String,
    /// Its secret, when it is confidential.
    pub client_secret: Option<Secret>,
}

/// What a login gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// What every call carries.
    pub access: Secret,
    /// What gets the next access token.
    pub refresh: Option<Secret>,
    /// When the access token ends, by the clock of this machine.
    pub expires: Option<SystemTime>,
}

/// What a user does on another device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePrompt {
    /// Where to go.
    pub address: String,
    /// What to type there.
    pub code: String,
}

/// A login in a browser that was begun.
pub struct CodeRequest {
    /// Where the browser has to go.
    pub address: String,
    redirect: RedirectUrl,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
}

impl fmt::Debug for CodeRequest {
    /// Without the verifier, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeRequest").field("redirect", &self.redirect).finish_non_exhaustive()
    }
}

impl Login {
    /// Logs in with a user's name and password (RFC 6749, 4.3).
    ///
    /// # Errors
    /// [`TargetError::Login`] says what was refused; the login can't be reached; cancelled.
    pub async fn with_password(
        &self,
        user: &str,
        password: &Secret,
        now: SystemTime,
        monitor: &Monitor,
    ) -> Result<Tokens, TargetError> {
        let (client, http) = (self.client()?, self.http()?);
        let user = ResourceOwnerUsername::new(user.to_owned());
        let password = ResourceOwnerPassword::new(password.reveal().to_owned());
        let carry = |request| carry(&http, request);
        let asked = client.exchange_password(&user, &password).request_async(&carry);
        let answer = unless_cancelled(monitor, asked).await?;
        Ok(tokens(&answer.map_err(|error| self.refused(error, LoginProblem::of_password))?, now))
    }

    /// Gets new tokens for the refresh token of older ones (RFC 6749, 6).
    ///
    /// # Errors
    /// As [`Login::with_password`]; [`LoginProblem::Expired`] when the session is over,
    /// [`LoginProblem::Revoked`] when it was ended before.
    pub async fn renew(&self, refresh: &Secret, now: SystemTime) -> Result<Tokens, TargetError> {
        let (client, http) = (self.client()?, self.http()?);
        let token = RefreshToken::new(refresh.reveal().to_owned());
        let carry = |request| carry(&http, request);
        let answer = client.exchange_refresh_token(&token).request_async(&carry).await;
        let mut tokens =
            tokens(&answer.map_err(|error| self.refused(error, LoginProblem::of_renewal))?, now);
        // A login may keep the refresh token it gave before.
        tokens.refresh.get_or_insert_with(|| refresh.clone());
        Ok(tokens)
    }

    /// Logs in on another device (RFC 8628): `show` tells the user where to go and what to type,
    /// then this waits until that was done.
    ///
    /// # Errors
    /// As [`Login::with_password`]; [`LoginProblem::Denied`] when the user refused there, or took
    /// too long.
    pub async fn with_device(
        &self,
        show: impl FnOnce(&DevicePrompt),
        now: fn() -> SystemTime,
        monitor: &Monitor,
    ) -> Result<Tokens, TargetError> {
        let (client, http) = (self.client()?, self.http()?);
        let carry = |request| carry(&http, request);
        let begun = unless_cancelled(monitor, client.exchange_device_code().request_async(&carry));
        let details: StandardDeviceAuthorizationResponse =
            begun.await?.map_err(|error| self.refused(error, LoginProblem::of_device))?;
        let complete = details.verification_uri_complete().map(|uri| uri.secret().clone());
        show(&DevicePrompt {
            address: complete.unwrap_or_else(|| details.verification_uri().to_string()),
            code: details.user_code().secret().clone(),
        });
        let token = client.exchange_device_access_token(&details);
        let asked = token.request_async(&carry, tokio::time::sleep, None);
        let answer = unless_cancelled(monitor, asked).await?;
        Ok(tokens(&answer.map_err(|error| self.refused(error, LoginProblem::of_poll))?, now()))
    }

    /// Begins a login in a browser that ends at `redirect`, an address of this machine (RFC 6749,
    /// 4.1, with the proof key of RFC 7636). Sends nothing.
    ///
    /// # Errors
    /// [`TargetError::Address`] if the address of the target is none.
    pub fn begin_code(&self, redirect: &str) -> Result<CodeRequest, TargetError> {
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|_| self.no_address())?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client()?.set_redirect_uri(redirect.clone());
        let request = client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        let (address, state) = request.url();
        Ok(CodeRequest { address: address.to_string(), redirect, state, verifier })
    }

    /// Ends a login in a browser with the query that came to the redirect's address.
    ///
    /// # Errors
    /// As [`Login::with_password`]; [`LoginProblem::Denied`] when the query holds an error, or was
    /// not made for this login.
    pub async fn with_code(
        &self,
        begun: CodeRequest,
        query: &[(String, String)],
        now: SystemTime,
        monitor: &Monitor,
    ) -> Result<Tokens, TargetError> {
        let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, it)| it);
        let code = field("code").filter(|_| field("state") == Some(begun.state.secret()));
        let Some(code) = code else {
            let told = field("error_description").or(field("error")).cloned();
            let reason = told.unwrap_or_else(|| "the answer is not for this login".to_owned());
            return Err(self.problem(LoginProblem::Denied { reason }));
        };
        let (client, http) = (self.client()?.set_redirect_uri(begun.redirect), self.http()?);
        let carry = |request| carry(&http, request);
        let exchange = client.exchange_code(AuthorizationCode::new(code.clone()));
        let asked = exchange.set_pkce_verifier(begun.verifier).request_async(&carry);
        let answer = unless_cancelled(monitor, asked).await?;
        Ok(tokens(&answer.map_err(|error| self.refused(error, LoginProblem::of_device))?, now))
    }

    /// Ends the session to which a refresh token belongs (OpenID Connect RP-initiated logout).
    ///
    /// # Errors
    /// The login can't be reached; [`TargetError::Login`] when it refused.
    pub async fn give_back(&self, refresh: &Secret) -> Result<(), TargetError> {
        let mut form =
            vec![("client_id", self.client.as_str()), ("refresh_token", refresh.reveal())];
        form.extend(self.client_secret.as_ref().map(|it| ("client_secret", it.reveal())));
        let request = self.http()?.post(format!("{}{REALM}/logout", self.url)).form(&form);
        let answer = request.send().await.map_err(|source| self.unreachable(source))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(self.problem(LoginProblem::Other {
                reason: format!("status {}", answer.status().as_u16()),
            })),
        }
    }

    fn client(&self) -> Result<Client, TargetError> {
        let place = |end: &str| format!("{}{REALM}{end}", self.url);
        let no_address = |_| self.no_address();
        let client = BasicClient::new(ClientId::new(self.client.clone()))
            .set_auth_uri(AuthUrl::new(place("/auth")).map_err(no_address)?)
            .set_token_uri(TokenUrl::new(place("/token")).map_err(no_address)?)
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(place("/auth/device")).map_err(no_address)?,
            )
            .set_auth_type(AuthType::RequestBody);
        Ok(match &self.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.reveal().to_owned())),
            None => client,
        })
    }

    fn http(&self) -> Result<reqwest::Client, TargetError> {
        let setup = |source| TargetError::Setup { target: self.target.clone(), source };
        connection(&self.url, &self.trust).map_err(setup)
    }

    fn no_address(&self) -> TargetError {
        TargetError::Address { target: self.target.clone(), url: self.url.clone() }
    }

    fn problem(&self, problem: LoginProblem) -> TargetError {
        TargetError::Login { target: self.target.clone(), problem }
    }

    fn unreachable(&self, source: reqwest::Error) -> TargetError {
        TargetError::unreachable(&self.target, &self.url, source)
    }

    /// Returns the error for an answer without tokens; `read` knows what its code means here.
    fn refused<E: oauth2::ErrorResponse + 'static>(
        &self,
        error: oauth2::RequestTokenError<reqwest::Error, E>,
        read: impl FnOnce(&E) -> LoginProblem,
    ) -> TargetError {
        use oauth2::RequestTokenError::{Other, Parse, Request, ServerResponse};
        match error {
            ServerResponse(answer) => self.problem(read(&answer)),
            Request(source) => self.unreachable(source),
            // No answer of the protocol: empty, or something else.
            Parse(..) | Other(_) => self.problem(LoginProblem::NoLogin),
        }
    }
}

/// Carries a request of the login's protocol there, and its answer back.
async fn carry(
    http: &reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, reqwest::Error> {
    let request = reqwest::Request::try_from(request)?;
    let response = http.execute(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    Ok(answer)
}

async fn unless_cancelled<T>(
    monitor: &Monitor,
    work: impl Future<Output = T>,
) -> Result<T, Cancelled> {
    tokio::select! {
        () = monitor.token().cancelled() => Err(Cancelled),
        done = work => Ok(done),
    }
}

fn tokens(answer: &BasicTokenResponse, now: SystemTime) -> Tokens {
    let life = answer.expires_in().filter(|life| *life < Duration::from_secs(10 * 365 * 86_400));
    Tokens {
        access: Secret::new(answer.access_token().secret()),
        refresh: answer.refresh_token().map(|token| Secret::new(token.secret())),
        expires: life.map(|life| now + life),
    }
}
