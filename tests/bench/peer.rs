//! Buildah over the same base, the same files and the same registry.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use crate::world::{World, edit, time};

pub(crate) struct Buildah {
    folder: PathBuf,
    registry: String,
    root: bool,
}

/// Where this machine's certificates are, for pip behind a proxy that replaces them.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Buildah {
    pub(crate) fn new(world: &World, registry: &str) -> Self {
        let folder = world.path("buildah");
        let context = folder.join("context");
        fs::create_dir_all(&context).unwrap();
        let source = world.project().join("processing-containers/my-radiomics-features");
        copy(&source, &context);
        let dockerfile = context.join("Dockerfile");
        let text = fs::read_to_string(&dockerfile).unwrap();
        let base = format!("{registry}/local-only/base-python-cpu:latest");
        fs::write(&dockerfile, text.replace("local-only/base-python-cpu:latest", &base)).unwrap();
        fs::write(folder.join("pip.conf"), "[global]\ncert = /run/ca.crt\n").unwrap();
        let root = fs::metadata("/proc/self")
            .is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
        let buildah = Self { folder, registry: registry.to_owned(), root };
        time(buildah.command().args(["pull", "--tls-verify=false", &base]));
        buildah.build_and_push();
        buildah
    }

    pub(crate) fn edit(&self, n: usize) {
        edit(&self.folder.join("context"), n);
    }

    pub(crate) fn build_and_push(&self) -> Duration {
        let image = format!("{}/peer:1", self.registry);
        let pip = format!("{}:/etc/pip.conf:ro", self.folder.join("pip.conf").display());
        let certificates = format!("{CERTIFICATES}:/run/ca.crt:ro");
        let build = time(
            self.command()
                .args(["bud", "--layers", "--isolation", "chroot", "--tls-verify=false"])
                .args(["--volume", &pip, "--volume", &certificates, "--tag", &image])
                .arg(self.folder.join("context")),
        );
        build + time(self.command().args(["push", "--tls-verify=false", &image]))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("buildah");
        let driver = if self.root { "overlay" } else { "vfs" };
        command.args(["--storage-driver", driver]);
        command.arg("--root").arg(self.folder.join("root"));
        command.arg("--runroot").arg(self.folder.join("runroot"));
        command
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
