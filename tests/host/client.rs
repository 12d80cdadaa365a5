//! A host under test, and a client that speaks as much HTTP as it takes.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use edk_api::host::{AppState, Entry, EntryKind, JobChange, JobState, fold};
use edk_testkit::{Running, Signal, TestEnv};
use serde_json::{Value, json};

/// How long the host may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `edk serve`.
pub(crate) struct TestHost {
    process: Running,
    /// Such as `127.0.0.1:5579`.
    pub(crate) address: String,
    pub(crate) token: String,
}

/// An answer of the host.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl TestHost {
    pub(crate) fn start(env: &TestEnv, args: &[&str]) -> Self {
        Self::with(env, args, &[])
    }

    /// The same, with more in its environment.
    pub(crate) fn with(env: &TestEnv, args: &[&str], variables: &[(&str, &str)]) -> Self {
        // The registry's own port belongs to whoever sits at this machine, or to the next test.
        let named = args.contains(&"--registry-port");
        let any: &[&str] = if named { &[] } else { &["--registry-port", "0"] };
        let mut command = env.command(&[&["serve", "--port", "0"], any, args].concat());
        let mut process = Running::start(command.envs(variables.iter().copied()));
        let line = process.line("#token=");
        let (address, token) = line.split_once("/#token=").unwrap();
        let address = address.strip_prefix("http://").unwrap().to_owned();
        Self { process, address, token: token.to_owned() }
    }

    /// Sends a request as HTTP/1.0, which needs no chunks, and returns the connection.
    pub(crate) fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{line} HTTP/1.0\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }

    pub(crate) fn ask(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut text = String::new();
        self.send(line, headers, body).read_to_string(&mut text).unwrap();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, headers: headers.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Asks as a window does.
    pub(crate) fn known(&self, line: &str, body: &[u8]) -> Answer {
        let (token, origin) = (self.bearer(), format!("http://{}", self.address));
        let headers = [("host", &*self.address), ("origin", &origin), ("authorization", &token)];
        self.ask(line, &headers, body)
    }

    /// Calls a command and returns the whole reply.
    pub(crate) fn reply(&self, name: &str, input: Value) -> Value {
        let body = json!({"name": name, "input": input}).to_string();
        let answer = self.known("POST /rpc", body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Calls a command that is done, and returns its output.
    #[track_caller]
    pub(crate) fn call(&self, name: &str, input: Value) -> Value {
        let mut reply = self.reply(name, input);
        assert_eq!(reply["ok"], true, "{name}: {reply}");
        reply["output"].take()
    }

    /// Calls a command that is refused, and returns why.
    #[track_caller]
    pub(crate) fn refused(&self, name: &str, input: Value) -> Value {
        let mut reply = self.reply(name, input);
        assert_eq!(reply["ok"], false, "{name}: {reply}");
        reply["failure"].take()
    }

    /// Starts a job and returns its id.
    #[track_caller]
    pub(crate) fn job(&self, command: &str, input: Value) -> String {
        let started = self.call("start", json!({"command": command, "input": input}));
        started["job"].as_str().unwrap().to_owned()
    }

    /// Reads the stream of entries.
    pub(crate) fn entries(&self, after: Option<u64>) -> Entries {
        let query = after.map_or(String::new(), |after| format!("?after={after}"));
        let headers = [("host", &*self.address), ("authorization", &*self.bearer())];
        let stream = self.send(&format!("GET /events{query}"), &headers, b"");
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "no head");
        }
        Entries { lines }
    }

    /// Returns everything from the beginning to the end of `job`.
    pub(crate) fn until_end(&self, job: &str) -> Vec<Entry> {
        let mut all = Vec::new();
        for entry in self.entries(Some(0)) {
            let ends = ended(&entry, job).is_some();
            all.push(entry);
            if ends {
                break;
            }
        }
        all
    }

    /// Waits for the end of `job` and returns how it ended, with its response or its failure.
    #[track_caller]
    pub(crate) fn end(&self, job: &str) -> (JobState, Value) {
        let all = self.until_end(job);
        ended(all.last().unwrap(), job).unwrap()
    }

    /// Returns the state as the host tells it.
    pub(crate) fn snapshot(&self) -> (u64, AppState) {
        let entry = self.entries(None).next().unwrap();
        match entry.kind {
            EntryKind::Snapshot { state } => (entry.seq, state),
            other => panic!("no snapshot comes first but {other:?}"),
        }
    }

    /// Asks the process to end, and expects that it does so in peace.
    pub(crate) fn stop(mut self) {
        self.process.signal(Signal::SIGTERM);
        self.process.finish().exits(0);
    }
}

/// Returns how `job` ended, if `entry` says so.
pub(crate) fn ended(entry: &Entry, job: &str) -> Option<(JobState, Value)> {
    match &entry.kind {
        EntryKind::Job { job: id, change: JobChange::Ended { state, response, failure, .. } }
            if id == job =>
        {
            Some((*state, response.clone().unwrap_or_else(|| json!(failure))))
        }
        _ => None,
    }
}

/// Returns the state that entries add up to.
pub(crate) fn folded<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> AppState {
    let mut state = AppState::default();
    for entry in entries {
        fold(&mut state, &entry.kind);
    }
    state
}

/// The stream of `/events`.
pub(crate) struct Entries {
    lines: BufReader<TcpStream>,
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let mut line = String::new();
        let count = self.lines.read_line(&mut line).unwrap();
        (count > 0)
            .then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }
}
