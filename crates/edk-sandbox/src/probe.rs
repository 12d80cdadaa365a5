//! Probes of a pod: what a manifest asks for, and asking it through the pod's gate.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    time::Duration,
};

use edk_container::gate;
use serde_json::Value;

use crate::{network, workload};

/// How a container is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    how: How,
    pub(crate) delay: Duration,
    pub(crate) period: Duration,
    timeout: Duration,
    /// How often in a row it must fail to count as failed.
    pub(crate) failures: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    Http { port: u16, path: String, headers: String },
    Tcp(u16),
    Exec(Vec<String>),
}

/// The probes of a container.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Probes {
    pub(crate) startup: Option<Probe>,
    pub(crate) readiness: Option<Probe>,
    pub(crate) liveness: Option<Probe>,
}

/// Reads the probes of the container of a pod. Defaults are those of Kubernetes ("Configure
/// Liveness, Readiness and Startup Probes").
///
/// # Errors
/// Which probe the sandbox does not know, one sentence.
pub(crate) fn read(pod_spec: &Value) -> Result<Probes, String> {
    let container = &pod_spec["containers"][0];
    let of = |key: &str| match &container[key] {
        Value::Null => Ok(None),
        probe => one(pod_spec, probe)
            .map(Some)
            .ok_or_else(|| format!("the {key} is none of httpGet, tcpSocket and exec")),
    };
    Ok(Probes {
        startup: of("startupProbe")?,
        readiness: of("readinessProbe")?,
        liveness: of("livenessProbe")?,
    })
}

fn one(pod_spec: &Value, probe: &Value) -> Option<Probe> {
    let port = |probe: &Value| network::container_port(pod_spec, &probe["port"]);
    let words = |value: &Value| -> Vec<String> {
        workload::items(value).filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let http = &probe["httpGet"];
    let how = if http.is_object() {
        let headers = workload::items(&http["httpHeaders"]).filter_map(|header| {
            Some(format!("{}: {}\r\n", header["name"].as_str()?, header["value"].as_str()?))
        });
        let path = http["path"].as_str().unwrap_or("/").to_owned();
        How::Http { port: port(http)?, path, headers: headers.collect() }
    } else if probe["tcpSocket"].is_object() {
        How::Tcp(port(&probe["tcpSocket"])?)
    } else if probe["exec"].is_object() {
        How::Exec(words(&probe["exec"]["command"]))
    } else {
        return None;
    };
    let seconds = |key: &str, default| {
        Duration::from_secs(probe[key].as_u64().filter(|it| *it > 0).unwrap_or(default))
    };
    Some(Probe {
        how,
        delay: Duration::from_secs(probe["initialDelaySeconds"].as_u64().unwrap_or(0)),
        period: seconds("periodSeconds", 10),
        timeout: seconds("timeoutSeconds", 1),
        failures: probe["failureThreshold"].as_u64().filter(|it| *it > 0).unwrap_or(3),
    })
}

impl Probe {
    /// Asks the container behind `gate`.
    ///
    /// # Errors
    /// What it said, one sentence.
    pub(crate) fn ask(&self, gate: &Path) -> Result<(), String> {
        match &self.how {
            How::Tcp(port) => gate::connect(gate, *port)
                .map(drop)
                .map_err(|error| format!("nothing listens at port {port}: {error}")),
            How::Http { port, path, headers } => {
                let status = status(gate, *port, path, headers, self.timeout)
                    .map_err(|error| format!("port {port}{path} does not answer: {error}"))?;
                match status {
                    200..400 => Ok(()),
                    _ => Err(format!("port {port}{path} answers with status {status}")),
                }
            }
            How::Exec(argv) => match gate::exec(gate, argv, self.timeout) {
                Ok(0) => Ok(()),
                Ok(code) => Err(format!("`{}` ends with exit code {code}", argv.join(" "))),
                Err(error) => Err(format!("`{}`: {error}", argv.join(" "))),
            },
        }
    }
}

fn status(
    gate: &Path,
    port: u16,
    path: &str,
    headers: &str,
    timeout: Duration,
) -> std::io::Result<u16> {
    let mut stream = gate::connect(gate, port)?;
    stream.set_read_timeout(Some(timeout))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n")?;
    // `HTTP/1.x NNN`
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    let status = std::str::from_utf8(&start[9..]).ok().and_then(|text| text.parse().ok());
    status.ok_or_else(|| std::io::Error::other("that is no HTTP"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_probe_is_read_with_the_defaults_of_kubernetes() {
        let spec = |probe: Value| {
            json!({"containers": [{"ports": [{"name": "web", "containerPort": 80}],
                "readinessProbe": probe}]})
        };
        let read = |probe: Value| read(&spec(probe)).map(|probes| probes.readiness.unwrap());
        let probe = read(json!({"httpGet": {"port": "web"}})).unwrap();
        let http = How::Http { port: 80, path: "/".into(), headers: String::new() };
        assert_eq!(probe.how, http);
        let times = (probe.delay, probe.period, probe.timeout, probe.failures);
        let seconds = Duration::from_secs;
        assert_eq!(times, (seconds(0), seconds(10), seconds(1), 3));
        let probe = read(json!({"exec": {"command": ["a", "b"]}, "periodSeconds": 2})).unwrap();
        assert_eq!(
            (probe.how, probe.period),
            (How::Exec(vec!["a".into(), "b".into()]), seconds(2))
        );
        let error = read(json!({"grpc": {"port": 1}})).unwrap_err();
        assert!(error.contains("readinessProbe is none of"), "{error}");
    }
}
