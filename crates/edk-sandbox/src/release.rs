use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{SandboxError, route, workload};

/// How many lines of a pod's output are kept.
pub(crate) const LOG_TAIL: usize = 200;

/// A release as it is kept on disk: what was asked for, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Name.
    pub name: String,
    /// Name of the chart.
    pub chart: String,
    /// Version of the chart.
    pub version: String,
    /// Version of the application in the chart; empty when the chart names none.
    pub app_version: String,
    /// Namespace of the release itself.
    pub namespace: String,
    /// Helm's status.
    pub status: Status,
    /// Why it has this status, one sentence.
    pub description: String,
    /// When it was installed, RFC 3339.
    pub installed_at: String,
    /// The values given to the chart over its own.
    pub values: Value,
    /// What the chart rendered to, hooks included.
    pub objects: Vec<Object>,
    /// The pods that were made, in the order of their making.
    pub pods: Vec<Pod>,
}

/// Helm's status of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Hooks or objects are being made.
    PendingInstall,
    /// All objects were made; pods may still be on their way.
    Deployed,
    /// A hook failed.
    Failed,
    /// It is being removed, or its removal failed.
    Uninstalling,
}

impl Status {
    /// Returns Helm's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PendingInstall => "pending-install",
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
        }
    }
}

/// One object a chart rendered to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Kind, such as `Job`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace, when the object names one.
    pub namespace: Option<String>,
    /// When it runs, if it is a hook.
    pub hook: Option<Hook>,
    /// The whole object.
    pub content: Value,
}

/// When a hook runs and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Events, such as `pre-delete`.
    pub events: Vec<String>,
    /// Hooks of one event run by weight, the lightest first.
    pub weight: i64,
    /// Delete policies, such as `hook-succeeded`; without any, `before-hook-creation`.
    pub policies: Vec<String>,
}

/// A pod and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// Kind of the object that made it, such as `Job`.
    pub kind: String,
    /// Name of the object that made it.
    pub owner: String,
    /// The hook event it belongs to; none for the pods of the release proper.
    pub hook: Option<String>,
    /// How far it is.
    pub status: PodStatus,
    /// Why, when there is more to say.
    pub reason: String,
    /// Whether its readiness probe holds; without one, whether it runs.
    #[serde(default)]
    pub ready: bool,
    /// How often it was started again.
    #[serde(default)]
    pub restarts: u32,
    /// How its container ended last.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The end of its output.
    pub log: Vec<String>,
    /// When it was made, RFC 3339.
    pub made_at: String,
}

/// How far a pod is, in the words of `kubectl get pod`, lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PodStatus {
    /// Its image is prepared.
    ContainerCreating,
    /// It runs.
    Running,
    /// All its containers ended well.
    Completed,
    /// A container ended with an error.
    Error,
    /// It ended, though it should not, and is started again after a while.
    CrashLoopBackOff,
    /// Its image is not in the store, or of another registry.
    ErrImagePull,
    /// Its manifest asks for something the sandbox has not.
    CreateContainerConfigError,
    /// The sandbox does not run pods of this kind of object.
    #[serde(rename = "not-run")]
    NotRun,
}

impl PodStatus {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::ContainerCreating => "containercreating",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::CrashLoopBackOff => "crashloopbackoff",
            Self::ErrImagePull => "errimagepull",
            Self::CreateContainerConfigError => "createcontainerconfigerror",
            Self::NotRun => "not-run",
        }
    }

    /// Says whether nothing more will happen to a pod which is run once.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::ContainerCreating | Self::Running)
    }

    /// Says whether a release may call itself ready with such a pod.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Running | Self::Completed | Self::NotRun)
    }
}

impl Pod {
    /// Says whether nothing more will happen to it: one that should last is never done.
    pub fn is_settled(&self) -> bool {
        self.status == PodStatus::NotRun || (self.status.is_final() && !workload::lasts(&self.kind))
    }
}

impl Release {
    /// Reads the release `name` of the sandbox in `folder` as it is kept there, also while another
    /// process serves it; none if there is none.
    ///
    /// # Errors
    /// [`SandboxError`] if it can't be read.
    pub fn kept(folder: &std::path::Path, name: &str) -> Result<Option<Self>, SandboxError> {
        if edk_model::names::dns_label(name, edk_model::names::MAX_CHART_NAME).is_err() {
            return Ok(None);
        }
        let path = folder.join("releases").join(format!("{name}.json"));
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SandboxError::io(&path, source)),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| SandboxError::io(&path, std::io::Error::other(error)))
    }

    /// Returns the hooks of `event`, in the order in which they run: by weight, kind, name.
    pub(crate) fn hooks(&self, event: &str) -> Vec<Object> {
        let of_event = |object: &&Object| {
            object.hook.as_ref().is_some_and(|hook| hook.events.iter().any(|it| it == event))
        };
        let mut hooks: Vec<_> = self.objects.iter().filter(of_event).cloned().collect();
        hooks.sort_by(|a, b| {
            let weight = |object: &Object| object.hook.as_ref().map_or(0, |hook| hook.weight);
            (weight(a), &a.kind, &a.name).cmp(&(weight(b), &b.kind, &b.name))
        });
        hooks
    }

    /// Returns the objects that are no hooks.
    pub(crate) fn plain(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.hook.is_none())
    }

    /// Returns the pods that are not those of hooks.
    pub fn main_pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| pod.hook.is_none())
    }

    /// Returns the paths of its Ingresses.
    pub fn paths(&self) -> Vec<String> {
        let ingresses = self.plain().filter(|object| object.kind == "Ingress");
        let entries = ingresses.flat_map(route::paths);
        entries.filter_map(|entry| entry["path"].as_str().map(str::to_owned)).collect()
    }

    /// Returns the pod `name`.
    pub(crate) fn pod_mut(&mut self, name: &str) -> Option<&mut Pod> {
        self.pods.iter_mut().find(|pod| pod.name == name)
    }
}

impl Hook {
    /// Says whether the policy `policy` holds for this hook.
    pub(crate) fn has_policy(&self, policy: &str) -> bool {
        match self.policies.is_empty() {
            true => policy == "before-hook-creation",
            false => self.policies.iter().any(|it| it == policy),
        }
    }
}

#[cfg(test)]
impl Release {
    pub(crate) fn example(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            chart: name.to_owned(),
            version: "0.1.0".to_owned(),
            app_version: String::new(),
            namespace: "admin".to_owned(),
            status: Status::Deployed,
            description: String::new(),
            installed_at: String::new(),
            values: Value::Null,
            objects: Vec::new(),
            pods: Vec::new(),
        }
    }
}
