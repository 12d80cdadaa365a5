//! A screen nobody sees, with a window manager and a message bus.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use edk_testkit::TestEnv;

/// The X server and what belongs to a session; all of it ends with this value.
pub(crate) struct Screen {
    /// Such as `:99`.
    pub(crate) display: String,
    pub(crate) bus: String,
    processes: Vec<Child>,
}

impl Screen {
    pub(crate) fn start(env: &TestEnv) -> Self {
        // Xvfb finds a number that is free and writes it when it can be connected to.
        let mut server = env.other("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"]);
        let (server, display) = first_line(server.stderr(Stdio::null()));
        let display = format!(":{display}");
        let mut bus = env.other("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address=1"]).stderr(Stdio::null());
        let (bus, address) = first_line(&mut bus);
        let mut manager = env.other("openbox");
        manager.env("DISPLAY", &display).stdout(Stdio::null()).stderr(Stdio::null());
        let manager = start(&mut manager);
        Self { display, bus: address, processes: vec![manager, bus, server] }
    }

    /// Puts what a program needs to show a window here into its environment.
    pub(crate) fn of<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // It may have ended with the server.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn start(command: &mut Command) -> Child {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().unwrap_or_else(|error| panic!("{name}: {error}; run `scripts/setup test`"))
}

/// Starts a program and waits for the first line it prints.
fn first_line(command: &mut Command) -> (Child, String) {
    let mut child = start(command.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{command:?} ended at once");
    (child, line.trim().to_owned())
}
