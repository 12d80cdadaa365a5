use std::{sync::Arc, time::Duration};

use edk_model::Secret;
use serde::{Deserialize, Serialize};

use crate::{CookieJar, Generation, Session, Trust};

/// A place that takes extensions: a Kaapana platform or the sandbox.
#[derive(Debug, Clone)]
pub struct Target {
    /// What the user calls it; messages name it so.
    pub name: String,
    /// Address of the front door, such as `https://kaapana.example.org`; the path of the API is
    /// put behind it.
    pub url: String,
    /// Registry and path from which the platform pulls images; no call tells it, so the user must.
    pub registry_url: String,
    /// When the platform pulls images; no call tells it either.
    pub pull_policy: Option<PullPolicy>,
    /// Build version of the platform: the tag of its own images.
    pub build_version: String,
    /// Which conventions it has.
    pub generation: Generation,
    /// How the client shows who it is.
    pub auth: Auth,
    /// The project every call is made for, sent as a cookie.
    pub project: Option<Project>,
    /// Which certificates are believed.
    pub trust: Trust,
    /// How fast and how long the client asks.
    pub pace: Pace,
}

/// How a client shows who it is.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all: the sandbox.
    None,
    /// With an access token.
    Bearer(Secret),
    /// With a login that renews its own token.
    Session(Arc<Session>),
    /// With the session of a browser, which the front door renews.
    Cookies(Arc<CookieJar>),
}

/// When a platform pulls the images of a chart that does not say so itself (`pull_policy_images` of
/// its globals).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// Each time; an image that is only on its disk is not found. In its developer mode, which is
    /// the default, a platform does so.
    Always,
    /// When it has none of that name; a tag that is pushed again is not pulled again.
    IfNotPresent,
}

impl PullPolicy {
    /// Returns it as Kubernetes writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
        }
    }
}

/// A project of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id, a UUID since 0.5.0.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// How fast and how long a client asks. All times are waiting times of the client; the platform has
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Time between two looks. A platform stalls all its users while it answers one.
    pub poll: Duration,
    /// Longest time between two looks while the platform answers with errors.
    pub back_off: Duration,
    /// How long one call may take. The front door of a platform gives up after 30 s.
    pub call: Duration,
    /// How long an upload may take after its last byte (the platform checks a chart for up to 80 s).
    pub upload: Duration,
    /// How long an image import may take (the platform itself stops after 180 s).
    pub import: Duration,
    /// How long to look for what an unclear answer was about. The platform's list is up to 30 s old.
    pub look: Duration,
    /// How often an upload is begun.
    pub tries: u32,
}

impl Pace {
    /// Returns the pace for a real platform: a look every 5 s.
    pub fn platform() -> Self {
        let seconds = Duration::from_secs;
        Self {
            poll: seconds(5),
            back_off: seconds(30),
            call: seconds(60),
            upload: seconds(120),
            import: seconds(240),
            look: seconds(75),
            tries: 3,
        }
    }

    /// Returns the pace for the sandbox, which serves nobody else and ends no import early.
    pub fn sandbox() -> Self {
        let poll = Duration::from_millis(100);
        let import = Duration::from_secs(1800);
        Self { poll, back_off: Duration::from_secs(1), import, ..Self::platform() }
    }
}

impl Target {
    /// Returns a target without login, project and own certificates, at the pace of a platform.
    pub fn new(name: &str, url: &str, registry_url: &str, build_version: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            registry_url: registry_url.to_owned(),
            pull_policy: None,
            build_version: build_version.to_owned(),
            generation: Generation::of(build_version).unwrap_or_default(),
            auth: Auth::None,
            project: None,
            trust: Trust::System,
            pace: Pace::platform(),
        }
    }
}
