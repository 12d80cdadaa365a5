//! Keeping a pod alive that is to last: started again when it ends, and asked how it is.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use edk_archive::{Readers, write_whole};
use edk_container::Gate;
use edk_model::CancellationToken;

use crate::{
    ContainerPlan, Mount, Object, PodPlan, PodStatus,
    action::{Action, Stopped, lines, pod_name, push, set},
    network,
    pod::{self, Ended},
    probe::{self, Probe, Probes},
    workload,
};

/// The longest time before a pod is started again (Kubernetes: "Pod Lifecycle", restart policy).
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// A pod that has run for so long gets its first delay again (same place).
const LONG_LIFE: Duration = Duration::from_secs(600);
/// Between two looks whether a wait is over.
const TICK: Duration = Duration::from_millis(20);

impl Action {
    /// Runs the pod of an object again and again, until it is stopped.
    pub(crate) fn keep_pod(&self, object: &Object) -> Result<(), Stopped> {
        let name = pod_name(object);
        let log = self.sandbox.live_log(&self.release, &name);
        let first = self.sandbox.settings.restart_delay;
        let mut delay = first;
        loop {
            self.update(|release| set(release, &name, PodStatus::ContainerCreating, ""))?;
            let started = Instant::now();
            let ended = match self.prepare(object) {
                Ok((plan, probes)) => self.live(&name, &plan, &probes)?,
                Err(reason) => Ended::badly(PodStatus::CreateContainerConfigError, reason),
            };
            self.update(|release| {
                set(release, &name, after(ended.status), &reason(&ended));
                if let Some(pod) = release.pod_mut(&name) {
                    pod.restarts += u32::from(ended.exit_code.is_some());
                    pod.exit_code = ended.exit_code.or(pod.exit_code);
                    pod.log = lines(&log);
                }
            })?;
            if started.elapsed() >= LONG_LIFE {
                delay = first;
            }
            wait(delay, &self.token)?;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    /// Plans the pod and makes its network.
    fn prepare(&self, object: &Object) -> Result<(PodPlan, Probes), String> {
        let disk = &self.sandbox.disk;
        let release = self.read().ok_or("its release is gone")?;
        let scratch = disk.pods(&self.release).join(&object.name);
        let mut plan = workload::plan(object, &release.objects, disk, &scratch)?;
        let probes = probe::read(workload::pod_spec(object))?;
        pod::prepare(&plan).map_err(|error| format!("its volumes: {error}"))?;
        let settings = &self.sandbox.settings;
        let network = network::network(&pod_name(object), object, &release, disk, settings);
        let hosts = disk.hosts(&self.release, &object.name);
        std::fs::create_dir_all(&scratch)
            .and_then(|()| write_whole(&hosts, network.hosts.as_bytes(), Readers::Everybody))
            .map_err(|error| format!("its network: {error}"))?;
        for container in &mut plan.containers {
            let target = "/etc/hosts".into();
            container.mounts.push(Mount { source: hosts.clone(), target, read_only: true });
            let socket = disk.gate(&self.release, &object.name);
            container.gate = Some(Gate { socket, ways: network.ways.clone() });
        }
        Ok((plan, probes))
    }

    /// Runs the containers of a pod once.
    fn live(&self, name: &str, plan: &PodPlan, probes: &Probes) -> Result<Ended, Stopped> {
        let Some((main, init)) = plan.containers.split_last() else {
            let reason = "the pod has no container".to_owned();
            return Ok(Ended::badly(PodStatus::CreateContainerConfigError, reason));
        };
        let log = self.sandbox.live_log(&self.release, name);
        let mut output = |line: &str| push(&log, line);
        let runtime = self.sandbox.runtime.as_ref();
        let before = pod::run_containers(init, runtime, &mut output, &self.monitor());
        let before = before.ok_or(Stopped)?;
        if before.status != PodStatus::Completed {
            return Ok(before);
        }
        // Ended by the pod's end, and by a probe that fails.
        let life = Self { token: self.token.child_token(), ..self.clone() };
        self.update(|release| set(release, name, PodStatus::Running, ""))?;
        let (ended, failed) = thread::scope(|scope| {
            let watch = scope.spawn(|| life.watch(name, main, probes));
            let main = std::slice::from_ref(main);
            let ended = pod::run_containers(main, runtime, &mut output, &life.monitor());
            life.token.cancel();
            (ended, watch.join().ok().flatten())
        });
        match (ended, failed) {
            (_, Some(reason)) => {
                Ok(Ended { status: PodStatus::Error, reason, exit_code: Some(137) })
            }
            (Some(ended), None) => Ok(ended),
            (None, None) => Err(Stopped),
        }
    }

    /// Asks a running container how it is until its end; returns the reason why it has to be ended.
    fn watch(&self, name: &str, container: &ContainerPlan, probes: &Probes) -> Option<String> {
        let gate = &container.gate.as_ref()?.socket;
        if let Some(startup) = &probes.startup {
            wait(startup.delay, &self.token).ok()?;
            let mut failures = 0;
            while let Err(reason) = startup.ask(gate) {
                failures += 1;
                if failures >= startup.failures {
                    self.token.cancel();
                    return Some(format!("its startup probe failed: {reason}"));
                }
                wait(startup.period, &self.token).ok()?;
            }
        }
        let Some(readiness) = &probes.readiness else {
            self.tell_ready(name, Ok(()));
            return self.stay_alive(gate, probes.liveness.as_ref()?);
        };
        thread::scope(|scope| {
            let alive = probes
                .liveness
                .as_ref()
                .map(|probe| scope.spawn(move || self.stay_alive(gate, probe)));
            self.become_ready(name, gate, readiness);
            alive.and_then(|it| it.join().ok().flatten())
        })
    }

    fn become_ready(&self, name: &str, gate: &Path, probe: &Probe) {
        let (mut failures, mut ready) = (0, false);
        let mut pause = probe.delay;
        while wait(pause, &self.token).is_ok() {
            let asked = probe.ask(gate);
            failures = if asked.is_ok() { 0 } else { failures + 1 };
            if asked.is_ok() != ready && (asked.is_ok() || failures >= probe.failures) {
                ready = asked.is_ok();
                self.tell_ready(name, asked);
            } else if let Err(reason) = asked
                && !ready
            {
                self.tell_ready(name, Err(reason));
            }
            // Until it is ready, whoever works with it waits.
            pause = if ready { probe.period } else { probe.period.min(Duration::from_secs(1)) };
        }
    }

    fn tell_ready(&self, name: &str, ready: Result<(), String>) {
        // An action that was stopped has nobody to tell.
        let _ = self.update(|release| {
            if let Some(pod) = release.pod_mut(name) {
                pod.ready = ready.is_ok();
                pod.reason = ready.err().map_or_else(String::new, |it| format!("not ready: {it}"));
            }
        });
    }

    fn stay_alive(&self, gate: &Path, probe: &Probe) -> Option<String> {
        wait(probe.delay, &self.token).ok()?;
        let mut failures = 0;
        loop {
            match probe.ask(gate) {
                Ok(()) => failures = 0,
                Err(reason) => {
                    failures += 1;
                    if failures >= probe.failures && !self.token.is_cancelled() {
                        self.token.cancel();
                        return Some(format!("its liveness probe failed: {reason}"));
                    }
                }
            }
            wait(probe.period, &self.token).ok()?;
        }
    }
}

/// What a pod that should last is after it ended.
fn after(status: PodStatus) -> PodStatus {
    match status {
        PodStatus::Completed | PodStatus::Error => PodStatus::CrashLoopBackOff,
        status => status,
    }
}

fn reason(ended: &Ended) -> String {
    match ended.status {
        PodStatus::Completed => "its container ended with exit code 0, but is to last".to_owned(),
        _ => ended.reason.clone(),
    }
}

fn wait(time: Duration, token: &CancellationToken) -> Result<(), Stopped> {
    let until = Instant::now() + time;
    loop {
        if token.is_cancelled() {
            return Err(Stopped);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(TICK));
    }
}
