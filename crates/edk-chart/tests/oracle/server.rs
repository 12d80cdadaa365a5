//! A chart repository on this machine: files in memory, and what was asked for.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// Serves files until it is dropped.
pub(crate) struct Server {
    /// `http://127.0.0.1:<port>`.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    log: Vec<String>,
    login: Option<String>,
    stop: bool,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.lock().unwrap().stop {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(&stream, &shared));
            }
        });
        Self { url, state }
    }

    /// Serves `bytes` at `path`, which begins with `/`. What is at `/stall` is never answered.
    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.state.lock().unwrap().files.insert(path.to_owned(), bytes.into());
    }

    /// Asks for this `Authorization` from now on.
    #[allow(dead_code, reason = "only one of the tests that share this file has logins")]
    pub(crate) fn ask_for(&self, authorization: &str) {
        self.state.lock().unwrap().login = Some(authorization.to_owned());
    }

    /// Returns what was asked for since the last time: path and status.
    #[allow(dead_code, reason = "only one of the tests that share this file looks")]
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.lock().unwrap().stop = true;
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn answer(mut stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':') {
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
        }
        if path.starts_with("/stall") {
            state.lock().unwrap().log.push(format!("{path} …"));
            let mut rest = Vec::new();
            let _ = std::io::Read::read_to_end(&mut reader, &mut rest);
            return;
        }
        let (status, etag, body) = reply(&mut state.lock().unwrap(), &path, &headers);
        let head =
            format!("HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n", body.len());
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        if sent.is_err() {
            return;
        }
    }
}

fn reply(
    state: &mut State,
    path: &str,
    headers: &BTreeMap<String, String>,
) -> (&'static str, String, Vec<u8>) {
    let name = path.split('?').next().unwrap_or(path);
    let file = state.files.get(name).cloned();
    let etag = format!("\"{}\"", file.as_deref().map_or(0, <[u8]>::len));
    let refused = state.login.is_some() && headers.get("authorization") != state.login.as_ref();
    let (status, body) = match file {
        _ if refused => ("401 Unauthorized", Vec::new()),
        None => ("404 Not Found", Vec::new()),
        Some(_) if headers.get("if-none-match") == Some(&etag) => ("304 Not Modified", Vec::new()),
        Some(file) => ("200 OK", file),
    };
    state.log.push(format!("{path} {}", &status[..3]));
    (status, etag, body)
}
