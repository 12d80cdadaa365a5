//! Started, found, stopped and emptied.

use edk_testkit::{TestEnv, processes_below, wait_until};

use crate::{Background, get};

#[test]
fn a_sandbox_in_the_background_outlives_its_command_and_ends_when_told_to() {
    let env = TestEnv::new();
    env.edk(&["sandbox", "status"]).exits(0).prints(&["does not run"]);
    env.edk(&["sandbox", "stop"]).exits(0).prints(&["did not run"]);
    let sandbox = Background::start(&env, &["--profile", "0.5", "--fault", "stale-list"]);
    assert_eq!(sandbox.get("/health-check").1, "Kube-Helm api is up and running!");
    assert!(sandbox.get("/jsons/commonData.json").1.contains("kaapana-admin-chart:0.5.3 |"));
    let status = sandbox.status();
    assert_eq!((&status["profile"], &status["faults"][0]), (&"0.5".into(), &"stale-list".into()));
    // A second start finds it; one that wants something else is refused.
    let again = ["--profile", "0.5", "--fault", "stale-list"];
    let again = env.result(&[&["sandbox", "start"], &again[..]].concat());
    assert_eq!((&again["already"], again["url"].as_str()), (&true.into(), Some(&*sandbox.url)));
    env.edk(&["sandbox", "start"]).exits(1).tells(&["another profile", "edk sandbox stop"]);
    env.edk(&["sandbox", "reset", "--yes"]).exits(1).tells(&["is running", "edk sandbox stop"]);
    // Other commands use it.
    env.edk(&["ext", "list"]).exits(0);
    env.edk(&["sandbox", "stop"]).exits(0).prints(&["is stopped"]);
    assert_eq!(get(&sandbox.url, "/health-check").0, 0);
    assert_eq!(processes_below(env.state()), Vec::<String>::new());
}

#[test]
fn a_start_that_fails_says_why() {
    let env = TestEnv::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let done = env.edk(&["sandbox", "start", "--port", &port]);
    assert_ne!(done.code, 0, "{done}");
    done.tells(&["did not start", "is taken", "log"]);
    let done = env.edk(&["sandbox", "start", "--fault", "no-such"]).exits(1);
    done.tells(&["no fault called `no-such`", "blind-append"]);
    let done = env.edk(&["sandbox", "start", "--profile", "1.0"]).exits(1);
    done.tells(&["no profile called `1.0`", "0.5.0"]);
    env.edk(&["sandbox", "faults"]).exits(0).prints(&["stale-list", "30 s"]);
}

#[test]
fn a_reset_tells_what_goes_and_asks_first() {
    let env = TestEnv::new();
    let folder = env.state().join("sandbox");
    drop(Background::start(&env, &[]));
    std::fs::write(folder.join("extensions/a-0.1.0.tgz"), "no chart").unwrap();
    std::fs::create_dir(folder.join("volumes/claim")).unwrap();
    let done = env.edk(&["sandbox", "reset"]).exits(0);
    done.prints(&["a-0.1.0.tgz", "volumes", "nothing is removed yet", "--yes"]);
    assert!(folder.join("volumes/claim").exists());
    env.edk(&["sandbox", "reset", "--yes"]).exits(0).prints(&["removed", "stay in the store"]);
    assert!(!folder.join("volumes").exists() && !folder.join("extensions").exists());
    let sandbox = Background::start(&env, &[]);
    wait_until("it is there", 10, || sandbox.get("/extensions") == (200, "[]".to_owned()));
}
