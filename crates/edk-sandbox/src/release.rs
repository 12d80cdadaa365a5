use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::SandboxError;

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
            Self::ErrImagePull => "errimagepull",
            Self::CreateContainerConfigError => "createcontainerconfigerror",
            Self::NotRun => "not-run",
        }
    }

    /// Says whether nothing more will happen to the pod.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::ContainerCreating | Self::Running)
    }

    /// Says whether a release may call itself ready with such a pod.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Running | Self::Completed | Self::NotRun)
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
