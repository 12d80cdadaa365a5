//! Killed and interrupted at its worst moments: nothing keeps running, nothing is half-written, and
//! the same command then succeeds with the same result.

use std::{fs, path::Path, time::Instant};

use edk_testkit::{
    Done, Running, Signal, TestEnv, processes_below, small_extension, verify_store, wait_until,
};

use crate::world::{BASE, base, built, copy, dags, digests, unbuilt};

/// Starts `edk ARGS --verbose`, waits for the moment, strikes, and checks what must hold then.
#[track_caller]
fn strike(env: &TestEnv, args: &[&str], signal: Signal, moment: impl FnOnce(&mut Running)) -> Done {
    let mut running = env.start(&[args, &["--verbose"]].concat());
    moment(&mut running);
    running.signal(signal);
    let done = running.finish();
    // The kernel takes the children after the parent; that is a matter of milliseconds.
    let deadline = Instant::now() + std::time::Duration::from_secs(10);
    let mut left = processes_below(env.state());
    while !left.is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
        left = processes_below(env.state());
    }
    assert!(left.is_empty(), "{args:?} leaves processes:\n{}", left.join("\n"));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(env.state().to_str().unwrap()), "a mount is left:\n{mounts}");
    verify_store(&env.state().join("store"));
    if signal == Signal::SIGINT {
        assert_eq!(done.code, 130, "{done}");
        assert!(done.stderr.ends_with("error: cancelled\n"), "{done}");
        expect_clean(env);
    } else {
        assert_eq!(done.code, 128 + signal as i32, "{done}");
    }
    done
}

/// Expects that no work in progress is left.
#[track_caller]
fn expect_clean(env: &TestEnv) {
    for folder in ["sandbox", "sandbox/uploads", "sandbox/releases"] {
        let mut left = names(&env.state().join(folder));
        left.retain(|name| name.starts_with('.'));
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
    for folder in ["store/incoming", "containers/work", "containers/incoming"] {
        let left: Vec<_> = names(&env.state().join(folder));
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Waits until a blob is being written.
fn writes_a_blob(env: &TestEnv) {
    let incoming = env.state().join("store/incoming");
    let size = |name: &String| fs::metadata(incoming.join(name)).map_or(0, |file| file.len());
    wait_until("a blob is being written", 240, || {
        names(&incoming).iter().any(|name| size(name) > 1_000_000)
    });
}

#[test]
fn a_base_survives_any_end_of_its_making() {
    let expected = &base().digest;
    let env = TestEnv::new();
    let make = ["base", BASE];
    strike(&env, &make, Signal::SIGKILL, |edk| drop(edk.line("I: extracting archives")));
    strike(&env, &make, Signal::SIGINT, |edk| drop(edk.line("I: installing")));
    strike(&env, &make, Signal::SIGKILL, |edk| {
        edk.line("I: success");
        writes_a_blob(&env);
    });
    let made = env.result(&make);
    assert_eq!((&made["reused"], &made["digest"]), (&false.into(), &expected.as_str().into()));
    expect_clean(&env);
}

#[test]
fn a_build_survives_any_end_of_a_run_step() {
    let env = unbuilt();
    let build = ["build", "lung"];
    strike(&env, &build, Signal::SIGKILL, |edk| drop(edk.line("Collecting numpy")));
    strike(&env, &build, Signal::SIGINT, |edk| drop(edk.line("Installing collected")));
    strike(&env, &build, Signal::SIGKILL, |edk| drop(edk.line("Installing collected")));
    let outcome = env.result(&build);
    assert_eq!(digests(&outcome), built().digests);
    verify_store(&env.state().join("store"));
    expect_clean(&env);
}

#[test]
fn a_build_survives_any_end_of_a_copy_step() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    // Large enough that a copy can be interrupted, and not to be compressed.
    let mut state = 1_u64;
    let noise = (0..12_000_000).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let container = env.path("lung/processing-containers/lung-features");
    fs::write(container.join("files/noise"), noise.collect::<Vec<u8>>()).unwrap();
    let dockerfile = container.join("Dockerfile");
    let text = fs::read_to_string(&dockerfile).unwrap() + "COPY files/noise /noise\n";
    fs::write(&dockerfile, text).unwrap();

    let undisturbed = TestEnv::new();
    let project = env.path("lung");
    let build = ["build", project.to_str().unwrap()];
    let expected = digests(&undisturbed.result(&build));
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        strike(&env, &build, signal, |edk| {
            edk.line("COPY files/noise");
            writes_a_blob(&env);
        });
    }
    assert_eq!(digests(&env.result(&build)), expected);
    verify_store(&env.state().join("store"));
    expect_clean(&env);
}

#[test]
fn an_archive_is_whole_or_not_there() {
    let env = copy();
    let archive = env.path("lung/dist/lung-workflow-0.1.0.tgz");
    env.edk(&["package", "lung"]).exits(0);
    let whole = fs::read(&archive).unwrap();
    let started = Instant::now();
    drop(env.start(&["package", "lung"]).finish());
    let duration = started.elapsed();
    let mut absent = 0;
    for step in 0..40 {
        fs::remove_dir_all(env.path("lung/dist")).unwrap_or_default();
        let started = Instant::now();
        let running = env.start(&["package", "lung"]);
        // Later and later, until well after the usual end: where it is struck does not matter.
        while started.elapsed() < duration * step / 20 {
            std::hint::spin_loop();
        }
        drop(running);
        match fs::read(&archive) {
            Ok(bytes) => assert_eq!(bytes, whole, "step {step}"),
            Err(_) => absent += 1,
        }
    }
    // The first is struck at its start. How many are struck after their end is up to the disk.
    assert!(absent > 0, "none was struck before its end");
    let made = env.result(&["package", "lung"]);
    assert_eq!(made[0]["digest"], built().chart.as_str());
}

#[test]
fn a_deploy_survives_any_end() {
    let env = copy();
    let deploy = ["deploy", "lung"];
    let moments = ["push lung-features:0.6.0", "upload lung-workflow", "install lung-workflow"];
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        for moment in moments {
            strike(&env, &deploy, signal, |edk| drop(edk.line(moment)));
            let sandbox = env.state().join("sandbox");
            // A file that was being written is under another name, until the next one sweeps it.
            for name in names(&sandbox.join("releases")).iter().filter(|it| it.ends_with(".json")) {
                crate::world::read_json(&sandbox.join("releases").join(name));
            }
            let charts = sandbox.join("extensions");
            for name in names(&charts).iter().filter(|name| name.ends_with(".tgz")) {
                let mut tar = std::process::Command::new("tar");
                Done::of(tar.arg("-tzf").arg(charts.join(name))).exits(0);
            }
            // Whatever is there, the next deploy leads to the end.
            let done = env.result(&deploy);
            assert_eq!(done["helm_status"], "deployed", "{signal} {moment}");
            assert_eq!(digests(&done["build"]), built().digests);
            assert_eq!(done["chart_digest"], built().chart.as_str());
            assert!(dags(&env).join("dag_lung.py").is_file());
            env.result(&["uninstall", "lung"]);
            assert_eq!(names(&dags(&env)), [""; 0]);
            expect_clean(&env);
        }
    }
}

