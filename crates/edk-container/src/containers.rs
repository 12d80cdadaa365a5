use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use edk_model::{Digest, Monitor};
use nix::{
    fcntl::{FcntlArg, fcntl},
    unistd::Pid,
};

use crate::{
    ContainerError, Exit, HELPER_ARGUMENT, Mount, RunSpec,
    chain::{chain_ids, folder_name, folders},
    identity::{Identity, Privilege},
    spread::spread,
    unsynced::Unsynced,
    wire::{Answer, Order, Work, read_frame, write_frame},
    workdir::{WorkDir, abandoned},
};

/// How often a waiting parent looks whether it was cancelled.
const CANCEL_INTERVAL: Duration = Duration::from_millis(40);

/// Bytes that wait in the pipe from a helper: what any user may have (proc(5), `pipe-max-size`).
const PIPE: i32 = 1 << 20;

/// Runs containers whose unpacked layers lie in one folder.
///
/// Many processes may use one folder at the same time, but only for one user.
#[derive(Debug)]
pub struct Containers {
    root: PathBuf,
    program: PathBuf,
    identity: Identity,
    unsynced: Unsynced,
}

/// A captured run: how it ended, and its changes until they are adopted or dropped.
#[derive(Debug)]
pub struct Captured {
    /// How the process ended.
    pub exit: Exit,
    work: Option<WorkDir>,
}

impl Containers {
    /// Opens the folder `root`, making it when it is not there. `program` is started again as
    /// helper; it must call [`crate::helper_main`] when its first argument is
    /// [`HELPER_ARGUMENT`].
    ///
    /// # Errors
    /// [`ContainerError::Io`] if the folder can't be made.
    pub fn open(root: &Path, program: &Path) -> Result<Self, ContainerError> {
        let identity = Identity::current();
        for folder in ["layers", "incoming", "work"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|source| ContainerError::io(&path, source))?;
        }
        // What a run makes stays where it is made.
        spread(&root.join("work"));
        let root = root.canonicalize().map_err(|source| ContainerError::io(root, source))?;
        let unsynced = Unsynced::new(&root);
        Ok(Self { root, program: program.to_owned(), identity, unsynced })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Says whether all files inside belong to one id, because whoever runs this has no subordinate
    /// ids: owners in layers are left out, and changes of owners are let pass without being made.
    pub fn squashes(&self) -> bool {
        self.identity.privilege() == Privilege::Single
    }

    /// Says whether the topmost of `layers` (diff ids, lowest first) is unpacked on those below.
    pub fn has_layer(&self, layers: &[Digest]) -> bool {
        match chain_ids(layers).last() {
            Some(id) => self.layer_path(id).is_dir(),
            None => true,
        }
    }

    /// Unpacks the topmost of `layers` (diff ids, lowest first) from its uncompressed tar stream;
    /// the layers below must be there.
    ///
    /// # Errors
    /// [`ContainerError::Setup`] for a malformed or dangerous tar, [`ContainerError::Io`] if it can't
    /// be read to its end, [`ContainerError::Cancelled`]; then nothing is kept.
    pub fn unpack(
        &self,
        layers: &[Digest],
        tar: &mut dyn Read,
        monitor: &Monitor,
    ) -> Result<(), ContainerError> {
        let chain = chain_ids(layers);
        let Some((top, below)) = chain.split_last() else { return Ok(()) };
        let below = below.iter().rev().map(|id| self.layer_path(id)).collect();
        let work = WorkDir::new(&self.root.join("incoming"))?;
        let target = work.path().join("layer");
        fs::create_dir(&target).map_err(|source| ContainerError::io(&target, source))?;
        let result = self.feed(&Work::Unpack { target: target.clone(), below }, tar, monitor);
        let result = result.and_then(|()| self.keep_layer(&target, top));
        self.discard(work);
        result
    }

