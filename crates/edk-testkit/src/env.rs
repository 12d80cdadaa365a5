use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use crate::{Done, Running, expect_no_secrets};

/// Variables that a build needs where package indexes are reached through a proxy; everything else
/// of the environment is left out.
const KEPT: [&str; 18] = [
    "PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "TMPDIR",
    "EDK_DEBIAN_MIRROR",
];

/// Folders of [`TestEnv::shared`].
static SHARED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A world for the program `edk`: a home folder, a folder for its state and a folder to work in,
/// all removed in the end.
#[derive(Debug)]
pub struct TestEnv {
    folder: tempfile::TempDir,
    state: PathBuf,
}

impl TestEnv {
    /// Makes the folders; the state is empty.
    ///
    /// # Panics
    /// If the disk refuses.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("edk-test-").tempdir();
        let folder = folder.expect("a temporary folder");
        for name in ["home", "work"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let state = folder.path().join("state");
        Self { folder, state }
    }

    /// Makes another world whose store and unpacked layers are copies of those of `other`.
    ///
    /// # Panics
    /// If they can't be copied.
    pub fn with_images_of(other: &Self) -> Self {
        let env = Self::new();
        std::fs::create_dir(&env.state).expect("a folder");
        copy(&other.state.join("store"), &env.state, false);
        copy(&other.state.join("containers"), &env.state, true);
        env
    }

    /// Makes another world with a copy of the store of `other`; layers are unpacked anew.
    ///
    /// # Panics
    /// If it can't be copied.
    pub fn with_store_of(other: &Self) -> Self {
        let env = Self::new();
        std::fs::create_dir(&env.state).expect("a folder");
        copy(&other.state.join("store"), &env.state, false);
        env
    }

    /// Makes this the world of all tests of a program, to be kept in a static. A static is never dropped:
    /// its folder is removed when the program ends.
    ///
    /// # Panics
    /// If the disk refuses.
    pub fn shared(self) -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_empty() {
            // SAFETY: the function takes nothing, returns nothing, and does not unwind.
            unsafe { nix::libc::atexit(remove_shared) };
        }
        shared.push(self.folder.path().to_owned());
        drop(shared);
        self
    }

    /// Returns the folder of the state, `EDK_HOME`.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Returns the folder in which commands are run.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Returns a path in the folder in which commands are run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    /// Returns a command that starts `edk` in this world.
    ///
    /// # Panics
    /// If the program was not built.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.other(program());
        command.args(args);
        command
    }

    /// Returns a command that starts another program in this world.
    pub fn other(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(env::vars_os().filter(|(name, _)| {
            let name = name.to_str().unwrap_or_default();
            KEPT.contains(&name)
        }));
        command
            .env("HOME", self.folder.path().join("home"))
            .env("EDK_HOME", &self.state)
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// Runs `edk` to its end.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn edk(&self, args: &[&str]) -> Done {
        Done::of(&mut self.command(args))
    }

    /// Runs `edk` with `--output json`, expects success, and returns the result.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn result(&self, args: &[&str]) -> serde_json::Value {
        let done = self.edk(&[args, &["--output", "json"]].concat());
        done.exits(0).document()["result"].clone()
    }

    /// Starts `edk` and leaves it running.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(&mut self.command(args))
    }
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // What an earlier failure has left is that of half a test.
        if !std::thread::panicking() {
            expect_no_secrets(&self.state);
            expect_no_secrets(&self.work());
        }
        remove(self.folder.path());
    }
}

/// Says whether the tests are run by root.
pub fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// Returns the program `edk`, which lies beside the folder of the test's own program.
///
/// # Panics
/// If it was not built.
pub fn program() -> PathBuf {
    let own = env::current_exe().expect("the test's own path");
    let folder = own.parent().and_then(Path::parent).expect("the target folder");
    let program = folder.join("edk");
    assert!(
        program.is_file(),
        "{} is missing: build it first with `cargo build --workspace --bins`",
        program.display()
    );
    program
}

/// Copies a folder into another with owners, times and links as they are. With `links`, files are
/// not copied but linked: for files which are never changed in place.
fn copy(from: &Path, into: &Path, links: bool) {
    let mut command = match is_root() {
        true => Command::new("cp"),
        false => {
            let mut command = Command::new("unshare");
            command.args(["--map-auto", "--map-root-user", "cp"]);
            command
        }
    };
    command.args(["--archive", if links { "--link" } else { "--reflink=auto" }]);
    command.arg(from).arg(into);
    assert!(command.status().expect("cp").success(), "could not copy {}", from.display());
}

extern "C" fn remove_shared() {
    for folder in SHARED.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        remove(&folder);
    }
}

/// Removes a folder, also when files of subordinate ids are in it; what is left is only rubbish.
fn remove(folder: &Path) {
    if !is_root() {
        let mut command = Command::new("unshare");
        command.args(["--map-auto", "--map-root-user", "rm", "-rf"]);
        command.arg(folder.join("state")).arg(folder.join("work"));
        let _ = command.status();
    }
    let _ = std::fs::remove_dir_all(folder);
}
