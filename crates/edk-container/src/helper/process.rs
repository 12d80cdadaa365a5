//! From a forked child to the wanted program: user, capabilities, streams, signals.

use std::{
    convert::Infallible,
    ffi::{CString, NulError},
    fs::{self, OpenOptions},
    io::{self, PipeWriter},
    os::fd::AsFd as _,
    path::Path,
};

use caps::{CapSet, Capability, CapsHashSet};
use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask},
        stat::{Mode, umask},
    },
    unistd::{
        Gid, Uid, chdir, dup2_stdin, dup2_stdout, execve, setgroups, setresgid, setresuid, setsid,
    },
};

use super::{
    fault::{Fault, Step as _},
    seccomp, tie_to_parent,
};
use crate::identity::Privilege;

/// What a process in a container may do beyond an ordinary one: the default set which container
/// engines agree on (documented by the Docker engine, "Runtime privilege and Linux capabilities").
const CAPABILITIES: [Capability; 14] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FSETID,
    Capability::CAP_FOWNER,
    Capability::CAP_MKNOD,
    Capability::CAP_NET_RAW,
    Capability::CAP_SETGID,
    Capability::CAP_SETUID,
    Capability::CAP_SETFCAP,
    Capability::CAP_SETPCAP,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_KILL,
    Capability::CAP_AUDIT_WRITE,
];

/// Becomes the program `argv`. `inside` is the user of an image's configuration and what may be
/// done as it; `None` keeps user and capabilities, for a program of the host. `parent` is a pipe
/// which the parent reads as long as it lives.
pub(crate) fn replace(
    argv: &[String],
    env: &[(String, String)],
    cwd: &Path,
    inside: Option<(&str, Privilege)>,
    parent: Option<&PipeWriter>,
) -> Result<Infallible, Fault> {
    let _ = setsid();
    umask(Mode::from_bits_truncate(0o022));
    let mut env = env.to_vec();
    if !cwd.is_dir() {
        fs::create_dir_all(cwd).step(format!("make the working directory {}", cwd.display()))?;
    }
    if let Some((user, privilege)) = inside {
        let user = Account::find(user)?;
        if !env.iter().any(|(name, _)| name == "HOME") {
            env.push(("HOME".to_owned(), user.home.clone()));
        }
        // While it may still be done without giving up set-user-id programs.
        seccomp::install().step("install the seccomp filter")?;
        limit_capabilities().step("limit what the process may do")?;
        match privilege {
            Privilege::Single => seccomp::pretend().step("install the seccomp filter")?,
            Privilege::Root | Privilege::Mapped => {
                user.assume()?;
                // The change of user undid it (prctl(2), PR_SET_PDEATHSIG).
                tie_to_parent().step("stay tied to the parent")?;
                if parent.is_some_and(is_broken) {
                    return Err(Fault::new("stay tied to the parent", "it has ended"));
                }
            }
        }
    }
    chdir(cwd).step(format!("enter the working directory {}", cwd.display()))?;
    connect_streams().step("connect input and output")?;
    reset_signals().step("reset signals")?;
    execute(argv, &env)
}

/// Says whether nobody reads a pipe any more.
fn is_broken(pipe: &PipeWriter) -> bool {
    let mut wanted = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    let polled = poll(&mut wanted, PollTimeout::ZERO);
    polled.is_ok() && wanted[0].revents().is_some_and(|it| it.contains(PollFlags::POLLERR))
}

fn limit_capabilities() -> Result<(), io::Error> {
    let wanted: CapsHashSet = CAPABILITIES.into_iter().collect();
    for capability in caps::all() {
        // What the kernel does not know can't be dropped, and is not held either.
        if !wanted.contains(&capability)
            && caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false)
        {
            caps::drop(None, CapSet::Bounding, capability).map_err(io::Error::other)?;
        }
    }
    let permitted = caps::read(None, CapSet::Permitted).map_err(io::Error::other)?;
    let kept: CapsHashSet = permitted.intersection(&wanted).copied().collect();
    caps::clear(None, CapSet::Inheritable).map_err(io::Error::other)?;
    caps::set(None, CapSet::Effective, &kept).map_err(io::Error::other)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(io::Error::other)
}

