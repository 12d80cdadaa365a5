//! Which request belongs to which Ingress, and what its middlewares make of it: pure functions.
//!
//! A path matches by whole parts, the longest wins (Kubernetes: "Ingress", path types). Middlewares
//! are those of Traefik which charts of the platform use.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use crate::{Object, Release, Status, disk::Disk, network, network::Backend, workload};

/// The annotation with the middlewares of an Ingress: `<namespace>-<name>@kubernetescrd`, several
/// with commas between.
const MIDDLEWARES: &str = "traefik.ingress.kubernetes.io/router.middlewares";

/// What becomes of a request for an application.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// It goes to a pod.
    To(Forward),
    /// The client is sent elsewhere: status and address.
    Elsewhere(u16, String),
    /// It can't be forwarded; says why.
    Nowhere(String),
}

/// A request as the pod gets it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) backend: Backend,
    /// Path and query.
    pub(crate) target: String,
    /// Headers to set; an empty value takes one away.
    pub(crate) headers: Vec<(String, String)>,
    /// The same for the answer.
    pub(crate) answer_headers: Vec<(String, String)>,
}

/// Finds what becomes of a request for `target` (path and query) that came for `host`, or `None`
/// when no Ingress has the path.
pub(crate) fn route(
    releases: &BTreeMap<String, Release>,
    host: &str,
    target: &str,
    disk: &Disk,
) -> Option<Route> {
    let path = target.split('?').next().unwrap_or_default();
    let there = |release: &&Release| !matches!(release.status, Status::Failed);
    let mut best: Option<(usize, &Release, &Object, &Value)> = None;
    for release in releases.values().filter(there) {
        for ingress in release.plain().filter(|object| object.kind == "Ingress") {
            for entry in paths(ingress) {
                let length = matches(entry, path);
                if let Some(length) = length.filter(|it| best.is_none_or(|best| *it > best.0)) {
                    best = Some((length, release, ingress, entry));
                }
            }
        }
    }
    let (_, release, ingress, entry) = best?;
    Some(forward(release, ingress, entry, host, target, disk).unwrap_or_else(Route::Nowhere))
}

/// Returns the path entries of an Ingress. A host in a rule is not looked at: the sandbox has one.
pub(crate) fn paths(ingress: &Object) -> impl Iterator<Item = &Value> {
    workload::items(&ingress.content["spec"]["rules"])
        .flat_map(|rule| workload::items(&rule["http"]["paths"]))
}

/// Returns how much of `path` an entry matches.
fn matches(entry: &Value, path: &str) -> Option<usize> {
    let wanted = entry["path"].as_str().unwrap_or("/");
    if entry["pathType"] == "Exact" {
        return (path == wanted).then_some(usize::MAX);
    }
    let prefix = wanted.trim_end_matches('/');
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(prefix.len())
}

fn forward(
    release: &Release,
    ingress: &Object,
    entry: &Value,
    host: &str,
    target: &str,
    disk: &Disk,
) -> Result<Route, String> {
    let mut forward = Forward {
        backend: backend(release, ingress, entry, disk)?,
        target: target.to_owned(),
        headers: Vec::new(),
        answer_headers: Vec::new(),
    };
    let names = ingress.content["metadata"]["annotations"][MIDDLEWARES].as_str().unwrap_or("");
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let middleware = middleware(release, name)?;
        let address = format!("http://{host}{}", forward.target);
        if let Some(elsewhere) = redirect(&middleware.content["spec"], &address)? {
            return Ok(elsewhere);
        }
        apply(middleware, &mut forward)?;
    }
    Ok(Route::To(forward))
}

fn backend(
    release: &Release,
    ingress: &Object,
    entry: &Value,
    disk: &Disk,
) -> Result<Backend, String> {
    let service = &entry["backend"]["service"];
    let name = service["name"].as_str().unwrap_or_default();
    let port = match &service["port"]["name"] {
        Value::Null => &service["port"]["number"],
        name => name,
    };
    let is = |object: &&Object| {
        object.kind == "Service" && object.name == name && object.namespace == ingress.namespace
    };
    let found = release.plain().find(is);
    let found = found.ok_or_else(|| {
        format!("Ingress `{}` leads to the Service `{name}`, which its chart has not", ingress.name)
    })?;
    network::backend(release, found, port, disk).ok_or_else(|| {
        format!("Service `{name}` has no port {port}, or selects no pod that the chart makes")
    })
}

/// Finds a middleware by the name which Traefik gives it.
fn middleware<'a>(release: &'a Release, name: &str) -> Result<&'a Object, String> {
    let wanted = name.split('@').next().unwrap_or_default();
    let is = |object: &&Object| {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        object.kind == "Middleware" && format!("{namespace}-{}", object.name) == wanted
    };
    release.plain().find(is).ok_or_else(|| {
        format!("there is no Middleware `{name}`; its name is <namespace>-<name>@kubernetescrd")
    })
}

fn redirect(spec: &Value, address: &str) -> Result<Option<Route>, String> {
    let redirect = &spec["redirectRegex"];
    let (Some(pattern), Some(replacement)) =
        (redirect["regex"].as_str(), redirect["replacement"].as_str())
    else {
        return Ok(None);
    };
    let pattern = Regex::new(pattern).map_err(|error| format!("redirectRegex: {error}"))?;
    let place = pattern.replace(address, replacement);
    if !pattern.is_match(address) || place == address {
        return Ok(None);
    }
    // As Traefik: the method is kept where it matters only with 307 and 308; its own are these.
    let status = if redirect["permanent"] == true { 301 } else { 302 };
    Ok(Some(Route::Elsewhere(status, place.into_owned())))
}

