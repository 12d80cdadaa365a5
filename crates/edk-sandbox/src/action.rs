use std::sync::{Arc, PoisonError};

use edk_model::{CancellationToken, Monitor, Silent};

use crate::{
    Hook, Object, Pod, PodStatus, Release, Sandbox, Status,
    pod::{self, Ended},
    release::LOG_TAIL,
    sandbox::Log,
    workload,
};

/// Something that is being done with one release, until something else is.
///
/// Everything here may be stopped at any moment and done again: what is finished is on disk.
#[derive(Clone)]
pub(crate) struct Action {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) release: String,
    pub(crate) token: CancellationToken,
}

/// The action was stopped, or its release is gone.
pub(crate) struct Stopped;

impl Action {
    pub(crate) fn new(sandbox: Arc<Sandbox>, release: &str, token: CancellationToken) -> Self {
        Self { sandbox, release: release.to_owned(), token }
    }

    /// Does what Helm does on an install: hooks before, objects, hooks after. The pods of the
    /// objects go on after it.
    pub(crate) fn install(&self) {
        // A stopped action leaves its release as it is; whoever stopped it goes on.
        let _ = self.try_install();
    }

    fn try_install(&self) -> Result<(), Stopped> {
        if let Err(reason) = self.hooks("pre-install")? {
            return self.fail("pre-install", &reason);
        }
        self.make_pods()?;
        self.run_pods();
        if let Err(reason) = self.hooks("post-install")? {
            return self.fail("post-install", &reason);
        }
        self.update(|release| {
            release.status = Status::Deployed;
            "Install complete".clone_into(&mut release.description);
        })
    }

    fn fail(&self, event: &str, reason: &str) -> Result<(), Stopped> {
        self.update(|release| {
            release.status = Status::Failed;
            release.description = format!("failed {event}: {reason}");
        })
    }

    /// Does what Helm does on an uninstall. A failed hook leaves the release `uninstalling`.
    pub(crate) fn uninstall(&self, no_hooks: bool) {
        let _ = self.try_uninstall(no_hooks);
    }

    fn try_uninstall(&self, no_hooks: bool) -> Result<(), Stopped> {
        for event in ["pre-delete", "post-delete"] {
            if event == "post-delete" {
                // As with Helm, hooks before the removal still find what they belong to.
                self.sandbox.end_lasting(&self.release);
            }
            let result = if no_hooks { Ok(()) } else { self.hooks(event)? };
            if let Err(reason) = result {
                return self.update(|release| {
                    release.description = format!("failed {event}: {reason}");
                });
            }
        }
        let mut state = self.sandbox.state();
        if self.token.is_cancelled() {
            return Err(Stopped);
        }
        let chart = state.releases.get(&self.release).map(|release| release.chart.clone());
        self.sandbox.save(&mut state, &self.release, None);
        if let Some(chart) = chart {
            state.cache.touch(&chart);
        }
        Ok(())
    }

    /// Records the pods of the objects, as they are before they run.
    fn make_pods(&self) -> Result<(), Stopped> {
        let now = self.sandbox.settings.timestamp();
        self.update(|release| {
            let objects: Vec<_> =
                release.plain().filter(|it| workload::makes_pods(&it.kind)).cloned().collect();
            for object in objects {
                if release.pods.iter().all(|pod| pod.name != pod_name(&object)) {
                    release.pods.push(new_pod(&object, None, &now));
                }
            }
        })
    }

    /// Runs all pods of the objects that have not ended, at the same time, and does not wait.
    pub(crate) fn run_pods(&self) {
        let Some(release) = self.read() else { return };
        let objects = release.plain().filter(|object| workload::makes_pods(&object.kind));
        for object in objects {
            let name = pod_name(object);
            let pod = release.pods.iter().find(|pod| pod.name == name);
            if pod.is_none_or(Pod::is_settled) {
                continue;
            }
            let (action, object) = (self.clone(), object.clone());
            if workload::lasts(&object.kind) {
                let lasting = self.sandbox.lasting(&self.release, &self.token);
                let Some(lasting) = lasting else { return };
                let action = Self { token: lasting.token, ..action };
                self.sandbox.spawn(move || {
                    let _alive = lasting.alive.read();
                    let _ = action.keep_pod(&object);
                });
            } else {
                self.sandbox.spawn(move || {
                    let _ = action.run_pod(&object);
                });
            }
        }
    }

