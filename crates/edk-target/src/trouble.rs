use edk_model::Failure;

use crate::Pod;

/// What keeps a release from being ready: a stable code, a sentence and the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// One sentence without a full stop.
    pub sentence: String,
    /// The last that is known of the release and its pods.
    pub last: String,
}

/// An image which a release asks for and which was never sent to its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeverSent {
    /// Its full name.
    pub image: String,
    /// How many bytes its delivery sends; `None` when it is not on this machine.
    pub bytes: Option<u64>,
}

/// The kinds of [`Trouble`]. Their codes are stable: programs may act on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// An image can't be pulled: `follow/image-missing`.
    ImageMissing,
    /// An image can't be pulled, and could have been sent: `follow/image-never-sent`.
    ImageNeverSent,
    /// An image has a name that is none: `follow/image-name`.
    ImageName,
    /// A container ends again and again: `follow/crash-loop`.
    CrashLoop,
    /// A container needs more memory than it may have: `follow/out-of-memory`.
    OutOfMemory,
    /// A container refers to something that is not there: `follow/container-config`.
    ContainerConfig,
    /// A Job, or a pod on its own, ended with an error: `follow/job-failed`.
    JobFailed,
    /// A hook of Helm's failed: `follow/hook-failed`.
    HookFailed,
    /// Helm could not install all objects: `follow/helm-failed`.
    HelmFailed,
    /// Somebody removed the release: `follow/removed`.
    Removed,
    /// A pod waits for a node: `follow/unschedulable`.
    Unschedulable,
    /// A pod is being made: `follow/starting`.
    Starting,
    /// A pod runs and is not ready, or has not ended yet: `follow/not-ready`.
    NotReady,
    /// Helm has not finished: `follow/helm-pending`.
    HelmPending,
    /// The list does not have the release: `follow/not-listed`.
    NotListed,
    /// The target does not tell: `follow/unknown`.
    Unknown,
}

impl TroubleKind {
    /// Says whether a failure tells this.
    pub fn is_told_in(self, failure: &Failure) -> bool {
        failure.findings.iter().any(|finding| finding.rule == self.code())
    }

    /// Returns the stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::ImageMissing => "follow/image-missing",
            Self::ImageNeverSent => "follow/image-never-sent",
            Self::ImageName => "follow/image-name",
            Self::CrashLoop => "follow/crash-loop",
            Self::OutOfMemory => "follow/out-of-memory",
            Self::ContainerConfig => "follow/container-config",
            Self::JobFailed => "follow/job-failed",
            Self::HookFailed => "follow/hook-failed",
            Self::HelmFailed => "follow/helm-failed",
            Self::Removed => "follow/removed",
            Self::Unschedulable => "follow/unschedulable",
            Self::Starting => "follow/starting",
            Self::NotReady => "follow/not-ready",
            Self::HelmPending => "follow/helm-pending",
            Self::NotListed => "follow/not-listed",
            Self::Unknown => "follow/unknown",
        }
    }

    /// Returns what to do next.
    pub fn next(self) -> &'static str {
        match self {
            Self::ImageMissing => {
                "send the image: `edk push` to the platform's registry, or `edk ext upload` of an archive; then deploy again"
            }
            Self::ImageNeverSent => {
                "send it: the same command with `--yes`; or `edk image send`, then deploy again"
            }
            Self::ImageName => "correct the image's name in the chart, then deploy again",
            Self::CrashLoop => {
                "look at the pod's log (the platform's Kubernetes page has it), correct the program, then deploy again"
            }
            Self::OutOfMemory => {
                "raise the memory limit in the chart or use less memory, then deploy again"
            }
            Self::ContainerConfig => {
                "look for a ConfigMap, Secret or volume that the chart names and does not make"
            }
            Self::JobFailed => "look at the pod's log, correct the cause, then deploy again",
            Self::HookFailed => {
                "look at the hook's Job, correct it, then deploy again; `edk ext uninstall --no-hooks` removes a release whose hooks hang"
            }
            Self::HelmFailed => {
                "the platform keeps Helm's own message in the log of its pod kube-helm; correct the chart, then deploy again"
            }
            Self::Removed => "ask who else works on this target, then install it again",
            Self::Unschedulable => {
                "the cluster has no node with what the pod asks for (memory, GPU, a volume); ask for less, or wait until one is free"
            }
            Self::Starting => "a large image may still be pulled; look again with `edk status`",
            Self::NotReady => "look again with `edk status`, or at the pod's log",
            Self::HelmPending => {
                "Helm goes on by itself after the platform stopped waiting; look again with `edk status`"
            }
            Self::NotListed | Self::Unknown => {
                "another chart may break the platform's list; look at its Extensions page"
            }
        }
    }
}

