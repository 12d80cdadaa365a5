//! Results on standard output, events on standard error and in a file.

use std::{
    fs::File,
    io::{BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use edk_api::{EventSink, Failure};
use edk_model::{Code, Event, EventKind, Outcome, Unit};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{args::Args, report};

/// Stages whose lines are the user's own output, or what a user has to know; always shown.
const ALWAYS_SHOWN: [&str; 4] = ["run", "demo", "listen", "login"];

/// Prints a line on standard output; a reader that went away is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Shows and records the events of a command.
pub(crate) struct Events {
    state: Arc<Mutex<State>>,
    file: Option<(PathBuf, tempfile::TempPath)>,
}

struct State {
    bar: ProgressBar,
    quiet: bool,
    verbose: bool,
    record: Option<BufWriter<File>>,
}

impl Events {
    /// Prepares the terminal and the file for events.
    pub(crate) fn new(args: &Args) -> Result<Self, Failure> {
        let bar = ProgressBar::new(0);
        let terminal = std::io::stderr().is_terminal();
        if !terminal || args.quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let (record, file) = match &args.events {
            None => (None, None),
            Some(path) => {
                let (record, temporary) = open(path).map_err(|error| unwritable(path, &error))?;
                (Some(record), Some((path.clone(), temporary)))
            }
        };
        let (quiet, verbose) = (args.quiet, args.verbose);
        let state = State { bar, quiet, verbose, record };
        Ok(Self { state: Arc::new(Mutex::new(state)), file })
    }

    /// Returns where events go.
    pub(crate) fn sink(&self) -> EventSink {
        let state = Arc::clone(&self.state);
        Arc::new(move |event| lock(&state).take(event))
    }

    /// Takes the progress bar off the screen.
    pub(crate) fn clear(&self) {
        lock(&self.state).bar.finish_and_clear();
    }

    /// Gives the recorded events their name; until then there is no such file.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Some((path, temporary)) = self.file else { return Ok(()) };
        let flushed = match &mut lock(&self.state).record {
            Some(record) => record.flush(),
            None => Ok(()),
        };
        flushed
            .and_then(|()| temporary.persist(&path).map_err(|error| error.error))
            .map_err(|error| unwritable(&path, &error))
    }
}

fn open(path: &Path) -> std::io::Result<(BufWriter<File>, tempfile::TempPath)> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let (file, temporary) = tempfile::NamedTempFile::new_in(folder)?.into_parts();
    Ok((BufWriter::new(file), temporary))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("could not write the events to `{}`", path.display());
    Failure::new(Code::of_io(error), what)
        .because(error)
        .hint("name a file in a folder that is there: `--events FILE`")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn take(&mut self, event: &Event) {
        if let Some(record) = &mut self.record
            && let Ok(text) = serde_json::to_string(event)
        {
            // A full disk is told when the file gets its name.
            let _ = writeln!(record, "{text}");
        }
        if !self.quiet {
            self.show(&event.kind);
        }
    }

    fn show(&mut self, kind: &EventKind) {
        match kind {
            EventKind::StageStarted { stage, subject } => {
                self.spin(&format!("{stage} {subject}"));
                if matches!(stage.as_str(), "registry" | "sandbox") {
                    self.print(&format!("{stage} at {subject}; Ctrl-C stops it"));
                }
            }
            EventKind::Progress { stage, subject, done, total, unit, reused } => {
                self.progress(&format!("{stage} {subject}"), *done, *total, *unit, *reused);
            }
            EventKind::Line { stage, text } => {
                if self.verbose || ALWAYS_SHOWN.contains(&stage.as_str()) {
                    self.print(text);
                } else {
                    let text: String = text.chars().take(70).collect();
                    self.spin(&format!("{stage} {text}"));
                }
            }
            EventKind::Found { finding } => self.print(report::finding_words(finding).trim_end()),
            EventKind::StageFinished { stage, subject, outcome, summary } => {
                let mark = if *outcome == Outcome::Reused { "=" } else { "+" };
                self.print(&format!("{mark} {stage} {subject}: {summary}"));
            }
            EventKind::JobStarted { .. } => self.spin("starting"),
            EventKind::JobSucceeded { .. } | EventKind::JobFailed { .. } => {
                self.bar.finish_and_clear();
            }
        }
    }

    /// Prints a line above the bar, or alone where there is none.
    fn print(&self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    fn spin(&self, message: &str) {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_message(message.to_owned());
        self.bar.tick();
    }

    fn progress(&self, name: &str, done: u64, total: Option<u64>, unit: Unit, reused: u64) {
        let amount = |n: u64| match unit {
            Unit::Bytes => HumanBytes(n).to_string(),
            Unit::Files => format!("{n} files"),
            Unit::Layers => format!("{n} layers"),
            Unit::Steps => format!("{n} steps"),
        };
        let mut message = format!("{name}: {}", amount(done));
        if let Some(total) = total {
            message.push_str(&format!(" of {}", amount(total)));
        }
        if reused > 0 {
            message.push_str(&format!(", {} reused", amount(reused)));
        }
        let template = match total {
            Some(_) => "{bar:30} {wide_msg}",
            None => "{spinner} {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_position(done);
        self.bar.set_message(message);
    }
}
