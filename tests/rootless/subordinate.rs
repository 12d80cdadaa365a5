//! Ordinary users without subordinate ids have one id in a container.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use edk_testkit::{Done, TestEnv, is_root, program, small_extension};

/// A user id that nobody has.
const NOBODY: &str = "4012345";

/// Changes owners as package managers do, and says who it is.
const SCRIPT: &str = "b=/bin/busybox; $b mkdir /d && $b touch /d/f && $b chown -R 5:6 /d && $b rm /gone \
                      && $b stat -c '%u %g' /d/f > /look && $b id -u >> /look";

/// Root can become a user without a range, an ordinary user can't become another: there, what is
/// left is that their own range is found, so that owners are kept.
#[test]
fn without_subordinate_ids_everything_is_built_with_one_id() {
    let env = TestEnv::new();
    let container = small_extension(&env, "lung").join("processing-containers/lung-features");
    let dockerfile = format!(
        "FROM scratch\nLABEL IMAGE=\"lung-features\"\nCOPY files/busybox /bin/busybox\nCOPY --chown=7:8 files/run.sh /gone\n\
         RUN {}\nUSER 1000\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox cat /look >&2; exit 3\"]\n",
        serde_json::json!(["/bin/busybox", "sh", "-c", SCRIPT])
    );
    fs::write(container.join("Dockerfile"), dockerfile).unwrap();
    if !is_root() {
        env.edk(&["build", "lung"]).exits(1).tells(&["5 6\n  0"]);
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
    // The change of owners succeeds and is not made.
    Done::of(&mut command).exits(1).tells(&["exit code 3", "0 0\n  0"]);
}
