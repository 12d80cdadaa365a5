//! Which values reach a chart.

use edk_chart::platform::{ADMIN_NAMESPACE, Passage, Platform, platform_globals};
use serde_json::{Map, Value};

use crate::Settings;

/// Namespace in which nothing of an extension may be.
pub(crate) const ADMIN: &str = ADMIN_NAMESPACE;

/// The project of calls that name none.
pub(crate) const PROJECT_ID: &str = "5f3b8c1e-0000-4000-8000-000000000001";

/// What the platform's own release has under `global`: the values every chart may count on.
pub(crate) fn globals(settings: &Settings) -> Map<String, Value> {
    platform_globals(&settings.registry_url, &settings.build_version)
}

/// The values of the check of an upload: the platform's, and no answers.
pub(crate) fn of_upload(settings: &Settings) -> Passage<'static> {
    Passage {
        platform: globals(settings),
        params: Map::new(),
        chart: None,
        sets: Map::new(),
        shell: false,
        release: Platform::default(),
    }
}
