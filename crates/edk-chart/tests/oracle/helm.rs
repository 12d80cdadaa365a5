//! The real Helm.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// One of the programs that `scripts/fetch-helm` fetches.
#[derive(Clone, Copy)]
pub(crate) enum Helm {
    /// 3.17.3, the measure.
    Three,
    /// 4.1.4, the second opinion.
    Four,
}

/// What a call of Helm gave.
pub(crate) struct Done {
    /// Whether it succeeded.
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Helm {
    fn program(self) -> PathBuf {
        let name = match self {
            Self::Three => "helm",
            Self::Four => "helm4",
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(name);
        assert!(path.exists(), "there is no target/tools/{name}; run scripts/fetch-helm first");
        path
    }

    /// Runs Helm in the folder `dir`, with homes of its own and without a cluster.
    pub(crate) fn run(self, dir: &Path, args: &[&str]) -> Done {
        let homes = tempfile::tempdir().unwrap();
        let mut command = Command::new(self.program());
        command.current_dir(dir).args(args).env_clear();
        for home in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{home}_HOME"), homes.path().join(home));
        }
        command.env("HOME", homes.path()).env("KUBECONFIG", homes.path().join("none"));
        let output = command.env("TZ", "UTC").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done {
            ok: output.status.success(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}
