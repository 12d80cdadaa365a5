//! What a chart renders to on a platform.

use std::collections::HashSet;

use edk_model::Finding;
use serde_json::Value;

use super::{ADMIN_NAMESPACE, Passage, Platform, platform_globals, rules::found};
use crate::{Capabilities, Chart, Manifest, Release, Rendered, kube, origin::placed, render, yaml};

/// The suffix of a launched instance: 20 hexadecimal digits.
const LAUNCH: &str = "0123456789abcdef0123";

/// Returns what a platform refuses or misunderstands of the objects of `chart`.
pub(super) fn check(chart: &Chart, platform: Platform) -> Vec<Finding> {
    if chart.metadata.is_library() {
        return vec![found("platform/no-object", "a library chart renders to no object")];
    }
    let rendered = match rendered(chart, chart.name(), platform) {
        Ok(rendered) => rendered,
        Err(error) => return vec![failed(chart, &error)],
    };
    let mut findings = Vec::new();
    let filled = |it: &&Manifest| !it.object.is_null();
    let objects: Vec<&Manifest> = rendered.manifests.iter().filter(filled).collect();
    if objects.iter().all(|object| object.hook.is_some()) {
        let message = "the chart renders to no object beside hooks";
        let finding = found("platform/no-object", message).in_file(chart.path_of("templates"));
        findings.push(finding.fix("add an object, for example a ConfigMap"));
    }
    for object in &objects {
        findings.extend(namespace(chart, object));
        findings.extend(of_kind(chart, object));
        findings.extend(pods(chart, object, platform));
    }
    findings.extend(twins(chart, &objects));
    findings.extend(rendered.notes.as_deref().and_then(|notes| of_notes(chart, notes)));
    if chart.metadata.keywords.iter().any(|keyword| keyword == "kaapanamultiinstallable") {
        findings.extend(launches(chart, platform));
    }
    findings
}

/// Renders the chart as the check of an upload does: with the platform's values and no answers.
fn rendered(chart: &Chart, release: &str, platform: Platform) -> crate::Result<Rendered> {
    let passage = Passage {
        platform: platform_globals("localhost:5577", "0.6.0"),
        params: serde_json::Map::new(),
        chart: None,
        sets: serde_json::Map::new(),
        shell: false,
        release: platform,
    };
    let values = passage.values().unwrap_or(Value::Null);
    let release = Release {
        name: release.to_owned(),
        namespace: ADMIN_NAMESPACE.to_owned(),
        revision: 1,
        is_install: true,
    };
    render(chart, &release, &values, &Capabilities::default())
}

fn failed(chart: &Chart, error: &crate::Error) -> Finding {
    use edk_model::Explain as _;
    let reason = error.findings().into_iter().next();
    let message = format!("the chart does not render with the values of a platform: {error}");
    let finding = found("platform/render", message);
    let finding = match reason {
        Some(Finding { file: Some(file), span, .. }) => {
            let finding = finding.in_file(match file.split_once('/') {
                Some((name, rest)) if name == chart.name() => chart.path_of(rest),
                _ => file,
            });
            span.map_or(finding.clone(), |span| finding.at(span.line, span.column))
        }
        _ => finding,
    };
    finding.fix("give what is missing a default: answers are not known at upload")
}

fn namespace(chart: &Chart, object: &Manifest) -> Option<Finding> {
    let Manifest { kind, name, .. } = object;
    match object.namespace.as_deref() {
        Some(ADMIN_NAMESPACE) => {
            let (rule, what) = match object.hook {
                None => ("platform/admin-namespace", "is"),
                Some(_) => ("platform/admin-hook", "is a hook, and"),
            };
            let message = format!("{kind} `{name}` {what} in the admin namespace");
            let finding = found(rule, message).fix("use {{ .Values.global.services_namespace }}");
            Some(placed(chart, object, "/metadata/namespace", finding))
        }
        None if kube::is_namespaced(&object.api_version, kind) => {
            let message =
                format!("{kind} `{name}` names no namespace, and lands in the platform's");
            let fix = "add `namespace: {{ .Values.global.services_namespace }}`";
            let finding = found("platform/no-namespace", message).fix(fix);
            Some(placed(chart, object, "/metadata", finding))
        }
        _ => None,
    }
}

