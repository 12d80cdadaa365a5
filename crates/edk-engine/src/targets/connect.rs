use std::sync::Arc;

use edk_model::Secret;
use edk_target::{
    Auth, CookieJar, Generation, Login, Project, Session, SessionCookies, Target, Tokens,
};

use super::{book::Record, keys::Keys};
use crate::{Engine, EngineError};

impl Engine {
    /// Returns how the login of a target is reached.
    pub(super) fn login_of(
        record: &Record,
        client_secret: Option<Secret>,
    ) -> Result<Login, EngineError> {
        Ok(Login {
            target: record.name.clone(),
            url: record.url.clone(),
            trust: record.trust.trust()?,
            client: record.client.clone(),
            client_secret,
        })
    }

    /// Returns what is kept of the login of a target.
    pub(super) fn keys(&self, name: &str) -> Result<Option<Keys>, EngineError> {
        Ok(self.vault().get(name)?.as_ref().and_then(Keys::unpacked))
    }

    /// Returns a named target as a client takes it; its login renews itself, and what it renews is
    /// kept.
    pub(crate) fn connectable(&self, record: &Record) -> Result<Target, EngineError> {
        let version = &record.build_version;
        let mut target = Target::new(&record.name, &record.url, &record.registry, version);
        if let (None, Some(found)) = (Generation::of(version), record.generation) {
            target.generation = found;
        }
        target.trust = record.trust.trust()?;
        target.pull_policy = record.pull_policy;
        // What is on this machine serves nobody else, who would wait while it answers.
        let host = url::Url::parse(&record.url).ok();
        let host = host.as_ref().and_then(url::Url::host_str);
        if host.is_some_and(edk_model::names::is_this_machine) {
            target.pace = edk_target::Pace::sandbox();
        }
        target.project = record.project.as_ref().and_then(|project| {
            Some(Project { id: project.id.clone()?, name: project.name.clone() })
        });
        // Without a user nobody has logged in, so there is no reason to ask a keychain.
        let Some(keys) = record.user.as_ref().map(|_| self.keys(&record.name)).transpose()? else {
            return Ok(target);
        };
        target.auth = match keys {
            Some(Keys::Tokens(tokens, client_secret)) => {
                Auth::Session(Arc::new(self.session(record, tokens, client_secret)?))
            }
            Some(Keys::Cookies(cookies)) => Auth::Cookies(Arc::new(self.jar(record, cookies))),
            None => target.auth,
        };
        Ok(target)
    }

    fn session(
        &self,
        record: &Record,
        tokens: Tokens,
        client_secret: Option<Secret>,
    ) -> Result<Session, EngineError> {
        let login = Self::login_of(record, client_secret.clone())?;
        let keep = self.keeper(record);
        Ok(Session::new(login, tokens, self.setup.now, move |tokens| {
            keep(&Keys::Tokens(tokens.clone(), client_secret.clone()));
        }))
    }

    fn jar(&self, record: &Record, cookies: SessionCookies) -> CookieJar {
        let keep = self.keeper(record);
        CookieJar::new(&record.name, cookies, self.setup.now, move |cookies| {
            keep(&Keys::Cookies(cookies.clone()));
        })
    }

    /// Returns what keeps the keys that a login renews. What can't be kept is used all the same; the
    /// next command logs in with what it finds.
    fn keeper(&self, record: &Record) -> impl Fn(&Keys) + use<> {
        let (engine, name) = (Engine::new(self.setup.clone()), record.name.clone());
        move |keys| drop(engine.vault().set(&name, &keys.packed()))
    }
}