fn connect_streams() -> io::Result<()> {
    let null = OpenOptions::new().read(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(io::stderr().as_fd())?;
    Ok(())
}

/// Rust ignores SIGPIPE, and a parent may have blocked signals; a new program expects neither.
fn reset_signals() -> nix::Result<()> {
    // SAFETY: no handler is installed, only the default action.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

fn execute(argv: &[String], env: &[(String, String)]) -> Result<Infallible, Fault> {
    let Some(program) = argv.first() else {
        return Err(Fault::new("start the process", "there is no command"));
    };
    let c_string =
        |text: String| CString::new(text).map_err(|error: NulError| io::Error::other(error));
    let arguments: Vec<CString> =
        argv.iter().cloned().map(c_string).collect::<Result<_, _>>().step("start the process")?;
    let variables: Vec<CString> = env
        .iter()
        .map(|(name, value)| c_string(format!("{name}={value}")))
        .collect::<Result<_, _>>()
        .step("start the process")?;
    let mut result = Errno::ENOENT;
    for candidate in candidates(program, env) {
        let candidate = c_string(candidate).step("start the process")?;
        let Err(errno) = execve(&candidate, &arguments, &variables);
        // As execvp(3) does: a candidate that is there but refused is worth more than one that
        // is not there.
        if errno != Errno::ENOENT && errno != Errno::ENOTDIR {
            result = errno;
        }
    }
    Err(result).step(format!("start `{program}`"))
}

fn candidates(program: &str, env: &[(String, String)]) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let path = env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value);
    let path = if path.is_empty() { "/usr/local/bin:/usr/bin:/bin" } else { path };
    path.split(':').map(|folder| format!("{folder}/{program}")).collect()
}

/// Raises `lo` in a new network namespace.
pub(crate) fn raise_loopback() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: `ifreq` is plain data for which zeros are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
    // SAFETY: the socket is open and the request outlives the call.
    if unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Numbers of a user inside the root file system.
#[derive(Debug, PartialEq, Eq)]
struct Account {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    home: String,
}

impl Account {
    /// Finds the user of an image's configuration in this root's /etc/passwd and /etc/group.
    fn find(user: &str) -> Result<Self, Fault> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self::look_up(user, &read("/etc/passwd"), &read("/etc/group"))
            .map_err(|reason| Fault::new(format!("find user `{user}` in the image"), reason))
    }

    fn look_up(user: &str, passwd: &str, group: &str) -> Result<Self, String> {
        let (user, wanted_group) = match user.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (user, None),
        };
        let user = if user.is_empty() { "0" } else { user };
        let row = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|row| row.len() > 3 && (row[0] == user || row[2] == user));
        let number = |text: &str| text.parse::<u32>().ok();
        let uid = row.as_ref().map_or_else(|| number(user), |row| number(row[2]));
        let uid = uid.ok_or("/etc/passwd has no such user")?;
        let own_gid = row.as_ref().and_then(|row| number(row[3])).unwrap_or(0);
        let gid = match wanted_group {
            Some(wanted) => find_group(wanted, group).ok_or("/etc/group has no such group")?,
            None => own_gid,
        };
        let name = row.as_ref().map_or("", |row| row[0]);
        let home = row.as_ref().and_then(|row| row.get(5)).filter(|home| !home.is_empty());
        let home = home.map_or("/", |home| home).to_owned();
        Ok(Self { uid, gid, groups: groups_of(name, gid, group), home })
    }

    fn assume(&self) -> Result<(), Fault> {
        let step = || format!("become user {}", self.uid);
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups).step(step())?;
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        setresgid(gid, gid, gid).step(step())?;
        setresuid(uid, uid, uid).step(step())
    }
}

fn find_group(wanted: &str, group: &str) -> Option<u32> {
    let mut rows = group.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row.len() > 2 && (row[0] == wanted || row[2] == wanted));
    row.map_or(wanted, |row| row[2]).parse().ok()
}

fn groups_of(name: &str, gid: u32, group: &str) -> Vec<u32> {
    let rows = group.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let member = |row: &Vec<&str>| {
        row.len() > 3 && !name.is_empty() && row[3].split(',').any(|member| member == name)
    };
    let mut groups = vec![gid];
    groups.extend(rows.filter(member).filter_map(|row| row[2].parse::<u32>().ok()));
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nann:x:1001:\nimaging:x:2000:bob,ann\n";

    #[test]
    fn the_user_of_an_image_is_found_by_name_and_number() {
        let check = |user: &str, uid, gid, groups: &[u32], home: &str| {
            let (groups, home) = (groups.to_vec(), home.to_owned());
            let expected = Account { uid, gid, groups, home };
            assert_eq!(Account::look_up(user, PASSWD, GROUP), Ok(expected), "{user}");
        };
        check("", 0, 0, &[0], "/root");
        check("ann", 1000, 1001, &[1001, 2000], "/home/ann");
        check("1000", 1000, 1001, &[1001, 2000], "/home/ann");
        check("ann:imaging", 1000, 2000, &[2000], "/home/ann");
        check("4711", 4711, 0, &[0], "/");
        check("4711:33", 4711, 33, &[33], "/");
        assert!(Account::look_up("eve", PASSWD, GROUP).is_err());
        assert!(Account::look_up("ann:eve", PASSWD, GROUP).is_err());
    }

    #[test]
    fn a_program_without_a_slash_is_looked_up_in_the_path_of_its_own_environment() {
        let env = [("PATH".to_owned(), "/a:/b".to_owned())];
        assert_eq!(candidates("sh", &env), ["/a/sh", "/b/sh"]);
        assert_eq!(candidates("/x/sh", &env), ["/x/sh"]);
        assert_eq!(candidates("sh", &[])[0], "/usr/local/bin/sh");
    }
}