    /// Runs a process; its changes to the root file system are thrown away. Blocks until it ends;
    /// `output` gets each line of its output.
    ///
    /// # Errors
    /// [`ContainerError::Cancelled`] when `monitor` says so (the process is gone then), and what
    /// can go wrong while the container is set up. A process that ends with a non-zero code is no
    /// error.
    pub fn run(
        &self,
        spec: &RunSpec,
        output: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<Exit, ContainerError> {
        let work = WorkDir::new(&self.root.join("work"))?;
        let result = self.start_run(spec, &work, false, output, &mut io::sink(), monitor);
        self.discard(work);
        result
    }

    /// Runs a process and, when it ends with code 0, writes its changes to `changes` as an
    /// uncompressed layer tar: sorted, every time stamp the fixed one.
    ///
    /// # Errors
    /// As [`Containers::run`], and [`ContainerError::Io`] if `changes` refuses.
    pub fn capture(
        &self,
        spec: &RunSpec,
        output: &mut dyn FnMut(&str),
        changes: &mut dyn Write,
        monitor: &Monitor,
    ) -> Result<Captured, ContainerError> {
        let work = WorkDir::new(&self.root.join("work"))?;
        match self.start_run(spec, &work, true, output, changes, monitor) {
            Ok(exit) => Ok(Captured { exit, work: Some(work) }),
            Err(error) => {
                self.discard(work);
                Err(error)
            }
        }
    }

    /// Keeps the changes of a captured run as the unpacked topmost layer of `layers` (diff ids,
    /// lowest first), so that it need not be unpacked again.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if the folder can't be moved.
    pub fn adopt(&self, mut captured: Captured, layers: &[Digest]) -> Result<(), ContainerError> {
        let Some(work) = captured.work.take() else { return Ok(()) };
        let chain = chain_ids(layers);
        let result = match chain.last() {
            Some(top) => self.keep_layer(&work.path().join("upper"), top),
            None => Ok(()),
        };
        self.discard(work);
        result
    }

    /// Throws the changes of a captured run away.
    pub fn forget(&self, mut captured: Captured) {
        if let Some(work) = captured.work.take() {
            self.discard(work);
        }
    }

    /// Runs a program of the host as (mapped) root in mount and process namespaces of its own, so
    /// that neither its mounts nor its children outlive it.
    ///
    /// # Errors
    /// As [`Containers::run`].
    pub fn run_on_host(
        &self,
        argv: &[String],
        env: &[(String, String)],
        cwd: &Path,
        output: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<Exit, ContainerError> {
        let (argv, env, cwd) = (argv.to_vec(), env.to_vec(), cwd.to_owned());
        self.supervise(&Work::Host { argv, env, cwd }, output, &mut io::sink(), monitor)
    }

    /// Gives `body` the tar stream of the files that `patterns` (absolute paths, wildcards `*`, `?`
    /// and `[ ]` within one part) name in `layers` (diff ids, lowest first; all unpacked). What the
    /// n-th match holds is called `<n>/d/…` for a folder, `<n>/f/<name>` for a file. With `parents`
    /// it is `<n>/d/<folders>/…` for both, the folders those of the pattern after its `/./`, and `**`
    /// matches any number of folders.
    ///
    /// # Errors
    /// [`ContainerError::Setup`] for a pattern that names nothing, and those of `body`.
    pub fn export<T, E: From<ContainerError>>(
        &self,
        layers: &[Digest],
        patterns: &[String],
        parents: bool,
        body: impl FnOnce(&mut dyn Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let layers = folders(layers);
        let (layers_root, patterns) = (self.root.join("layers"), patterns.to_vec());
        self.with_folder(|work| {
            let work = work.to_owned();
            let order = Work::Export { layers_root, layers, work, patterns, parents };
            let mut helper = Helper::start(self, &order)?;
            match helper.answer()? {
                Answer::Done => {
                    let result = body(&mut helper.stdout)?;
                    // A stream that broke off looks like one that ended.
                    helper.drain(&mut io::sink(), &Monitor::silent())?;
                    Ok(result)
                }
                other => Err(helper.unexpected(other).into()),
            }
        })
    }

    /// Makes a folder for one piece of work, calls `body` with it, and removes it whatever comes:
    /// also when it holds files of subordinate ids.
    ///
    /// # Errors
    /// Those of `body`, and [`ContainerError::Io`] if the folder can't be made.
    pub fn with_folder<T, E: From<ContainerError>>(
        &self,
        body: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<T, E> {
        let work = WorkDir::new(&self.root.join("work"))?;
        let result = body(work.path());
        self.discard(work);
        result
    }

    /// Removes what runs that were killed left behind, and layers that may not have reached the disk
    /// before the machine went down.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if a folder can't be read or removed.
    pub fn sweep(&self) -> Result<(), ContainerError> {
        for folder in ["work", "incoming"] {
            for (lock, _held) in abandoned(&self.root.join(folder))? {
                self.remove(&lock.with_extension("d"))?;
                fs::remove_file(&lock).map_err(|source| ContainerError::io(&lock, source))?;
            }
        }
        self.unsynced.distrust(|layer| self.remove(&self.root.join("layers").join(layer)))
    }

    fn layer_path(&self, chain_id: &Digest) -> PathBuf {
        self.root.join("layers").join(folder_name(chain_id))
    }

    /// Gives a finished folder its name; another process that was faster is as good.
    fn keep_layer(&self, from: &Path, chain_id: &Digest) -> Result<(), ContainerError> {
        let to = self.layer_path(chain_id);
        self.unsynced.mark(&folder_name(chain_id))?;
        match fs::rename(from, &to) {
            Err(_) if to.is_dir() => Ok(()),
            result => result.map_err(|source| ContainerError::io(&to, source)),
        }
    }

    fn start_run(
        &self,
        spec: &RunSpec,
        work: &WorkDir,
        capture: bool,
        output: &mut dyn FnMut(&str),
        changes: &mut dyn Write,
        monitor: &Monitor,
    ) -> Result<Exit, ContainerError> {
        let trees = spec.mounts.iter().filter_map(|mount| match mount {
            Mount::Tree { layers, .. } => Some(layers),
            _ => None,
        });
        for layers in trees.chain([&spec.layers]) {
            for (id, layer) in chain_ids(layers).iter().zip(layers) {
                if !self.layer_path(id).is_dir() {
                    return Err(ContainerError::NoLayer(layer.to_string()));
                }
            }
        }
        let layers = folders(&spec.layers);
        let (layers_root, work) = (self.root.join("layers"), work.path().to_owned());
        let spec = spec.clone();
        self.supervise(
            &Work::Run { spec, layers_root, layers, work, capture },
            output,
            changes,
            monitor,
        )
    }

    fn discard(&self, work: WorkDir) {
        // What can't be removed now keeps its lock file and is removed by the next sweep.
        let _ = work.remove_with(|path| self.remove(path));
    }

    /// Removes a folder in which containers may have written as subordinate ids. One that is not
    /// there is no error.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if it can't be removed.
    pub fn remove(&self, path: &Path) -> Result<(), ContainerError> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if !self.identity.privilege().is_rootless() => {
                return Err(ContainerError::io(path, error));
            }
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
        self.feed(&Work::Remove { path: path.to_owned() }, &mut io::empty(), &Monitor::silent())
    }

    /// Gives the helper work that reads `input` and answers when it is done.
    fn feed(
        &self,
        work: &Work,
        input: &mut dyn Read,
        monitor: &Monitor,
    ) -> Result<(), ContainerError> {
        let mut helper = Helper::start(self, work)?;
        let fed = helper.feed(input, monitor);
        // It would wait for the rest; it is ended with what it did so far.
        if let Err(error @ (ContainerError::Cancelled(_) | ContainerError::Io { .. })) = fed {
            return Err(error);
        }
        // The helper knows better than a broken pipe why it stopped reading.
        match helper.answer()? {
            Answer::Done => fed,
            other => Err(helper.unexpected(other)),
        }
    }

    /// Gives the helper work that runs a process.
    fn supervise(
        &self,
        work: &Work,
        output: &mut dyn FnMut(&str),
        changes: &mut dyn Write,
        monitor: &Monitor,
    ) -> Result<Exit, ContainerError> {
        let mut helper = Helper::start(self, work)?;
        helper.forward(output, monitor)?;
        let exit = match helper.answer()? {
            Answer::Exited(exit) => exit,
            other => return Err(helper.unexpected(other)),
        };
        helper.drain(changes, monitor)?;
        Ok(exit)
    }
}

/// A running helper; killed when dropped, and with it all that runs below it.
struct Helper {
    program: PathBuf,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Helper {
    fn start(containers: &Containers, work: &Work) -> Result<Self, ContainerError> {
        use std::os::unix::process::CommandExt as _;
        let program = containers.program.clone();
        let error = |source| ContainerError::Helper { program: program.clone(), source };
        let mut child = Command::new(&program)
            .arg(HELPER_ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C in the terminal is for us; we decide what becomes of the helper.
            .process_group(0)
            .spawn()
            .map_err(error)?;
        let (stdin, stdout) = match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => (stdin, stdout),
            _ => return Err(error(io::Error::other("it has no standard streams"))),
        };
        // A layer passes through: the fewer turns it takes, the better. Less does as well.
        let _ = fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(PIPE));
        let mut helper = Self { program: program.clone(), child, stdin: Some(stdin), stdout };
        let privilege = containers.identity.privilege();
        helper.send(|stdin| {
            write_frame(stdin, &Order { parent: std::process::id(), privilege, work })
        })?;
        if privilege.is_rootless() {
            match helper.answer()? {
                Answer::MapIds => {
                    let pid = i32::try_from(helper.child.id()).unwrap_or(0);
                    containers.identity.map_ids(Pid::from_raw(pid))?;
                    helper.send(|stdin| stdin.write_all(b"m").and_then(|()| stdin.flush()))?;
                }
                other => return Err(helper.unexpected(other)),
            }
        }
        Ok(helper)
    }

    fn send(
        &mut self,
        write: impl FnOnce(&mut ChildStdin) -> io::Result<()>,
    ) -> Result<(), ContainerError> {
        match &mut self.stdin {
            Some(stdin) => write(stdin).map_err(|source| self.broken(source)),
            None => Ok(()),
        }
    }

    fn feed(&mut self, input: &mut dyn Read, monitor: &Monitor) -> Result<(), ContainerError> {
        let mut buffer = vec![0; 256 << 10];
        loop {
            monitor.check()?;
            let io = |source| ContainerError::io(Path::new("the layer"), source);
            let count = input.read(&mut buffer).map_err(io)?;
            if count == 0 {
                self.stdin = None;
                return Ok(());
            }
            self.send(|stdin| stdin.write_all(&buffer[..count]))?;
        }
    }

    /// Passes the output of the process on until it ends.
    fn forward(
        &mut self,
        output: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<(), ContainerError> {
        let Some(stderr) = self.child.stderr.take() else { return Ok(()) };
        let (sender, lines) = mpsc::sync_channel::<String>(64);
        std::thread::scope(|scope| {
            scope.spawn(move || read_lines(stderr, &sender));
            loop {
                match lines.recv_timeout(CANCEL_INTERVAL) {
                    Ok(line) => output(&line),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                }
                if let Err(cancelled) = monitor.check() {
                    // Ends the process, and with it the thread that reads its output.
                    let _ = self.child.kill();
                    drop(lines);
                    return Err(cancelled.into());
                }
            }
        })
    }

    fn answer(&mut self) -> Result<Answer, ContainerError> {
        read_frame(&mut self.stdout).map_err(|source| self.broken(source))
    }

    fn drain(&mut self, to: &mut dyn Write, monitor: &Monitor) -> Result<(), ContainerError> {
        let mut buffer = vec![0; 256 << 10];
        loop {
            monitor.check()?;
            let count = self.stdout.read(&mut buffer).map_err(|source| self.broken(source))?;
            if count == 0 {
                break;
            }
            let io = |source| ContainerError::io(Path::new("the new layer"), source);
            to.write_all(&buffer[..count]).map_err(io)?;
        }
        let status = self.child.wait().map_err(|source| self.broken(source))?;
        if status.success() {
            return Ok(());
        }
        Err(self.broken(io::Error::other(format!("it ended with {status}"))))
    }

    fn broken(&self, source: io::Error) -> ContainerError {
        ContainerError::Helper { program: self.program.clone(), source }
    }

    fn unexpected(&self, answer: Answer) -> ContainerError {
        match answer {
            Answer::Failed { step, reason, errno } => ContainerError::Setup { step, reason, errno },
            Answer::NoUserNamespace { reason } => ContainerError::NoUserNamespace { reason },
            other => self.broken(io::Error::other(format!("it answered {other:?}"))),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Kill and wait are no-ops for a helper that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(from: impl Read, to: &mpsc::SyncSender<String>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&line);
        // A progress bar rewrites its line; its last state is the line.
        let text = text.trim_end_matches(['\n', '\r']);
        let text = text.rsplit('\r').next().unwrap_or(text);
        if to.send(text.to_owned()).is_err() {
            return;
        }
        line.clear();
    }
}
