use std::{
    fmt,
    time::{Duration, SystemTime},
};

use edk_model::Secret;
use tokio::sync::Mutex;

use super::{Login, LoginProblem, Tokens};
use crate::TargetError;

/// How long before its end a token is renewed: longer than any call waits for its turn.
const MARGIN: Duration = Duration::from_secs(30);

/// A login that renews its token when it is about to end, or was refused.
pub struct Session {
    login: Login,
    tokens: Mutex<Tokens>,
    now: fn() -> SystemTime,
    keep: Box<dyn Fn(&Tokens) + Send + Sync>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Session {
    /// Returns the session of `login` with `tokens`; `keep` is given all that follow them, so that
    /// they can be used again.
    pub fn new(
        login: Login,
        tokens: Tokens,
        now: fn() -> SystemTime,
        keep: impl Fn(&Tokens) + Send + Sync + 'static,
    ) -> Self {
        Self { login, tokens: Mutex::new(tokens), now, keep: Box::new(keep) }
    }

    /// Returns an access token that does not end soon.
    pub(crate) async fn token(&self) -> Result<Secret, TargetError> {
        let mut tokens = self.tokens.lock().await;
        let soon = (self.now)() + MARGIN;
        if tokens.expires.is_some_and(|expires| expires <= soon) {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    /// Returns another access token than `refused`, which a front door did not take.
    pub(crate) async fn token_after(&self, refused: &Secret) -> Result<Secret, TargetError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.access == *refused {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    async fn renew(&self, tokens: &mut Tokens) -> Result<(), TargetError> {
        let Some(refresh) = &tokens.refresh else {
            let over = tokens.expires.is_some_and(|end| end <= (self.now)() + MARGIN);
            let problem = if over { LoginProblem::Expired } else { LoginProblem::Revoked };
            return Err(self.login.problem(problem));
        };
        *tokens = self.login.renew(refresh, (self.now)()).await?;
        (self.keep)(tokens);
        Ok(())
    }
}
