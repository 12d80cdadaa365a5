//! Our registry against Debian's docker-registry (CNCF distribution), in turns, over loopback.
//!
//! The client is the same for both, over connections that are kept, and does nothing but send and
//! receive: what is hashed is hashed before the clock starts.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use edk_model::Digest;

use crate::table::{Row, print};

/// Pairs that are counted; one more comes before them and is not.
const PAIRS: usize = 3;
/// Small requests in a row of the table, and clients that send them.
const REQUESTS: usize = 2000;
const CLIENTS: usize = 16;
/// How much is sent at once, in bytes.
const PIECE: usize = 1 << 20;

pub(crate) fn run(megabytes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let ours = Server::ours(folder.path());
    let theirs = Server::theirs(folder.path());
    println!("{megabytes} MB over loopback, against docker-registry\n");
    let mut rows = Vec::new();
    for (layers, push, pull) in [
        (1, "push, 1 layer", "pull, 1 layer"),
        (8, "push, 8 layers", "pull, 8 layers"),
        (200, "push, 200 layers", "pull, 200 layers"),
    ] {
        let images: Vec<Vec<Layer>> =
            (0..=PAIRS).map(|n| image(n * 1000 + layers, layers, megabytes)).collect();
        rows.push(Row::paired(
            push,
            "ratio <= 1",
            PAIRS,
            |n| ours.push(&images[n]),
            |n| theirs.push(&images[n]),
        ));
        rows.push(Row::paired(
            pull,
            "ratio <= 1",
            PAIRS,
            |n| ours.pull(&images[n]),
            |n| theirs.pull(&images[n]),
        ));
    }
    let small = image(7, 1, 0);
    for server in [&ours, &theirs] {
        server.push(&small);
    }
    let path = format!("/v2/bench/blobs/{}", small[0].digest);
    for (what, method) in [("2000 HEAD, 16 clients", "HEAD"), ("2000 GET, 16 clients", "GET")] {
        let small = |server: &Server| server.many(method, &path);
        rows.push(Row::paired(
            what,
            "< 1000 ms, ratio <= 1",
            PAIRS,
            |_| small(&ours),
            |_| small(&theirs),
        ));
    }
    print("docker-registry", &rows);
    println!(
        "\npeak resident memory: edk {} MiB (bar: 64), docker-registry {} MiB",
        ours.peak(),
        theirs.peak()
    );
}

/// A layer: one piece again and again behind a beginning of its own.
struct Layer {
    beginning: [u8; 8],
    size: usize,
    digest: Digest,
}

fn piece() -> Vec<u8> {
    (0..PIECE).map(|at| (at * 31 % 251) as u8).collect()
}

fn image(seed: usize, layers: usize, megabytes: usize) -> Vec<Layer> {
    let (piece, size) = (piece(), megabytes * 1_000_000 / layers);
    let layer = |at: usize| {
        let beginning = ((seed * 1000 + at) as u64).to_le_bytes();
        let mut hasher = edk_model::Hasher::new();
        hasher.update(&beginning);
        each(size, &piece, |part| hasher.update(part));
        Layer { beginning, size, digest: hasher.finish() }
    };
    (0..layers).map(layer).collect()
}

fn each(size: usize, piece: &[u8], mut take: impl FnMut(&[u8])) {
    let mut left = size;
    while left > 0 {
        let part = left.min(piece.len());
        take(&piece[..part]);
        left -= part;
    }
}

struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is as good as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn ours(folder: &std::path::Path) -> Self {
        let program = std::env::current_exe().unwrap().with_file_name("edk");
        let mut command = Command::new(program);
        command.args(["registry", "serve", "--port", "0"]).env("EDK_HOME", folder.join("ours"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(';').next());
        Self { child, address: address.expect("the address is told").to_owned() }
    }

    fn theirs(folder: &std::path::Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (config, root) = (folder.join("config.yml"), folder.join("theirs"));
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n",
            root.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("Debian's package docker-registry");
        let server = Self { child, address: format!("127.0.0.1:{port}") };
        while TcpStream::connect(&server.address).is_err() {
            thread::yield_now();
        }
        server
    }

    fn push(&self, layers: &[Layer]) -> Duration {
        let (piece, started) = (piece(), Instant::now());
        let mut connection = Connection::open(&self.address);
        for layer in layers {
            let begun = connection.send("POST", "/v2/bench/blobs/uploads/", 0, |_| ());
            let mark = if begun.location.contains('?') { '&' } else { '?' };
            let end = format!("{}{mark}digest={}", begun.location, layer.digest);
            let done = connection.send("PUT", &end, 8 + layer.size, |stream| {
                stream.write_all(&layer.beginning).unwrap();
                each(layer.size, &piece, |part| stream.write_all(part).unwrap());
            });
            assert_eq!(done.status, 201, "{end}");
        }
        started.elapsed()
    }

    fn pull(&self, layers: &[Layer]) -> Duration {
        let started = Instant::now();
        let mut connection = Connection::open(&self.address);
        for layer in layers {
            let path = format!("/v2/bench/blobs/{}", layer.digest);
            let done = connection.send("GET", &path, 0, |_| ());
            assert_eq!((done.status, done.length), (200, 8 + layer.size), "{path}");
        }
        started.elapsed()
    }

    fn many(&self, method: &str, path: &str) -> Duration {
        let (sent, started) = (AtomicUsize::new(0), Instant::now());
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let mut connection = Connection::open(&self.address);
                    while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
                        assert_eq!(connection.send(method, path, 0, |_| ()).status, 200);
                    }
                });
            }
        });
        started.elapsed()
    }

    /// The most memory it ever had, in MiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }
}

struct Connection {
    stream: BufReader<TcpStream>,
    buffer: Vec<u8>,
}

struct Answer {
    status: u16,
    location: String,
    length: usize,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::with_capacity(256 << 10, stream), buffer: vec![0; PIECE] }
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        length: usize,
        body: impl FnOnce(&mut TcpStream),
    ) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).unwrap();
        body(stream);
        let mut answer = Answer { status: 0, location: String::new(), length: 0 };
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "{method} {path} got no answer");
            if answer.status == 0 {
                answer.status = line[9..12].parse().unwrap();
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => answer.length = value.parse().unwrap(),
                // Some registries write the whole address.
                "location" => {
                    let path = value
                        .split_once("://")
                        .and_then(|(_, it)| it.find('/').map(|at| &it[at..]));
                    answer.location = path.unwrap_or(value).to_owned();
                }
                _ => {}
            }
        }
        let mut left = if method == "HEAD" { 0 } else { answer.length };
        while left > 0 {
            let part = left.min(self.buffer.len());
            self.stream.read_exact(&mut self.buffer[..part]).unwrap();
            left -= part;
        }
        answer
    }
}
