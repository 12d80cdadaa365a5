use std::time::{Duration, Instant};

use edk_model::Monitor;

use crate::{
    Client, Deployment, Pod, TargetError, Trouble, TroubleKind,
    client::{HelmStatus, Watch},
    trouble,
};

/// What a followed release came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// Helm's status, such as `deployed`.
    pub helm_status: String,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Whether all of them run or have completed. Always true when following ended well.
    pub ready: bool,
}

/// How a release is, seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Helm calls it deployed and its pods run or have completed.
    Ready,
    /// It can't become ready without help.
    Failed(Trouble),
    /// It may become ready; says what is missing.
    Waiting(Trouble),
}

/// Judges a release by Helm's status (`None` when the target can't tell it) and by its row in the
/// list (`None` when it is not there yet).
pub fn health_of(helm: Option<&str>, deployment: Option<&Deployment>) -> Health {
    let status = helm.or(deployment.map(|deployment| deployment.helm_status.as_str()));
    let waiting = |kind, text: String| Health::Waiting(Trouble::new(kind, text));
    let pods = deployment.map(|deployment| deployment.pods.as_slice()).unwrap_or_default();
    if let Some(trouble) = pods.iter().find_map(Trouble::of_pod) {
        return Health::Failed(trouble);
    }
    match (status, deployment) {
        (Some("failed"), _) => {
            let sentence = "Helm could not install all of its objects";
            Health::Failed(Trouble::new(TroubleKind::HelmFailed, sentence))
        }
        (Some("deployed"), Some(deployment)) => {
            let unfinished = |pod: &&Pod| deployment.workflow && is_unfinished_job(pod);
            let unready = |pod: &&Pod| {
                // The platform calls a release ready whose pods were only started.
                let started = pod.status == "running" && pod.ready == Some(false);
                started || (!deployment.ready && !is_good(&pod.status))
            };
            match pods.iter().find(|pod| unready(pod) || unfinished(pod)) {
                Some(pod) => Health::Waiting(Trouble::waiting(pod)),
                None if deployment.ready => Health::Ready,
                None => waiting(TroubleKind::NotReady, "waiting for its pods".to_owned()),
            }
        }
        (Some("deployed"), None) => {
            waiting(TroubleKind::NotListed, "waiting for the platform to list it".to_owned())
        }
        (Some(status), _) => waiting(TroubleKind::HelmPending, format!("Helm calls it {status}")),
        (None, _) => {
            waiting(TroubleKind::Unknown, "the platform does not tell its status".to_owned())
        }
    }
}

/// The trouble of a release that Helm calls failed, in Helm's words when the target tells them.
pub(crate) fn helm_failed(why: Option<String>) -> Trouble {
    let hook = |why: &String| {
        ["pre-install", "post-install", "pre-upgrade", "post-upgrade", "hook"]
            .iter()
            .any(|word| why.contains(word))
    };
    let kind = match &why {
        Some(why) if hook(why) => TroubleKind::HookFailed,
        _ => TroubleKind::HelmFailed,
    };
    let sentence = why.unwrap_or_else(|| "Helm could not install all of its objects".to_owned());
    Trouble::new(kind, sentence)
}

fn is_good(status: &str) -> bool {
    matches!(status, "running" | "completed" | "succeeded")
}

/// Says whether the pod runs and has to end. The platform calls a Job whose pod runs ready, and
/// does not tell Jobs from Deployments; the names of their pods do.
fn is_unfinished_job(pod: &Pod) -> bool {
    pod.status == "running" && !is_of_deployment(&pod.name)
}

/// Says whether a pod is named `<deployment>-<hash>-<5 characters>`. Kubernetes makes the hash of
/// characters without vowels and without digits that look like them.
fn is_of_deployment(pod: &str) -> bool {
    let hash = pod.rsplit('-').nth(1).unwrap_or_default();
    let safe = |c: char| "bcdfghjklmnpqrstvwxz2456789".contains(c);
    pod.matches('-').count() >= 2 && (6..=10).contains(&hash.len()) && hash.chars().all(safe)
}

impl Client {
    /// Follows a release until it is ready, saying through the monitor what it waits for.
    ///
    /// # Errors
    /// [`TargetError::ReleaseFailed`] with the reason, [`TargetError::NotReady`] once `patience` is
    /// over.
    pub async fn follow(
        &self,
        release: &str,
        patience: Duration,
        monitor: &Monitor,
    ) -> Result<Followed, TargetError> {
        let mut watch = Watch::new(self, patience);
        let mut said = String::new();
        let mut seen = false;
        loop {
            let (helm, why) = match watch.status(release, monitor).await? {
                Some(HelmStatus::Is(status, why)) => (Some(status), why),
                Some(HelmStatus::Absent) if seen => {
                    let trouble = Trouble::new(TroubleKind::Removed, "somebody removed it");
                    return Err(self.release_failed(release, trouble));
                }
                Some(HelmStatus::Absent) | None => (None, None),
            };
            seen |= helm.is_some();
            let deployment = self.deployment(release, &mut watch, monitor).await?;
            let pods = deployment.as_ref().map(|it| it.pods.clone()).unwrap_or_default();
            let last = trouble::last_known(helm.as_deref(), &pods);
            let waiting = match health_of(helm.as_deref(), deployment.as_ref()) {
                Health::Failed(trouble) if trouble.kind == TroubleKind::HelmFailed => {
                    let trouble = Trouble { last, ..helm_failed(why) };
                    return Err(self.release_failed(release, trouble));
                }
                Health::Failed(trouble) => {
                    return Err(self.release_failed(release, Trouble { last, ..trouble }));
                }
                Health::Ready => {
                    return Ok(Followed { helm_status: "deployed".into(), pods, ready: true });
                }
                Health::Waiting(trouble) => Trouble { last, ..trouble },
            };
            if said != waiting.sentence {
                monitor.line(&format!("{release}: {}", waiting.sentence));
                said.clone_from(&waiting.sentence);
            }
            if !watch.again(monitor).await? {
                let (target, release) = (self.target().name.clone(), release.to_owned());
                let (seconds, trouble) = (patience.as_secs(), Box::new(waiting));
                return Err(TargetError::NotReady { target, release, seconds, trouble });
            }
        }
    }

