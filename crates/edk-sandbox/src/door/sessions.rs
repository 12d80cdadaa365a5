use std::{
    collections::HashMap,
    ops::Range,
    time::{Duration, SystemTime},
};

use uuid::Uuid;

/// Who has logged in, and what still waits for a login. Kept in memory: a restart ends it all.
#[derive(Default)]
pub(super) struct Sessions {
    access: HashMap<String, Entry>,
    refresh: HashMap<String, Entry>,
    browsers: HashMap<String, Browser>,
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
}

struct Entry {
    user: String,
    ends: SystemTime,
}

/// The session of a browser.
struct Browser {
    user: String,
    set: SystemTime,
}

/// A code that came to the redirect of a browser.
pub(super) struct Code {
    pub(super) user: String,
    pub(super) redirect: String,
    /// SHA-256 of the verifier, as RFC 7636 writes it.
    pub(super) challenge: String,
}

/// A device that waits for its user.
pub(super) struct Device {
    pub(super) user_code: String,
    pub(super) state: DeviceState,
    pub(super) ends: SystemTime,
}

/// What the user has said.
pub(super) enum DeviceState {
    Waiting,
    Allowed(String),
    Denied,
}

/// The tokens of a login.
pub(super) struct Given {
    pub(super) access: String,
    pub(super) refresh: String,
}

/// What a token begins with, as those of large services do: so one is told wherever it shows.
const ACCESS: &str = "sandbox-access-";
const REFRESH: &str = "sandbox-refresh-";
const SESSION: &str = "sandbox-session-";

pub(super) fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

impl Sessions {
    /// Returns the user of an access token that has not ended.
    pub(super) fn user(&self, token: &str, now: SystemTime) -> Option<String> {
        self.access.get(token).filter(|entry| entry.ends > now).map(|entry| entry.user.clone())
    }

    pub(super) fn give(
        &mut self,
        user: &str,
        now: SystemTime,
        access_life: Duration,
        session_life: Duration,
    ) -> Given {
        let (access, refresh) = (format!("{ACCESS}{}", random()), format!("{REFRESH}{}", random()));
        let entry = |life| Entry { user: user.to_owned(), ends: now + life };
        self.access.insert(access.clone(), entry(access_life));
        self.refresh.insert(refresh.clone(), entry(session_life));
        Given { access, refresh }
    }

    /// Takes a refresh token back, and returns its user.
    ///
    /// # Errors
    /// Keycloak's words for one that has reached its end, and for one whose session was ended.
    pub(super) fn take_refresh(
        &mut self,
        token: &str,
        now: SystemTime,
    ) -> Result<String, &'static str> {
        let entry = self.refresh.remove(token).ok_or("Session not active")?;
        if entry.ends > now { Ok(entry.user) } else { Err("Token is not active") }
    }

    /// Ends the session of a refresh token, with all tokens of its user.
    pub(super) fn end(&mut self, token: &str) {
        if let Some(entry) = self.refresh.remove(token) {
            self.access.retain(|_, other| other.user != entry.user);
        }
    }

    /// Begins the session of a browser; both halves of it say what they are.
    pub(super) fn add_browser(&mut self, user: &str, set: SystemTime) -> String {
        let name = format!("{SESSION}{}{SESSION}{}", random(), random());
        self.browsers.insert(name.clone(), Browser { user: user.to_owned(), set });
        name
    }

    /// Returns the user of a browser's session, whose token lives for `life`.
    pub(super) fn browser(&self, name: &str, now: SystemTime, life: Duration) -> Option<String> {
        let browser = self.browsers.get(name)?;
        (browser.set + life > now).then(|| browser.user.clone())
    }

    /// Gives a browser a new session in place of one whose age is in `ages`; the old one stays good,
    /// as it does where all that is known of a session is in its cookie.
    pub(super) fn renew_browser(
        &mut self,
        name: &str,
        now: SystemTime,
        ages: &Range<Duration>,
    ) -> Option<String> {
        let browser = self.browsers.get(name)?;
        let age = now.duration_since(browser.set).ok().filter(|age| ages.contains(age));
        let user = age.map(|_| browser.user.clone())?;
        Some(self.add_browser(&user, now))
    }

    pub(super) fn add_code(&mut self, code: Code) -> String {
        let name = random();
        self.codes.insert(name.clone(), code);
        name
    }

    pub(super) fn take_code(&mut self, name: &str) -> Option<Code> {
        self.codes.remove(name)
    }

    /// Begins a login on another device; returns the device's code and the user's.
    pub(super) fn add_device(&mut self, ends: SystemTime) -> (String, String) {
        let user_code = random()[..8].to_uppercase();
        let device = Device { user_code: user_code.clone(), state: DeviceState::Waiting, ends };
        let name = random();
        self.devices.insert(name.clone(), device);
        (name, user_code)
    }

    pub(super) fn device(&mut self, name: &str) -> Option<&Device> {
        self.devices.get(name)
    }

    pub(super) fn forget_device(&mut self, name: &str) {
        self.devices.remove(name);
    }

    /// Notes what the user with `user_code` has said; says whether a device waits for it.
    pub(super) fn decide(&mut self, user_code: &str, state: DeviceState) -> bool {
        let device = self.devices.values_mut().find(|device| device.user_code == user_code);
        device.map(|device| device.state = state).is_some()
    }
}
