//! Installing and removing releases.

use std::sync::Arc;

use edk_chart::platform::{Passage, Platform};
use edk_model::names;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Release, Sandbox, Status,
    package::Package,
    render,
    values::{self, PROJECT_ID},
};

/// What an install was asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) keywords: Option<Vec<String>>,
    pub(crate) release_name: Option<String>,
    pub(crate) params: Map<String, Value>,
    pub(crate) sets: Map<String, Value>,
    /// The project the call is made for: an object with `id` and `name`.
    pub(crate) project: Option<Value>,
}

/// How an install begins.
pub(crate) enum Begun {
    /// A release of that name is there.
    Already(String),
    /// The release is recorded; this is to be run.
    Now(String, crate::action::Action),
}

/// Why an install does not begin.
pub(crate) enum Refused {
    /// Helm would fail for this release, for this reason.
    Helm(String, String),
    /// The platform itself fails, with these words.
    Platform(String),
}

impl Sandbox {
    /// Renders the chart and records the release.
    pub(crate) fn install(self: &Arc<Self>, wanted: &Wanted) -> Result<Begun, Refused> {
        let package = self.find(&wanted.name, &wanted.version).ok_or_else(|| {
            let reason = format!("there is no chart {}-{}.tgz", wanted.name, wanted.version);
            Refused::Helm(wanted.name.clone(), reason)
        })?;
        let keywords = wanted.keywords.as_deref().unwrap_or(package.keywords());
        let multi = keywords.iter().any(|it| it == "kaapanamultiinstallable");
        let release = release_name(wanted, &package, multi);
        let helm = |reason: String| Refused::Helm(release.clone(), reason);
        names::dns_label(&release, names::MAX_CHART_NAME)
            .map_err(|reason| helm(format!("release name `{release}` {reason}")))?;
        if self.state().releases.contains_key(&release) {
            return Ok(Begun::Already(release));
        }
        let values = self.values(wanted, &package, multi).map_err(Refused::Platform)?;
        let objects = render::objects(&package.chart, &release, &values).map_err(helm)?;
        let record = Release {
            name: release.clone(),
            chart: package.name().to_owned(),
            version: package.version().to_owned(),
            app_version: package.chart.metadata.app_version.clone(),
            namespace: values::ADMIN.to_owned(),
            status: Status::PendingInstall,
            description: "Initial install underway".to_owned(),
            installed_at: self.settings.timestamp(),
            values,
            objects,
            pods: Vec::new(),
        };
        {
            let mut state = self.state();
            if state.releases.contains_key(&release) {
                return Ok(Begun::Already(release));
            }
            self.save(&mut state, &release, Some(record));
            state.cache.touch(package.name());
        }
        let action = self.begin(&release);
        Ok(Begun::Now(release, action))
    }

    /// Begins to remove a release; one that is not there is no error.
    pub(crate) fn uninstall(self: &Arc<Self>, release: &str, no_hooks: bool) {
        {
            let mut state = self.state();
            let Some(mut record) = state.releases.get(release).cloned() else { return };
            record.status = Status::Uninstalling;
            "its hooks run".clone_into(&mut record.description);
            state.cache.touch(&record.chart);
            self.save(&mut state, release, Some(record));
        }
        let action = self.begin(release);
        self.spawn(move || action.uninstall(no_hooks));
    }

    fn find(&self, name: &str, version: &str) -> Option<Arc<Package>> {
        let file_name = format!("{name}-{version}.tgz");
        let packages = self.packages(&mut self.state()).ok()?;
        packages.into_iter().find(|package| package.file_name == file_name)
    }

    fn values(&self, wanted: &Wanted, package: &Package, multi: bool) -> Result<Value, String> {
        let mut platform = values::globals(&self.settings);
        if multi && wanted.keywords.is_some() {
            let project = match &wanted.project {
                Some(project) => project.clone(),
                None if self.settings.faults.terse => {
                    return Err("Chart install failed the JSON object must be str, bytes or \
                         bytearray, not NoneType"
                        .to_owned());
                }
                None => json!({ "id": PROJECT_ID, "name": "admin" }),
            };
            platform.insert("project_id".to_owned(), project["id"].clone());
            platform.insert("project_name".to_owned(), project["name"].clone());
        }
        let passage = Passage {
            platform,
            params: wanted.params.clone(),
            chart: package.global(),
            sets: wanted.sets.clone(),
            shell: self.settings.faults.mangle_parameters,
            release: Platform::default(),
        };
        passage.values()
    }
}

fn release_name(wanted: &Wanted, package: &Package, multi: bool) -> String {
    if let Some(name) = &wanted.release_name {
        return name.clone();
    }
    if !multi {
        return package.name().to_owned();
    }
    let suffix_key = package.global().and_then(|global| global.get("suffix_param_key"));
    let suffix = match suffix_key.and_then(Value::as_str).filter(|key| !key.is_empty()) {
        Some(key) => {
            let value = wanted.params.get(key).and_then(Value::as_str).unwrap_or_default();
            value.chars().take(20).collect()
        }
        None => Uuid::new_v4().simple().to_string().split_off(12),
    };
    format!("{}-{suffix}", package.name())
}