fn apply(middleware: &Object, forward: &mut Forward) -> Result<(), String> {
    let spec = &middleware.content["spec"];
    let Some(kind) = spec.as_object().and_then(|spec| spec.keys().next()) else {
        return Ok(());
    };
    let what = &spec[kind.as_str()];
    match kind.as_str() {
        "stripPrefix" => {
            let prefixes = workload::items(&what["prefixes"]).filter_map(Value::as_str);
            strip(prefixes, forward);
        }
        "addPrefix" => {
            forward.target = format!("{}{}", what["prefix"].as_str().unwrap_or(""), forward.target);
        }
        "replacePath" => {
            let query = forward.target.split_once('?').map(|(_, query)| format!("?{query}"));
            let path = what["path"].as_str().unwrap_or("/");
            forward.target = format!("{path}{}", query.unwrap_or_default());
        }
        "headers" => {
            forward.headers.extend(pairs(&what["customRequestHeaders"]));
            forward.answer_headers.extend(pairs(&what["customResponseHeaders"]));
        }
        // They did not apply, or change nothing on a machine of one's own.
        "redirectRegex" | "redirectScheme" | "compress" | "buffering" => {}
        kind => {
            let name = &middleware.name;
            return Err(format!(
                "Middleware `{name}` is a {kind}, which the sandbox does not have"
            ));
        }
    }
    Ok(())
}

/// Takes the first prefix that matches away, and tells the pod so, as Traefik does.
fn strip<'a>(prefixes: impl Iterator<Item = &'a str>, forward: &mut Forward) {
    for prefix in prefixes {
        if let Some(rest) = forward.target.strip_prefix(prefix) {
            let slash = if rest.starts_with('/') { "" } else { "/" };
            forward.target = format!("{slash}{rest}");
            forward.headers.push(("x-forwarded-prefix".to_owned(), prefix.to_owned()));
            return;
        }
    }
}

fn pairs(map: &Value) -> Vec<(String, String)> {
    let map = map.as_object().into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.to_lowercase(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str, content: Value) -> Object {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        Object { kind, name, namespace: Some("services".into()), hook: None, content }
    }

    fn app(path: &str, middlewares: &[(&str, Value)]) -> Release {
        let names: Vec<_> =
            middlewares.iter().map(|(name, _)| format!("services-{name}@kubernetescrd")).collect();
        let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
        let ingress = json!({"metadata": {"annotations": {MIDDLEWARES: names.join(",")}},
            "spec": {"rules": [{"http": {"paths": [
                {"path": path, "pathType": "Prefix", "backend": backend}]}}]}});
        let pod = json!({"metadata": {"labels": {"a": "b"}}, "spec": {}});
        let service = json!({"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}});
        let mut objects = vec![
            object("Ingress", "i", ingress),
            object("Service", "s", service),
            object("Deployment", "d", json!({"spec": {"template": pod}})),
        ];
        let middlewares = middlewares.iter();
        objects.extend(
            middlewares.map(|(name, spec)| object("Middleware", name, json!({ "spec": spec }))),
        );
        Release { objects, ..Release::example(path.trim_matches('/')) }
    }

    fn routed(apps: Vec<Release>, target: &str) -> Option<Route> {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let releases = apps.into_iter().map(|app| (app.name.clone(), app)).collect();
        route(&releases, "h:1", target, &disk)
    }

    fn target(apps: Vec<Release>, path: &str) -> String {
        match routed(apps, path) {
            Some(Route::To(forward)) => forward.target,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_path_matches_by_whole_parts_and_the_longest_wins() {
        assert_eq!(target(vec![app("/hello", &[])], "/hello/a?b=c"), "/hello/a?b=c");
        assert_eq!(target(vec![app("/hello", &[])], "/hello"), "/hello");
        assert_eq!(routed(vec![app("/hello", &[])], "/hellos"), None);
        let strip = [("s", json!({"stripPrefix": {"prefixes": ["/hello/deep"]}}))];
        let apps = || vec![app("/hello", &[]), app("/hello/deep", &strip)];
        assert_eq!(target(apps(), "/hello/deep/x"), "/x");
        assert_eq!(target(apps(), "/hello/x"), "/hello/x");
    }

    #[test]
    fn middlewares_do_what_they_do_in_traefik() {
        let check = |spec: Value, path: &str, expected: &str| {
            let found = target(vec![app("/app", &[("m", spec.clone())])], path);
            assert!(found.contains(expected), "{spec} {path}: {found}");
        };
        check(json!({"stripPrefix": {"prefixes": ["/app"]}}), "/app", "/");
        check(json!({"stripPrefix": {"prefixes": ["/app"]}}), "/app/x?y", "/x?y");
        check(json!({"addPrefix": {"prefix": "/base"}}), "/app", "/base/app");
        check(json!({"replacePath": {"path": "/one"}}), "/app/x?y", "/one?y");
        let slash = json!({"redirectRegex": {"regex": "^(.*)/app$", "replacement": "${1}/app/"}});
        check(slash.clone(), "/app", "Elsewhere(302, \"http://h:1/app/\")");
        check(slash, "/app/", "/app/");
        check(json!({"ipAllowList": {}}), "/app", "which the sandbox does not have");
    }
}
