//! From a Job's or Pod's manifest to what has to be run: a pure function.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use edk_container::Gate;
use edk_model::names;
use serde_json::Value;

use crate::{action::pod_name, disk::Disk, release::Object};

/// What has to be there and to be run for one pod. Containers run one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodPlan {
    /// Folders to make.
    pub folders: Vec<PathBuf>,
    /// Files to write, from ConfigMaps and Secrets of the release.
    pub files: Vec<(PathBuf, String)>,
    /// Init containers, then the container.
    pub containers: Vec<ContainerPlan>,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPlan {
    /// Name.
    pub name: String,
    /// Whether it is an init container.
    pub init: bool,
    /// Image reference.
    pub image: String,
    /// Replaces the image's entry point.
    pub command: Vec<String>,
    /// Replaces the image's command.
    pub args: Vec<String>,
    /// Environment from the manifest.
    pub env: Vec<(String, String)>,
    /// Working directory; the image's when none is named.
    pub cwd: Option<String>,
    /// User and group by number; the image's when none is named.
    pub user: Option<String>,
    /// Folders and files to show inside.
    pub mounts: Vec<Mount>,
    /// The gate to its network; without one it has that of this machine.
    pub gate: Option<Gate>,
}

/// A folder or file of the host inside a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// On the host.
    pub source: PathBuf,
    /// Inside.
    pub target: PathBuf,
    /// Whether it may not be written.
    pub read_only: bool,
}

/// Says whether pods of objects of this kind are to run until they are removed.
pub(crate) fn lasts(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
}

/// Says whether objects of this kind make pods.
pub(crate) fn makes_pods(kind: &str) -> bool {
    lasts(kind) || matches!(kind, "Job" | "Pod")
}

/// Says whether a pod of this object is run: one, unless it wants none.
pub(crate) fn is_run(object: &Object) -> bool {
    object.content["spec"]["replicas"].as_u64() != Some(0)
}

/// Returns the specification of the pods which an object makes.
pub(crate) fn pod_spec(object: &Object) -> &Value {
    match object.kind.as_str() {
        "Pod" => &object.content["spec"],
        _ => &object.content["spec"]["template"]["spec"],
    }
}

/// Plans the pod of `object`, which belongs to a release with these `objects`. `scratch` is the
/// folder for the volumes that live as long as the release.
///
/// # Errors
/// What the manifest asks for and the sandbox does not have, one sentence.
pub(crate) fn plan(
    object: &Object,
    objects: &[Object],
    disk: &Disk,
    scratch: &Path,
) -> Result<PodPlan, String> {
    let spec = pod_spec(object);
    if !stays_below(&object.name) || object.name.contains('/') {
        return Err(format!("`{}` can't be the name of an object", object.name));
    }
    let mut plan = PodPlan { folders: Vec::new(), files: Vec::new(), containers: Vec::new() };
    let pod = pod_name(object);
    let known =
        Known { objects, namespace: object.namespace.as_deref().unwrap_or_default(), pod: &pod };
    let mut sources = BTreeMap::new();
    for volume in items(&spec["volumes"]) {
        let name = text(&volume["name"])?;
        sources.insert(name, known.volume(volume, disk, scratch, &mut plan)?);
    }
    for claim in items(&object.content["spec"]["volumeClaimTemplates"]) {
        let name = text(&claim["metadata"]["name"])?;
        names::dns_label(name, 63).map_err(|reason| format!("claim `{name}` {reason}"))?;
        let folder = disk.claim(&format!("{name}-{}-0", object.name));
        plan.folders.push(folder.clone());
        sources.insert(name, folder);
    }
    let main = items(&spec["containers"]).count();
    if main != 1 {
        return Err(format!("the pod has {main} containers; the sandbox runs pods of one"));
    }
    for (init, key) in [(true, "initContainers"), (false, "containers")] {
        for container in items(&spec[key]) {
            let container = known.container(container, spec, init, &sources, &mut plan)?;
            plan.containers.push(container);
        }
    }
    Ok(plan)
}

/// What a manifest may refer to.
struct Known<'a> {
    objects: &'a [Object],
    namespace: &'a str,
    pod: &'a str,
}

