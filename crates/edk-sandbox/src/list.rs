//! The list of extensions as a pure function of charts and releases.

use std::{cmp::Ordering, collections::BTreeMap};

use edk_chart::platform::compare_versions;
use serde_json::{Map, Value, json};

use crate::{
    Profile,
    package::Package,
    release::{Release, Status},
    values, workload,
};

/// Returns the rows of the list, in the order of the charts' names.
pub(crate) fn rows<'a>(
    packages: impl IntoIterator<Item = &'a Package>,
    releases: &BTreeMap<String, Release>,
    globals: &Map<String, Value>,
    profile: Profile,
) -> Vec<Value> {
    let mut charts: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in packages.into_iter().filter(|package| package.kind().is_some()) {
        charts.entry(package.name()).or_default().push(package);
    }
    let mut rows = Vec::new();
    for (name, mut versions) in charts {
        versions.sort_by(|a, b| compare(b.version(), a.version()));
        let own: Vec<_> = releases.values().filter(|release| release.chart == name).collect();
        let Some(newest) = versions.first() else { continue };
        rows.push(row(newest, &versions, &own, None, globals, profile));
        if newest.is_multi_installable() {
            rows.extend(
                own.iter().map(|it| row(newest, &versions, &own, Some(it), globals, profile)),
            );
        }
    }
    rows
}

/// One row: of a chart, or of a launched `instance` of it.
fn row(
    package: &Package,
    versions: &[&Package],
    releases: &[&Release],
    instance: Option<&Release>,
    globals: &Map<String, Value>,
    profile: Profile,
) -> Value {
    let metadata = &package.chart.metadata;
    let template = package.is_multi_installable() && instance.is_none();
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let shown: &[&Release] = if template { &[] } else { releases };
    let last = instance.or(shown.last().copied());
    let mut row = json!({
        "chart_name": package.name(),
        "name": package.name(),
        "releaseName": instance.map_or(package.name(), |release| &release.name),
        "description": metadata.description,
        "display_name": instance.map_or("", |release| &release.name),
        "keywords": metadata.keywords,
        "annotations": metadata.annotations,
        "kind": package.kind(),
        "experimental": yes_no(package.has_keyword("kaapanaexperimental")),
        "multiinstallable": yes_no(package.is_multi_installable()),
        "resourceRequirement": if package.has_keyword("gpurequired") { "gpu" } else { "cpu" },
        "extension_params": params(package, globals, profile),
        "versions": versions.iter().map(|it| it.version()).collect::<Vec<_>>(),
        "latest_version": package.version(),
        "version": package.version(),
        "available_versions": available(versions, shown),
        "installed": yes_no(last.is_some()),
        "helmStatus": last.map(|release| capitalised(release.status.word())),
        "kubeStatus": last.map(fractions),
        "links": last.map(links).unwrap_or_default(),
    });
    if template {
        row["helmStatus"] = json!("");
        row["kubeStatus"] = json!("");
    }
    if profile == Profile::V04 {
        row.as_object_mut().map(|row| row.remove("annotations"));
    }
    if profile < Profile::V05 {
        row.as_object_mut().map(|row| row.remove("display_name"));
    }
    if package.is_multi_installable() {
        let successful = match instance {
            None => "",
            Some(release) if is_ready(release) => "yes",
            Some(_) => "pending",
        };
        row["successful"] = json!(successful);
    }
    row
}

/// Returns `extension_params` with what the platform adds: whether a key is not its own.
fn params(package: &Package, globals: &Map<String, Value>, profile: Profile) -> Value {
    let mut params = package.chart.values.get("extension_params").cloned().unwrap_or(Value::Null);
    for (key, entry) in params.as_object_mut().into_iter().flatten() {
        if let Some(entry) = entry.as_object_mut().filter(|_| profile > Profile::V04) {
            entry.insert("required".to_owned(), json!(!globals.contains_key(key)));
        }
    }
    params
}

