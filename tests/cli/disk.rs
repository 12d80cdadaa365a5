//! A disk that is full or can't be written, in a mount namespace which ends with the test.

use std::fs;

use edk_testkit::{Done, TestEnv, is_root, program, small_extension, verify_store};

/// Runs a script as (mapped) root in a mount namespace. `$STATE` is the folder of the state, `$EDK`
/// the program.
fn script(env: &TestEnv, text: &str) -> Done {
    let mut command = env.other("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--propagation", "private", "sh", "-euc", text]);
    command.env("EDK", program()).env("STATE", env.state());
    Done::of(&mut command)
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_half_written() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    fs::create_dir(env.state()).unwrap();
    let done = script(
        &env,
        r#"
        mount -t tmpfs -o size=600k none "$STATE"
        code=0; "$EDK" build lung || code=$?; echo "code $code"
        code=0; "$EDK" build lung -o json > full.json || code=$?; echo "code $code"
        cp -a "$STATE/store" left
        mount -o remount,size=64m "$STATE"
        "$EDK" build lung
        cp -a "$STATE/store" whole
        ls -A "$STATE/store/incoming" "$STATE/containers/work" "$STATE/containers/incoming"
        "#,
    );
    let done = done.exits(0).tells(&["hint: free some space"]);
    let codes: Vec<&str> = done.stdout.lines().filter(|line| line.starts_with("code")).collect();
    assert_eq!(codes, ["code 3", "code 3"], "{done}");
    let failure = fs::read_to_string(env.path("full.json")).unwrap();
    assert!(failure.contains(r#""code":"disk-full""#), "{failure}");
    verify_store(&env.path("left"));
    verify_store(&env.path("whole"));
    assert_eq!(fs::read_dir(env.path("whole/incoming")).unwrap().count(), 0, "{done}");
}

#[test]
fn files_of_a_new_extension_are_whole_or_not_there_when_the_disk_is_full() {
    let env = TestEnv::new();
    fs::create_dir(env.path("disk")).unwrap();
    let done = script(
        &env,
        r#"
        mount -t tmpfs -o size=32k none disk
        code=0; "$EDK" new radiomics disk/x --yes || code=$?; echo "code $code"
        cp -a disk left
        mount -o remount,size=8m disk
        "$EDK" new radiomics disk/x --yes
        cp -a disk whole
        "#,
    );
    let done = done.exits(0).prints(&["code 3"]).tells(&["hint: "]);
    env.edk(&["new", "radiomics", "reference", "--yes"]).exits(0);
    let files = env.result(&["new", "radiomics", "reference", "--yes"]);
    for file in files["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let expected = fs::read(env.path("reference").join(path)).unwrap();
        assert_eq!(fs::read(env.path("whole/x").join(path)).unwrap(), expected, "{path}");
        if let Ok(left) = fs::read(env.path("left/x").join(path)) {
            assert_eq!(left, expected, "{path} is half-written\n{done}");
        }
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    fs::create_dir(env.state()).unwrap();
    let done = script(
        &env,
        r#"
        mount --bind "$STATE" "$STATE"
        mount -o remount,bind,ro "$STATE"
        for command in "build lung" "push lung" "deploy lung" "status lung" "registry serve --port 0"
        do
            code=0; timeout 20 "$EDK" $command || code=$?; echo "code $code"
        done
        "#,
    );
    let done = done.exits(0).tells(&[env.state().to_str().unwrap(), "Read-only file system"]);
    assert_eq!(done.stdout.matches("code 3\n").count(), 5, "{done}");
}
