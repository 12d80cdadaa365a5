//! Ordinary users who can't have a user namespace of their own.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use edk_testkit::{Done, TestEnv, is_root, program, small_extension};

/// A user id that nobody has.
const NOBODY: &str = "4012345";

/// Root can become a user without a range; such a user is told what to enable. An ordinary user
/// can't become another: there, what is left is that their own range is found.
#[test]
fn without_subordinate_ids_the_hint_says_what_to_enable_and_with_them_there_is_no_such_error() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    if !is_root() {
        let done = env.edk(&["build", "lung"]).exits(0);
        assert!(!done.stderr.contains("subordinate"), "{done}");
        return;
    }
    // The other user needs a copy of the program and of the extension, and a folder of their own.
    let folder = TestEnv::new();
    let at = |name: &str| folder.path(name);
    fs::copy(program(), at("edk")).unwrap();
    let project = env.path("lung");
    Done::of(Command::new("cp").arg("-r").arg(project).arg(at("lung"))).exits(0);
    let owner = format!("{NOBODY}:{NOBODY}");
    Done::of(Command::new("chown").args(["-R", &owner]).arg(folder.work())).exits(0);
    let parent = folder.work().parent().unwrap().to_owned();
    fs::set_permissions(parent, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
    command.arg(at("edk")).args(["build", "lung"]).current_dir(folder.work());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("EDK_HOME", at("state"));
    let done = Done::of(&mut command).exits(3);
    done.tells(&[NOBODY, "/etc/subuid", "usermod --add-subuids", "--add-subgids"]);
}
