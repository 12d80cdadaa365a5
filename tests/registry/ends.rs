//! Pushing, saving and loading that end in the middle: killed, on a full disk, on one that can't be
//! written. What is there is whole, and the next run is right.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use edk_testkit::{Running, TestEnv, processes_below, verify_store, wait_until};

use crate::{client::serve, disk::script, push::extension};

/// How often saving and loading are killed.
const KILLS: u32 = 12;
/// How often pushing is killed, at random moments; building is as well, in `tests/pipeline/crash.rs`.
const PUSHES: u64 = 25;

/// Runs a command to its end and says how long it took.
fn timed(env: &TestEnv, args: &[&str]) -> Duration {
    let started = Instant::now();
    env.edk(args).exits(0);
    started.elapsed()
}

/// Starts a command and kills it after some time. Where it is struck does not matter, and no two
/// machines agree on it.
fn strike(env: &TestEnv, args: &[&str], after: Duration) {
    let started = Instant::now();
    let running: Running = env.start(args);
    while started.elapsed() < after {
        std::hint::spin_loop();
    }
    // Dropped: killed.
    drop(running);
}

/// Expects that a store has nothing half-written, also after what was killed is swept.
#[track_caller]
fn check(env: &TestEnv) {
    verify_store(&env.state().join("store"));
    env.edk(&["registry", "usage"]).exits(0);
    let incoming = fs::read_dir(env.state().join("store/incoming")).unwrap().count();
    assert_eq!(incoming, 0, "what was killed stays");
}

#[test]
fn a_push_that_is_killed_at_random_leaves_both_sides_whole() {
    const SEED: u64 = 0x5eed_0fed_4001;
    println!("seed {SEED:#x}");
    let env = extension();
    let args = |registry: &str| {
        ["push", "ext", "--version", "1.0.0", "--registry", registry].map(str::to_owned)
    };
    let usual = {
        let other = TestEnv::new();
        let (_server, address) = serve(&other, 0);
        let args = args(&address);
        timed(&env, &args.each_ref().map(String::as_str))
    };
    let (mut unfinished, mut random) = (0, SEED);
    for step in 0..PUSHES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let moment = usual * u32::try_from(random % 1000).unwrap() / 1000;
        let other = TestEnv::new();
        let (server, address) = serve(&other, 0);
        let args = args(&address);
        let args = args.each_ref().map(String::as_str);
        strike(&env, &args, moment);
        wait_until("its processes are gone", 10, || processes_below(env.state()).is_empty());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(env.state().to_str().unwrap()), "{step}: a mount is left");
        verify_store(&other.state().join("store"));
        let there = other.edk(&["registry", "show", "two:1.0.0"]).code == 0;
        unfinished += u32::from(!there);
        env.edk(&args).exits(0);
        for image in ["one:1.0.0", "two:1.0.0"] {
            let digest = |env: &TestEnv| env.result(&["registry", "show", image])["digest"].clone();
            assert_eq!(digest(&other), digest(&env), "step {step}");
        }
        drop(server);
        check(&other);
        check(&env);
    }
    // How many are struck after their end is up to the machine.
    assert!(unfinished > 0, "none was struck before its end");
}

#[test]
fn an_archive_that_is_killed_is_not_there_and_one_that_is_loaded_is_whole() {
    let env = extension();
    env.edk(&["push", "ext", "--version", "1.0.0"]).exits(0);
    let save = ["image", "save", "one:1.0.0", "two:1.0.0", "--file", "saved/all.tar"];
    fs::create_dir(env.path("saved")).unwrap();
    let usual = timed(&env, &save);
    let whole = fs::read(env.path("saved/all.tar")).unwrap();
    let mut absent = 0;
    for step in 0..KILLS {
        fs::remove_dir_all(env.path("saved")).unwrap();
        fs::create_dir(env.path("saved")).unwrap();
        strike(&env, &save, usual * step / KILLS);
        match fs::read(env.path("saved/all.tar")) {
            Ok(bytes) => assert!(bytes == whole, "step {step}"),
            Err(_) => absent += 1,
        }
    }
    assert!(absent > 0, "none was struck before its end");
    env.edk(&save).exits(0);
    check(&env);

    let archive = env.path("saved/all.tar");
    let load = ["image", "load", archive.to_str().unwrap()];
    let usual = timed(&TestEnv::new(), &load);
    for step in 0..KILLS {
        let other = TestEnv::new();
        strike(&other, &load, usual * step / KILLS);
        if other.state().join("store/oci-layout").exists() {
            verify_store(&other.state().join("store"));
        }
        let done = other.result(&load);
        assert_eq!(done["images"].as_array().unwrap().len(), 2, "step {step}: {done}");
        check(&other);
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_pulled_until_then_is_not_pulled_again() {
    let env = extension();
    env.edk(&["push", "ext", "--version", "1.0.0"]).exits(0);
    env.edk(&["image", "save", "one:1.0.0", "--file", "one.tar"]).exits(0);
    let (_server, address) = serve(&env, 0);
    let other = TestEnv::new();
    fs::create_dir(other.state()).unwrap();
    fs::copy(env.path("one.tar"), other.path("one.tar")).unwrap();
    let done = script(
        &other,
        &format!(
            r#"
        edk() {{ code=0; "$EDK" "$@" > out 2> err || code=$?; echo "$code"; cat err >&2; }}
        mount -t tmpfs -o size=6m none "$STATE"
        edk base pull {address}/one:1.0.0
        grep -q "No space left" err && grep -q "free some space" err
        ls "$STATE/store/partial" | wc -l
        edk image load one.tar
        grep -q "No space left" err
        mkdir small
        mount -t tmpfs -o size=1m none small
        mount -o remount,size=64m "$STATE"
        edk base pull {address}/one:1.0.0
        edk image save {address}/one:1.0.0 --file small/one.tar
        grep -q "No space left" err && grep -q "small/one.tar" err
        ls -A small | wc -l
        edk image load one.tar
        cp -a "$STATE/store" whole
        "#
        ),
    );
    assert_eq!(done.stdout, "3\n1\n3\n0\n3\n0\n0\n", "{done}");
    verify_store(&other.path("whole"));
    let incoming = other.path("whole/incoming");
    assert_eq!(fs::read_dir(Path::new(&incoming)).unwrap().count(), 0);
}

#[test]
fn a_store_that_can_not_be_written_is_told_by_every_command_that_needs_it() {
    let env = extension();
    env.edk(&["push", "ext", "--version", "1.0.0"]).exits(0);
    env.edk(&["image", "save", "one:1.0.0", "--file", "one.tar"]).exits(0);
    let done = script(
        &env,
        r#"
        mount --bind "$STATE" "$STATE"
        mount -o remount,bind,ro "$STATE"
        try() { code=0; "$EDK" "$@" > out 2> err || code=$?; echo "$code $1 $2"; cat err >&2; }
        try image inspect one:1.0.0
        try image history one:1.0.0
        try image diff one:1.0.0 two:1.0.0
        for command in "image load one.tar" "image save one:1.0.0 --file two.tar" \
            "push ext --version 1.0.1" "base pull 127.0.0.1:1/a:1"; do
            try $command
            grep -q "Read-only file system" err
        done
        "#,
    );
    let lines = "0 image inspect\n0 image history\n0 image diff\n3 image load\n3 image save\n\
                 3 push ext\n3 base pull\n";
    assert_eq!(done.stdout, lines, "{done}");
}