    /// Waits until a removed release is gone, from Helm and from the list.
    ///
    /// # Errors
    /// [`TargetError::NotGone`] once `patience` is over.
    pub async fn wait_gone(
        &self,
        release: &str,
        patience: Duration,
        monitor: &Monitor,
    ) -> Result<(), TargetError> {
        let mut watch = Watch::new(self, patience);
        let begun = Instant::now();
        let mut said = String::new();
        loop {
            let mut stuck = false;
            let waiting = match watch.status(release, monitor).await? {
                // Helm's absence may also be an error of Helm's, so the list has to agree.
                Some(HelmStatus::Absent) => match watch.list(monitor).await? {
                    Some(list) if list.iter().all(|row| row.deployment(release).is_none()) => {
                        return Ok(());
                    }
                    _ => "the platform still lists it".to_owned(),
                },
                Some(HelmStatus::Is(status, Some(why))) => {
                    // The sandbox says when a hook failed; then waiting is of no use.
                    stuck = status == "uninstalling" && why.starts_with("failed ");
                    format!("Helm calls it {status} ({why})")
                }
                Some(HelmStatus::Is(status, None)) => format!("Helm calls it {status}"),
                None => "the platform does not tell its status".to_owned(),
            };
            if said != waiting {
                monitor.line(&format!("{release}: {waiting}"));
                said.clone_from(&waiting);
            }
            if stuck || !watch.again(monitor).await? {
                let (target, release) = (self.target().name.clone(), release.to_owned());
                let seconds = begun.elapsed().as_secs();
                return Err(TargetError::NotGone { target, release, seconds, waiting });
            }
        }
    }

    async fn deployment(
        &self,
        release: &str,
        watch: &mut Watch<'_>,
        monitor: &Monitor,
    ) -> Result<Option<Deployment>, TargetError> {
        let list = watch.list(monitor).await?.unwrap_or_default();
        Ok(list.iter().find_map(|row| row.deployment(release)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(status: &str, ready: bool) -> Deployment {
        let (name, status) = ("copy-x".to_owned(), status.to_owned());
        let pod = Pod { name, status, reason: None, ready: None };
        let (release, version) = ("x".to_owned(), "0.1.0".to_owned());
        let (helm_status, pods) = ("deployed".to_owned(), vec![pod]);
        Deployment { release, version, helm_status, pods, ready, workflow: false }
    }

    #[test]
    fn helm_and_the_pods_together_decide() {
        let check = |helm: Option<&str>, pod: Option<(&str, bool)>, expected: &str| {
            let row = pod.map(|(status, ready)| deployment(status, ready));
            let health = format!("{:?}", health_of(helm, row.as_ref()));
            assert!(health.starts_with(expected), "{helm:?} {pod:?}: {health}");
        };
        check(Some("deployed"), Some(("completed", true)), "Ready");
        check(None, Some(("completed", true)), "Ready");
        check(
            Some("deployed"),
            Some(("containercreating", false)),
            "Waiting(Trouble { kind: Starting, sentence: \"waiting for pod",
        );
        check(Some("deployed"), None, "Waiting");
        check(Some("pending-install"), None, "Waiting(Trouble { kind: HelmPending");
        check(Some("pending-install"), Some(("completed", true)), "Waiting");
        check(Some("failed"), None, "Failed");
        check(
            Some("deployed"),
            Some(("errimagepull", false)),
            "Failed(Trouble { kind: ImageMissing",
        );
        check(Some("deployed"), Some(("init:crashloopbackoff", true)), "Failed");
        check(Some("uninstalling"), None, "Waiting");
        check(None, None, "Waiting");
    }

    #[test]
    fn a_pod_that_was_only_started_is_not_ready_whatever_the_platform_says() {
        let check = |fraction: Option<bool>, pod: &str, expected: &str| {
            let mut row = deployment(pod, true);
            row.pods[0].ready = fraction;
            let health = format!("{:?}", health_of(Some("deployed"), Some(&row)));
            assert!(health.starts_with(expected), "{fraction:?} {pod}: {health}");
        };
        check(Some(false), "running", "Waiting(Trouble { kind: NotReady");
        check(Some(true), "running", "Ready");
        check(None, "running", "Ready");
        check(Some(false), "completed", "Ready");
    }

    #[test]
    fn a_job_of_a_workflow_that_only_runs_is_not_ready_whatever_the_platform_says() {
        let check = |workflow: bool, pod: &str, expected: &str| {
            let mut row = Deployment { workflow, ..deployment("running", true) };
            pod.clone_into(&mut row.pods[0].name);
            let health = format!("{:?}", health_of(Some("deployed"), Some(&row)));
            assert!(health.starts_with(expected), "{workflow} {pod}: {health}");
        };
        check(false, "copy-dag-x7k2p", "Ready");
        check(
            true,
            "copy-dag-x7k2p",
            "Waiting(Trouble { kind: NotReady, sentence: \"waiting for pod `copy-dag-x7k2p`: running",
        );
        check(true, "copy-collector-x7k2p", "Waiting");
        check(true, "web-6d4cf56db6-x7k2p", "Ready");
    }
}
