//! A folder with everything: state, a large base, and small extensions on it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Name of the base.
pub(crate) const BASE: &str = "bench-base";

/// The extensions, each with one image: what its Dockerfile has after `FROM`.
pub(crate) const PROJECTS: [(&str, &str); 4] = [
    (
        "edit",
        "WORKDIR /kaapana/app\nCOPY requirements.txt /kaapana/app/\n\
         RUN pip install --no-cache-dir -r requirements.txt\nCOPY files /kaapana/app/\n",
    ),
    (
        "cold",
        "ARG TURN=0\nCOPY requirements.txt /tmp/\n\
         RUN echo $TURN > /turn && pip install --no-cache-dir -r /tmp/requirements.txt\nCOPY files /app/\n",
    ),
    ("one", "ARG TURN=0\nRUN echo $TURN > /turn\n"),
    (
        "six",
        "ARG TURN=0\nRUN echo $TURN > /turn\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\n",
    ),
];

/// Where the work is done, and by whom.
pub(crate) struct World {
    folder: tempfile::TempDir,
    program: PathBuf,
    /// The ordinary user it is done by, when that is not whoever runs the bench.
    user: Option<String>,
}

/// A registry that is served until this is dropped.
pub(crate) struct Registry {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl World {
    /// Makes a base of `megabytes` on Debian with Python, and the extensions.
    pub(crate) fn new(megabytes: usize) -> Self {
        let world = Self::empty(None);
        time(world.command().args(["base", "build", "base-python-cpu"]));
        let base = world.path("base");
        fs::create_dir_all(base.join("content")).unwrap();
        for at in 0..megabytes {
            fs::write(base.join(format!("content/{at}")), noise(at, 1_000_000)).unwrap();
        }
        let dockerfile = format!(
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"{BASE}\" \
             REGISTRY=\"local-only\"\nCOPY content /opt/content\n"
        );
        fs::write(base.join("Dockerfile"), dockerfile).unwrap();
        let base = base.display().to_string();
        time(world.command().args(["base", "build", BASE, "--checkout", &base]));
        fs::remove_dir_all(world.path("base")).unwrap();
        world
    }

    /// Makes another world for the ordinary user `user`, with the base of `other`.
    pub(crate) fn of_user(user: &str, other: &Self) -> Self {
        let world = Self::empty(Some(user.to_owned()));
        let archive = world.path("base.tar");
        let file = archive.display().to_string();
        let image = format!("local-only/{BASE}:latest");
        time(other.command().args(["image", "save", &image, "--file", &file]));
        time(world.command().args(["image", "load", &file, "--name", &image]));
        fs::remove_file(archive).unwrap();
        world
    }

    fn empty(user: Option<String>) -> Self {
        let built = std::env::current_exe().unwrap().with_file_name("edk");
        assert!(built.exists(), "{} is missing; use scripts/bench", built.display());
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Beside the state, where any user may start it.
        let program = folder.path().join("edk");
        fs::copy(built, &program).unwrap();
        let world = Self { folder, program, user };
        fs::create_dir(world.path("home")).unwrap();
        if let Some(user) = &world.user {
            time(Command::new("chown").arg(user).arg(world.path("home")));
        }
        for (name, rest) in PROJECTS {
            let image = world.project(name).join("image");
            fs::create_dir_all(image.join("files")).unwrap();
            let dockerfile =
                format!("FROM local-only/{BASE}:latest\nLABEL IMAGE=\"bench-{name}\"\n{rest}");
            fs::write(image.join("Dockerfile"), dockerfile).unwrap();
            fs::write(image.join("requirements.txt"), "nibabel\ntqdm\n").unwrap();
            for file in ["main.py", "settings.py", "process.py", "report.py"] {
                fs::write(image.join("files").join(file), format!("# {file}\n")).unwrap();
            }
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn project(&self, name: &str) -> PathBuf {
        self.path("projects").join(name)
    }

    /// Runs `edk` in an extension and returns how long it took.
    pub(crate) fn edk(&self, project: &str, arguments: &[&str]) -> Duration {
        time(self.command().args(arguments).current_dir(self.project(project)))
    }

    pub(crate) fn command(&self) -> Command {
        let home = format!("EDK_HOME={}", self.path("home").display());
        match &self.user {
            None => {
                let mut command = Command::new(&self.program);
                command.env("EDK_HOME", self.path("home"));
                command
            }
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--", "env", "-u", "XDG_RUNTIME_DIR", "-u", "TMPDIR"]);
                command.arg(home).arg(format!("HOME={}", self.path("home").display()));
                command.arg(&self.program);
                command
            }
        }
    }

    /// Changes one Python file of an extension.
    pub(crate) fn edit(&self, project: &str, n: usize) {
        let file = self.project(project).join("image/files/settings.py");
        fs::write(file, format!("# edit {n}\n")).unwrap();
    }

    /// Size of the store, in bytes.
    pub(crate) fn image_size(&self) -> u64 {
        let blobs = fs::read_dir(self.path("home/store/blobs/sha256")).unwrap();
        blobs.map(|blob| blob.unwrap().metadata().unwrap().len()).sum()
    }

    pub(crate) fn serve_registry(&self) -> Registry {
        let mut child = self
            .command()
            .args(["registry", "serve", "--port", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(';').next());
        Registry { child, address: address.expect("the address is told").to_owned() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.user.is_some() {
            // Files of subordinate ids.
            let _ = fs::remove_dir_all(self.path("home"));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // A registry that has ended is as good as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that can't be compressed, the same each time.
pub(crate) fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Writes a file of `gigabytes` that can be compressed to about a half.
pub(crate) fn large_file(path: &Path, gigabytes: usize) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut piece = noise(7, 500_000);
    piece.resize(1_000_000, b'x');
    for _ in 0..gigabytes * 1000 {
        file.write_all(&piece).unwrap();
    }
}

/// Runs a command to its end and returns how long it took.
pub(crate) fn time(command: &mut Command) -> Duration {
    let started = Instant::now();
    let output = command.output().unwrap();
    let taken = started.elapsed();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    taken
}

/// Runs a command to its end and returns the most memory it ever had, in MiB: the command's own, and
/// that of the largest of its children.
pub(crate) fn peak(command: &mut Command) -> (u64, Duration) {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The high-water mark only rises, so the last look before the end has it.
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let mark = mark.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(mark.unwrap_or(0) / 1024);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success(), "{command:?}");
    (peak, started.elapsed())
}
