use std::{
    fmt,
    time::{Duration, SystemTime},
};

use edk_model::Secret;
use tokio::sync::Mutex;

use super::LoginProblem;
use crate::TargetError;

/// Name of the front door's cookie (oauth2-proxy). One that is too large comes in pieces, each with
/// its number behind the name: `_oauth2_proxy_0`, `_oauth2_proxy_1`.
const NAME: &str = "_oauth2_proxy";
/// How long an access token lives on a platform. The front door renews the cookie from it, so one
/// that was set less than this ago is refused only when somebody ended the session.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// The time at which a session was set whose time is not known.
const UNKNOWN: SystemTime = SystemTime::UNIX_EPOCH;

/// The session of a browser behind the front door: the cookie it was given, or all its pieces.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookies {
    /// Names and values, in the order in which they are sent.
    pairs: Vec<(String, Secret)>,
    /// When they were set, by the clock of this machine.
    set: SystemTime,
}

impl fmt::Debug for SessionCookies {
    /// Without the values, which are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.pairs.iter().map(|(name, _)| name).collect();
        f.debug_struct("SessionCookies").field("names", &names).field("set", &self.set).finish()
    }
}

impl SessionCookies {
    /// Picks the session out of `cookies`, pairs of name and value that were set at `set`; `None`
    /// when it is not among them, or a piece of it is missing.
    pub fn among<'a>(
        cookies: impl IntoIterator<Item = (&'a str, &'a str)>,
        set: SystemTime,
    ) -> Option<Self> {
        let ours = cookies.into_iter().filter_map(|(name, value)| {
            // A front door takes a cookie away by making it empty.
            Some((piece(name)?, name, value)).filter(|_| !value.is_empty())
        });
        let mut found: Vec<_> = ours.collect();
        found.sort_unstable();
        let whole = found.iter().position(|(piece, ..)| *piece == Piece::Whole);
        if let Some(at) = whole {
            // As the front door does: pieces beside the whole are left from an earlier session.
            found = vec![found[at]];
        }
        let mut numbers = found.iter().zip(0..);
        let complete =
            numbers.all(|((piece, ..), at)| whole.is_some() || *piece == Piece::Part(at));
        let pair = |(_, name, value): &(_, &str, &str)| ((*name).to_owned(), Secret::new(*value));
        let pairs: Vec<_> = found.iter().map(pair).collect();
        (complete && !pairs.is_empty()).then_some(Self { pairs, set })
    }

    /// Reads the header `Cookie` of a browser, with or without its name before it, or the same pairs
    /// on lines of their own; without a time it counts as old until it is accepted. Cookies that are
    /// none of the front door's are left out.
    pub fn read(text: &str, set: Option<SystemTime>) -> Option<Self> {
        let set = set.unwrap_or(UNKNOWN);
        let pairs = text.split([';', '\n']).filter_map(|pair| {
            let pair = pair.trim();
            let named = pair.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("cookie:"));
            let (name, value) = if named { &pair[7..] } else { pair }.split_once('=')?;
            Some((name.trim(), value.trim()))
        });
        Self::among(pairs, set)
    }

    /// Returns the value of a header `Cookie`; [`SessionCookies::read`] reads it.
    pub fn header(&self) -> Secret {
        let pair = |(name, value): &(String, Secret)| format!("{name}={}", value.reveal());
        Secret::new(self.pairs.iter().map(pair).collect::<Vec<_>>().join("; "))
    }

    /// Returns when they were set.
    pub fn set(&self) -> SystemTime {
        self.set
    }
}

/// Which part of the session a cookie is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Whole,
    Part(u16),
}

/// Says which part of the session the cookie `name` is, if it is one: the front door has others,
/// such as the one against forged logins.
pub(crate) fn is_session(name: &str) -> bool {
    piece(name).is_some()
}

fn piece(name: &str) -> Option<Piece> {
    let rest = name.strip_prefix(NAME)?;
    match rest.strip_prefix('_') {
        None => rest.is_empty().then_some(Piece::Whole),
        Some(number) => number.parse().ok().map(Piece::Part),
    }
}

