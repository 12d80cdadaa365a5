use std::process::{Command, Output};

use serde_json::Value;

use crate::secrets::{expect_silent, plant_of};

/// A command that ended.
#[derive(Debug)]
pub struct Done {
    /// The command, for messages.
    pub command: String,
    /// Its exit code, or 128 and the number of the signal that killed it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Done {
    /// Runs `command` to its end.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn of(command: &mut Command) -> Self {
        let text = words(command);
        plant_of(command);
        let output = command.output().unwrap_or_else(|error| panic!("{text}: {error}"));
        Self::new(text, &output)
    }

    pub(crate) fn new(command: String, output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        if is_ours(&command) {
            expect_silent(&command, &[&output.stdout, &output.stderr]);
        }
        let signal = || 128 + output.status.signal().unwrap_or(0);
        Self {
            command,
            code: output.status.code().unwrap_or_else(signal),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Expects an exit code.
    ///
    /// # Panics
    /// If it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#}");
        self
    }

    /// Expects each of `parts` on standard error.
    ///
    /// # Panics
    /// If one is not there.
    #[track_caller]
    pub fn tells(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not told:\n{self}");
        }
        self
    }

    /// Expects each of `parts` on standard output.
    ///
    /// # Panics
    /// If one is not there.
    #[track_caller]
    pub fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "`{part}` is not printed:\n{self}");
        }
        self
    }

    /// Returns the one JSON document on standard output.
    ///
    /// # Panics
    /// If there is anything else.
    #[track_caller]
    pub fn document(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "not one document:\n{self}");
        let value: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{self}"));
        assert_eq!(value["schema"], 1, "{self}");
        assert_eq!(value["ok"].as_bool(), Some(value.get("failure").is_none()), "{self}");
        value
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "{command}\n[{code}]\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Says whether a command is `edk`, of which no secret may be heard; a browser's may.
fn is_ours(command: &str) -> bool {
    command.split(' ').next().is_some_and(|program| program.ends_with("/edk"))
}

pub(crate) fn words(command: &Command) -> String {
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    args.fold(command.get_program().to_string_lossy().into_owned(), |text, arg| text + " " + &arg)
}