    /// Runs the hooks of an event, one after the other. The inner error says why one failed.
    fn hooks(&self, event: &str) -> Result<Result<(), String>, Stopped> {
        let release = self.read().ok_or(Stopped)?;
        let now = self.sandbox.settings.timestamp();
        for object in release.hooks(event) {
            let Some(hook) = object.hook.clone() else { continue };
            if !matches!(object.kind.as_str(), "Job" | "Pod") {
                continue;
            }
            let name = pod_name(&object);
            let done = |pod: &Pod| {
                pod.name == name
                    && pod.hook.as_deref() == Some(event)
                    && pod.status == PodStatus::Completed
            };
            if release.pods.iter().any(done) {
                continue;
            }
            self.update(|release| {
                release.pods.retain(|pod| pod.name != name);
                release.pods.push(new_pod(&object, Some(event), &now));
            })?;
            let ended = self.run_pod(&object)?;
            self.clean_up(&hook, &name, ended.status)?;
            if ended.status != PodStatus::Completed {
                return Ok(Err(format!("{} `{}`: {}", object.kind, object.name, ended.reason)));
            }
        }
        Ok(Ok(()))
    }

    /// Removes the pod of a hook as its delete policies say.
    fn clean_up(&self, hook: &Hook, pod: &str, status: PodStatus) -> Result<(), Stopped> {
        let policy = if status == PodStatus::Completed { "hook-succeeded" } else { "hook-failed" };
        if hook.has_policy(policy) {
            self.update(|release| release.pods.retain(|it| it.name != pod))?;
        }
        Ok(())
    }

    /// Runs the pod of an object to its end, keeping the end of its output.
    fn run_pod(&self, object: &Object) -> Result<Ended, Stopped> {
        let name = pod_name(object);
        let release = self.read().ok_or(Stopped)?;
        let scratch = self.sandbox.disk.pods(&self.release).join(&object.name);
        let plan = workload::plan(object, &release.objects, &self.sandbox.disk, &scratch);
        let ended = match plan {
            Err(reason) => Ended::badly(PodStatus::CreateContainerConfigError, reason),
            Ok(plan) => {
                self.update(|release| set(release, &name, PodStatus::Running, ""))?;
                let log = self.sandbox.live_log(&self.release, &name);
                let mut output = |line: &str| push(&log, line);
                let monitor = self.monitor();
                let runtime = self.sandbox.runtime.as_ref();
                let ended = pod::run(&plan, runtime, &mut output, &monitor).ok_or(Stopped)?;
                self.update(|release| {
                    if let Some(pod) = release.pod_mut(&name) {
                        pod.log = lines(&log);
                        pod.exit_code = ended.exit_code;
                    }
                })?;
                ended
            }
        };
        self.update(|release| set(release, &name, ended.status, &ended.reason))?;
        Ok(ended)
    }

    pub(crate) fn monitor(&self) -> Monitor {
        Monitor::new(Arc::new(Silent), self.token.clone(), "pod")
    }

    pub(crate) fn read(&self) -> Option<Release> {
        self.sandbox.state().releases.get(&self.release).cloned()
    }

    /// Changes the release, unless the action was stopped in the meantime.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Release)) -> Result<(), Stopped> {
        let mut state = self.sandbox.state();
        if self.token.is_cancelled() {
            return Err(Stopped);
        }
        let mut release = state.releases.get(&self.release).cloned().ok_or(Stopped)?;
        change(&mut release);
        self.sandbox.save(&mut state, &self.release, Some(release));
        Ok(())
    }
}

pub(crate) fn pod_name(object: &Object) -> String {
    match object.kind.as_str() {
        "Pod" => object.name.clone(),
        "StatefulSet" => format!("{}-0", object.name),
        // The tail of a pod's name, which is a random one in Kubernetes.
        _ => format!("{}-sandbox", object.name),
    }
}

fn new_pod(object: &Object, hook: Option<&str>, made_at: &str) -> Pod {
    let run = workload::is_run(object);
    Pod {
        name: pod_name(object),
        kind: object.kind.clone(),
        owner: object.name.clone(),
        hook: hook.map(str::to_owned),
        status: if run { PodStatus::ContainerCreating } else { PodStatus::NotRun },
        reason: match run {
            true => String::new(),
            false => "the manifest wants no replica of it".to_owned(),
        },
        ready: false,
        restarts: 0,
        exit_code: None,
        log: Vec::new(),
        made_at: made_at.to_owned(),
    }
}

pub(crate) fn set(release: &mut Release, pod: &str, status: PodStatus, reason: &str) {
    if let Some(pod) = release.pod_mut(pod) {
        pod.status = status;
        pod.ready = false;
        reason.clone_into(&mut pod.reason);
    }
}

/// Adds a line to a log, which keeps its end.
pub(crate) fn push(log: &Log, line: &str) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    if log.len() == LOG_TAIL {
        log.remove(0);
    }
    log.push(line.chars().take(2000).collect());
}

/// Returns the lines of a log.
pub(crate) fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
