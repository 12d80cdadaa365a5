use std::{
    io,
    path::{Path, PathBuf},
};

use edk_archive::{Readers, write_whole};
use edk_target::{Fingerprint, Generation, PullPolicy, Trust};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, target::SANDBOX};

/// Name of the client of the login that every platform has.
const CLIENT: &str = "kaapana";

/// Make a target known, or change one.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct TargetAddRequest {
    /// What to call it: small letters, digits and hyphens.
    pub name: String,
    /// Address of its start page.
    pub url: String,
    /// Registry and path from which the platform pulls images, when it is known.
    pub registry: Option<String>,
    /// When the platform pulls images, when it is known.
    #[cfg_attr(feature = "typescript", ts(optional, type = "'Always' | 'IfNotPresent'"))]
    pub pull_policy: Option<PullPolicy>,
    /// Build version of the platform, when the platform can't be asked.
    pub build_version: Option<String>,
    /// Name or id of the project that calls are made for.
    pub project: Option<String>,
    /// Which certificates are believed; without it, those the machine believes.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<TrustChoice>"))]
    pub trust: TrustChoice,
    /// The client of the login, when it is not `kaapana`.
    pub client: Option<String>,
    /// Whether a target of that name is changed: what is not named here stays as it is.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<bool>"))]
    pub change: bool,
}

/// Which certificates of a target are believed, as the user says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum TrustChoice {
    /// Those the machine believes.
    #[default]
    System,
    /// Also those of this file (PEM).
    Authority(PathBuf),
    /// The one with this SHA-256.
    Pinned(String),
    /// All.
    Anything,
}

/// A target as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) registry: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull_policy: Option<PullPolicy>,
    #[serde(default)]
    pub(crate) build_version: String,
    /// What its API was found to be, when its version does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<Generation>,
    #[serde(default)]
    pub(crate) project: Option<ProjectRecord>,
    #[serde(default)]
    pub(crate) trust: TrustRecord,
    #[serde(default)]
    pub(crate) client: String,
    /// Who has logged in.
    #[serde(default)]
    pub(crate) user: Option<String>,
}

/// The project of a target. Without an id it was named and not yet looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectRecord {
    #[serde(default)]
    pub(crate) id: Option<String>,
    pub(crate) name: String,
}

/// Which certificates are believed. A file of the user's is kept as it was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TrustRecord {
    #[default]
    System,
    Authority(String),
    Pinned(String),
    Anything,
}

/// All targets, and the one in use.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    /// The target that commands use when none is named.
    #[serde(default)]
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) targets: Vec<Record>,
}

/// A target in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetDetails {
    /// Its name.
    pub name: String,
    /// Its address; empty for the sandbox, which is brought up when it is used.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Registry and path from which it pulls images, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// When it pulls images, `Always` or `IfNotPresent`, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<PullPolicy>,
    /// Its build version, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_version: Option<String>,
    /// The project that calls are made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Which certificates are believed: `system`, `authority`, `pinned` or `anything`.
    pub trust: &'static str,
    /// Who has logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether commands use it when none is named.
    pub current: bool,
}

impl TrustChoice {
    fn record(&self) -> Result<TrustRecord, EngineError> {
        Ok(match self {
            Self::System => TrustRecord::System,
            Self::Anything => TrustRecord::Anything,
            Self::Authority(path) => {
                let unusable = |reason: &str| EngineError::Setting {
                    what: path.display().to_string(),
                    reason: reason.to_owned(),
                };
                let pem = std::fs::read(path).map_err(|source| EngineError::io(path, source))?;
                Trust::also(pem.clone()).map_err(unusable)?;
                let text = String::from_utf8(pem);
                TrustRecord::Authority(text.map_err(|_| unusable("is not text"))?)
            }
            Self::Pinned(text) => match text.parse::<Fingerprint>() {
                Ok(fingerprint) => TrustRecord::Pinned(fingerprint.to_string()),
                Err(reason) => {
                    let what = text.clone();
                    return Err(EngineError::Setting { what, reason });
                }
            },
        })
    }
}