fn available(versions: &[&Package], releases: &[&Release]) -> Value {
    let of = |version: &str| -> Vec<Value> {
        let own = releases.iter().filter(|release| release.version == version);
        own.map(|release| deployment(release)).collect()
    };
    let entry = |package: &&Package| {
        let deployments = of(package.version());
        (package.version().to_owned(), json!({ "deployments": deployments }))
    };
    Value::Object(versions.iter().map(entry).collect())
}

/// Returns one release as the list shows it. `kube_info.reason` is the sandbox's own addition.
pub(crate) fn deployment(release: &Release) -> Value {
    let pods: Vec<_> = release.main_pods().collect();
    let kube_status = match release.status {
        Status::Uninstalling => json!("unknown"),
        Status::Failed => json!(""),
        _ => pods.iter().map(|pod| pod.status.word()).collect(),
    };
    json!({
        "deployment_id": release.name,
        "helm_status": release.status.word(),
        "helm_info": {
            "app_version": release.app_version,
            "chart": format!("{}-{}", release.chart, release.version),
            "name": release.name,
            "namespace": release.namespace,
            "revision": "1",
            "status": release.status.word(),
            "updated": release.installed_at,
        },
        "kube_status": kube_status,
        "kube_info": {
            "age": pods.iter().map(|pod| &pod.made_at).collect::<Vec<_>>(),
            "name": pods.iter().map(|pod| &pod.name).collect::<Vec<_>>(),
            "ready": fractions(release),
            "status": pods.iter().map(|pod| pod.status.word()).collect::<Vec<_>>(),
            "restarts": pods.iter().map(|pod| pod.restarts.to_string()).collect::<Vec<_>>(),
            "reason": pods.iter().map(|pod| &pod.reason).collect::<Vec<_>>(),
            "annotations": {},
        },
        "links": links(release),
        "ready": is_ready(release),
    })
}

fn is_ready(release: &Release) -> bool {
    matches!(release.status, Status::Deployed | Status::PendingInstall)
        && release.main_pods().all(|pod| pod.status.is_ready())
}

fn fractions(release: &Release) -> Vec<&'static str> {
    // Only what is to last is asked by probes.
    let running = |pod: &crate::Pod| {
        pod.status == crate::PodStatus::Running && (pod.ready || !workload::lasts(&pod.kind))
    };
    release.main_pods().map(|pod| if running(pod) { "1/1" } else { "0/1" }).collect()
}

/// Returns the paths of the Ingresses and the ports of the Services, unless the chart names links.
fn links(release: &Release) -> Vec<String> {
    if let Some(links) = release.values["global"]["links"].as_array() {
        return links.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut links = Vec::new();
    for object in release.plain() {
        let spec = &object.content["spec"];
        match object.kind.as_str() {
            "Ingress" => links.extend(
                list(&spec["rules"])
                    .first()
                    .and_then(|rule| rule["http"]["paths"][0]["path"].as_str().map(str::to_owned)),
            ),
            "Service" => links.extend(
                list(&spec["ports"])
                    .iter()
                    .filter_map(|port| port["nodePort"].as_u64().map(|port| format!(":{port}"))),
            ),
            _ => {}
        }
    }
    links
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Compares two versions as the platform does, parts that it can't compare as texts.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    compare_versions(a, b).unwrap_or_else(|| a.cmp(b))
}

/// Returns the answer to `view-chart-status`. `DESCRIPTION` is the sandbox's own addition.
pub(crate) fn status(release: &Release) -> Value {
    json!({
        "NAME": release.name,
        "LAST DEPLOYED": release.installed_at,
        "NAMESPACE": values::ADMIN,
        "STATUS": release.status.word(),
        "REVISION": 1,
        "TEST SUITE": "None",
        "DESCRIPTION": release.description,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_largest_not_the_longest() {
        let mut versions = ["0.9.0", "0.10.0", "0.1.0-alpha.1", "0.1.0", "1.0.0"];
        versions.sort_by(|a, b| compare(b, a));
        assert_eq!(versions, ["1.0.0", "0.10.0", "0.9.0", "0.1.0-alpha.1", "0.1.0"]);
    }
}