/// The session of a browser in use: it takes what the front door renews.
pub struct CookieJar {
    target: String,
    cookies: Mutex<SessionCookies>,
    now: fn() -> SystemTime,
    keep: Box<dyn Fn(&SessionCookies) + Send + Sync>,
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar").field("target", &self.target).finish_non_exhaustive()
    }
}

impl CookieJar {
    /// Returns a jar with the session of `target`; `keep` is given all that follow it, so that they
    /// can be used again.
    pub fn new(
        target: &str,
        cookies: SessionCookies,
        now: fn() -> SystemTime,
        keep: impl Fn(&SessionCookies) + Send + Sync + 'static,
    ) -> Self {
        let (target, cookies) = (target.to_owned(), Mutex::new(cookies));
        Self { target, cookies, now, keep: Box::new(keep) }
    }

    /// Returns the value of the header `Cookie`.
    pub(crate) async fn header(&self) -> Secret {
        self.cookies.lock().await.header()
    }

    /// Returns the session as it is now.
    pub async fn cookies(&self) -> SessionCookies {
        self.cookies.lock().await.clone()
    }

    /// Takes what the reply to an accepted call sets, each as `name=value`. The front door always
    /// sets the whole session; where it sets none, the session is too young to be renewed.
    pub(crate) async fn take(&self, set: &[String]) {
        let pairs = set.iter().filter_map(|cookie| cookie.split_once('='));
        let (now, mut cookies) = ((self.now)(), self.cookies.lock().await);
        match SessionCookies::among(pairs, now) {
            Some(renewed) => {
                (self.keep)(&renewed);
                *cookies = renewed;
            }
            None if cookies.set == UNKNOWN => cookies.set = now,
            None => {}
        }
    }

    /// Returns the error for a session which the front door no longer takes.
    pub(crate) async fn over(&self) -> TargetError {
        let age = (self.now)().duration_since(self.cookies.lock().await.set);
        let problem = match age {
            Ok(age) if age > TOKEN_LIFE => LoginProblem::Expired,
            _ => LoginProblem::Revoked,
        };
        TargetError::Login { target: self.target.clone(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: Option<SystemTime> = Some(SystemTime::UNIX_EPOCH);

    fn read(text: &str) -> Option<String> {
        Some(SessionCookies::read(text, SET)?.header().reveal().to_owned())
    }

    #[test]
    fn the_session_is_picked_out_of_a_browsers_cookies() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        };
        check("_oauth2_proxy=a=|1|b", Some("_oauth2_proxy=a=|1|b"));
        let pieces = "_oauth2_proxy_0=a; _oauth2_proxy_1=b";
        check(pieces, Some(pieces));
        check("cookie: x=1; _oauth2_proxy_1=b; Project=%7B; _oauth2_proxy_0=a", Some(pieces));
        check(" _oauth2_proxy_1=b\n_oauth2_proxy_0=a\r\n", Some(pieces));
        check("_oauth2_proxy_0=old; _oauth2_proxy=new", Some("_oauth2_proxy=new"));
        check("_oauth2_proxy=; _oauth2_proxy_0=a", Some("_oauth2_proxy_0=a"));
        let eleven: Vec<_> = (0..11).map(|it| format!("_oauth2_proxy_{it}=v{it}")).collect();
        check(&eleven.join(";"), Some(&eleven.join("; ")));
        for none in [
            "",
            "x",
            "_oauth2_proxy",
            "_oauth2_proxy=",
            "_oauth2_proxy_csrf=a",
            "_oauth2_proxy_1f_csrf=a",
            "é=é",
        ] {
            check(none, None);
        }
        check("_oauth2_proxy_1=b", None);
        check("_oauth2_proxy_0=a; _oauth2_proxy_2=c", None);
    }

    #[test]
    fn a_session_shows_its_names_only() {
        let shown = format!("{:?}", SessionCookies::read("_oauth2_proxy=hunter2", SET).unwrap());
        assert!(shown.contains(NAME) && !shown.contains("hunter2"), "{shown}");
    }
}
