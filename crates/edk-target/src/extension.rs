use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One row of the platform's list. Keys a platform leaves out are empty here; the whole row as it
/// came is in [`Extension::raw`].
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// Name of the chart.
    pub name: String,
    /// Name of the release: the chart's, or that of a launched instance.
    pub release: String,
    /// Keywords of the chart.
    pub keywords: Vec<String>,
    /// Versions on the platform, newest first in the platform's own order.
    pub versions: Vec<String>,
    /// What is deployed, over all versions.
    pub deployments: Vec<Deployment>,
    /// The row as it came, keys we don't know included.
    pub raw: Map<String, Value>,
}

/// One release as the list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Name of the release.
    pub release: String,
    /// Version of the chart under which the list shows it.
    pub version: String,
    /// Helm's status, such as `deployed`.
    pub helm_status: String,
    /// The pods of the release.
    pub pods: Vec<Pod>,
    /// Whether the first pod of every Deployment and Job runs or has completed.
    pub ready: bool,
    /// Whether it is of a workflow chart: its Jobs have to end before it can be used, and `ready`
    /// does not say that.
    pub workflow: bool,
}

/// A pod of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Name; empty when the list gives none.
    pub name: String,
    /// Status in lower case, such as `running` or `errimagepull`.
    pub status: String,
    /// Why it has this status, when the target tells (the sandbox does).
    pub reason: Option<String>,
    /// Whether all its containers are ready; `None` when the list does not tell. `running` alone
    /// says that they were started.
    pub ready: Option<bool>,
}

impl Extension {
    /// Returns the deployment of the release `release`, if this row has it.
    ///
    /// A row of a launched instance lists all instances of its chart, so the position in the list
    /// means nothing.
    pub fn deployment(&self, release: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.release == release)
    }

    /// Says whether each install makes a release of its own.
    pub fn is_multi_installable(&self) -> bool {
        self.keywords.iter().any(|keyword| keyword == "kaapanamultiinstallable")
    }
}

/// Reads the answer of `GET /extensions`, or `None` when it is not a list.
///
/// Members that are not objects, or have no name, are left out: a platform may put a bare string
/// into the list for about 30 s after an install.
pub fn read_list(body: &str) -> Option<Vec<Extension>> {
    let list: Vec<Value> = serde_json::from_str(body).ok()?;
    Some(list.into_iter().filter_map(extension).collect())
}

fn extension(row: Value) -> Option<Extension> {
    let Value::Object(raw) = row else { return None };
    let name = text(raw.get("name").or_else(|| raw.get("chart_name")));
    if name.is_empty() {
        return None;
    }
    let release = Some(text(raw.get("releaseName"))).filter(|text| !text.is_empty());
    let versions = raw.get("available_versions").and_then(Value::as_object);
    let workflow = text(raw.get("kind")) == "dag";
    let deployments = versions.into_iter().flatten().flat_map(|(version, value)| {
        items(value.get("deployments")).filter_map(move |item| deployment(version, item, workflow))
    });
    Some(Extension {
        release: release.unwrap_or_else(|| name.clone()),
        keywords: items(raw.get("keywords")).map(|item| text(Some(item))).collect(),
        versions: items(raw.get("versions")).map(|item| text(Some(item))).collect(),
        deployments: deployments.collect(),
        name,
        raw,
    })
}

fn deployment(version: &str, item: &Value, workflow: bool) -> Option<Deployment> {
    let release = text(item.get("deployment_id"));
    (!release.is_empty()).then(|| Deployment {
        release,
        version: version.to_owned(),
        helm_status: text(item.get("helm_status")).to_lowercase(),
        pods: pods(item),
        ready: item.get("ready").and_then(Value::as_bool).unwrap_or(false),
        workflow,
    })
}

/// Joins the parallel lists of statuses and names. `kube_status` may also be the text `unknown`.
fn pods(item: &Value) -> Vec<Pod> {
    let info = item.get("kube_info");
    let column = |key: &str| -> BTreeMap<usize, String> {
        items(info.and_then(|info| info.get(key)))
            .map(|value| text(Some(value)))
            .enumerate()
            .collect()
    };
    let (names, reasons, fractions) = (column("name"), column("reason"), column("ready"));
    // `ready/all`, as `kubectl get pod` shows it.
    let full = |fraction: &String| fraction.split_once('/').map(|(ready, all)| ready == all);
    items(item.get("kube_status"))
        .enumerate()
        .map(|(index, status)| Pod {
            name: names.get(&index).cloned().unwrap_or_default(),
            status: text(Some(status)).to_lowercase(),
            reason: reasons.get(&index).filter(|reason| !reason.is_empty()).cloned(),
            ready: fractions.get(&index).and_then(full),
        })
        .collect()
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_with_strings_gaps_and_unknown_keys_is_read() {
        let list = read_list(
            r#"["brandnew", 7, null, {"no": "name"}, {"name":"a","new_key":1},
            {"name":"b","releaseName":"b-1","versions":["0.2.0","0.1.0"],"kubeStatus":["0/1"],
             "keywords":["kaapanamultiinstallable"],
             "available_versions":{"0.1.0":{"deployments":[
               {"deployment_id":"b-2","helm_status":"deployed","kube_status":"unknown"},
               {"deployment_id":"b-1","helm_status":"deployed","kube_status":["Running"],
                "kube_info":{"name":["b-pod"],"ready":["0/1"]},"ready":true}]}}}]"#,
        )
        .unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].raw["new_key"], 1);
        assert_eq!(list[0].release, "a");
        assert!(list[1].is_multi_installable());
        let instance = list[1].deployment("b-1").unwrap();
        assert!(instance.ready);
        assert_eq!(instance.version, "0.1.0");
        let (name, status) = ("b-pod".to_owned(), "running".to_owned());
        let pod = Pod { name, status, reason: None, ready: Some(false) };
        assert_eq!(instance.pods, [pod]);
        assert!(list[1].deployment("b-2").unwrap().pods.is_empty());
    }

    #[test]
    fn what_is_no_list_is_told_from_an_empty_list() {
        assert_eq!(read_list("[]"), Some(vec![]));
        assert_eq!(read_list(r#"{"detail":"Failed to get extensions"}"#), None);
        assert_eq!(read_list("Internal Server Error"), None);
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_reader_fall_over(body in ".*", key in "[a-z_]{1,20}") {
            let _ = read_list(&body);
            let row = serde_json::json!([{ "name": body, key: [body, 1, null, {}] }]).to_string();
            prop_assert!(read_list(&row).is_some());
        }
    }
}
