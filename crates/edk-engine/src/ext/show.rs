use edk_model::Monitor;
use edk_target::{Client, Deployment, Extension};
use serde::{Deserialize, Serialize};

use super::Outdated;
use crate::{
    Engine, EngineError, ExtensionView, PodView,
    extensions::{pod, view},
};

/// Look at one extension of a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExtShowRequest {
    /// Name of the target.
    pub target: String,
    /// Name of the chart, or of a release.
    pub name: String,
}

/// An extension of a target: its chart, versions and releases.
#[derive(Debug, Clone, Serialize)]
pub struct ExtShow {
    /// Name of the target.
    pub target: String,
    /// The chart.
    #[serde(flatten)]
    pub extension: ExtensionView,
    /// Its versions, newest first, and where they come from.
    pub charts: Vec<VersionView>,
    /// Its releases, of every version.
    pub releases: Vec<ReleaseView>,
    /// Set when the target's list is broken: this is from the last that was whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdated: Option<Outdated>,
}

/// A version of a chart.
#[derive(Debug, Clone, Serialize)]
pub struct VersionView {
    /// The version.
    pub version: String,
    /// When and as what it was sent from here; nothing for one that came another way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<SentView>,
}

/// What was sent from here.
#[derive(Debug, Clone, Serialize)]
pub struct SentView {
    /// Digest of the archive.
    pub digest: edk_model::Digest,
    /// When (RFC 3339).
    pub at: String,
}

/// A release of a chart.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseView {
    /// Its name.
    pub release: String,
    /// Version of the chart.
    pub version: String,
    /// Helm's status.
    pub helm_status: String,
    /// Its pods.
    pub pods: Vec<PodView>,
    /// Whether all pods run or have completed.
    pub ready: bool,
    /// Paths and ports at which it can be reached, as far as the target tells.
    pub links: Vec<String>,
    /// Its parameters, when it was installed from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Engine {
    /// Looks at one extension of a target.
    ///
    /// # Errors
    /// [`EngineError::NotListed`] with what is there, [`EngineError::Target`].
    pub fn ext_show(
        &self,
        request: &ExtShowRequest,
        monitor: &Monitor,
    ) -> Result<ExtShow, EngineError> {
        let monitor = monitor.stage("status");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let (rows, outdated) = self.rows(&client, &monitor).await?;
            let target = client.target().name.clone();
            let wanted = &request.name;
            let found = rows.iter().find(|row| row.name == *wanted);
            let found = found.or_else(|| rows.iter().find(|row| row.release == *wanted));
            let Some(found) = found else {
                return Err(EngineError::NotListed { target, chart: wanted.clone() });
            };
            let record = self.memory(&target).record()?;
            let chart = |version: &String| VersionView {
                version: version.clone(),
                sent: record
                    .charts
                    .get(&format!("{}-{version}.tgz", found.name))
                    .map(|sent| SentView { digest: sent.digest, at: sent.at.clone() }),
            };
            let releases = releases(&found.name, &rows).into_iter().map(|(row, it)| ReleaseView {
                params: record.releases.get(&it.release).map(|known| known.params.clone()),
                links: view(row).links,
                release: it.release.clone(),
                version: it.version.clone(),
                helm_status: it.helm_status.clone(),
                pods: it.pods.iter().map(pod).collect(),
                ready: it.ready,
            });
            let charts = found.versions.iter().map(chart).collect();
            let releases = releases.collect();
            Ok(ExtShow { target, extension: view(found), charts, releases, outdated })
        })
    }
}

/// Returns the releases of a chart, each with the row that is about it. A row of an instance lists
/// all instances, so each release is taken from its own row where it has one.
fn releases<'a>(name: &str, rows: &'a [Extension]) -> Vec<(&'a Extension, &'a Deployment)> {
    let rows = || rows.iter().filter(|row| row.name == name);
    let mut found: Vec<(&Extension, &Deployment)> = Vec::new();
    for row in rows() {
        for deployment in &row.deployments {
            let own = |row: &&'a Extension| row.release == deployment.release;
            if found.iter().all(|(_, it)| it.release != deployment.release) {
                found.push((rows().find(own).unwrap_or(row), deployment));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instance_is_one_release_with_the_links_of_its_own_row() {
        let deployments = r#"[{"deployment_id":"a-1"},{"deployment_id":"a-2"}]"#;
        let row = |release: &str| {
            format!(
                r#"{{"name":"a","releaseName":"{release}","links":["/{release}"],
                "available_versions":{{"0.1.0":{{"deployments":{deployments}}}}}}}"#
            )
        };
        let text = format!(r#"[{{"name":"a"}},{},{}]"#, row("a-1"), row("a-2"));
        let rows = edk_target::read_list(&text).unwrap();
        let found: Vec<_> =
            releases("a", &rows).into_iter().map(|(row, it)| (&row.release, &it.release)).collect();
        let (one, two) = ("a-1".to_owned(), "a-2".to_owned());
        assert_eq!(found, [(&one, &one), (&two, &two)]);
    }
}