impl TrustRecord {
    /// Returns what the client is told.
    pub(crate) fn trust(&self) -> Result<Trust, EngineError> {
        let damaged = |reason: String| EngineError::Setting {
            what: "targets.json".to_owned(),
            reason: format!("holds a certificate that can't be used: {reason}"),
        };
        Ok(match self {
            Self::System => Trust::System,
            Self::Anything => Trust::Anything,
            Self::Authority(pem) => Trust::also(pem.clone().into_bytes())
                .map_err(|reason| damaged(reason.to_owned()))?,
            Self::Pinned(text) => Trust::Pinned(text.parse().map_err(damaged)?),
        })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Authority(_) => "authority",
            Self::Pinned(_) => "pinned",
            Self::Anything => "anything",
        }
    }
}

impl Book {
    fn path(data: &Path) -> PathBuf {
        data.join("targets.json")
    }

    /// Reads the targets; without a file there are none.
    pub(crate) fn read(data: &Path) -> Result<Self, EngineError> {
        let path = Self::path(data);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(EngineError::io(&path, source)),
        };
        serde_json::from_slice(&text).map_err(|error| EngineError::Setting {
            what: format!("{}:{}:{}", path.display(), error.line(), error.column()),
            reason: format!("is not what was written: {error}"),
        })
    }

    pub(crate) fn write(&self, data: &Path) -> Result<(), EngineError> {
        let path = Self::path(data);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        let written = text.and_then(|text| write_whole(&path, &text, Readers::Owner));
        written.map_err(|source| EngineError::io(&path, source))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Record> {
        self.targets.iter().find(|record| record.name == name)
    }

    pub(crate) fn find_mut(&mut self, name: &str) -> Result<&mut Record, EngineError> {
        let known = self.names();
        let found = self.targets.iter_mut().find(|record| record.name == name);
        found.ok_or_else(|| EngineError::NoTarget { name: name.to_owned(), known })
    }

    /// Returns the names of all targets, the sandbox first.
    pub(crate) fn names(&self) -> Vec<String> {
        let named = self.targets.iter().map(|record| record.name.clone());
        std::iter::once(SANDBOX.to_owned()).chain(named).collect()
    }
}

impl Record {
    /// Returns it with what `request` does not name as in `known`.
    fn over(mut self, known: &Self, request: &TargetAddRequest) -> Self {
        if request.registry.is_none() {
            self.registry.clone_from(&known.registry);
        }
        if request.build_version.is_none() {
            self.build_version.clone_from(&known.build_version);
            self.generation = known.generation;
        }
        if request.trust == TrustChoice::System {
            self.trust = known.trust.clone();
        }
        if request.client.is_none() {
            self.client.clone_from(&known.client);
        }
        let is_known = |wanted: &String| {
            let known = known.project.as_ref();
            known.is_some_and(|it| it.name == *wanted || it.id.as_ref() == Some(wanted))
        };
        let stays = request.project.as_ref().is_none_or(is_known);
        if stays {
            self.project.clone_from(&known.project);
        }
        self.pull_policy = self.pull_policy.or(known.pull_policy);
        if stays && self.url == known.url && self.client == known.client {
            self.user.clone_from(&known.user);
        }
        self
    }

    fn view(&self, current: bool) -> TargetDetails {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        TargetDetails {
            name: self.name.clone(),
            url: self.url.clone(),
            registry: some(&self.registry),
            pull_policy: self.pull_policy,
            build_version: some(&self.build_version),
            project: self.project.as_ref().map(|project| project.name.clone()),
            trust: self.trust.word(),
            user: self.user.clone(),
            current,
        }
    }
}

impl Engine {
    /// Returns the name of the target that commands use when none is named.
    ///
    /// # Errors
    /// [`EngineError::Setting`] when the file of targets is damaged.
    pub fn current_target(&self) -> Result<String, EngineError> {
        Ok(Book::read(&self.setup.data)?.current.unwrap_or_else(|| SANDBOX.to_owned()))
    }

