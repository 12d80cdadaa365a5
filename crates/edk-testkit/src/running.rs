use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Done, done::words, secrets::plant_of};

/// How long a line may take to come.
const PATIENCE: Duration = Duration::from_secs(240);

/// A command that runs; killed when dropped.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    lines: Receiver<String>,
    seen: String,
    stdout: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Starts `command`.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn start(command: &mut Command) -> Self {
        let text = words(command);
        plant_of(command);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{text}: {error}"));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                // After its end nobody listens any more.
                let _ = sender.send(line.expect("text"));
            }
        });
        let stdout = Some(std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).expect("a pipe");
            bytes
        }));
        Self { command: text, child, lines, seen: String::new(), stdout }
    }

    /// Waits until a server says where it serves on the loopback interface; returns that without a
    /// scheme, such as `127.0.0.1:5577`.
    ///
    /// # Panics
    /// As [`Running::line`].
    #[track_caller]
    pub fn address(&mut self) -> String {
        let line = self.line("http://127.0.0.1:");
        let (_, address) = line.split_once("http://").expect("it was waited for");
        address.split(';').next().unwrap_or(address).to_owned()
    }

    /// Waits for a line on standard error that contains `part`, and returns it.
    ///
    /// # Panics
    /// If the command ends before, or takes too long.
    #[track_caller]
    pub fn line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push_str(&line);
                    self.seen.push('\n');
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {
                    panic!("`{part}` did not come from {}:\n{}", self.command, self.seen)
                }
            }
        }
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says whether it still runs.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If it ended before.
    #[track_caller]
    pub fn signal(&mut self, signal: Signal) {
        assert!(self.runs(), "{} ended before it was stopped:\n{}", self.command, self.seen);
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(pid, signal).expect("a signal to a child");
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn finish(mut self) -> Done {
        let status = self.child.wait().expect("a child");
        let stdout = self.stdout.take().expect("taken once").join().expect("a thread");
        let mut stderr = std::mem::take(&mut self.seen);
        stderr.extend(self.lines.iter().map(|line| line + "\n"));
        let output = Output { status, stdout, stderr: stderr.into_bytes() };
        Done::new(self.command.clone(), &output)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both are no-ops for a child that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
