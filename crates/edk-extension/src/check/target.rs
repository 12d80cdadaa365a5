//! What is known of the platform an extension goes to.

use serde::{Deserialize, Serialize};

/// A platform as far as somebody looked: what is `None` or empty is not known, and no rule is
/// applied to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetProfile {
    /// Its name.
    pub name: String,
    /// Version of the platform, such as `0.6.0`.
    pub platform_version: Option<String>,
    /// Its registry, without a scheme.
    pub registry_url: Option<String>,
    /// The build version, under which operators ask for their images.
    pub build_version: Option<String>,
    /// The registry and version for which the project is built.
    pub workspace: Option<Workspace>,
    /// `<name>:<tag>` of all images that are in its registry or come along.
    pub images: Option<Vec<String>>,
    /// Its charts.
    pub charts: Vec<TargetChart>,
    /// Ids of the DAGs its Airflow lists.
    pub dags: Option<Vec<String>>,
    /// Ids of the DAGs that are allowed in the project.
    pub allowed: Option<Vec<String>>,
    /// How long ago the extension was installed, in seconds.
    pub installed_seconds: Option<u64>,
    /// How images get there.
    pub delivery: Option<Delivery>,
    /// `pull_policy_images` of the platform.
    pub pull_policy: Option<String>,
    /// The project chosen for the session.
    pub project: Option<String>,
    /// Secrets for pulling images, as `<namespace>/<name>`.
    pub pull_secrets: Option<Vec<String>>,
    /// Free bytes on its disk.
    pub free_bytes: Option<u64>,
    /// Bytes that one second carries.
    pub bytes_per_second: Option<u64>,
    /// Files that are to be sent, with their sizes.
    pub files: Vec<(String, u64)>,
    /// Full names of the images in archives that are to be sent.
    pub archived: Vec<String>,
    /// Whether the platform's own build script builds the project.
    pub official_build: bool,
    /// Whether its list hides experimental extensions.
    pub hides_experimental: bool,
}

/// What a project is built for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workspace {
    /// Registry without a scheme.
    pub registry_url: String,
    /// Build version.
    pub build_version: String,
}

/// A chart on a platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetChart {
    /// Its name.
    pub name: String,
    /// Its versions.
    pub versions: Vec<String>,
    /// State of its release, such as `deployed`; `None` without one.
    pub release: Option<String>,
}

/// How images get to a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Through its registry.
    Registry,
    /// As an archive that is imported on its machine.
    Import,
}