/// A Dockerfile of two stages, each of whose steps depends on `n`.
const STAGES: &str = "FROM scratch AS make\nCOPY files/busybox /bin/busybox\nCOPY n /n\n\
    RUN [\"/bin/busybox\", \"sh\", \"-c\", \"cd /bin && ./busybox mkdir /o && ./busybox cp /n /o/a && ./busybox ln /o/a /o/b\"]\n\
    FROM scratch\nLABEL IMAGE=\"lung-features\"\nCOPY files/busybox /bin/busybox\nCOPY --from=make /o /o\n\
    RUN [\"/bin/busybox\", \"sh\", \"-c\", \"cd /bin && ./busybox cp /o/a /z && ./busybox rm /o/b\"]\n";

#[test]
fn a_build_survives_fifty_ends_at_random_moments() {
    const SEED: u64 = 0x5eed_0fed_4000;
    println!("seed {SEED:#x}");
    let (env, undisturbed) = (TestEnv::new(), TestEnv::new());
    small_extension(&env, "lung");
    let container = env.path("lung/processing-containers/lung-features");
    fs::write(container.join("Dockerfile"), STAGES).unwrap();
    let project = env.path("lung");
    let build = ["build", project.to_str().unwrap()];
    let write = |number: u32| fs::write(container.join("n"), number.to_string()).unwrap();
    write(0);
    undisturbed.result(&build);
    write(1);
    let started = Instant::now();
    undisturbed.result(&build);
    let usual = started.elapsed();
    let mut random = SEED;
    for number in 2..52 {
        // Each with work to do that was never done.
        write(number);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let moment = usual * u32::try_from(random % 1000).unwrap() / 1000;
        let started = Instant::now();
        let mut running = env.start(&build);
        while started.elapsed() < moment {
            std::hint::spin_loop();
        }
        running.signal(Signal::SIGKILL);
        drop(running.finish());
        wait_until("its processes are gone", 10, || processes_below(env.state()).is_empty());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(env.state().to_str().unwrap()), "{number}: a mount is left");
        if number % 10 == 1 {
            verify_store(&env.state().join("store"));
            let (one, other) = (env.result(&build), undisturbed.result(&build));
            assert_eq!(digests(&one), digests(&other), "{number}");
            expect_clean(&env);
        }
    }
}
