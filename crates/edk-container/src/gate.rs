//! The outer side of a [`Gate`](crate::Gate): reaching a port, or running a program, in a container
//! whose network is its own.
//!
//! A gate is a Unix socket, which works across network namespaces and needs no rights. Its talk is
//! one line each way: `connect PORT` or `exec ["program", …]`; then `ok` and the bytes of the
//! connection, or `exit CODE`, or `no REASON`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::OpenOptionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

/// The longest line of a talk.
const MAX_LINE: usize = 64 << 10;

/// Connects to a port behind the gate at `socket`. Blocks for as long as the program inside takes
/// to accept.
///
/// # Errors
/// Nobody serves the gate, or nothing listens at the port.
pub fn connect(socket: &Path, port: u16) -> io::Result<UnixStream> {
    let mut stream = reach(socket)?;
    writeln!(stream, "connect {port}")?;
    match read_line(&mut stream)?.as_str() {
        "ok" => Ok(stream),
        answer => Err(refused(answer)),
    }
}

/// Runs a program in the container behind the gate at `socket`, as the container's user, and returns
/// its exit code. Its output is thrown away; after `timeout` it is ended.
///
/// # Errors
/// Nobody serves the gate, the program can't be started, or it takes too long.
pub fn exec(socket: &Path, argv: &[String], timeout: Duration) -> io::Result<i32> {
    let mut stream = reach(socket)?;
    stream.set_read_timeout(Some(timeout))?;
    writeln!(stream, "exec {}", serde_json::to_string(argv)?)?;
    let answer = read_line(&mut stream)?;
    let code = answer.strip_prefix("exit ").and_then(|code| code.parse().ok());
    code.ok_or_else(|| refused(&answer))
}

fn refused(answer: &str) -> io::Error {
    let reason = answer.strip_prefix("no ").unwrap_or("the gate was closed");
    io::Error::new(io::ErrorKind::ConnectionRefused, reason)
}

/// Reads the line a talk begins with, and nothing behind it.
pub(crate) fn read_line(from: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match from.read(&mut byte) {
            Ok(1) if byte[0] != b'\n' => line.push(byte[0]),
            Ok(_) => break,
            // A socket with a time limit is not gone on with by itself after a signal.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if line.len() > MAX_LINE {
            return Err(io::Error::other("a line is too long"));
        }
    }
    String::from_utf8(line).map_err(io::Error::other)
}

pub(crate) fn reach(socket: &Path) -> io::Result<UnixStream> {
    let (_folder, path) = short(socket)?;
    UnixStream::connect(path)
}

/// Makes the socket of a gate, in place of one that nobody serves any more.
///
/// # Errors
/// Its folder is not there, or can not be written.
pub fn listen(socket: &Path) -> io::Result<UnixListener> {
    let (_folder, path) = short(socket)?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(path),
    }
}

/// The name of a socket may have 107 bytes (unix(7)), which a folder of state can exceed, so it is
/// named by way of its open folder.
fn short(socket: &Path) -> io::Result<(File, PathBuf)> {
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::Error::other("a socket needs a folder and a name"));
    };
    let flags = nix::libc::O_DIRECTORY | nix::libc::O_PATH;
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((folder, path))
}
