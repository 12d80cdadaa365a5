//! What must fit together within an object.

use std::collections::HashSet;

use serde_json::Value;

use super::Misfit;

/// Checks selectors, names and references within an object.
pub(super) fn check(object: &Value) -> Vec<Misfit> {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
            [selected(object), pod(object, "/spec/template/spec", &["Always"])].concat()
        }
        "Job" => pod(object, "/spec/template/spec", &["OnFailure", "Never"]),
        "CronJob" => {
            let pod = pod(object, "/spec/jobTemplate/spec/template/spec", &["OnFailure", "Never"]);
            [schedule(object), pod].concat()
        }
        "Pod" => pod(object, "/spec", &[]),
        "Service" => service(object),
        "PersistentVolumeClaim" => claim(object),
        _ => Vec::new(),
    }
}

/// The labels that are selected must be on the pods.
fn selected(object: &Value) -> Vec<Misfit> {
    let at = "/spec/selector/matchLabels";
    let wanted = object.pointer(at).and_then(Value::as_object);
    let labels = object.pointer("/spec/template/metadata/labels");
    let lacking = wanted
        .into_iter()
        .flatten()
        .filter(|(key, value)| labels.and_then(|labels| labels.get(key.as_str())) != Some(value));
    let tell = |(key, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let message = format!("the pod template lacks the label {key}={value}, which is selected");
        (format!("{at}/{}", crate::places::escaped(key)), message)
    };
    lacking.map(tell).collect()
}

/// Containers and volumes of a pod; `policies` are the restart policies it may have, the first
/// being meant when it has none. Without any, all are fine.
fn pod(object: &Value, at: &str, policies: &[&str]) -> Vec<Misfit> {
    let Some(spec) = object.pointer(at) else { return Vec::new() };
    let mut misfits = Vec::new();
    let list = |key: &str| spec.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let claims = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let claimed = claims.into_iter().flatten().filter_map(|claim| {
        claim.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned)
    });
    let volumes: HashSet<String> = list("volumes").iter().filter_map(name).chain(claimed).collect();
    let mut seen = HashSet::new();
    for key in ["initContainers", "containers"] {
        for (place, container) in list(key).iter().enumerate() {
            let here = format!("{at}/{key}/{place}");
            if let Some(name) = name(container)
                && !seen.insert(name.clone())
            {
                let message = format!("two containers are called `{name}`");
                misfits.push((format!("{here}/name"), message));
            }
            let mounts = container.get("volumeMounts").and_then(Value::as_array);
            for (mount_at, mount) in mounts.into_iter().flatten().enumerate() {
                if let Some(name) = name(mount).filter(|name| !volumes.contains(name)) {
                    let message = format!("there is no volume `{name}` to mount");
                    misfits.push((format!("{here}/volumeMounts/{mount_at}/name"), message));
                }
            }
        }
    }
    if list("containers").is_empty() && spec.get("containers").is_some_and(Value::is_array) {
        misfits.push((format!("{at}/containers"), "the pod has no container".to_owned()));
    }
    let policy = spec.get("restartPolicy").and_then(Value::as_str).unwrap_or("Always");
    if !policies.is_empty() && !policies.contains(&policy) {
        let message = format!("`restartPolicy` is {policy}, not {}", policies.join(" or "));
        let missing = spec.get("restartPolicy").is_none();
        let pointer = if missing { at.to_owned() } else { format!("{at}/restartPolicy") };
        misfits.push((pointer, message));
    }
    misfits
}

/// Five fields, or a word such as `@daily`.
fn schedule(object: &Value) -> Vec<Misfit> {
    let at = "/spec/schedule";
    let Some(text) = object.pointer(at).and_then(Value::as_str) else { return Vec::new() };
    let fields = text.split_whitespace().filter(|word| !word.contains('=')).count();
    match text.starts_with('@') || fields == 5 {
        true => Vec::new(),
        false => vec![(at.to_owned(), format!("the schedule `{text}` has {fields} fields, not 5"))],
    }
}

/// Several ports need names, and no two the same.
fn service(object: &Value) -> Vec<Misfit> {
    let ports = object.pointer("/spec/ports").and_then(Value::as_array);
    let ports = ports.map(Vec::as_slice).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut misfits = Vec::new();
    for (at, port) in ports.iter().enumerate().filter(|_| ports.len() > 1) {
        let message = match port.get("name").and_then(Value::as_str) {
            None | Some("") => "a service with several ports needs a name for each".to_owned(),
            Some(name) if !seen.insert(name) => format!("two ports are called `{name}`"),
            Some(_) => continue,
        };
        misfits.push((format!("/spec/ports/{at}"), message));
    }
    let named = |key: &str| object.pointer(&format!("/spec/{key}")).and_then(Value::as_str);
    if ports.is_empty()
        && named("type") != Some("ExternalName")
        && named("clusterIP") != Some("None")
    {
        misfits.push(("/spec".to_owned(), "the service has no port".to_owned()));
    }
    misfits
}

fn claim(object: &Value) -> Vec<Misfit> {
    let at = "/spec/resources";
    let lacks = object.pointer(at).is_some_and(|it| it.pointer("/requests/storage").is_none());
    let message = "`spec.resources.requests.storage` is missing".to_owned();
    lacks.then(|| (at.to_owned(), message)).into_iter().collect()
}
