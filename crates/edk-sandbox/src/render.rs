use edk_chart::{Capabilities, Chart, Manifest};
use serde_json::Value;

use crate::{Hook, Object, values};

/// Returns the objects which `chart` renders to as `release`, hooks included.
///
/// # Errors
/// What is wrong with the chart's templates, with its place.
pub(crate) fn objects(chart: &Chart, release: &str, values: &Value) -> Result<Vec<Object>, String> {
    let release = edk_chart::Release {
        name: release.to_owned(),
        namespace: values::ADMIN.to_owned(),
        revision: 1,
        is_install: true,
    };
    let rendered = edk_chart::render(chart, &release, values, &Capabilities::default());
    let rendered = rendered.map_err(|error| error.to_string())?;
    Ok(rendered.manifests.into_iter().map(object).collect())
}

fn object(manifest: Manifest) -> Object {
    Object {
        kind: manifest.kind,
        name: manifest.name,
        namespace: manifest.namespace,
        hook: manifest.hook.map(|hook| Hook {
            events: hook.events,
            weight: hook.weight,
            policies: hook.delete_policies,
        }),
        content: manifest.object,
    }
}
