//! What a server really gets: a proxy before it that counts, heads of requests included.

use std::{
    io::{self, Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// One request as it went over.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// First line and headers.
    pub(crate) head: String,
    /// Bytes after them.
    pub(crate) body: u64,
}

impl Seen {
    /// All of it, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.head.len() as u64 + self.body
    }
}

/// Passes requests on and counts them.
pub(crate) struct Wire {
    /// Where clients find it, without a scheme.
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// Stands before the server at `upstream`; ends with the program of the test.
    pub(crate) fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (upstream, shared) = (upstream.to_owned(), Arc::clone(&seen));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, seen) = (upstream.clone(), Arc::clone(&shared));
                // A client that goes away in the middle is none of ours.
                thread::spawn(move || drop(pass(client, &upstream, &seen)));
            }
        });
        Self { address, seen }
    }

    /// Returns what went over since the last time.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// One request to a connection, because the server is asked to close it: no framing is needed, and
/// every byte that comes is counted, whatever it is.
fn pass(mut client: TcpStream, upstream: &str, seen: &Mutex<Vec<Seen>>) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(&head[..head.len() - 2])?;
    server.write_all(b"connection: close\r\n\r\n")?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let counting = thread::spawn(move || {
        let (mut body, mut buffer) = (0, vec![0; 64 << 10]);
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..size]).is_err() {
                break;
            }
            body += size as u64;
        }
        body
    });
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    // Told before the client knows the end, so that nobody looks too early.
    client.shutdown(Shutdown::Read)?;
    let body = counting.join().unwrap_or_default();
    seen.lock().unwrap().push(Seen { head, body });
    client.write_all(&answer)?;
    client.shutdown(Shutdown::Both)
}
