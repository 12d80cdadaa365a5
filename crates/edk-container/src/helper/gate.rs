//! The inner side of a gate: a process in the container's network, but not in its root.

use std::{
    fs::OpenOptions,
    io::{self, PipeReader, PipeWriter, Read as _, Write as _},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, setns},
    sys::{
        signal::{SigHandler, Signal, kill, signal},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork},
};

use super::{
    fault::{Fault, Step as _},
    process, tie_to_parent,
};
use crate::{Gate, RunSpec, Way, gate, identity::Privilege};

/// As whom a program inside runs.
struct Inside<'a> {
    spec: &'a RunSpec,
    privilege: Privilege,
}

/// The process that serves a gate; it ends with this value.
pub(super) struct Keeper {
    child: Pid,
    tell: PipeWriter,
}

impl Keeper {
    /// Starts serving in the network namespace of this process. Everything is bound when it returns.
    pub(super) fn start(gate: &Gate, spec: &RunSpec, privilege: Privilege) -> Result<Self, Fault> {
        let step = || format!("open the gate `{}`", gate.socket.display());
        let door = gate::listen(&gate.socket).step(step())?;
        let ways: Vec<(TcpListener, &Way)> = gate
            .ways
            .iter()
            .map(|way| Ok((TcpListener::bind(way.loopback)?, way)))
            .collect::<io::Result<_>>()
            .step(step())?;
        let (listen, tell) = io::pipe().step(step())?;
        // SAFETY: the helper has only this one thread, so the child may do what it likes.
        match unsafe { fork() }.step(step())? {
            ForkResult::Parent { child } => Ok(Self { child, tell }),
            ForkResult::Child => {
                drop(tell);
                let _ = serve(&door, &ways, listen, &Inside { spec, privilege });
                // SAFETY: ends the child without running the helper's clean-up a second time.
                unsafe { nix::libc::_exit(0) }
            }
        }
    }

    /// Tells which process is the container's first.
    pub(super) fn tell(&mut self, first: Pid) -> Result<(), Fault> {
        self.tell.write_all(&first.as_raw().to_le_bytes()).step("tell the gate of the process")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = kill(self.child, Signal::SIGKILL);
        let _ = waitpid(self.child, None);
    }
}

/// Gives each connection a process of its own, which ends with this one.
fn serve(
    door: &UnixListener,
    ways: &[(TcpListener, &Way)],
    mut told: PipeReader,
    inside: &Inside<'_>,
) -> io::Result<()> {
    tie_to_parent()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    // SAFETY: no handler is installed; children that ended need not be waited for.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }?;
    let mut number = [0; 4];
    told.read_exact(&mut number)?;
    let first = i32::from_le_bytes(number);
    loop {
        let listening = std::iter::once(door.as_fd()).chain(ways.iter().map(|it| it.0.as_fd()));
        let mut wanted: Vec<_> = listening.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        poll(&mut wanted, PollTimeout::NONE)?;
        let ready: Vec<bool> = wanted.iter().map(|it| it.any().unwrap_or(false)).collect();
        if ready[0]
            && let Ok((stream, _)) = door.accept()
        {
            apart(|| answer(stream, first, inside))?;
        }
        for ((listener, way), _) in ways.iter().zip(&ready[1..]).filter(|(_, ready)| **ready) {
            if let Ok((stream, _)) = listener.accept() {
                apart(|| pass(stream, &gate::connect(&way.to, way.port)?))?;
            }
        }
    }
}

/// Does `work` in a process of its own.
fn apart(work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: this process has one thread.
    if let ForkResult::Child = unsafe { fork() }? {
        let _ = tie_to_parent().map_err(io::Error::from).and_then(|()| {
            // SAFETY: no handler is installed, only the default action.
            unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
            work()
        });
        // SAFETY: ends the child without running the helper's clean-up a second time.
        unsafe { nix::libc::_exit(0) }
    }
    Ok(())
}

/// Answers one talk of the gate.
fn answer(mut stream: UnixStream, first: i32, inside: &Inside<'_>) -> io::Result<()> {
    let line = gate::read_line(&mut stream)?;
    let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let done = match (word, rest.parse::<u16>()) {
        ("connect", Ok(port)) => reach(port).and_then(|reached| {
            stream.write_all(b"ok\n")?;
            pass(reached, &stream)
        }),
        ("exec", _) => match serde_json::from_str::<Vec<String>>(rest) {
            Ok(argv) => execute(&mut stream, first, &argv, inside),
            Err(error) => Err(error.into()),
        },
        _ => Err(io::Error::other("the gate does not know the word")),
    };
    if let Err(error) = done {
        writeln!(stream, "no {}", error.to_string().replace('\n', " "))?;
    }
    Ok(())
}

fn reach(port: u16) -> io::Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .or_else(|error| TcpStream::connect((Ipv6Addr::LOCALHOST, port)).map_err(|_| error))
}

/// Copies both ways until both have ended.
fn pass(tcp: TcpStream, unix: &UnixStream) -> io::Result<()> {
    let (mut tcp_in, mut unix_out) = (tcp.try_clone()?, unix.try_clone()?);
    let (mut unix_in, mut tcp_out) = (unix.try_clone()?, tcp);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = io::copy(&mut tcp_in, &mut unix_out);
            let _ = unix_out.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut unix_in, &mut tcp_out);
        let _ = tcp_out.shutdown(Shutdown::Write);
    });
    Ok(())
}

/// Runs a program in the namespaces of the process `first`. Ends it when the caller hangs up.
fn execute(
    stream: &mut UnixStream,
    first: i32,
    argv: &[String],
    inside: &Inside<'_>,
) -> io::Result<()> {
    let open = |name: &str| OpenOptions::new().read(true).open(format!("/proc/{first}/ns/{name}"));
    let (processes, mounts) = (open("pid")?, open("mnt")?);
    setns(&processes, CloneFlags::CLONE_NEWPID)?;
    let (mut told, tell) = io::pipe()?;
    // SAFETY: this process has one thread.
    let child = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            drop(told);
            let fault = become_program(&mounts, argv, inside);
            let _ = (&tell).write_all(format!("{fault:?}").as_bytes());
            // SAFETY: as above.
            unsafe { nix::libc::_exit(127) }
        }
    };
    drop(tell);
    let mut fault = String::new();
    // The pipe closes when the child becomes the other program.
    told.read_to_string(&mut fault)?;
    if !fault.is_empty() {
        return Err(io::Error::other(fault));
    }
    let code = loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG))? {
            WaitStatus::Exited(_, code) => break code,
            WaitStatus::Signaled(_, signal, _) => break 128 + signal as i32,
            // No thread can wait: a process that is between process namespaces gets none.
            _ if hung_up(stream)? => {
                kill(child, Signal::SIGKILL)?;
                waitpid(child, None)?;
                return Ok(());
            }
            _ => {}
        }
    };
    writeln!(stream, "exit {code}")
}

/// Waits a moment for the caller to hang up; it sends nothing after its line.
fn hung_up(stream: &UnixStream) -> io::Result<bool> {
    let moment = PollTimeout::from(10_u8);
    Ok(poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN)], moment)? > 0)
}

fn become_program(mounts: &std::fs::File, argv: &[String], inside: &Inside<'_>) -> io::Error {
    if let Err(errno) = setns(mounts, CloneFlags::CLONE_NEWNS) {
        return errno.into();
    }
    let Inside { spec, privilege } = inside;
    let user = Some((spec.user.as_str(), *privilege));
    let Err(fault) = process::replace(argv, &spec.env, Path::new(&spec.cwd), user, None);
    io::Error::other(format!("{fault:?}"))
}