impl Trouble {
    pub(crate) fn new(kind: TroubleKind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), last: String::new() }
    }

    /// Returns the trouble a pod is in, or `None` when it runs or has ended well.
    ///
    /// Statuses are those of `kubectl get pod`, in lower case; one of an init container has
    /// `init:` before it.
    pub(crate) fn of_pod(pod: &Pod) -> Option<Self> {
        let status = pod.status.strip_prefix("init:").unwrap_or(&pod.status);
        let kind = match status {
            "errimagepull" | "imagepullbackoff" | "errimageneverpull" => TroubleKind::ImageMissing,
            "invalidimagename" => TroubleKind::ImageName,
            "crashloopbackoff" => TroubleKind::CrashLoop,
            "oomkilled" => TroubleKind::OutOfMemory,
            "createcontainerconfigerror" | "createcontainererror" => TroubleKind::ContainerConfig,
            "error" | "failed" => TroubleKind::JobFailed,
            _ => return None,
        };
        Some(Self::new(kind, describe(pod, kind)))
    }

    /// Returns what a pod waits for that is in no trouble.
    pub(crate) fn waiting(pod: &Pod) -> Self {
        let kind = match pod.status.as_str() {
            "pending" => TroubleKind::Unschedulable,
            "containercreating" | "podinitializing" => TroubleKind::Starting,
            _ => TroubleKind::NotReady,
        };
        Self::new(kind, format!("waiting for {}", describe(pod, kind)))
    }

    /// Returns it with the images that were never sent to the target, which is why they can't be
    /// pulled; other trouble stays as it is. Those that are on this machine come first: they are a
    /// question.
    #[must_use]
    pub fn never_sent(mut self, images: &[NeverSent]) -> Self {
        if self.kind != TroubleKind::ImageMissing || images.is_empty() {
            return self;
        }
        let here: Vec<&NeverSent> = images.iter().filter(|it| it.bytes.is_some()).collect();
        let named = if here.is_empty() { images.iter().collect() } else { here.clone() };
        let (noun, verb) = if named.len() == 1 { ("image", "was") } else { ("images", "were") };
        let names: Vec<&str> = named.iter().map(|it| it.image.as_str()).collect();
        let told = format!("{noun} {} {verb} never sent to this target", names.join(", "));
        self.sentence = match here.is_empty() {
            true => format!("{told} ({})", self.sentence),
            false => {
                self.kind = TroubleKind::ImageNeverSent;
                let bytes = here.iter().filter_map(|it| it.bytes).sum();
                format!("{told}: send {} now?", size(bytes))
            }
        };
        self
    }
}

/// A size in binary units, rounded up, so that no more is sent than was said.
fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..MIB => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => format!("{} MiB", bytes.div_ceil(MIB)),
    }
}

/// Says what pod it is, its status and, where the target tells, why.
pub(crate) fn describe(pod: &Pod, kind: TroubleKind) -> String {
    let name = if pod.name.is_empty() { "a pod".to_owned() } else { format!("pod `{}`", pod.name) };
    let advice = match (&pod.reason, kind) {
        (Some(reason), _) => format!(" ({reason})"),
        (None, TroubleKind::ImageMissing) => {
            " (its image is not in the platform's registry under that name and tag)".to_owned()
        }
        (None, TroubleKind::CrashLoop) => " (its program ends again and again)".to_owned(),
        (None, TroubleKind::OutOfMemory) => " (it used more memory than it may)".to_owned(),
        _ => String::new(),
    };
    format!("{name}: {}{advice}", pod.status)
}

/// Sums up what is known at this moment: Helm's status and that of each pod.
pub(crate) fn last_known(helm: Option<&str>, pods: &[Pod]) -> String {
    let helm = helm.map_or_else(|| "Helm tells nothing".to_owned(), |it| format!("Helm: {it}"));
    let pods = pods.iter().map(|pod| {
        let name = if pod.name.is_empty() { "a pod" } else { &pod.name };
        let reason = pod.reason.as_ref().map_or(String::new(), |it| format!(" ({it})"));
        format!("{name}: {}{reason}", pod.status)
    });
    std::iter::once(helm).chain(pods).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: &str) -> Pod {
        Pod { name: "x-1".into(), status: status.into(), reason: None, ready: None }
    }

    #[test]
    fn a_status_of_a_pod_has_a_stable_code() {
        let check = |status: &str, expected: Option<&str>| {
            let code = Trouble::of_pod(&pod(status)).map(|trouble| trouble.kind.code());
            assert_eq!(code, expected, "{status}");
        };
        check("imagepullbackoff", Some("follow/image-missing"));
        check("init:errimagepull", Some("follow/image-missing"));
        check("invalidimagename", Some("follow/image-name"));
        check("crashloopbackoff", Some("follow/crash-loop"));
        check("oomkilled", Some("follow/out-of-memory"));
        check("createcontainerconfigerror", Some("follow/container-config"));
        check("error", Some("follow/job-failed"));
        check("running", None);
        check("pending", None);
        assert_eq!(Trouble::waiting(&pod("pending")).kind.code(), "follow/unschedulable");
    }

    #[test]
    fn an_image_that_was_never_sent_is_named() {
        let trouble = Trouble::of_pod(&pod("errimagepull")).unwrap();
        let image = |image: &str, bytes| NeverSent { image: image.to_owned(), bytes };
        let named = trouble.clone().never_sent(&[image("r/x:0.1.0", None)]);
        assert_eq!(named.kind, TroubleKind::ImageMissing);
        let words = "image r/x:0.1.0 was never sent to this target (pod `x-1`: errimagepull";
        assert!(named.sentence.starts_with(words), "{named:?}");
        let both = [image("r/x:0.1.0", None), image("r/y:0.1.0", Some(13_400))];
        let named = trouble.never_sent(&both);
        assert_eq!(named.kind.code(), "follow/image-never-sent");
        let words = "image r/y:0.1.0 was never sent to this target: send 14 KiB now?";
        assert_eq!(named.sentence, words);
        let crash = Trouble::of_pod(&pod("crashloopbackoff")).unwrap();
        assert_eq!(crash.clone().never_sent(&both), crash);
    }

    #[test]
    fn the_last_that_is_known_names_helm_and_every_pod() {
        let told = last_known(Some("deployed"), &[pod("running"), pod("error")]);
        assert_eq!(told, "Helm: deployed; x-1: running; x-1: error");
    }
}