impl Known<'_> {
    fn container(
        &self,
        container: &Value,
        spec: &Value,
        init: bool,
        sources: &BTreeMap<&str, PathBuf>,
        plan: &mut PodPlan,
    ) -> Result<ContainerPlan, String> {
        let env = self.env(container)?;
        let words = |key: &str| -> Vec<String> {
            items(&container[key]).map(|word| expand(&scalar(word), &env)).collect()
        };
        let security = [&container["securityContext"], &spec["securityContext"]];
        let id = |key: &str| security.iter().find_map(|it| it[key].as_u64());
        let user = id("runAsUser").map(|user| match id("runAsGroup") {
            Some(group) => format!("{user}:{group}"),
            None => user.to_string(),
        });
        let mut mounts = Vec::new();
        for mount in items(&container["volumeMounts"]) {
            mounts.push(self.mount(mount, sources, plan)?);
        }
        Ok(ContainerPlan {
            name: text(&container["name"])?.to_owned(),
            init,
            image: text(&container["image"])?.trim().to_owned(),
            command: words("command"),
            args: words("args"),
            cwd: container["workingDir"].as_str().map(str::to_owned),
            user,
            mounts,
            gate: None,
            env,
        })
    }

    fn mount(
        &self,
        mount: &Value,
        sources: &BTreeMap<&str, PathBuf>,
        plan: &mut PodPlan,
    ) -> Result<Mount, String> {
        let name = text(&mount["name"])?;
        let source = sources.get(name).ok_or_else(|| format!("there is no volume `{name}`"))?;
        let source = match mount["subPath"].as_str().filter(|path| !path.is_empty()) {
            None => source.clone(),
            Some(path) if stays_below(path) => {
                let source = source.join(path);
                if !plan.files.iter().any(|(file, _)| *file == source) {
                    plan.folders.push(source.clone());
                }
                source
            }
            Some(path) => return Err(format!("the sub-path `{path}` leaves its volume")),
        };
        let target = PathBuf::from(text(&mount["mountPath"])?);
        if !target.is_absolute() {
            return Err(format!("the mount path `{}` is not absolute", target.display()));
        }
        let read_only = mount["readOnly"].as_bool().unwrap_or(false);
        Ok(Mount { source, target, read_only })
    }

    fn volume(
        &self,
        volume: &Value,
        disk: &Disk,
        scratch: &Path,
        plan: &mut PodPlan,
    ) -> Result<PathBuf, String> {
        let name = text(&volume["name"])?;
        names::dns_label(name, 63).map_err(|reason| format!("volume `{name}` {reason}"))?;
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
            names::dns_label(claim, 253).map_err(|reason| format!("claim `{claim}` {reason}"))?;
            plan.folders.push(disk.claim(claim));
            return Ok(disk.claim(claim));
        }
        let folder = scratch.join(name);
        plan.folders.push(folder.clone());
        let of = |kind: &str, key: &str, name: &str| {
            let source = &volume[key];
            source[name].as_str().map(|name| (kind.to_owned(), name.to_owned(), source))
        };
        let files = of("ConfigMap", "configMap", "name").or(of("Secret", "secret", "secretName"));
        if let Some((kind, object, source)) = files {
            let optional = source["optional"].as_bool().unwrap_or(false);
            for (key, value) in self.data(&kind, &object, optional)? {
                let item = items(&source["items"]).find(|item| item["key"] == key.as_str());
                let path = match (items(&source["items"]).next(), item) {
                    (None, _) => key.as_str(),
                    (Some(_), Some(item)) => text(&item["path"])?,
                    (Some(_), None) => continue,
                };
                if !stays_below(path) {
                    return Err(format!(
                        "the file `{path}` of {kind} `{object}` leaves its volume"
                    ));
                }
                plan.files.push((folder.join(path), value));
            }
            return Ok(folder);
        }
        match volume.as_object().and_then(|map| map.keys().find(|key| *key != "name")) {
            None => Ok(folder),
            Some(kind) if kind == "emptyDir" => Ok(folder),
            Some(kind) => {
                Err(format!("volume `{name}` is a {kind}, which the sandbox does not have"))
            }
        }
    }

    fn env(&self, container: &Value) -> Result<Vec<(String, String)>, String> {
        let mut env: Vec<(String, String)> = Vec::new();
        for from in items(&container["envFrom"]) {
            for (kind, key) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
                if let Some(name) = from[key]["name"].as_str() {
                    let optional = from[key]["optional"].as_bool().unwrap_or(false);
                    env.extend(self.data(kind, name, optional)?);
                }
            }
        }
        for entry in items(&container["env"]) {
            let name = text(&entry["name"])?.to_owned();
            let value = match &entry["valueFrom"] {
                Value::Null => Some(expand(&scalar(&entry["value"]), &env)),
                from => self.value_from(&name, from)?,
            };
            if let Some(value) = value {
                env.retain(|(known, _)| *known != name);
                env.push((name, value));
            }
        }
        Ok(env)
    }

    fn value_from(&self, name: &str, from: &Value) -> Result<Option<String>, String> {
        match from["fieldRef"]["fieldPath"].as_str() {
            Some("metadata.name") => return Ok(Some(self.pod.to_owned())),
            Some("metadata.namespace") => return Ok(Some(self.namespace.to_owned())),
            Some("spec.nodeName") => return Ok(Some("sandbox".to_owned())),
            _ => {}
        }
        for (kind, key) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
            let source = &from[key];
            if let (Some(object), Some(key)) = (source["name"].as_str(), source["key"].as_str()) {
                let optional = source["optional"].as_bool().unwrap_or(false);
                let value = self.data(kind, object, optional)?.remove(key);
                return match value {
                    None if !optional => Err(format!("{kind} `{object}` has no key `{key}`")),
                    value => Ok(value),
                };
            }
        }
        Err(format!("the sandbox does not know where the variable `{name}` comes from"))
    }

    /// Returns the content of a ConfigMap or Secret of the release.
    fn data(
        &self,
        kind: &str,
        name: &str,
        optional: bool,
    ) -> Result<BTreeMap<String, String>, String> {
        let object = self.objects.iter().find(|it| it.kind == kind && it.name == name);
        let Some(object) = object else {
            return match optional {
                true => Ok(BTreeMap::new()),
                false => Err(format!("the chart has no {kind} `{name}`, and the sandbox no other")),
            };
        };
        let map = |key: &str| object.content[key].as_object().into_iter().flatten();
        let mut data = BTreeMap::new();
        for (key, value) in map("data") {
            let value = scalar(value);
            let plain = if kind == "Secret" { base64(&value) } else { Some(value) };
            let plain =
                plain.ok_or_else(|| format!("Secret `{name}`: `{key}` is no base64 text"))?;
            data.insert(key.clone(), plain);
        }
        if kind == "Secret" {
            data.extend(map("stringData").map(|(key, value)| (key.clone(), scalar(value))));
        }
        Ok(data)
    }
}

