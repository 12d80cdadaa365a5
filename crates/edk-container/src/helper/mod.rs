//! The helper's side: what happens in namespaces of its own.
//!
//! The helper is single-threaded (a user namespace can only be entered so) and does one [`Order`].

mod diff;
mod export;
mod fault;
mod gate;
mod masks;
mod process;
mod resolve;
mod rootfs;
mod run;
mod seccomp;
mod tree;
mod unpack;

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::AsFd as _,
    process::ExitCode,
};

use fault::{Fault, Step as _};
use nix::{
    sched::{CloneFlags, unshare},
    sys::{prctl, signal::Signal},
    unistd::{getppid, setgroups},
};

use crate::{
    identity::Privilege,
    wire::{Answer, Order, Work, read_frame, write_frame},
};

/// Does what the parent orders over standard input; the `main` of a program that was started with
/// [`crate::HELPER_ARGUMENT`]. Must be called before any thread is started.
///
/// Returns success once the answer is written, failure when the parent can't be talked to.
pub fn helper_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    // Not through `io::stdout`, which would look for line ends in a tar stream.
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let Order { parent, privilege, work } = read_frame::<Order<Work>>(&mut stdin)?;
    tie_to_parent()?;
    if getppid().as_raw().cast_unsigned() != parent {
        // The parent died before we were tied to it.
        return Ok(());
    }
    if privilege.is_rootless() {
        if let Err(errno) = unshare(CloneFlags::CLONE_NEWUSER) {
            let reason = errno.desc().to_owned();
            return write_frame(&mut stdout, &Answer::NoUserNamespace { reason });
        }
        write_frame(&mut stdout, &Answer::MapIds)?;
        stdin.read_exact(&mut [0])?;
    }
    match carry_out(work, privilege, &mut stdin, &mut stdout) {
        Ok(()) => Ok(()),
        Err(fault) => write_frame(&mut stdout, &fault.into_answer()),
    }
}

fn carry_out(
    work: Work,
    privilege: Privilege,
    stdin: &mut io::StdinLock<'_>,
    stdout: &mut File,
) -> Result<(), Fault> {
    if privilege.is_rootless() {
        // A change of credentials clears the death signal.
        tie_to_parent().step("stay tied to the parent")?;
    }
    if privilege == Privilege::Mapped {
        setgroups(&[]).step("drop supplementary groups")?;
    }
    match work {
        Work::Unpack { target, below } => {
            unpack::unpack(stdin, &target, &below, privilege)?;
            write_frame(stdout, &Answer::Done).step("answer")
        }
        Work::Remove { path } => {
            std::fs::remove_dir_all(&path).step(format!("remove `{}`", path.display()))?;
            write_frame(stdout, &Answer::Done).step("answer")
        }
        Work::Run { spec, layers_root, layers, work, capture } => {
            let root = run::Root { layers_root, layers, work, privilege };
            run::run(&spec, &root, capture, stdout)
        }
        Work::Export { layers_root, layers, work, patterns, parents } => {
            let root = run::Root { layers_root, layers, work, privilege };
            export::export(&root, &patterns, parents, stdout)
        }
        Work::Host { argv, env, cwd } => run::run_on_host(&argv, &env, &cwd, stdout),
    }
}

/// Asks the kernel to kill this process when its parent dies.
fn tie_to_parent() -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)
}
