//! Running the command of another builder: its lines as they come, and its end when it is told to
//! stop.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    time::Duration,
};

use edk_model::Monitor;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::Invocation;
use crate::ImageError;

/// How many lines of a failed command's output its error carries.
const LAST_LINES: usize = 15;
/// How soon a command that is to stop hears of it.
const BEAT: Duration = Duration::from_millis(50);
/// How long it may take to stop by itself, in beats.
const PATIENCE: u32 = 100;

/// Runs a command to its end.
pub(super) fn run(invocation: &Invocation, monitor: &Monitor) -> Result<(), ImageError> {
    let mut command = Command::new(invocation.program);
    command.args(&invocation.args).stdin(Stdio::null());
    // A group of its own, so that all of it can be stopped.
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ImageError::NoEngine { program: invocation.program },
        _ => ImageError::io(std::path::Path::new(invocation.program), error),
    })?;
    let (sender, lines) = channel();
    let readers = [child.stdout.take().map(Stream::Out), child.stderr.take().map(Stream::Err)];
    for stream in readers.into_iter().flatten() {
        let sender = sender.clone();
        std::thread::spawn(move || stream.read(&sender));
    }
    drop(sender);
    let mut last: VecDeque<String> = VecDeque::new();
    let mut beats = None;
    loop {
        match lines.recv_timeout(BEAT) {
            Ok(line) => {
                monitor.line(&line);
                if last.len() == LAST_LINES {
                    last.pop_front();
                }
                last.push_back(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if monitor.check().is_err() {
            beats = Some(stop(&child, beats));
        }
    }
    let failed = |error| ImageError::io(std::path::Path::new(invocation.program), error);
    let status = child.wait().map_err(failed)?;
    monitor.check()?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    let words = invocation.args.first().map_or("", String::as_str);
    let command = format!("{} {words}", invocation.program);
    Err(ImageError::CommandFailed { command, place: String::new(), code, output: last.into() })
}

/// Tells a command to stop, and after a while makes it; returns for how many beats it was told.
fn stop(child: &Child, beats: Option<u32>) -> u32 {
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0));
    let beats = beats.map_or(0, |beats| beats + 1);
    if group.as_raw() > 0 && (beats == 0 || beats >= PATIENCE) {
        let signal = if beats == 0 { Signal::SIGTERM } else { Signal::SIGKILL };
        // One that has ended meanwhile is as good as one that is stopped.
        let _ = killpg(group, signal);
    }
    beats
}

enum Stream {
    Out(std::process::ChildStdout),
    Err(std::process::ChildStderr),
}

impl Stream {
    fn read(self, lines: &Sender<String>) {
        let stream: Box<dyn Read> = match self {
            Self::Out(stream) => Box::new(stream),
            Self::Err(stream) => Box::new(stream),
        };
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            // Nobody listens when the command was given up.
            let _ = lines.send(line);
            bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use edk_model::{CancellationToken, Report, Reporter};

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>, CancellationToken);

    impl Reporter for Lines {
        fn report(&self, _: &str, report: Report<'_>) {
            if let Report::Line(line) = report {
                self.0.lock().unwrap().push(line.to_owned());
                // What comes after this line is cancelled.
                if line == "stop" {
                    self.1.cancel();
                }
            }
        }
    }

    fn shell(script: &str) -> (Result<(), ImageError>, Vec<String>) {
        let lines = Arc::new(Lines::default());
        let monitor = Monitor::new(lines.clone(), lines.1.clone(), "build");
        let args = ["-c", script].map(str::to_owned).to_vec();
        let result = run(&Invocation { program: "sh", args }, &monitor);
        (result, lines.0.lock().unwrap().clone())
    }

    #[test]
    fn lines_come_as_they_are_written_and_the_last_are_in_the_error() {
        let (done, lines) = shell("echo one; echo two >&2");
        done.unwrap();
        assert_eq!(lines.len(), 2);
        let (failed, _) = shell("echo wrong; exit 7");
        let Err(ImageError::CommandFailed { code: 7, output, .. }) = failed else {
            panic!("{failed:?}")
        };
        assert_eq!(output, ["wrong"]);
        let none = Invocation { program: "edk-no-such-program", args: Vec::new() };
        assert!(matches!(run(&none, &Monitor::silent()), Err(ImageError::NoEngine { .. })));
    }

    #[test]
    fn a_cancelled_command_ends_with_its_children() {
        let (done, _) = shell("sleep 1000 & echo stop; wait");
        assert!(matches!(done, Err(ImageError::Cancelled(_))), "{done:?}");
    }
}