    /// Returns the targets, the sandbox first.
    ///
    /// # Errors
    /// [`EngineError::Setting`] when the file of targets is damaged.
    pub fn target_list(&self) -> Result<Vec<TargetDetails>, EngineError> {
        let book = Book::read(&self.setup.data)?;
        let current = book.current.as_deref().unwrap_or(SANDBOX);
        let sandbox = TargetDetails {
            name: SANDBOX.to_owned(),
            url: String::new(),
            registry: Some(crate::target::sandbox_registry()),
            pull_policy: None,
            build_version: Some(crate::target::SANDBOX_BUILD_VERSION.to_owned()),
            project: None,
            trust: TrustRecord::System.word(),
            user: None,
            current: current == SANDBOX,
        };
        let named = book.targets.iter().map(|record| record.view(record.name == current));
        Ok(std::iter::once(sandbox).chain(named).collect())
    }

    /// Makes a target known, or changes one; its login stays unless it is for another address,
    /// client or project. Nothing is sent to it.
    ///
    /// # Errors
    /// [`EngineError::Setting`] for a name, an address or a certificate that is none,
    /// [`EngineError::TargetKnown`] when there is one of this name.
    pub fn target_add(&self, request: &TargetAddRequest) -> Result<TargetDetails, EngineError> {
        let mut record = record(request)?;
        let mut book = Book::read(&self.setup.data)?;
        match book.find(&record.name) {
            Some(_) if !request.change => {
                return Err(EngineError::TargetKnown { name: record.name });
            }
            Some(known) => {
                record = record.over(known, request);
                if record.user.is_none() {
                    self.vault().forget(&record.name)?;
                }
            }
            None => {}
        }
        book.targets.retain(|other| other.name != record.name);
        let view = record.view(book.current.as_deref() == Some(&record.name));
        book.targets.push(record);
        book.targets.sort_by(|one, other| one.name.cmp(&other.name));
        book.write(&self.setup.data)?;
        Ok(view)
    }

    /// Makes `name` the target that commands use when none is named.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`] when there is none of this name.
    pub fn target_use(&self, name: &str) -> Result<(), EngineError> {
        let mut book = Book::read(&self.setup.data)?;
        if name != SANDBOX {
            book.find_mut(name)?;
        }
        book.current = (name != SANDBOX).then(|| name.to_owned());
        book.write(&self.setup.data)
    }

    /// Forgets a target with its login; what is on it stays there.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`] when there is none of this name.
    pub fn target_remove(&self, name: &str) -> Result<(), EngineError> {
        let mut book = Book::read(&self.setup.data)?;
        book.find_mut(name)?;
        self.vault().forget(name)?;
        book.targets.retain(|record| record.name != name);
        book.current = book.current.filter(|current| current != name);
        book.write(&self.setup.data)
    }
}

fn record(request: &TargetAddRequest) -> Result<Record, EngineError> {
    let wrong = |what: &str, reason: &str| EngineError::Setting {
        what: what.to_owned(),
        reason: reason.to_owned(),
    };
    let name = &request.name;
    edk_model::names::dns_label(name, 40).map_err(|reason| wrong(name, &reason))?;
    if name == SANDBOX {
        return Err(wrong(name, "is the name of the target on this machine"));
    }
    let url = address(&request.url)?;
    let registry = request.registry.clone().unwrap_or_default();
    if registry.contains("://") {
        return Err(wrong(&registry, "must not have a scheme: host[:port]/path"));
    }
    Ok(Record {
        name: name.clone(),
        url,
        registry,
        pull_policy: request.pull_policy,
        build_version: request.build_version.clone().unwrap_or_default(),
        generation: None,
        project: request.project.clone().map(|name| ProjectRecord { id: None, name }),
        trust: request.trust.record()?,
        client: request.client.clone().unwrap_or_else(|| CLIENT.to_owned()),
        user: None,
    })
}

/// Returns the address of a front door, without a slash at its end.
fn address(text: &str) -> Result<String, EngineError> {
    let wrong =
        |reason: &str| EngineError::Setting { what: text.to_owned(), reason: reason.to_owned() };
    let no_address = || wrong("is no address such as https://kaapana.example.org");
    let url = url::Url::parse(text).map_err(|_| no_address())?;
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"));
    let host = host.ok_or_else(no_address)?;
    let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    if !plain || host.contains(|it: char| !(it.is_alphanumeric() || "-._:[]".contains(it))) {
        return Err(no_address());
    }
    if url.scheme() == "http" && !edk_model::names::is_this_machine(host) {
        return Err(wrong("would carry passwords in the open; use https"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
