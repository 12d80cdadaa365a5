//! Where the names and ports of Services lead: a pure function of the releases.
//!
//! A pod that lasts has a network of its own. In it, each Service is a loopback address, which its
//! hosts file names, and behind each port of the Service is a way to the gate of the pod that the
//! Service selects. Nothing listens on this machine.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    path::PathBuf,
};

use edk_container::Way;
use serde_json::Value;

use crate::{Object, Release, Settings, disk::Disk, values, workload};

/// What a pod's network is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// Content of its hosts file.
    pub(crate) hosts: String,
    pub(crate) ways: Vec<Way>,
}

/// A port behind the gate of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) gate: PathBuf,
    pub(crate) port: u16,
}

/// Returns the network of a pod called `pod`: the Services of all `releases`, and the sandbox itself
/// as the platform's kube-helm.
pub(crate) fn network(
    pod: &str,
    releases: &BTreeMap<String, Release>,
    disk: &Disk,
    settings: &Settings,
) -> Network {
    let mut network = Network::default();
    network.hosts = format!("127.0.0.1 localhost {pod}\n::1 localhost\n");
    if let Some(port) = port_of(&settings.url) {
        let at = |address, port| SocketAddrV4::new(address, port);
        let to = disk.gate_of_all();
        let kube_helm = Ipv4Addr::new(127, 1, 0, 0);
        network.hosts += &names(kube_helm, "kube-helm-service", values::ADMIN);
        for at in [at(kube_helm, 5000), at(Ipv4Addr::LOCALHOST, port)] {
            network.ways.push(Way { at, to: to.clone(), port });
        }
    }
    let services = releases.values().flat_map(|release| {
        let services = release.plain().filter(|object| object.kind == "Service");
        services.map(move |service| (release, service))
    });
    for ((release, service), number) in services.zip(1_u16..) {
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(127, 1, high, low);
        let namespace = service.namespace.as_deref().unwrap_or(values::ADMIN);
        network.hosts += &names(address, &service.name, namespace);
        for port in workload::items(&service.content["spec"]["ports"]) {
            let Some(number) = port["port"].as_u64().and_then(|it| u16::try_from(it).ok()) else {
                continue;
            };
            let wanted = Value::from(number);
            if let Some(Backend { gate, port }) = backend(release, service, &wanted, disk) {
                let at = SocketAddrV4::new(address, number);
                network.ways.push(Way { at, to: gate, port });
            }
        }
    }
    network
}

fn names(address: Ipv4Addr, name: &str, namespace: &str) -> String {
    format!(
        "{address} {name}.{namespace}.svc {name}.{namespace}.svc.cluster.local {name}.{namespace} {name}\n"
    )
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.trim_end_matches('/').parse().ok()
}

/// Finds what is behind the port `wanted` (a number or a name) of a Service.
pub(crate) fn backend(
    release: &Release,
    service: &Object,
    wanted: &Value,
    disk: &Disk,
) -> Option<Backend> {
    let spec = &service.content["spec"];
    let is =
        |port: &&Value| port["port"] == *wanted || (wanted.is_string() && port["name"] == *wanted);
    let port = workload::items(&spec["ports"]).find(is)?;
    let selector = spec["selector"].as_object().filter(|selector| !selector.is_empty())?;
    let pod = release.plain().find(|object| {
        let labels = &object.content["spec"]["template"]["metadata"]["labels"];
        workload::lasts(&object.kind)
            && object.namespace == service.namespace
            && selector.iter().all(|(key, value)| labels[key] == *value)
    })?;
    let target = match &port["targetPort"] {
        Value::Null => port["port"].clone(),
        target => target.clone(),
    };
    let number = container_port(workload::pod_spec(pod), &target)?;
    Some(Backend { gate: disk.gate(&release.name, &pod.name), port: number })
}

/// Returns the number of a port which a manifest gives by number or by name.
pub(crate) fn container_port(pod_spec: &Value, port: &Value) -> Option<u16> {
    let number = match port {
        Value::String(name) => {
            let ports = workload::items(&pod_spec["containers"])
                .flat_map(|container| workload::items(&container["ports"]));
            let named = ports.clone().find(|it| it["name"] == name.as_str());
            named.map_or_else(|| name.parse().ok(), |it| it["containerPort"].as_u64())
        }
        port => port.as_u64(),
    };
    number.and_then(|number| u16::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str, content: Value) -> Object {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        Object { kind, name, namespace: Some("services".into()), hook: None, content }
    }

    fn web() -> Release {
        let pod = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
            {"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]}});
        let ports = json!([{"name": "page", "port": 80, "targetPort": "http"}, {"port": 9}]);
        let service = |selector: Value| json!({"spec": {"selector": selector, "ports": ports}});
        Release {
            objects: vec![
                object("Deployment", "web", json!({"spec": {"template": pod}})),
                object("Service", "web-service", service(json!({"app": "web"}))),
                object("Service", "other", service(json!({"app": "other"}))),
                object("Service", "outside", json!({"spec": {"ports": ports}})),
            ],
            ..Release::example("web")
        }
    }

    #[test]
    fn a_service_leads_to_the_port_of_the_pod_it_selects() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let release = web();
        let check = |service: usize, wanted: Value, expected: Option<u16>| {
            let found = backend(&release, &release.objects[service], &wanted, &disk);
            assert_eq!(found.map(|it| it.port), expected, "{service} {wanted}");
        };
        check(1, json!(80), Some(8080));
        check(1, json!("page"), Some(8080));
        check(1, json!(9), Some(9));
        check(1, json!(81), None);
        check(2, json!(80), None);
        check(3, json!(80), None);
    }

    #[test]
    fn every_service_has_an_address_and_the_sandbox_is_kube_helm() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let settings = Settings::example("http://127.0.0.1:5578");
        let releases = BTreeMap::from([("web".to_owned(), web())]);
        let network = network("me", &releases, &disk, &settings);
        assert!(network.hosts.contains("\n127.1.0.1 web-service.services.svc "));
        assert!(network.hosts.contains("\n127.1.0.0 kube-helm-service.admin.svc "));
        let ways: Vec<_> = network.ways.iter().map(|way| (way.at.to_string(), way.port)).collect();
        let expected = [
            ("127.1.0.0:5000", 5578),
            ("127.0.0.1:5578", 5578),
            ("127.1.0.1:80", 8080),
            ("127.1.0.1:9", 9),
        ];
        assert_eq!(ways, expected.map(|(at, port)| (at.to_owned(), port)));
    }
}
