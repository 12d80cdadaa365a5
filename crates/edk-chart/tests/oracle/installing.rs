//! What a dry run of `helm install` tells beyond the documents: the notes, and when hooks run. It
//! asks a cluster for nothing but its version and its APIs, of which there are none here.

use std::fs;

use edk_chart::{Hook, Options, Release, Rendered, render_with};
use serde_json::{Value, json};

use crate::{
    corpus::{self, Case},
    each, expect_none,
    helm::Helm,
    server::Server,
};

#[test]
fn notes_and_hooks_are_those_of_helm() {
    let server = Server::start();
    server.put("/version", r#"{"major": "1", "minor": "32", "gitVersion": "v1.32.0"}"#);
    server.put("/api", r#"{"kind": "APIVersions", "versions": ["v1"]}"#);
    server.put("/api/v1", r#"{"kind": "APIResourceList", "groupVersion": "v1", "resources": []}"#);
    server.put("/apis", r#"{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}"#);
    let cases = corpus::read("install", 5);
    let complaints = each(&cases, |case| compare(case, &server.url));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

fn compare(case: &Case, url: &str) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    case.write(dir.path());
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": url}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
    });
    fs::write(dir.path().join("cluster"), config.to_string()).unwrap();
    let args = ["install", "r", "c", "--dry-run=client", "--output", "json", "--namespace", "ns"];
    let done = Helm::Three.run(dir.path(), &[&args[..], &["--kubeconfig", "cluster"]].concat());
    assert!(done.ok, "{}: {}", case.name, done.stderr);
    let theirs: Value = serde_json::from_str(&done.stdout).unwrap();
    let release =
        Release { name: "r".to_owned(), namespace: "ns".to_owned(), revision: 1, is_install: true };
    let ours = render_with(&case.chart().unwrap(), &Options::new(release), &json!({})).unwrap();
    let (ours, theirs) = (summary(&ours), their_summary(&theirs));
    (ours != theirs).then(|| format!("{}\n  ours:   {ours}\n  theirs: {theirs}", case.name))
}

fn summary(rendered: &Rendered) -> Value {
    let hooks = rendered.manifests.iter().filter_map(|manifest| {
        let Hook { events, weight, delete_policies } = manifest.hook.clone()?;
        Some(json!([manifest.name, manifest.source, events, weight, delete_policies]))
    });
    json!([rendered.notes.as_deref().unwrap_or_default(), hooks.collect::<Vec<_>>()])
}

fn their_summary(release: &Value) -> Value {
    let hooks = release["hooks"].as_array().cloned().unwrap_or_default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let hooks = hooks.iter().map(|hook| {
        let weight = hook["weight"].as_i64().unwrap_or(0);
        let policies = list(&hook["delete_policies"]);
        json!([hook["name"], hook["path"], list(&hook["events"]), weight, policies])
    });
    let notes = release["info"]["notes"].as_str().unwrap_or_default();
    json!([notes, hooks.collect::<Vec<_>>()])
}
