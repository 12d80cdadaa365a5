use std::{fmt::Write as _, sync::LazyLock};

use edk_model::Finding;
use regex::Regex;
use serde_json::Value;

use crate::{Error, Result, yaml};

/// One object that a chart renders to.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Name of the template it comes from, such as `chart/templates/job.yaml`.
    pub source: String,
    /// The object's `apiVersion`.
    pub api_version: String,
    /// The object's `kind`.
    pub kind: String,
    /// The object's name; empty if it has none.
    pub name: String,
    /// The object's namespace, when it names one.
    pub namespace: Option<String>,
    /// When and how it runs, if it is a hook.
    pub hook: Option<Hook>,
    /// The object.
    pub object: Value,
    /// The object as it was rendered.
    pub text: String,
}

/// When and how a hook runs (Helm: "Chart Hooks").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The events, such as `pre-delete`.
    pub events: Vec<String>,
    /// Its place among the hooks of one event, ascending.
    pub weight: i64,
    /// When its objects are deleted, such as `hook-succeeded`.
    pub delete_policies: Vec<String>,
}

/// The order in which Helm installs kinds; what is not here comes last, by name of the kind.
const INSTALL_ORDER: [&str; 36] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// The events of hooks that Helm knows.
const EVENTS: [&str; 9] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// Returns the objects in `text`, which the template `source` rendered to.
///
/// # Errors
/// [`Error::Output`] if a document is not YAML.
pub(super) fn objects(source: &str, text: &str) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for (start, document) in documents(text) {
        let object = yaml::parse(document, source).map_err(|mut finding| {
            if let Some(span) = &mut finding.span {
                span.line += start;
            }
            Error::Output { template: source.to_owned(), finding }
        })?;
        if !(object.is_object() || object.is_null()) {
            let message = "a document is neither a map nor empty";
            let finding = Finding::error("yaml/object", message).in_file(source).at(start + 1, 1);
            return Err(Error::Output { template: source.to_owned(), finding });
        }
        manifests.push(Manifest::new(source, document, object));
    }
    Ok(manifests)
}

/// Returns the documents of a file that is not rendered.
pub(super) fn whole(source: &str, text: &str) -> Result<Vec<Manifest>> {
    let object = yaml::parse(text, source)
        .map_err(|finding| Error::Output { template: source.to_owned(), finding })?;
    Ok(vec![Manifest::new(source, text, object)])
}

/// Splits `text` at the lines that start with `---`; each document comes with the number of lines
/// before it.
pub(super) fn documents(text: &str) -> Vec<(usize, &str)> {
    static SEPARATOR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[\t\n\f\r ]*\n)---[\t\n\f\r ]*").ok());
    const SPACES: [char; 6] = ['\t', '\n', '\u{b}', '\u{c}', '\r', ' '];
    let whole = text.trim_matches(SPACES);
    let lead = text.len() - text.trim_start_matches(SPACES).len();
    let mut parts = Vec::new();
    let mut start = 0;
    for found in SEPARATOR.iter().flat_map(|separator| separator.find_iter(whole)) {
        parts.push((start, &whole[start..found.start()]));
        start = found.end();
    }
    parts.push((start, &whole[start..]));
    let before = |at: usize| text[..lead + at].matches('\n').count();
    let parts = parts.into_iter().filter(|(_, part)| !part.is_empty());
    parts
        .map(|(at, part)| {
            let blanks = part.len() - part.trim_start().len();
            (before(at + blanks), part.trim())
        })
        .collect()
}

/// Sorts manifests into Helm's order of installation; equal kinds keep their order.
pub(super) fn sort<M: std::borrow::Borrow<Manifest>>(manifests: &mut [M]) {
    let place = |kind: &str| {
        let known = INSTALL_ORDER.iter().position(|known| *known == kind);
        (known.unwrap_or(INSTALL_ORDER.len()), if known.is_some() { "" } else { kind }.to_owned())
    };
    manifests.sort_by_cached_key(|manifest| place(&manifest.borrow().kind));
}

impl Manifest {
    /// Returns the document as `helm template` prints it.
    pub(super) fn write(&self, out: &mut String) {
        let _ = writeln!(out, "---\n# Source: {}\n{}", self.source, self.text);
    }

    /// Says whether it comes from the template `pattern`, named below its chart.
    pub(super) fn is_from(&self, pattern: &str) -> bool {
        let name = self.source.split_once('/').map_or("", |(_, name)| name);
        let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
        let expression = format!("^{}$", parts.join("[^/]*"));
        Regex::new(&expression).is_ok_and(|expression| expression.is_match(name))
    }

    /// Says whether it is a hook whose events Helm does not know; it is left out then.
    pub(super) fn is_unknown_hook(&self) -> bool {
        let known = |event: &String| EVENTS.contains(&event.as_str());
        self.hook.as_ref().is_some_and(|hook| !hook.events.iter().all(known))
    }

    /// Says whether it is a test of the release.
    pub(super) fn is_test(&self) -> bool {
        let events = self.hook.iter().flat_map(|hook| &hook.events);
        events.into_iter().any(|event| event.starts_with("test"))
    }

    pub(super) fn new(source: &str, text: &str, object: Value) -> Self {
        let string = |path: &str| {
            object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let namespace = string("/metadata/namespace");
        Self {
            source: source.to_owned(),
            api_version: string("/apiVersion"),
            kind: string("/kind"),
            name: string("/metadata/name"),
            namespace: (!namespace.is_empty()).then_some(namespace),
            hook: Hook::of(&object),
            text: text.to_owned(),
            object,
        }
    }
}

/// Returns the name which an event has today.
fn today(event: String) -> String {
    if event == "test-success" { "test".to_owned() } else { event }
}

impl Hook {
    fn of(object: &Value) -> Option<Self> {
        let annotations = object.pointer("/metadata/annotations")?;
        let text = |key: &str| annotations.get(key).and_then(Value::as_str);
        let words = |text: &str| -> Vec<String> {
            text.split(',').map(|word| word.trim().to_lowercase()).collect()
        };
        Some(Self {
            events: words(text("helm.sh/hook")?).into_iter().map(today).collect(),
            weight: text("helm.sh/hook-weight").and_then(|text| text.parse().ok()).unwrap_or(0),
            delete_policies: text("helm.sh/hook-delete-policy").map(words).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_and_placed() {
        let text = "\n---\nkind: A\n--- \n# only a comment\n---\n\nkind: B\n  bad: [\n";
        let error = objects("t", text).unwrap_err();
        let Error::Output { finding, .. } = error else { panic!("{error}") };
        assert!(finding.span.unwrap().line >= 8, "{finding:?}");
        let fine = objects("t", "kind: A\n---\n# only a comment\n---\nkind: B\n").unwrap();
        let fine: Vec<_> = fine.iter().filter(|manifest| !manifest.object.is_null()).collect();
        let kinds: Vec<_> = fine.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["A", "B"]);
    }

    #[test]
    fn manifests_are_sorted_by_kind() {
        let text = "kind: Zebra\n---\nkind: Job\n---\nkind: Apple\n---\nkind: Service\n---\nkind: Namespace\n";
        let mut manifests = objects("t", text).unwrap();
        sort(&mut manifests);
        let kinds: Vec<_> = manifests.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["Namespace", "Service", "Job", "Apple", "Zebra"]);
    }
}
