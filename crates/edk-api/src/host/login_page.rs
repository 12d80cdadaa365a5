//! A platform's own login in a window of a desktop: everything about it but the window.

use edk_engine::{FrontDoor, LoginWay};
use edk_model::{Code, Failure, Secret};
use serde_json::{Value, json};

use super::{Host, explained};

/// The login of one target, as the window needs it in which a user logs in.
#[derive(Debug, Clone)]
pub struct LoginPage {
    host: Host,
    /// The front door: where to begin, whom to believe, what is its session.
    pub door: FrontDoor,
}

impl Host {
    /// Returns the login of the target `name`; sends nothing.
    ///
    /// # Errors
    /// There is no such target, or it is the sandbox of this machine.
    pub fn login_page(&self, name: &str) -> Result<LoginPage, Failure> {
        Ok(LoginPage { host: self.clone(), door: explained(self.inner.engine.front_door(name))? })
    }
}

impl LoginPage {
    /// Returns the title of the window while it shows `address`, whose host is in it, for who types
    /// a password has to see where; the address is empty while there is no page.
    pub fn title(&self, address: &str) -> String {
        let host = FrontDoor::host(address);
        let place = if host.is_empty() { host } else { format!("{host} · ") };
        format!("{place}Log in to {} · Kaapana EDK", self.door.name)
    }

    /// Logs in with the session of the window; returns what `target_login` does.
    ///
    /// # Errors
    /// The platform does not take the session; it can't be kept.
    pub fn log_in(&self, session: Secret) -> Result<Value, Failure> {
        Ok(json!(self.host.log_in(&self.door.name, LoginWay::Cookies(session), None)?))
    }

    /// Returns why nobody can log in: the system gives no window.
    pub fn no_window(&self, why: impl std::fmt::Display) -> Failure {
        Failure::new(Code::Precondition, "no window could be opened for the login").because(why)
    }

    /// Returns why nobody has logged in: the window was closed.
    pub fn closed(&self) -> Failure {
        Failure::new(Code::Cancelled, "the window was closed before anybody had logged in")
    }

    /// Returns why nobody can log in: the certificate at `address` is not believed.
    pub fn not_trusted(&self, address: &str) -> Failure {
        let host = FrontDoor::host(address);
        let what = format!("the certificate of {host} is not trusted");
        let pin = format!("`edk target doctor {}` shows how", self.door.name);
        Failure::new(Code::Unauthorised, what)
            .hint(format!("if it is that of the target, pin it: {pin}"))
            .hint("if another server has the login, let this machine believe its authority")
    }

    /// Returns why nobody can log in: there is no answer from `address`.
    pub fn unreachable(&self, address: &str, why: impl std::fmt::Display) -> Failure {
        Failure::new(Code::Unreachable, format!("the login at {address} can't be reached"))
            .because(why)
    }
}
