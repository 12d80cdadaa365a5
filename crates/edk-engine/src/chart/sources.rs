use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use edk_chart::{Login, Remote, RemoteSetup, Repositories, Repository, Sources};
use edk_model::Monitor;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, chart::open::charts_of};

/// Where the charts that a chart needs come from, beside its own `charts/`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartSources {
    /// Folders below which charts are looked for by name; without any, those beside the chart, or
    /// all of its extension.
    pub workspace: Vec<PathBuf>,
    /// Packaged charts, folders of charts, and folders of packaged charts: the collection of a
    /// platform.
    pub collection: Vec<PathBuf>,
    /// A checkout of a platform, searched for charts by name.
    pub checkout: Option<PathBuf>,
    /// Addresses of repositories by name: what `@name` stands for.
    pub repositories: BTreeMap<String, String>,
    /// A file of repositories as Helm keeps it (`repositories.yaml`).
    pub repositories_file: Option<PathBuf>,
    /// A certificate (PEM) to trust beside those of the system.
    pub certificate: Option<PathBuf>,
    /// Whether nobody may be asked: what was fetched before is used.
    pub offline: bool,
}

impl Engine {
    /// The charts that can be found by name; `beside` are those found without being told.
    pub(super) fn chart_sources(
        &self,
        sources: &ChartSources,
        beside: Vec<(String, PathBuf)>,
        monitor: &Monitor,
    ) -> Result<Sources, EngineError> {
        let mut workspace = Vec::new();
        for folder in &sources.workspace {
            workspace.extend(charts_of(&self.project(folder)?));
        }
        if sources.workspace.is_empty() {
            workspace = beside;
        }
        let mut found = Sources::new(workspace).with_collection(&sources.collection)?;
        if let Some(checkout) = &sources.checkout {
            found = found.with_checkout(checkout, monitor)?;
        }
        Ok(found)
    }

    /// How charts of other machines are reached.
    pub(crate) fn chart_remote(&self, sources: &ChartSources) -> Result<Remote, EngineError> {
        let mut repositories = match &sources.repositories_file {
            Some(file) => Repositories::read(file)?,
            None => Repositories::default(),
        };
        for (name, url) in &sources.repositories {
            repositories.add(name, Repository { url: url.clone(), ..Repository::default() });
        }
        let access = self.setup.host.registries.clone();
        let certificate = sources.certificate.clone().or_else(|| access.certificate.clone());
        Ok(Remote::new(RemoteSetup {
            cache: self.setup.data.join("charts"),
            offline: sources.offline,
            certificate,
            repositories,
            logins: Arc::new(move |registry, repository| {
                let login = access.login(registry, repository)?;
                Some(Login { user: login.user, password: login.password })
            }),
        }))
    }
}
