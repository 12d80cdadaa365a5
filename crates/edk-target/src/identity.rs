//! Who a client is on a platform, and which platform it is.

use std::time::SystemTime;

use edk_model::Monitor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Project, Reply, TargetError, request};

/// The user to whom a login belongs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its id, a UUID.
    pub id: String,
    /// The name it logs in with.
    pub username: String,
    /// Its roles in the realm, such as `admin`.
    #[serde(default)]
    pub realm_roles: Vec<String>,
}

impl User {
    /// Says whether everything is allowed to it.
    pub fn is_admin(&self) -> bool {
        self.realm_roles.iter().any(|role| role == "admin")
    }
}

/// What a platform says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Its build version, such as `0.6.0` or `0.6.0-12-gabc1234`: the tag its own images have, and
    /// under which operators ask for theirs.
    pub build_version: String,
    /// Its generation, when the version tells it.
    pub generation: Option<Generation>,
}

/// Versions of platforms between which a client has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Generation {
    /// 0.4.0 to 0.4.2: the project is named in the cookie `Project-Name`.
    #[serde(rename = "0.4")]
    V0_4,
    /// 0.5.0: a warning of Helm counts as a failure.
    #[serde(rename = "0.5.0")]
    V0_5_0,
    /// 0.5.1 to 0.5.3.
    #[serde(rename = "0.5.1")]
    V0_5_1,
    /// 0.6.0 and what follows.
    #[default]
    #[serde(rename = "0.6")]
    V0_6,
}

impl Generation {
    /// Returns the versions it stands for, as the end of "like ".
    pub fn words(self) -> &'static str {
        match self {
            Self::V0_4 => "0.4",
            Self::V0_5_0 => "0.5.0",
            Self::V0_5_1 => "0.5.1 to 0.5.3",
            Self::V0_6 => "0.6",
        }
    }

    /// Returns the generation of a version that begins with three numbers.
    pub fn of(version: &str) -> Option<Self> {
        let mut parts = version.splitn(3, '.');
        let major: u32 = parts.next()?.parse().ok()?;
        let minor: u32 = parts.next()?.parse().ok()?;
        let patch = parts.next()?;
        let patch: String = patch.chars().take_while(char::is_ascii_digit).collect();
        let patch: u32 = patch.parse().ok()?;
        Some(match (major, minor, patch) {
            (0, ..=3, _) => return None,
            (0, 4, _) => Self::V0_4,
            (0, 5, 0) => Self::V0_5_0,
            (0, 5, _) => Self::V0_5_1,
            _ => Self::V0_6,
        })
    }
}

/// Reads what the start page of a platform knows of its version: `<release>:<build version> |
/// Build-Timestamp: ... | Build-Branch: ...`, the same since 0.4.0.
fn platform(body: &str) -> Option<Platform> {
    let document: Value = serde_json::from_str(body).ok()?;
    let (_, version) = document.get("version")?.as_str()?.split_once(':')?;
    let build_version = version.split('|').next()?.trim().to_owned();
    let generation = Generation::of(&build_version);
    (!build_version.is_empty()).then_some(Platform { build_version, generation })
}

impl Client {
    /// Asks which platform this is.
    ///
    /// # Errors
    /// As every call; [`TargetError::Refused`] when the answer names no version.
    pub async fn platform(&self, monitor: &Monitor) -> Result<Platform, TargetError> {
        let action = "tell its version";
        let reply = self.call(&request::common_data(), action, monitor).await?;
        self.read(action, &reply, platform(&reply.body))
    }

    /// Asks to whom the login belongs.
    ///
    /// # Errors
    /// As every call; [`TargetError::Refused`] when the answer is no user.
    pub async fn user(&self, monitor: &Monitor) -> Result<User, TargetError> {
        let action = "tell who you are";
        let reply = self.call(&request::user(), action, monitor).await?;
        self.read(action, &reply, serde_json::from_str(&reply.body).ok())
    }

    /// Returns the projects of `user`: all there are, for who may do everything.
    ///
    /// # Errors
    /// As every call; [`TargetError::Refused`] when the answer is no list of projects.
    pub async fn projects(
        &self,
        user: &User,
        monitor: &Monitor,
    ) -> Result<Vec<Project>, TargetError> {
        let action = "list the projects";
        let request = request::projects((!user.is_admin()).then_some(&user.id));
        let reply = self.call(&request, action, monitor).await?;
        self.read(action, &reply, projects(&reply.body))
    }

    /// Asks what the target's clock says, to the second; `None` when it does not tell.
    ///
    /// # Errors
    /// As every call.
    pub async fn clock(&self, monitor: &Monitor) -> Result<Option<SystemTime>, TargetError> {
        let reply = self.call(&request::health(), "tell the time", monitor).await?;
        Ok(reply.date.and_then(|date| httpdate::parse_http_date(&date).ok()))
    }

    fn read<T>(
        &self,
        action: &'static str,
        reply: &Reply,
        value: Option<T>,
    ) -> Result<T, TargetError> {
        value.filter(|_| reply.is_success()).ok_or_else(|| self.refused(action, reply))
    }
}

/// Reads a list of projects; their ids are numbers before 0.5.0.
fn projects(body: &str) -> Option<Vec<Project>> {
    let rows: Vec<Value> = serde_json::from_str(body).ok()?;
    let project = |row: &Value| {
        let id = match row.get("id")? {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return None,
        };
        Some(Project { id, name: row.get("name")?.as_str()?.to_owned() })
    };
    Some(rows.iter().filter_map(project).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_gives_its_generation() {
        let check = |version, expected| assert_eq!(Generation::of(version), expected, "{version}");
        check("0.4.2", Some(Generation::V0_4));
        check("0.5.0", Some(Generation::V0_5_0));
        check("0.5.0-latest", Some(Generation::V0_5_0));
        check("0.5.3", Some(Generation::V0_5_1));
        check("0.6.0-12-gabc1234", Some(Generation::V0_6));
        check("1.0.0", Some(Generation::V0_6));
        for version in ["0.3.1", "latest", "0.6", "0.x.1", ""] {
            check(version, None);
        }
    }

    #[test]
    fn the_start_page_tells_the_build_version() {
        let told = |version: &str| platform(&serde_json::json!({ "version": version }).to_string());
        let text = "kaapana-admin-chart:0.6.0-1-g09b | Build-Timestamp: 1 | Build-Branch: a:b";
        let found = told(text).unwrap();
        assert_eq!(found.build_version, "0.6.0-1-g09b");
        assert_eq!(found.generation, Some(Generation::V0_6));
        assert_eq!(told("kaapana-admin-chart:nightly").unwrap().generation, None);
        for odd in ["", "0.6.0", "chart: | x"] {
            assert_eq!(told(odd), None, "{odd}");
        }
        assert_eq!(platform("<html>"), None);
    }

    #[test]
    fn projects_have_ids_of_either_kind() {
        let list = projects(r#"[{"id": 1, "name": "a"}, {"id": "u", "name": "b"}, {"id": null}]"#);
        let project = |id: &str, name: &str| Project { id: id.into(), name: name.into() };
        assert_eq!(list, Some(vec![project("1", "a"), project("u", "b")]));
        assert_eq!(projects(r#"{"detail": "no"}"#), None);
    }
}
