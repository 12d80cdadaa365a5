//! What is open on a platform: applications with an address.

use edk_model::Monitor;
use serde_json::{Map, Value};

use crate::{Client, Reply, TargetError, client::Answer, preflight, request};

/// An application that runs and has an address.
///
/// Platforms before 0.5.0 tell less; what they don't tell is empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActiveApp {
    /// Name of its Ingress; of the release before 0.5.0.
    pub name: String,
    /// Name of its release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// When it was made, as the platform writes it.
    pub created_at: String,
    /// The project it belongs to.
    pub project: String,
    /// Paths behind the platform's address.
    pub paths: Vec<String>,
    /// Whether it can be used; `None` when the platform does not tell.
    pub ready: Option<bool>,
    /// Whether a run of a workflow opened it, which waits until it is completed.
    pub from_workflow: bool,
    /// The row as it came.
    pub raw: Map<String, Value>,
}

/// Reads the answer of `GET /active-applications`, or `None` when it is not a list. Members which
/// are no objects or have no release are left out.
pub fn read_apps(body: &str) -> Option<Vec<ActiveApp>> {
    let Value::Array(rows) = serde_json::from_str(body).ok()? else { return None };
    Some(rows.into_iter().filter_map(app).collect())
}

/// Reads a row: `release_name` and `paths` since 0.5.0, `releaseName` and `links` before.
fn app(row: Value) -> Option<ActiveApp> {
    let Value::Object(raw) = row else { return None };
    let text = |keys: [&str; 2]| {
        let found = keys.iter().find_map(|key| raw.get(*key).and_then(Value::as_str));
        found.unwrap_or_default().to_owned()
    };
    let release = text(["release_name", "releaseName"]);
    if release.is_empty() {
        return None;
    }
    let paths = raw.get("paths").or_else(|| raw.get("links")).and_then(Value::as_array);
    let paths = paths.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let ready = raw.get("ready").and_then(Value::as_bool);
    let successful = raw.get("successful").and_then(Value::as_str).map(|it| it == "yes");
    let from = raw.get("from_workflow_run");
    let name = text(["name", "releaseName"]);
    Some(ActiveApp {
        name: if name.is_empty() { release.clone() } else { name },
        namespace: text(["namespace", "namespace"]),
        created_at: text(["created_at", "created_at"]),
        project: text(["project", "project"]),
        paths,
        ready: ready.or(successful),
        from_workflow: from.is_some_and(|it| it.as_bool().unwrap_or(!it.is_null())),
        release,
        raw,
    })
}

impl Client {
    /// Returns the applications that are open, of any project the login may see.
    ///
    /// # Errors
    /// As every call; [`TargetError::Refused`] when the answer is no list: one application with
    /// addresses of two projects breaks it for everyone.
    pub async fn active_apps(&self, monitor: &Monitor) -> Result<Vec<ActiveApp>, TargetError> {
        let action = "list its active applications";
        self.get(&request::active_apps(), action, read_apps, monitor).await
    }

    /// Completes an application that a workflow opened: the workflow goes on.
    ///
    /// Returns whether the platform said so; if not, its answer was lost and the list tells.
    ///
    /// # Errors
    /// [`TargetError::Preflight`] for a bad name, [`TargetError::Refused`] for a release that is
    /// none of a workflow's applications.
    pub async fn complete_app(
        &self,
        release: &str,
        monitor: &Monitor,
    ) -> Result<bool, TargetError> {
        let findings = preflight::release(release).err().map(|it| *it).into_iter().collect();
        self.preflight(&format!("the completion of `{release}`"), findings, monitor)?;
        let action = "complete an application";
        let request = request::complete_app(release);
        match self.attempt(&request, self.target().pace.call, action, monitor).await? {
            Answer::Reply(reply) if reply.is_success() => Ok(true),
            Answer::Reply(Reply { status: 502..=504, .. }) | Answer::Silence(_) => Ok(false),
            Answer::Reply(reply) => Err(self.refused(action, &reply)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_version_are_read() {
        let list = read_apps(
            r#"["x", {"name": "no release"},
            {"name":"ing","namespace":"services","created_at":"t","project":"admin",
             "paths":["/applications/project/admin/release/a-1"],"annotations":{},
             "release_name":"a-1","from_workflow_run":true,"ready":true},
            {"releaseName":"b-kaapanaint-1","links":["/b"],"helmStatus":"deployed",
             "successful":"pending","kubeStatus":"running"}]"#,
        )
        .unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!((list[0].release.as_str(), list[0].ready), ("a-1", Some(true)));
        assert!(list[0].from_workflow);
        assert_eq!((list[1].name.as_str(), list[1].ready), ("b-kaapanaint-1", Some(false)));
        assert_eq!(list[1].paths, ["/b"]);
        assert_eq!(read_apps("Internal Server Error"), None);
    }
}
