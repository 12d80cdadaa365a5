//! A folder with everything: state, an extension made from the template, its base.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct World {
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// A registry that is served until this is dropped.
pub(crate) struct Registry {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let program = std::env::current_exe().unwrap().with_file_name("edk");
        assert!(program.exists(), "{} is missing; use scripts/bench", program.display());
        let world = Self { folder: tempfile::tempdir().unwrap(), program };
        world.edk_alone(&["new", "radiomics", &world.project().display().to_string(), "--yes"]);
        world.edk_alone(&["base", "base-python-cpu"]);
        world.edk(&["push", "--quiet"]);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.path("my-radiomics")
    }

    /// Runs `edk` in the project and returns how long it took.
    pub(crate) fn edk(&self, arguments: &[&str]) -> Duration {
        self.run(arguments, &self.project())
    }

    pub(crate) fn edk_alone(&self, arguments: &[&str]) -> Duration {
        self.run(arguments, self.folder.path())
    }

    fn run(&self, arguments: &[&str], folder: &Path) -> Duration {
        time(self.command().args(arguments).current_dir(folder))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("EDK_HOME", self.path("home"));
        command
    }

    /// Changes one Python file of the processing container.
    pub(crate) fn edit(&self, n: usize) {
        edit(&self.project().join("processing-containers/my-radiomics-features"), n);
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

impl Drop for Registry {
    fn drop(&mut self) {
        // A registry that has ended is as good as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Changes one Python file of a processing container.
pub(crate) fn edit(context: &Path, n: usize) {
    let file = context.join("files/settings.py");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.split("\n# edit").next().unwrap().trim_end().to_owned();
    fs::write(file, format!("{text}\n# edit {n}\n")).unwrap();
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
