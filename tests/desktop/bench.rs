//! Measures the desktop as it is installed: from the start to a usable window, memory and processor
//! when idle, and entries through the channel into the page.
//!
//! `scripts/bench desktop` runs it. It prints a table and judges nothing: the bars stand beside the
//! numbers, and no test depends on a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

// The journeys use the rest.
#[allow(dead_code)]
mod app;
#[allow(dead_code)]
mod screen;
#[allow(dead_code)]
mod windows;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use app::Desktop;
use edk_testkit::{Done, Running, Signal, run_in_image, small_extension, wait_until};
use serde_json::json;

/// Starts that are counted; one more comes before them and is not.
const STARTS: usize = 10;
/// How long the idle window is watched.
const IDLE: Duration = Duration::from_secs(10);
/// Lines that a build prints.
const LINES: u64 = 50_000;

fn main() {
    let package = std::env::args().find(|it| it.ends_with(".deb")).expect("a Debian package");
    let desktop = Desktop::new();
    let program = &unpacked(&desktop, &package);
    let mut starts: Vec<u128> = (0..=STARTS).map(|_| start(&desktop, program)).collect();
    let first = starts.remove(0);
    starts.sort_unstable();
    let (median, most) = (starts[STARTS / 2], starts[STARTS - 1]);
    row("start to usable window", &format!("{median} ms"), "< 800 ms, median of 10");
    println!("  (fastest {} ms, slowest {most} ms, the very first {first} ms)", starts[0]);
    idle(&desktop, program);
    entries(&desktop, program);
    let size = Path::new(&package).metadata().unwrap().len();
    row("Debian package", &format!("{:.1} MB", size as f64 / 1e6), "< 12 MB");
}

/// Returns the desktop's program as the package brings it.
fn unpacked(desktop: &Desktop, package: &str) -> PathBuf {
    let folder = desktop.env.path("installed");
    let mut extract = desktop.env.other("dpkg-deb");
    Done::of(extract.arg("--extract").arg(package).arg(&folder)).exits(0);
    folder.join("usr/bin/kaapana-edk")
}

fn row(what: &str, value: &str, bar: &str) {
    println!("{what:<34} {value:>14}   {bar}");
}

/// Waits until the title of the page is painted.
fn usable(desktop: &Desktop) {
    wait_until("the window is usable", 30, || desktop.windows.shows_text());
}

fn start(desktop: &Desktop, program: &Path) -> u128 {
    let begun = Instant::now();
    let mut app = Running::start(desktop.command(program).arg("--registry-port=0"));
    usable(desktop);
    let time = begun.elapsed().as_millis();
    app.signal(Signal::SIGTERM);
    app.finish().exits(0);
    wait_until("the window is gone", 10, || desktop.windows.app().is_none());
    time
}

fn idle(desktop: &Desktop, program: &Path) {
    let mut app = Running::start(desktop.command(program).arg("--registry-port=0"));
    usable(desktop);
    // What a start leaves behind is not idle yet.
    std::thread::sleep(Duration::from_secs(5));
    let processes = tree(app.pid());
    let before: u64 = processes.iter().map(|pid| ticks(*pid)).sum();
    std::thread::sleep(IDLE);
    let used: u64 = processes.iter().map(|pid| ticks(*pid)).sum::<u64>() - before;
    let memory: u64 = processes.iter().map(|pid| memory(*pid)).sum();
    row("memory when idle (PSS)", &format!("{} MiB", memory >> 10), "< 350 MiB, all processes");
    row("processor when idle", &format!("{} ms", used * 10), "0 in 10 s, all processes");
    println!("  ({} processes)", processes.len());
    app.signal(Signal::SIGTERM);
    app.finish().exits(0);
}

/// Counts the entries of a build that prints as fast as it can, in the page, behind the channel.
fn entries(desktop: &Desktop, program: &Path) {
    let folder = small_extension(&desktop.env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "seq", &LINES.to_string()]);
    let app = desktop.start_program(program, &[]);
    app.shows("Home");
    let request = json!({"command": "build", "input": {"project": folder}});
    let seen = app.run(&format!(
        "const tauri = window.__TAURI_INTERNALS__;
         const seen = {{ entries: 0, lines: 0, gaps: 0, first: 0, last: 0 }};
         let after; let end; const ended = new Promise((done) => (end = done));
         let next = 0; const waiting = new Map();
         const take = (packet) => {{
           for (const entry of packet.entries ?? []) {{
             if (entry.kind === 'snapshot') {{ if (after !== undefined) seen.gaps += 1; }}
             else if (after !== undefined && entry.seq !== after + 1) seen.gaps += 1;
             after = entry.seq;
             if (entry.kind !== 'event') {{ if (entry.change?.to === 'ended') end(); continue; }}
             seen.entries += 1;
             if (entry.event.event !== 'line') continue;
             seen.lines += 1;
             seen.first ||= performance.now();
             seen.last = performance.now();
           }}
         }};
         const id = tauri.transformCallback((raw) => {{
           waiting.set(raw.index, raw.message);
           while (waiting.has(next)) {{ take(waiting.get(next)); waiting.delete(next); next += 1; }}
         }});
         await tauri.invoke('subscribe', {{ after: null, channel: `__CHANNEL__:${{id}}` }});
         await tauri.invoke('rpc', {{ name: 'start', input: {request} }});
         await ended;
         return seen;"
    ));
    let number = |name: &str| seen[name].as_f64().unwrap();
    let seconds = (number("last") - number("first")) / 1000.0;
    let rate = number("lines") / seconds;
    row("entries into the page", &format!("{rate:.0} per s"), ">= 5000 per s, in order, none lost");
    println!("  ({} of {LINES} lines, {} gaps)", seen["lines"], seen["gaps"]);
}

/// Returns a process and everything below it.
fn tree(root: u32) -> Vec<u32> {
    let below = app::children(root).into_iter().flat_map(tree);
    std::iter::once(root).chain(below).collect()
}

/// Returns the time a process has used, in hundredths of a second.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let fields = rest.split_whitespace().skip(11).take(2);
    fields.filter_map(|it| it.parse::<u64>().ok()).sum()
}

/// Returns the proportional share of a process in memory, in KiB.
fn memory(pid: u32) -> u64 {
    let path = Path::new("/proc").join(pid.to_string()).join("smaps_rollup");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
