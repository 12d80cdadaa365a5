//! Other builders over the same base, the same files and the same registry.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::world::{BASE, PROJECTS, World, time};

/// Where this machine's certificates are, for pip behind a proxy that replaces them.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A builder that is measured against ours.
pub(crate) trait Peer {
    fn name(&self) -> &'static str;
    /// Builds an extension's image, and sends it to the registry if wanted.
    fn build(&self, project: &str, turn: usize, push: bool) -> Duration;
    fn edit(&self, project: &str, n: usize);
}

/// The projects of the world once more, with a base from the registry.
struct Contexts {
    folder: PathBuf,
    registry: String,
}

impl Contexts {
    fn new(world: &World, registry: &str, name: &str) -> Self {
        let folder = world.path(name);
        let base = format!("{registry}/local-only/{BASE}:latest");
        for (project, _) in PROJECTS {
            let context = folder.join("contexts").join(project);
            copy(&world.project(project).join("image"), &context);
            let dockerfile = context.join("Dockerfile");
            let text = fs::read_to_string(&dockerfile).unwrap();
            let text = text.replace(&format!("local-only/{BASE}:latest"), &base);
            fs::write(&dockerfile, text).unwrap();
        }
        fs::write(folder.join("pip.conf"), "[global]\ncert = /run/ca.crt\n").unwrap();
        Self { folder, registry: registry.to_owned() }
    }

    fn context(&self, project: &str) -> PathBuf {
        self.folder.join("contexts").join(project)
    }

    fn edit(&self, project: &str, n: usize) {
        let file = self.context(project).join("files/settings.py");
        fs::write(file, format!("# edit {n}\n")).unwrap();
    }
}

/// `buildah` or `podman`, which take the same words.
pub(crate) struct Containers {
    program: &'static str,
    contexts: Contexts,
    root: bool,
}

impl Containers {
    pub(crate) fn new(program: &'static str, world: &World, registry: &str) -> Self {
        let contexts = Contexts::new(world, registry, program);
        let root = fs::metadata("/proc/self")
            .is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
        let peer = Self { program, contexts, root };
        let base = format!("{registry}/local-only/{BASE}:latest");
        time(peer.command().args(["pull", "--quiet", "--tls-verify=false", &base]));
        peer.build("edit", 0, true);
        peer
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        let driver = if self.root { "overlay" } else { "vfs" };
        command.args(["--storage-driver", driver]);
        command.arg("--root").arg(self.contexts.folder.join("root"));
        command.arg("--runroot").arg(self.contexts.folder.join("runroot"));
        command
    }
}

impl Peer for Containers {
    fn name(&self) -> &'static str {
        self.program
    }

    fn build(&self, project: &str, turn: usize, push: bool) -> Duration {
        let image = format!("{}/peer-{project}:1", self.contexts.registry);
        let pip = format!("{}:/etc/pip.conf:ro", self.contexts.folder.join("pip.conf").display());
        let certificates = format!("{CERTIFICATES}:/run/ca.crt:ro");
        let build = time(
            self.command()
                .args(["build", "--layers", "--isolation", "chroot", "--tls-verify=false"])
                .args(["--build-arg", &format!("TURN={turn}")])
                .args(["--volume", &pip, "--volume", &certificates, "--tag", &image])
                .arg(self.contexts.context(project)),
        );
        match push {
            true => build + time(self.command().args(["push", "--tls-verify=false", &image])),
            false => build,
        }
    }

    fn edit(&self, project: &str, n: usize) {
        self.contexts.edit(project, n);
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        // The overlay of the storage may still be mounted.
        let _ = Command::new("umount").arg(self.contexts.folder.join("root/overlay")).output();
    }
}

/// BuildKit, where `buildctl` is installed and finds its daemon (`BUILDKIT_HOST`).
pub(crate) struct Buildkit(Contexts);

impl Buildkit {
    pub(crate) fn new(world: &World, registry: &str) -> Option<Self> {
        let there = Command::new("buildctl").args(["debug", "workers"]).output();
        there.ok().filter(|it| it.status.success())?;
        let peer = Self(Contexts::new(world, registry, "buildkit"));
        peer.build("edit", 0, true);
        Some(peer)
    }
}

impl Peer for Buildkit {
    fn name(&self) -> &'static str {
        "buildkit"
    }

    fn build(&self, project: &str, turn: usize, push: bool) -> Duration {
        let context = self.0.context(project).display().to_string();
        let name = format!("{}/peer-{project}:1", self.0.registry);
        let output = match push {
            true => format!("type=image,name={name},push=true,registry.insecure=true"),
            false => format!("type=image,name={name}"),
        };
        time(
            Command::new("buildctl")
                .args(["build", "--progress", "plain", "--frontend", "dockerfile.v0"])
                .args(["--local", &format!("context={context}")])
                .args(["--local", &format!("dockerfile={context}")])
                .args(["--opt", &format!("build-arg:TURN={turn}"), "--output", &output]),
        )
    }

    fn edit(&self, project: &str, n: usize) {
        self.0.edit(project, n);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
