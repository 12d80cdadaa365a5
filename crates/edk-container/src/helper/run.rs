//! Runs one process in namespaces of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, PipeWriter},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Instant,
};

use nix::{
    mount::{MntFlags, umount2},
    sched::{CloneFlags, unshare},
    sys::{
        resource::{UsageWho, getrusage},
        wait::{WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, dup2_stderr, fork, sethostname},
};

use super::{
    diff,
    fault::{Fault, Step as _},
    gate::Keeper,
    process, rootfs, tie_to_parent,
};
use crate::{
    Exit, Network, RunSpec,
    identity::Privilege,
    wire::{Answer, read_frame, write_frame},
};

/// Where the root file system of a run comes from.
pub(crate) struct Root {
    pub(crate) layers_root: PathBuf,
    /// Folder names in `layers_root`, topmost first.
    pub(crate) layers: Vec<String>,
    pub(crate) work: PathBuf,
    pub(crate) privilege: Privilege,
}

impl Root {
    /// Folders of the layers, topmost first.
    fn below(&self) -> Vec<PathBuf> {
        self.layers.iter().map(|name| self.layers_root.join(name)).collect()
    }

    /// Mode of the root folder, as the topmost layer has it.
    pub(crate) fn mode(&self) -> u32 {
        let top = self.below().into_iter().next();
        top.and_then(|path| fs::metadata(path).ok()).map_or(0o755, |m| m.mode() & 0o7777)
    }
}

/// Runs `spec` on `root`, answers how it ended, and sends the changes after a captured success.
pub(crate) fn run(
    spec: &RunSpec,
    root: &Root,
    capture: bool,
    stdout: &mut File,
) -> Result<(), Fault> {
    let mut flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    if spec.network != Network::Host {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    unshare(flags).step("make namespaces")?;
    sethostname("edk").step("set the host name")?;
    if spec.network != Network::Host {
        process::raise_loopback().step("raise the loopback interface")?;
    }
    let mut keeper = match &spec.network {
        Network::Gate(gate) => Some(Keeper::start(gate, spec, root.privilege)?),
        Network::Host | Network::None => None,
    };
    // After the gate, which is no process of the container.
    unshare(CloneFlags::CLONE_NEWPID).step("make namespaces")?;
    let merged = rootfs::stack(root)?;
    let points = rootfs::mount_points(&merged, spec, root)?;
    let started = Instant::now();
    let child = start(|parent| {
        unshare(CloneFlags::CLONE_NEWNS).step("make namespaces")?;
        rootfs::enter(&merged, spec, &points, root.privilege)?;
        let inside = Some((spec.user.as_str(), root.privilege));
        process::replace(&spec.argv, &spec.env, Path::new(&spec.cwd), inside, Some(parent))
    })?;
    if let Some(keeper) = &mut keeper {
        keeper.tell(child)?;
    }
    let exit = wait(child, started)?;
    drop(keeper);
    silence_stderr().step("end the output")?;
    umount2(&merged, MntFlags::MNT_DETACH).step("unmount the layers")?;
    let upper = root.work.join("upper");
    points.unmake(&upper);
    write_frame(&mut *stdout, &Answer::Exited(exit)).step("answer")?;
    if capture && exit.code == 0 {
        let to = BufWriter::with_capacity(256 << 10, stdout);
        // The answer is out, so a fault can only be told by ending badly.
        if diff::write(&upper, &root.below(), root.privilege.is_rootless(), to).is_err() {
            return Err(Fault::new("write the changes", "the stream broke"));
        }
    }
    Ok(())
}

/// Runs a program of the host in mount and process namespaces of its own.
pub(crate) fn run_on_host(
    argv: &[String],
    env: &[(String, String)],
    cwd: &Path,
    stdout: &mut File,
) -> Result<(), Fault> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID).step("make namespaces")?;
    rootfs::make_private()?;
    let started = Instant::now();
    let child = start(|parent| {
        rootfs::fresh_proc()?;
        process::replace(argv, env, cwd, None, Some(parent))
    })?;
    let exit = wait(child, started)?;
    silence_stderr().step("end the output")?;
    write_frame(stdout, &Answer::Exited(exit)).step("answer")
}

/// Forks; the child calls `become_it` with a pipe that breaks with the parent. It only returns to say
/// why it could not.
fn start(
    become_it: impl FnOnce(&PipeWriter) -> Result<std::convert::Infallible, Fault>,
) -> Result<Pid, Fault> {
    let (mut reader, mut writer) = io::pipe().step("make a pipe")?;
    // SAFETY: the helper has only this one thread, so the child may do what it likes.
    match unsafe { fork() }.step("start a process")? {
        ForkResult::Child => {
            drop(reader);
            let fault = match tie_to_parent().step("stay tied to the helper") {
                Err(fault) => fault,
                Ok(()) => match become_it(&writer) {
                    Err(fault) => fault,
                    Ok(never) => match never {},
                },
            };
            let _ = write_frame(&mut writer, &fault.into_answer());
            // SAFETY: ends the child without running the helper's clean-up a second time.
            unsafe { nix::libc::_exit(127) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            // The pipe closes when the child becomes the other program.
            match read_frame::<Answer>(&mut reader) {
                Ok(Answer::Failed { step, reason, errno }) => {
                    let _ = waitpid(child, None);
                    Err(Fault::told(step, reason, errno))
                }
                _ => Ok(child),
            }
        }
    }
}

fn wait(child: Pid, started: Instant) -> Result<Exit, Fault> {
    let status = waitpid(child, None).step("wait for the process")?;
    let code = match status {
        WaitStatus::Exited(_, code) => code,
        WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
        _ => 1,
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).step("read the use of memory")?;
    // Kibibytes, getrusage(2).
    let peak_memory = u64::try_from(usage.max_rss()).unwrap_or(0) * 1024;
    Ok(Exit { code, duration: started.elapsed(), peak_memory })
}

/// Closes our end of the output, so that the parent sees that it is over.
fn silence_stderr() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(dup2_stderr(&null)?)
}
