//! Where the names and ports of Services lead: a pure function of the release.
//!
//! A pod that lasts has a network of its own. In it, each Service is a loopback address, which its
//! hosts file names, and behind each port of the Service is a way to the gate of the pod that the
//! Service selects. Nothing listens on this machine. A port at which the pod itself listens leads
//! nowhere else, because all these addresses are the pod's own.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
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

/// Returns the network of the pod `pod` which `object` makes: the Services of its release, and the
/// sandbox itself as the platform's kube-helm.
pub(crate) fn network(
    pod: &str,
    object: &Object,
    release: &Release,
    disk: &Disk,
    settings: &Settings,
) -> Network {
    let hosts = format!("127.0.0.1 localhost {pod}\n::1 localhost\n");
    let mut network = Network { hosts, ..Network::default() };
    let own = disk.gate(&release.name, &object.name);
    let taken = own_ports(object, release, &own, disk);
    if let Some(port) = port_of(&settings.url) {
        let kube_helm = Ipv4Addr::new(127, 1, 0, 0);
        network.hosts += &names(kube_helm, "kube-helm-service", values::ADMIN);
        for (address, number) in [(kube_helm, 5000), (Ipv4Addr::LOCALHOST, port)] {
            let loopback = SocketAddrV4::new(address, number);
            network.ways.push(Way { loopback, to: disk.gate_of_all(), port });
        }
    }
    let services = release.plain().filter(|object| object.kind == "Service");
    for (service, number) in services.zip(1_u16..) {
        let [high, low] = number.to_be_bytes();
        let numbers = workload::items(&service.content["spec"]["ports"])
            .filter_map(|port| port["port"].as_u64().and_then(|it| u16::try_from(it).ok()));
        let found = numbers.filter_map(|number| {
            Some((number, backend(release, service, &Value::from(number), disk)?))
        });
        let found: Vec<_> = found.collect();
        // Its own ports are at its own address already.
        let address = match found.iter().any(|(number, it)| it.gate == own && it.port == *number) {
            true => Ipv4Addr::LOCALHOST,
            false => Ipv4Addr::new(127, 1, high, low),
        };
        let namespace = service.namespace.as_deref().unwrap_or(values::ADMIN);
        network.ways.extend(found.into_iter().map(|(number, it)| {
            let loopback = SocketAddrV4::new(address, number);
            Way { loopback, to: it.gate, port: it.port }
        }));
        network.hosts += &names(address, &service.name, namespace);
    }
    // All of these addresses are its own, so a way would keep the pod from listening at that port.
    network.ways.retain(|way| !taken.contains(&way.loopback.port()));
    network
}

/// Returns the ports at which a pod listens, as far as its manifest and its Services tell.
fn own_ports(object: &Object, release: &Release, own: &Path, disk: &Disk) -> BTreeSet<u16> {
    let containers = workload::items(&workload::pod_spec(object)["containers"]);
    let named = containers.flat_map(|container| workload::items(&container["ports"]));
    let named = named.filter_map(|port| port["containerPort"].as_u64());
    let mut ports: BTreeSet<u16> = named.filter_map(|port| u16::try_from(port).ok()).collect();
    for service in release.plain().filter(|object| object.kind == "Service") {
        let wanted = workload::items(&service.content["spec"]["ports"]);
        let found = wanted.filter_map(|port| backend(release, service, &port["port"], disk));
        ports.extend(found.filter(|it| it.gate == *own).map(|it| it.port));
    }
    ports
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
        let release = web();
        let check = |object: &Object, service: &str, expected: &[(&str, u16)]| {
            let network = network("me", object, &release, &disk, &settings);
            assert!(network.hosts.contains(service), "{}", network.hosts);
            assert!(network.hosts.contains("\n127.1.0.0 kube-helm-service.admin.svc "));
            let ways = network.ways.iter().map(|way| (way.loopback.to_string(), way.port));
            let expected = expected.iter().map(|(at, port)| ((*at).to_owned(), *port));
            assert_eq!(ways.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        };
        let sandbox = [("127.1.0.0:5000", 5578), ("127.0.0.1:5578", 5578)];
        let service = "\n127.1.0.1 web-service.services.svc ";
        let ways = [&sandbox[..], &[("127.1.0.1:80", 8080), ("127.1.0.1:9", 9)]].concat();
        check(&object("Deployment", "client", json!({})), service, &ways);
        // The pod itself listens at 9 and, by its manifest, at 5000.
        let mut own = release.objects[0].clone();
        own.content["spec"]["template"]["spec"]["containers"][0]["ports"] =
            json!([{"name": "http", "containerPort": 8080}, {"containerPort": 5000}]);
        let service = "\n127.0.0.1 web-service.services.svc ";
        check(&own, service, &[("127.0.0.1:5578", 5578), ("127.0.0.1:80", 8080)]);
    }
}
