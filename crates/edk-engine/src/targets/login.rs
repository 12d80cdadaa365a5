use std::sync::Arc;

use edk_model::{Monitor, Outcome, Secret};
use edk_target::{Auth, Client, CookieJar, Generation, Project, SessionCookies, Tokens, User};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    book::{Book, ProjectRecord, Record},
    keys::{self, Keys},
};
use crate::{
    Engine, EngineError,
    target::{address, loopback, runtime},
};

/// What the browser shows when a login is done.
const DONE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n\r\n\
     <!doctype html><title>Kaapana EDK</title><p>You can close this page and go back to Kaapana EDK.";

/// Log in to a target.
#[derive(Debug, Clone)]
pub struct TargetLoginRequest {
    /// Name of the target.
    pub name: String,
    /// How.
    pub way: LoginWay,
    /// Secret of the client, when it is confidential.
    pub client_secret: Option<Secret>,
    /// The client, when it is another than the target's.
    pub client: Option<String>,
}

/// A way to log in.
#[derive(Debug, Clone)]
pub enum LoginWay {
    /// With an access token that somebody else has got; it is not renewed.
    Token(Secret),
    /// With a user's password.
    Password {
        /// Name of the user.
        user: String,
        /// The password; it is not kept.
        password: Secret,
    },
    /// In a browser on this machine: a line of output names the address.
    Browser,
    /// In a browser on any device: a line of output names address and code.
    Device,
    /// With the session of a browser that has logged in: its header `Cookie`, or the front door's
    /// cookies in it (`_oauth2_proxy`).
    Cookies(Secret),
}

/// Who has logged in where.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct LoginOutcome {
    /// Name of the target.
    pub target: String,
    /// Name of the user.
    pub user: String,
    /// Whether everything is allowed to it.
    pub admin: bool,
    /// The project that calls are made for, if it is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The projects it can work in.
    pub projects: Vec<String>,
    /// Build version of the platform, if it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_version: Option<String>,
}

/// What the platform told the new user.
struct Told {
    user: User,
    projects: Vec<Project>,
    build_version: Option<String>,
    /// What its API looks like, when its version does not tell.
    generation: Option<Generation>,
}

impl Engine {
    /// Logs in to a target, asks it who that is, which projects there are and which version it has,
    /// and keeps what the next commands need. A password is not kept.
    ///
    /// # Errors
    /// [`EngineError::Target`] when it can't be reached or refuses, [`EngineError::Setting`] when
    /// the project of the target is none of the user's, [`EngineError::Vault`] when the tokens
    /// can't be kept.
    pub fn target_login(
        &self,
        request: &TargetLoginRequest,
        monitor: &Monitor,
    ) -> Result<LoginOutcome, EngineError> {
        let monitor = monitor.stage("login");
        monitor.started(&request.name);
        let mut record = Book::read(&self.setup.data)?.find_mut(&request.name)?.clone();
        if let Some(client) = &request.client {
            client.clone_into(&mut record.client);
        }
        let (keys, told) = runtime()?.block_on(async {
            let mut keys = self.new_keys(&record, request, &monitor).await?;
            let told = self.told(&record, &mut keys, &monitor).await?;
            Ok::<_, EngineError>((keys, told))
        })?;
        // A login takes its time; other targets may have come meanwhile, and this one changed.
        let mut book = Book::read(&self.setup.data)?;
        let kept = book.find_mut(&request.name)?;
        kept.client.clone_from(&record.client);
        kept.settle(&told)?;
        let record = kept.clone();
        let outcome = record.outcome(&told);
        self.vault().set(&request.name, &keys.packed())?;
        book.write(&self.setup.data)?;
        monitor.finished(&request.name, Outcome::Done, &format!("logged in as {}", outcome.user));
        Ok(outcome)
    }

    /// Ends the session of a target there and forgets it here. That it can't be ended there, as that
    /// of a browser can't, is told and no error: it ends by itself.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`]; [`EngineError::Vault`] when the tokens can't be removed.
    pub fn target_logout(&self, name: &str, monitor: &Monitor) -> Result<(), EngineError> {
        let mut book = Book::read(&self.setup.data)?;
        let record = book.find_mut(name)?;
        let goes_on = |why: &dyn std::fmt::Display| {
            monitor.stage("logout").line(&format!("the session there goes on: {why}"));
        };
        match self.keys(name)? {
            Some(Keys::Tokens(Tokens { refresh: Some(refresh), .. }, client_secret)) => {
                let login = Self::login_of(record, client_secret)?;
                if let Err(error) = runtime()?.block_on(login.give_back(&refresh)) {
                    goes_on(&error);
                }
            }
            Some(Keys::Cookies(_)) => goes_on(&"that of a browser ends when it is not used"),
            Some(Keys::Tokens(..)) | None => {}
        }
        self.vault().forget(name)?;
        record.user = None;
        book.write(&self.setup.data)
    }

    async fn new_keys(
        &self,
        record: &Record,
        request: &TargetLoginRequest,
        monitor: &Monitor,
    ) -> Result<Keys, EngineError> {
        let (now, login) = (self.setup.now, Self::login_of(record, request.client_secret.clone())?);
        let tokens = match &request.way {
            LoginWay::Cookies(text) => {
                // Nobody tells how old it is.
                let cookies = SessionCookies::read(text.reveal(), None);
                return cookies.map(Keys::Cookies).ok_or_else(no_session);
            }
            LoginWay::Token(access) => {
                Tokens { access: access.clone(), refresh: None, expires: keys::end_of(access) }
            }
            LoginWay::Password { user, password } => {
                login.with_password(user, password, now(), monitor).await?
            }
            LoginWay::Device => {
                let show = |prompt: &edk_target::DevicePrompt| {
                    monitor.line(&format!("open {}", prompt.address));
                    monitor.line(&format!("and enter {}", prompt.code));
                };
                login.with_device(show, now, monitor).await?
            }
            LoginWay::Browser => {
                let listener = loopback(0).await?;
                let begun = login.begin_code(&format!("{}/login", address(&listener)?))?;
                monitor.line(&format!("open {}", begun.address));
                let query = answered(&listener, monitor).await?;
                login.with_code(begun, &query, now(), monitor).await?
            }
        };
        Ok(Keys::Tokens(tokens, request.client_secret.clone()))
    }

