//! The stream of entries: in order, none lost, and adding up to the state.

use std::{fs, path::Path};

use edk_api::host::{AppState, Entry, EntryKind, JobState, fold};
use edk_model::EventKind;
use edk_testkit::{TestEnv, run_in_image, small_extension};
use serde_json::json;

use crate::client::{TestHost, ended, folded};

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

/// Returns the lines of output that are a number.
fn counted(entries: &[Entry]) -> Vec<u64> {
    let line = |entry: &Entry| match &entry.kind {
        EntryKind::Event { event, .. } => match &event.kind {
            EventKind::Line { text, .. } => text.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    entries.iter().filter_map(line).collect()
}

#[test]
fn five_thousand_events_come_in_order_and_none_is_lost() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "seq", "1", "5000"]);
    let host = TestHost::start(&env, &[]);
    let job = host.job("build", json!({ "project": folder }));
    let all = host.until_end(&job);
    assert_eq!(ended(all.last().unwrap(), &job).unwrap().0, JobState::Succeeded);
    assert_eq!(counted(&all), (1..=5000).collect::<Vec<u64>>());
    assert_eq!(numbers(&all), (1..=all.len() as u64).collect::<Vec<u64>>());

    // The state keeps the last lines and says how many it dropped.
    let shown = &host.snapshot().1.jobs[0];
    assert_eq!(shown.lines.len(), edk_api::host::LINES_KEPT);
    assert!(shown.lines_dropped >= 4500);
    assert!(shown.lines.iter().any(|line| line.text == "5000"));
    host.stop();
}

#[test]
fn a_window_that_comes_back_again_and_again_misses_nothing() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "seq", "1", "3000"]);
    let host = TestHost::start(&env, &[]);
    let job = host.job("deploy", json!({"project": folder, "target": "sandbox"}));
    let (mut all, mut after, mut pieces) = (Vec::new(), 0, 0_usize);
    let mut over = false;
    while !over {
        // The connection breaks off after a few entries, each time after more.
        pieces += 1;
        for entry in host.entries(Some(after)).take(40 * pieces) {
            after = entry.seq;
            over = ended(&entry, &job).is_some();
            all.push(entry);
            if over {
                break;
            }
        }
    }
    assert!(pieces > 3, "{pieces}");
    assert_eq!(all, host.until_end(&job));
    assert_eq!(counted(&all), (1..=3000).collect::<Vec<u64>>());
    host.stop();
}

#[test]
fn a_snapshot_is_the_sum_of_all_entries_before_it() {
    let env = TestEnv::new();
    let folder = small_extension(&env, "lung");
    let host = TestHost::start(&env, &[]);
    for command in ["build", "push", "build"] {
        let job = host.job(command, json!({ "project": folder }));
        host.end(&job);
    }
    let job = host.job("uninstall", json!({"project": folder, "target": "sandbox"}));
    host.end(&job);
    let (seq, state) = host.snapshot();
    let all: Vec<Entry> = host.entries(Some(0)).take(usize::try_from(seq).unwrap()).collect();
    assert_eq!(folded(&all), state);
    assert_eq!(state.jobs.len(), 4);
    // From any point on: a snapshot there and what follows it come to the same.
    for at in (0..all.len()).step_by(7) {
        let mut sum = folded(&all[..at]);
        all[at..].iter().for_each(|entry| fold(&mut sum, &entry.kind));
        assert_eq!(sum, state, "from {at}");
    }
    host.stop();
}

#[test]
fn a_number_the_host_can_not_know_gets_a_snapshot() {
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    host.call("set_theme", json!({"theme": "light"}));
    for after in [None, Some(1_000_000)] {
        let first = host.entries(after).next().unwrap();
        assert_eq!(first.seq, 1, "{after:?}");
        assert!(matches!(first.kind, EntryKind::Snapshot { .. }), "{after:?}");
    }
    let first = host.entries(Some(0)).next().unwrap();
    assert!(matches!(first.kind, EntryKind::Changed { .. }), "{first:?}");
    host.stop();
}

/// A real run, kept for the fold of the user interface: each entry a line, and the state they add
/// up to. Recorded anew with `EDK_BLESS=1`.
#[test]
fn the_recorded_run_adds_up_to_the_recorded_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("host/recorded");
    if std::env::var_os("EDK_BLESS").is_some() {
        record(&folder);
    }
    let text = fs::read_to_string(folder.join("entries.ndjson")).unwrap();
    let entries: Vec<Entry> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let state = fs::read_to_string(folder.join("state.json")).unwrap();
    let state: AppState = serde_json::from_str(&state).unwrap();
    assert_eq!(folded(&entries), state);
    let states: Vec<JobState> = state.jobs.iter().map(|job| job.state).collect();
    let all = [JobState::Succeeded, JobState::Succeeded, JobState::Failed, JobState::Cancelled];
    assert_eq!(states, all, "the run shows every end of a job");
}

/// A deploy, another that changes nothing, a build that fails and one that is cancelled.
fn record(folder: &Path) {
    let env = TestEnv::new();
    let project = small_extension(&env, "lung");
    let host = TestHost::start(&env, &[]);
    for _ in 0..2 {
        let job = host.job("deploy", json!({"project": project, "target": "sandbox"}));
        host.end(&job);
    }
    run_in_image(&project, "lung", &["/bin/busybox", "false"]);
    let job = host.job("build", json!({ "project": project }));
    host.end(&job);
    run_in_image(&project, "lung", &["/bin/busybox", "sleep", "600"]);
    let job = host.job("build", json!({ "project": project }));
    host.call("cancel", json!({ "job": job }));
    host.end(&job);
    let (seq, state) = host.snapshot();
    let entries = host.entries(Some(0)).take(usize::try_from(seq).unwrap());
    let lines = entries.map(|entry| serde_json::to_string(&entry).unwrap() + "\n");
    // The folder of the test is different each time, and nobody's business.
    let plain = |text: String| text.replace(&*env.work().to_string_lossy(), "/tmp/edk");
    let plain =
        |text: String| plain(text).replace(&*env.state().to_string_lossy(), "/tmp/edk-home");
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("entries.ndjson"), plain(lines.collect())).unwrap();
    let state = serde_json::to_string_pretty(&state).unwrap() + "\n";
    fs::write(folder.join("state.json"), plain(state)).unwrap();
    host.stop();
}
