use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Returns the processes that have to do with `folder`, each with its command line: by their
/// arguments, environment, working directory, root or mounts.
///
/// # Panics
/// If there is no /proc.
pub fn processes_below(folder: &Path) -> Vec<String> {
    let wanted = folder.to_str().expect("a path of plain text");
    let own = fs::read("/proc/self/mountinfo").expect("/proc");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc") {
        let process = entry.expect("/proc").path();
        let is_number =
            |name: &std::ffi::OsStr| name.to_string_lossy().chars().all(|c| c.is_ascii_digit());
        if !process.file_name().is_some_and(is_number) {
            continue;
        }
        // A process may end at any time; then there is nothing to read.
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let link = |name: &str| fs::read_link(process.join(name)).unwrap_or_default();
        let holds = |bytes: &[u8]| bytes.windows(wanted.len()).any(|w| w == wanted.as_bytes());
        let mounts = read("mountinfo");
        if holds(&read("cmdline"))
            || holds(&read("environ"))
            || (mounts != own && holds(&mounts))
            || link("cwd").starts_with(folder)
            || link("root").starts_with(folder)
        {
            let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            found.push(format!("{} {command}", process.display()));
        }
    }
    found
}

/// Polls until `holds`; for what another process does.
///
/// # Panics
/// If it takes longer than `seconds`; `what` says what was waited for.
#[track_caller]
pub fn wait_until(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {seconds} s");
        std::thread::sleep(Duration::from_millis(5));
    }
}
