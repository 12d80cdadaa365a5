use edk_model::SOURCE_DATE_EPOCH;

use crate::version::Version;

/// What a rendering is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Number of the revision, from 1.
    pub revision: u64,
    /// Whether it is installed, not upgraded.
    pub is_install: bool,
}

/// What the cluster can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Version of Kubernetes, such as `v1.32.0`.
    pub kube_version: String,
    /// Versions of APIs, such as `batch/v1` or `batch/v1/Job`.
    pub api_versions: Vec<String>,
}

/// The APIs that Helm 3.17 takes for granted without a cluster.
const API_VERSIONS: &str = include_str!("api-versions.txt");

impl Default for Capabilities {
    /// Returns a Kubernetes 1.32, which Helm 3.17 assumes when it renders without a cluster.
    fn default() -> Self {
        Self {
            kube_version: "v1.32.0".to_owned(),
            api_versions: API_VERSIONS.lines().map(str::to_owned).collect(),
        }
    }
}

impl Capabilities {
    /// Returns the same for another version of Kubernetes, such as `1.29` (`helm template
    /// --kube-version`); `None` if it is no version.
    #[must_use]
    pub fn with_kube_version(mut self, version: &str) -> Option<Self> {
        let Version { major, minor, patch, .. } = Version::lenient(version)?;
        self.kube_version = format!("v{major}.{minor}.{patch}");
        Some(self)
    }

    /// Returns the same with more APIs, such as `example.com/v1` (`helm template
    /// --api-versions`).
    #[must_use]
    pub fn with_api_versions(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.api_versions.extend(more);
        self
    }
}

/// What a rendering is for, and what it can't know by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The release.
    pub release: Release,
    /// The cluster.
    pub capabilities: Capabilities,
    /// What `now` tells, in seconds since 1970.
    pub now: i64,
    /// What random texts are made of: the same seed gives the same texts. Who wants secrets that
    /// nobody can guess gives one that nobody can guess.
    pub seed: String,
}

impl Options {
    /// Returns the options for `release` on a default cluster, at [`SOURCE_DATE_EPOCH`], with random
    /// texts that depend on nothing but the release.
    pub fn new(release: Release) -> Self {
        let seed = format!("{}/{}/{}", release.namespace, release.name, release.revision);
        let now = i64::try_from(SOURCE_DATE_EPOCH).unwrap_or(0);
        Self { release, capabilities: Capabilities::default(), now, seed }
    }
}

/// What of a rendering is shown ([`super::Rendered::text`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Only what these templates give, named below the chart as in `templates/job.yaml`, with `*`
    /// for any part of a name; all if empty (`--show-only`).
    pub show_only: Vec<String>,
    /// With hooks (not `--no-hooks`).
    pub hooks: bool,
    /// With the tests among the hooks (not `--skip-tests`).
    pub tests: bool,
    /// With what lies in `crds/` (`--include-crds`).
    pub crds: bool,
}

impl Default for Selection {
    /// Returns what `helm template` shows without options.
    fn default() -> Self {
        Self { show_only: Vec::new(), hooks: true, tests: true, crds: false }
    }
}
