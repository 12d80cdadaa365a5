//! One app for each data folder: a second start hands over what it was given and ends.
//!
//! The first start listens at an abstract socket named after the user and the data folder. The
//! system gives such a name to one process only and takes it back when that ends, however it ends;
//! so there is no file to be stale and no moment in which two believe to be the first.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use edk_model::{Code, Digest, Failure};
use nix::{
    sys::socket::{getsockopt, sockopt::PeerCredentials},
    unistd::{Uid, getuid},
};
use serde::{Deserialize, Serialize};

/// How long one start waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest message, in bytes.
const LARGEST: u64 = 1 << 20;
/// How often the name is tried: the first may be about to end.
const TRIES: usize = 3;

/// What a second start hands over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// Files and folders to open, in full.
    pub paths: Vec<PathBuf>,
    /// What the system gave it to bring a window to the front with.
    pub startup: Option<String>,
}

/// Returns where later starts come to, when this is the first for the folder `data`; none when
/// another has taken the handover.
///
/// # Errors
/// If the other one does not answer, or there can be no sockets.
pub fn begin(data: &Path, handover: &Handover) -> Result<Option<UnixListener>, Failure> {
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let digest = Digest::of(data.as_os_str().as_encoded_bytes());
    let name = format!("kaapana-edk/{}/{}", getuid(), digest.hex());
    let address = SocketAddr::from_abstract_name(name).map_err(|error| failed(&error))?;
    let mut busy = Failure::new(Code::Conflict, "the app runs already and does not answer")
        .hint("close its window, or end the process `kaapana-edk`, and start it again");
    for _ in 0..TRIES {
        match UnixListener::bind_addr(&address) {
            Ok(listener) => return Ok(Some(listener)),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(failed(&error)),
        }
        match hand_over(&address, handover) {
            Ok(()) => return Ok(None),
            Err(error) => busy.why = vec![error.to_string()],
        }
    }
    Err(busy)
}

fn hand_over(address: &SocketAddr, handover: &Handover) -> std::io::Result<()> {
    let stream = UnixStream::connect_addr(address)?;
    ours(&stream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut message = serde_json::to_vec(handover)?;
    message.push(b'\n');
    (&stream).write_all(&message)?;
    let mut answer = String::new();
    BufReader::new(stream.take(16)).read_line(&mut answer)?;
    match answer.as_str() {
        "ok\n" => Ok(()),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Waits for the next start that hands something over. Blocks; `None` when no more can come.
pub fn next(listener: &UnixListener) -> Option<Handover> {
    loop {
        let (stream, _) = listener.accept().ok()?;
        // A stranger's words are not worth a complaint.
        if let Ok(handover) = take(&stream) {
            return Some(handover);
        }
    }
}

fn take(mut stream: &UnixStream) -> std::io::Result<Handover> {
    ours(stream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LARGEST)).read_line(&mut line)?;
    let handover = serde_json::from_str(&line)?;
    stream.write_all(b"ok\n")?;
    Ok(handover)
}

/// Refuses who is not the same user: anybody may take or call a name.
fn ours(stream: &UnixStream) -> std::io::Result<()> {
    let peer = getsockopt(stream, PeerCredentials)?;
    match Uid::from_raw(peer.uid()) == getuid() {
        true => Ok(()),
        false => Err(std::io::ErrorKind::PermissionDenied.into()),
    }
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::new(Code::of_io(error), "the app can't be the only one").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover(path: &str) -> Handover {
        Handover { paths: vec![path.into()], startup: Some("s".to_owned()) }
    }

    #[test]
    fn a_second_start_hands_over_and_another_folder_is_another_app() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let listener = begin(one.path(), &handover("/a")).unwrap().unwrap();
        let reader = std::thread::spawn(move || (next(&listener), next(&listener)));
        assert!(begin(one.path(), &handover("/b")).unwrap().is_none());
        assert!(begin(other.path(), &handover("/c")).unwrap().is_some());
        assert!(begin(one.path(), &handover("/d")).unwrap().is_none());
        assert_eq!(reader.join().unwrap(), (Some(handover("/b")), Some(handover("/d"))));
    }

    #[test]
    fn the_name_is_free_when_the_first_has_ended() {
        let data = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            assert!(begin(data.path(), &handover("/a")).unwrap().is_some());
        }
    }
}