/// Returns the text behind standard base64 (RFC 4648, section 4), or `None`.
fn base64(text: &str) -> Option<String> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    let text: String = text.split_whitespace().collect();
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(six)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Replaces `$(NAME)` by the value of a variable that was set before; `$$(` stands for `$(`.
fn expand(text: &str, env: &[(String, String)]) -> String {
    let (mut result, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('$') {
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let name = rest.strip_prefix("$(").and_then(|inner| inner.split_once(')'));
        let value = name.and_then(|(name, _)| env.iter().find(|(known, _)| known == name));
        match (value, name) {
            (Some((_, value)), Some((_, after))) => {
                result.push_str(value);
                rest = after;
            }
            _ if rest.starts_with("$$") => {
                result.push('$');
                rest = &rest[2..];
            }
            _ => {
                result.push('$');
                rest = &rest[1..];
            }
        }
    }
    result + rest
}

fn stays_below(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

pub(crate) fn items(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "a name, an image or a path is missing in the pod".to_owned())
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str, content: Value) -> Object {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        Object { kind, name, namespace: Some("services".into()), hook: None, content }
    }

    fn job(spec: &Value) -> Result<PodPlan, String> {
        let job = object("Job", "copy", json!({"spec": {"template": {"spec": spec}}}));
        let map = object("ConfigMap", "settings", json!({"data": {"a.ini": "x=1", "n": 7}}));
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let scratch = disk.pods("r").join("copy");
        let mut plan = plan(&job, &[map], &disk, &scratch)?;
        let short = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix(folder.path()) {
                *path = rest.to_owned();
            }
        };
        plan.folders.iter_mut().for_each(short);
        plan.files.iter_mut().for_each(|(path, _)| short(path));
        for container in &mut plan.containers {
            container.mounts.iter_mut().for_each(|mount| short(&mut mount.source));
        }
        Ok(plan)
    }

    #[test]
    fn the_installers_job_becomes_one_container_with_the_folders_of_airflow() {
        let plan = job(&json!({
            "containers": [{
                "name": "copy", "image": "r/dag-x:0.1.0", "args": ["--to", "$(TARGET)"],
                "env": [{"name": "ACTION", "value": "copy"}, {"name": "TARGET", "value": "/$(ACTION)"},
                        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "N", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "n"}}}],
                "volumeMounts": [{"name": "dags", "mountPath": "/d"},
                    {"name": "data", "mountPath": "/data", "subPath": "in"},
                    {"name": "conf", "mountPath": "/conf/a.ini", "subPath": "a.ini", "readOnly": true}],
            }],
            "securityContext": {"runAsUser": 0},
            "volumes": [
                {"name": "dags", "persistentVolumeClaim": {"claimName": "dags-pv-claim"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "x-pv-claim"}},
                {"name": "conf", "configMap": {"name": "settings"}}],
        }))
        .unwrap();
        let container = &plan.containers[0];
        assert_eq!(container.args, ["--to", "/copy"]);
        assert_eq!(container.user.as_deref(), Some("0"));
        assert!(container.env.contains(&("NAME".into(), "copy-sandbox".into())));
        assert!(container.env.contains(&("N".into(), "7".into())));
        let sources: Vec<_> =
            container.mounts.iter().map(|mount| mount.source.display().to_string()).collect();
        assert_eq!(sources, ["workflows/dags", "volumes/x-pv-claim/in", "pods/r/copy/conf/a.ini"]);
        assert!(plan.files.contains(&("pods/r/copy/conf/a.ini".into(), "x=1".into())));
    }

    #[test]
    fn what_the_sandbox_does_not_have_is_refused_by_name() {
        let check = |spec: Value, expected: &str| {
            let reason = job(&spec).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        };
        let container = |extra: Value| {
            let mut container = json!({"name": "c", "image": "i"});
            container.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
            json!([container])
        };
        let one = container(json!({}));
        check(json!({}), "0 containers");
        check(json!({"containers": one, "volumes": [{"name": "v", "hostPath": {}}]}), "hostPath");
        check(json!({"containers": one, "volumes": [{"name": "../v"}]}), "volume `../v`");
        check(
            json!({"containers": container(json!({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "../.."}]})),
                "volumes": [{"name": "v", "emptyDir": {}}]}),
            "leaves its volume",
        );
        check(
            json!({"containers": container(json!({"envFrom": [{"secretRef": {"name": "s"}}]}))}),
            "no Secret `s`",
        );
    }

    #[test]
    fn the_published_base64_texts_are_read() {
        let texts =
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")];
        for (encoded, plain) in texts {
            assert_eq!(base64(encoded).as_deref(), Some(plain));
        }
        assert_eq!(base64("?"), None);
    }

    proptest! {
        #[test]
        fn text_without_references_is_not_changed(text in "[^$]{0,40}") {
            prop_assert_eq!(expand(&text, &[]), text);
        }

        #[test]
        fn a_path_that_stays_below_has_no_way_up(path in "[./a]{0,12}") {
            if stays_below(&path) {
                prop_assert!(!path.split('/').any(|part| part == ".."), "{}", path);
                prop_assert!(!path.starts_with('/'), "{}", path);
            }
        }
    }
}
