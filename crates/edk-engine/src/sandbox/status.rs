use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use edk_sandbox::Release;
use serde::Serialize;

use crate::{Engine, EngineError};

/// The sandbox and what is in it.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxStatus {
    /// Where it is served; none while nobody serves it.
    pub url: Option<String>,
    /// The process that serves it.
    pub process: Option<u32>,
    /// Whether that process does nothing else: then `stop` stops it.
    pub on_its_own: bool,
    /// The release it answers as.
    pub profile: Option<String>,
    /// The faults it shows.
    pub faults: Vec<String>,
    /// Whether it asks for a login.
    pub login: bool,
    /// Its folder.
    pub folder: PathBuf,
    /// What it said, when it was started in the background.
    pub log: PathBuf,
    /// Files of uploaded charts and archives.
    pub charts: Vec<String>,
    /// Releases, as they were recorded last.
    pub releases: Vec<SandboxReleaseView>,
}

/// A release in the sandbox.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxReleaseView {
    /// Its name.
    pub name: String,
    /// Chart and version.
    pub chart: String,
    /// Helm's status.
    pub status: String,
    /// Why it has this status.
    pub description: String,
    /// Its pods.
    pub pods: Vec<SandboxPodView>,
    /// Paths of its Ingresses behind the address of the sandbox.
    pub paths: Vec<String>,
}

/// A pod in the sandbox.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxPodView {
    /// Its name.
    pub name: String,
    /// As `kubectl get pod` says it, lower case.
    pub status: String,
    /// Whether its readiness probe holds.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: u32,
    /// How its container ended last.
    pub exit_code: Option<i32>,
    /// Why it is as it is.
    pub reason: String,
}

/// Ask for what the pods of a release have said.
#[derive(Debug, Clone)]
pub struct SandboxLogRequest {
    /// The release.
    pub release: String,
    /// The pod; all when none is named.
    pub pod: Option<String>,
}

impl Engine {
    /// Tells whether the sandbox runs, and what is in it.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] if its folder can't be read.
    pub fn sandbox_status(&self) -> Result<SandboxStatus, EngineError> {
        let (folder, record) = (self.sandbox_folder(), self.sandbox_record());
        let contents = edk_sandbox::contents(&folder)?;
        Ok(SandboxStatus {
            url: record.as_ref().map(|it| it.url.clone()),
            process: record.as_ref().map(|it| it.process),
            on_its_own: record.as_ref().is_some_and(|it| it.on_its_own),
            profile: record.as_ref().map(|it| it.profile.clone()),
            login: record.as_ref().is_some_and(|it| it.login),
            faults: record.map_or_else(Vec::new, |it| it.faults),
            log: self.sandbox_log(),
            charts: contents.files,
            releases: contents.releases.into_iter().map(view).collect(),
            folder,
        })
    }

    /// Returns the end of what the pods of a release have said, each line behind the pod's name when
    /// there are several.
    ///
    /// # Errors
    /// [`EngineError::NoSuch`] for a release or pod that is not there.
    pub fn sandbox_log_of(&self, request: &SandboxLogRequest) -> Result<Vec<String>, EngineError> {
        let releases = edk_sandbox::contents(&self.sandbox_folder())?.releases;
        let known = || releases.iter().map(|it| it.name.clone()).collect::<Vec<_>>().join(", ");
        let Some(release) = releases.iter().find(|it| it.name == request.release) else {
            let name = request.release.clone();
            return Err(EngineError::NoRelease { name, known: known() });
        };
        let is_wanted = |name: &str| request.pod.as_deref().is_none_or(|wanted| wanted == name);
        let pods: Vec<_> = release.pods.iter().filter(|pod| is_wanted(&pod.name)).collect();
        if pods.is_empty() && request.pod.is_some() {
            let name = request.pod.clone().unwrap_or_default();
            let known = release.pods.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
            return Err(EngineError::NoRelease { name, known: known.join(", ") });
        }
        let url = self.sandbox_record().map(|record| record.url);
        let several = pods.len() > 1;
        let lines = pods.into_iter().flat_map(|pod| {
            let live = url.as_deref().and_then(|url| live_log(url, &release.name, &pod.name));
            let lines = live.unwrap_or_else(|| pod.log.clone());
            let name = pod.name.clone();
            lines.into_iter().map(move |line| match several {
                true => format!("{name}: {line}"),
                false => line,
            })
        });
        Ok(lines.collect())
    }
}

/// Asks the running sandbox for a log; names of releases and pods need no escaping.
fn live_log(url: &str, release: &str, pod: &str) -> Option<Vec<String>> {
    let mut stream = TcpStream::connect(url.strip_prefix("http://")?).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let path = format!("/sandbox/log?release={release}&pod={pod}");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if !head.split_whitespace().nth(1)?.starts_with('2') {
        return None;
    }
    serde_json::from_str(body).ok()
}

fn view(release: Release) -> SandboxReleaseView {
    let pods = release.main_pods().map(|pod| SandboxPodView {
        name: pod.name.clone(),
        status: pod.status.word().to_owned(),
        ready: pod.ready,
        restarts: pod.restarts,
        exit_code: pod.exit_code,
        reason: pod.reason.clone(),
    });
    SandboxReleaseView {
        pods: pods.collect(),
        paths: release.paths(),
        chart: format!("{}-{}", release.chart, release.version),
        status: release.status.word().to_owned(),
        description: release.description,
        name: release.name,
    }
}