    async fn told(
        &self,
        record: &Record,
        keys: &mut Keys,
        monitor: &Monitor,
    ) -> Result<Told, EngineError> {
        let target = self.connectable(&Record { user: None, ..record.clone() })?;
        let auth = match keys {
            Keys::Tokens(tokens, _) => Auth::Bearer(tokens.access.clone()),
            Keys::Cookies(cookies) => {
                let jar = CookieJar::new(&record.name, cookies.clone(), self.setup.now, |_| ());
                Auth::Cookies(Arc::new(jar))
            }
        };
        let client = Client::connect(edk_target::Target { auth, ..target })?;
        let user = client.user(monitor).await?;
        let projects = client.projects(&user, monitor).await?;
        // Who may not see the start page's data can still work.
        let build_version = client.platform(monitor).await.ok().map(|it| it.build_version);
        let known = build_version.as_deref().and_then(Generation::of).is_some();
        let generation = match known {
            true => None,
            false => client.features(monitor).await.ok().and_then(|it| it.generation()),
        };
        if let Auth::Cookies(jar) = &client.target().auth {
            *keys = Keys::Cookies(jar.cookies().await);
        }
        Ok(Told { user, projects, build_version, generation })
    }
}

impl Record {
    /// Takes over what the platform told; the project becomes the one that was named, or the only
    /// one there is.
    fn settle(&mut self, told: &Told) -> Result<(), EngineError> {
        self.user = Some(told.user.username.clone());
        if let Some(version) = &told.build_version {
            version.clone_into(&mut self.build_version);
        }
        self.generation = told.generation;
        let record =
            |it: &Project| ProjectRecord { id: Some(it.id.clone()), name: it.name.clone() };
        match (&self.project, told.projects.as_slice()) {
            (None, [only]) => self.project = Some(record(only)),
            (None, _) => {}
            (Some(wanted), all) => {
                let is = |it: &&Project| it.name == wanted.name || it.id == wanted.name;
                let found = all.iter().find(is).map(record);
                self.project = Some(found.ok_or_else(|| EngineError::Setting {
                    what: wanted.name.clone(),
                    reason: format!("is no project of {}", told.user.username),
                })?);
            }
        }
        Ok(())
    }

    fn outcome(&self, told: &Told) -> LoginOutcome {
        LoginOutcome {
            target: self.name.clone(),
            user: told.user.username.clone(),
            admin: told.user.is_admin(),
            project: self.project.as_ref().map(|project| project.name.clone()),
            projects: told.projects.iter().map(|project| project.name.clone()).collect(),
            build_version: told.build_version.clone(),
        }
    }
}

fn no_session() -> EngineError {
    EngineError::Setting {
        what: "session".to_owned(),
        reason: "is no session of the front door: give the cookie `_oauth2_proxy`, or all its \
                 pieces from `_oauth2_proxy_0` on"
            .to_owned(),
    }
}

/// Waits for the browser to come back, and returns what it brings.
async fn answered(
    listener: &TcpListener,
    monitor: &Monitor,
) -> Result<Vec<(String, String)>, EngineError> {
    let cancelled = || EngineError::Cancelled(edk_model::Cancelled);
    loop {
        let (mut stream, _) = tokio::select! {
            () = monitor.token().cancelled() => return Err(cancelled()),
            accepted = listener.accept() => accepted.map_err(EngineError::Network)?,
        };
        let mut head = Vec::new();
        let mut piece = [0; 4096];
        // A browser asks for other things as well, and may open a connection it does not use.
        while !head.windows(4).any(|it| it == b"\r\n\r\n") && head.len() < 64 * 1024 {
            let read = tokio::select! {
                () = monitor.token().cancelled() => return Err(cancelled()),
                read = stream.read(&mut piece) => read.unwrap_or_default(),
            };
            if read == 0 {
                break;
            }
            head.extend_from_slice(&piece[..read]);
        }
        let query = query(&String::from_utf8_lossy(&head));
        let page = if query.is_some() { DONE } else { "HTTP/1.1 404 Not Found\r\n\r\n" };
        // The login does not depend on whether the browser hears of it.
        let _ = stream.write_all(page.as_bytes()).await;
        if let Some(query) = query {
            return Ok(query);
        }
    }
}

/// Reads the query of a request for `/login`.
fn query(head: &str) -> Option<Vec<(String, String)>> {
    let query = head.lines().next()?.strip_prefix("GET /login?")?.split(' ').next()?;
    Some(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_browser_is_read() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let read = query("GET /login?state=a-b&code=x%2By%zz+1&iss=%C3%A4 HTTP/1.1\r\nhost: x");
        let expected = vec![pair("state", "a-b"), pair("code", "x+y%zz 1"), pair("iss", "ä")];
        assert_eq!(read, Some(expected));
        for other in ["GET /favicon.ico HTTP/1.1", "POST /login?a=b", "", "GET /login HTTP/1.1"] {
            assert_eq!(query(other), None, "{other}");
        }
    }
}
