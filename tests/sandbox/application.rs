//! An application from its template to its page, changed, and removed.

use edk_testkit::{TestEnv, add_job, processes_below, small_application, wait_until};

use crate::Background;

#[test]
fn an_application_is_deployed_opened_updated_and_removed() {
    let env = TestEnv::new();
    let sandbox = Background::start(&env, &[]);
    let folder = small_application(&env, "hello", "one");
    // A second one listens at the same port.
    small_application(&env, "other", "two");
    env.edk(&["deploy", "hello"]).exits(0);
    env.edk(&["deploy", "other"]).exits(0);
    let page = |path: &str| sandbox.get(path);
    wait_until("the pages", 30, || {
        page("/hello/") == (200, "one".to_owned()) && page("/other/") == (200, "two".to_owned())
    });
    assert_eq!(page("/hello/nothing").0, 404);
    assert_eq!(page("/hellos").0, 404);
    wait_until("ready", 30, || {
        let status = sandbox.status();
        let pods = status["releases"].as_array().unwrap().iter().flat_map(|release| {
            release["pods"].as_array().unwrap().iter().map(|pod| pod["ready"] == true)
        });
        pods.clone().count() == 2 && pods.min().unwrap()
    });
    let (status, apps) = sandbox.get("/kube-helm-api/active-applications");
    assert_eq!(status, 200);
    assert!(apps.contains(r#""paths":["/hello"]"#), "{apps}");
    env.edk(&["ext", "apps"]).exits(0).prints(&["hello-chart", "/hello"]);
    env.edk(&["sandbox", "logs", "hello-chart"]).exits(0).prints(&["response:404"]);

    std::fs::write(folder.join("docker/files/index.html"), "three").unwrap();
    env.edk(&["deploy", "hello"]).exits(0);
    wait_until("the new page", 30, || page("/hello/") == (200, "three".to_owned()));

    // A bad change: what was there comes back by itself, page and all.
    add_job(&folder.join("hello-chart"), "image: 'localhost:5577/nowhere:1'");
    std::fs::write(folder.join("docker/files/index.html"), "four").unwrap();
    env.edk(&["deploy", "hello"]).exits(1).tells(&["was put back and is ready"]);
    wait_until("the old page", 30, || page("/hello/") == (200, "three".to_owned()));

    env.edk(&["uninstall", "hello"]).exits(0);
    wait_until("the page is gone", 30, || page("/hello/").0 == 404);
    assert_eq!(page("/other/").0, 200);
    drop(sandbox);
    assert_eq!(processes_below(env.state()), Vec::<String>::new());
}

#[test]
fn an_application_that_ends_is_started_again_and_told() {
    let env = TestEnv::new();
    let sandbox = Background::start(&env, &[]);
    let folder = small_application(&env, "short", "x");
    let dockerfile = folder.join("docker/Dockerfile");
    let text = std::fs::read_to_string(&dockerfile).unwrap();
    let (before, _) = text.split_once("CMD").unwrap();
    let command = "CMD [\"/bin/busybox\", \"sh\", \"-c\", \"echo it hurts; exit 3\"]\n";
    std::fs::write(&dockerfile, format!("{before}{command}")).unwrap();
    env.edk(&["deploy", "short"]).exits(1).tells(&["follow/crash-loop", "it hurts"]);
    wait_until("it is started again", 30, || {
        let pod = sandbox.status()["releases"][0]["pods"][0].clone();
        pod["restarts"].as_u64() >= Some(2) && pod["exit_code"] == 3
    });
    wait_until("it is told", 30, || {
        let list = sandbox.get("/kube-helm-api/extensions").1;
        list.contains("crashloopbackoff") && list.contains("exit code 3: it hurts")
    });
    assert_eq!(sandbox.get("/short/").0, 502);
}