fn of_kind(chart: &Chart, object: &Manifest) -> Vec<Finding> {
    let Manifest { api_version, kind, .. } = object;
    if !kube::is_of_a_platform(api_version, kind) {
        let finding = found("platform/kind", kube::no_kind(api_version, kind));
        return vec![placed(chart, object, "/kind", finding)];
    }
    let misfits = kube::check(&object.object);
    let wrong = |(pointer, message): (String, String)| {
        placed(chart, object, &pointer, found("platform/object", message))
    };
    misfits.into_iter().map(wrong).collect()
}

fn twins(chart: &Chart, objects: &[&Manifest]) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let again = objects.iter().filter(|it| it.hook.is_none()).filter(|it| {
        !it.name.is_empty() && !seen.insert((&it.api_version, &it.kind, &it.namespace, &it.name))
    });
    let tell = |it: &&Manifest| {
        let message = format!("there is a {} `{}` already", it.kind, it.name);
        let finding = found("platform/object-twice", message).fix("give it another name");
        placed(chart, it, "/metadata/name", finding)
    };
    again.map(tell).collect()
}

/// Containers, and the labels by which the platform finds pods.
fn pods(chart: &Chart, object: &Manifest, platform: Platform) -> Vec<Finding> {
    let path = match object.kind.as_str() {
        "Pod" => "",
        "CronJob" => "/spec/jobTemplate/spec/template",
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => "/spec/template",
        _ => return Vec::new(),
    };
    let mut findings = Vec::new();
    for list in ["containers", "initContainers"] {
        let list = format!("{path}/spec/{list}");
        let containers = object.object.pointer(&list).and_then(Value::as_array);
        for (at, container) in containers.into_iter().flatten().enumerate() {
            if container["imagePullPolicy"] == "Always" {
                let message = "the image is always pulled, also when it was imported";
                let fix = "use {{ .Values.global.pull_policy_images }}";
                let finding = found("platform/pull-always", message).fix(fix);
                let pointer = format!("{list}/{at}/imagePullPolicy");
                findings.push(placed(chart, object, &pointer, finding));
            }
            if container["securityContext"]["privileged"] == true {
                let message = "the container is privileged, which a policy refuses";
                let pointer = format!("{list}/{at}/securityContext/privileged");
                findings.push(placed(
                    chart,
                    object,
                    &pointer,
                    found("platform/privileged", message),
                ));
            }
        }
    }
    if object.kind == "Deployment" && object.hook.is_none() {
        findings.extend(status_label(chart, object, platform));
    }
    findings
}

fn status_label(chart: &Chart, object: &Manifest, platform: Platform) -> Option<Finding> {
    let label = match platform {
        Platform::V0_4 => "app-name",
        _ => "app.kubernetes.io/name",
    };
    let label_of = |path: &str| object.object.pointer(path).and_then(|labels| labels.get(label));
    let selected = label_of("/spec/selector/matchLabels");
    if selected.is_some() && selected == label_of("/spec/template/metadata/labels") {
        return None;
    }
    let message = format!("the pods of `{}` have no label {label} that is selected", object.name);
    let finding = found("platform/status-label", message);
    let finding = finding.fix("add it to matchLabels and to the labels of the pod template");
    Some(placed(chart, object, "/spec/selector", finding))
}

/// The status of a release is read as YAML, with the notes at its end.
fn of_notes(chart: &Chart, notes: &str) -> Option<Finding> {
    yaml::parse(&format!("NOTES:\n{notes}"), "NOTES.txt").err().map(|_| {
        let message = "the notes are no YAML: the platform can't tell the state of the release";
        let finding =
            found("platform/notes", message).in_file(chart.path_of("templates/NOTES.txt"));
        finding.fix("leave NOTES.txt out, or make it a list of YAML")
    })
}

/// Objects of two launches must not have the same names.
fn launches(chart: &Chart, platform: Platform) -> Vec<Finding> {
    let name = format!("{}-{LAUNCH}", chart.name());
    let Ok(launched) = rendered(chart, &name, platform) else { return Vec::new() };
    let fixed =
        launched.manifests.iter().filter(|it| !it.object.is_null() && !it.name.contains(&name));
    let tell = |it: &Manifest| {
        let message = format!("{} `{}` has the same name in every launch", it.kind, it.name);
        let finding = found("platform/launch-twice", message).fix("use {{ .Release.Name }}");
        placed(chart, it, "/metadata/name", finding)
    };
    fixed.map(tell).collect()
}
