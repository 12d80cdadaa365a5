//! The sandbox in words.

use edk_engine::{
    FaultView, SandboxPodView, SandboxResetOutcome, SandboxStarted, SandboxStatus, SandboxStopped,
};

pub(crate) fn started(it: &SandboxStarted) -> Vec<String> {
    let how = if it.already { "runs already" } else { "runs" };
    vec![
        format!("the sandbox {how} at {} (process {})", it.url, it.process),
        flavour(&it.profile, &it.faults, it.login),
        format!("log: {}", it.log.display()),
    ]
}

pub(crate) fn stopped(it: &SandboxStopped) -> Vec<String> {
    let words = if it.was_running { "the sandbox is stopped" } else { "the sandbox did not run" };
    vec![words.to_owned()]
}

fn flavour(profile: &str, faults: &[String], login: bool) -> String {
    let faults = match faults {
        [] => "no faults".to_owned(),
        faults => format!("faults {}", faults.join(", ")),
    };
    let login = if login { ", behind a login" } else { "" };
    format!("it answers as Kaapana {profile}, with {faults}{login}")
}

pub(crate) fn status(it: &SandboxStatus) -> Vec<String> {
    let mut lines = match (&it.url, it.process) {
        (Some(url), Some(process)) => {
            let part = if it.on_its_own { "" } else { ", as a part of it" };
            vec![
                format!("the sandbox runs at {url} (process {process}{part})"),
                flavour(it.profile.as_deref().unwrap_or_default(), &it.faults, it.login),
            ]
        }
        _ => vec!["the sandbox does not run; `edk sandbox start` starts it".to_owned()],
    };
    lines.push(format!("{} files uploaded, {} releases", it.charts.len(), it.releases.len()));
    for release in &it.releases {
        let status = &release.status;
        lines.push(format!(
            "{}  {}  {status}: {}",
            release.name, release.chart, release.description
        ));
        lines.extend(release.pods.iter().map(pod));
        if let Some(url) = &it.url {
            lines.extend(release.paths.iter().map(|path| format!("  {url}{path}")));
        }
    }
    lines
}

fn pod(pod: &SandboxPodView) -> String {
    let ready = if pod.ready { ", ready" } else { "" };
    let restarts = match pod.restarts {
        0 => String::new(),
        count => format!(", started again {count} times"),
    };
    let reason = if pod.reason.is_empty() { String::new() } else { format!(" ({})", pod.reason) };
    format!("  {}  {}{ready}{restarts}{reason}", pod.name, pod.status)
}

pub(crate) fn reset(it: &SandboxResetOutcome) -> Vec<String> {
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let mut lines = vec![
        format!("releases: {} (their removal hooks are not run)", list(&it.releases)),
        format!("charts and archives: {}", list(&it.charts)),
        format!("and {}", list(&it.others)),
    ];
    lines.push(match it.removed {
        true => "removed; images stay in the store".to_owned(),
        false => "nothing is removed yet; `edk sandbox reset --yes` removes all this".to_owned(),
    });
    lines
}

pub(crate) fn faults(faults: &[FaultView]) -> Vec<String> {
    faults.iter().map(|fault| format!("{:<22}{}", fault.name, fault.about)).collect()
}
