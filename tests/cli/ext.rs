//! What is on a target: listed, looked at, launched, told from what lies in the folder.

use std::fs;

use edk_testkit::{TestEnv, small_extension};
use serde_json::{Value, json};

fn write(env: &TestEnv, file: &str, text: &str) {
    let path = env.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Makes the chart `viewer`, which is launched, and packages it.
fn viewer(env: &TestEnv) {
    write(
        env,
        "viewer/chart/Chart.yaml",
        "apiVersion: v2\nname: viewer\nversion: 0.1.0\ndescription: Shows things\nkeywords:\n\
         - kaapanaapplication\n- kaapanamultiinstallable\n- kaapanaexperimental\n",
    );
    write(env, "viewer/chart/values.yaml", "global: {}\n");
    write(
        env,
        "viewer/chart/templates/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  \
         namespace: {{ .Values.global.services_namespace }}\n",
    );
    env.edk(&["package", "viewer", "--dir", "charts"]).exits(0);
    env.edk(&["ext", "upload", "charts/viewer-0.1.0.tgz"]).exits(0);
}

fn names(list: &Value) -> Vec<&str> {
    let rows = list["extensions"].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[test]
fn what_is_there_is_filtered_launched_and_removed_release_by_release() {
    let env = TestEnv::new();
    viewer(&env);
    assert_eq!(names(&env.result(&["ext", "list"])), ["viewer"]);
    for (filters, count) in [
        (vec!["shows"], 1),
        (vec!["nothing-like-it"], 0),
        (vec!["--kind", "workflow"], 0),
        (vec!["--kind", "application", "--maturity", "experimental"], 1),
        (vec!["--hardware", "gpu"], 0),
        (vec!["--installed"], 0),
        (vec!["--not-installed"], 1),
    ] {
        let list = env.result(&[vec!["ext", "list"], filters.clone()].concat());
        assert_eq!((names(&list).len(), &list["total"]), (count, &json!(1)), "{filters:?}");
    }
    let wrong = env.edk(&["ext", "install", "viewer"]).exits(1);
    wrong.tells(&["launched, each time as a release of its own", "`edk ext launch`"]);
    let launch =
        || env.result(&["ext", "launch", "viewer"])["release"].as_str().unwrap().to_owned();
    let (one, two) = (launch(), launch());
    assert_ne!(one, two);
    let show = env.result(&["ext", "show", "viewer"]);
    let releases: Vec<&str> = show["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|release| release["release"].as_str().unwrap())
        .collect();
    assert!(releases.contains(&one.as_str()) && releases.contains(&two.as_str()), "{releases:?}");
    assert!(show["charts"][0]["sent"]["digest"].as_str().unwrap().starts_with("sha256:"));
    env.edk(&["ext", "uninstall", &one]).exits(0);
    let show = env.result(&["ext", "show", "viewer"]);
    assert_eq!(show["releases"].as_array().unwrap().len(), 1);
    env.edk(&["ext", "show", "nowhere"]).exits(1).tells(&["chart nowhere is not on sandbox"]);
}

#[test]
fn what_is_on_the_target_is_told_from_what_lies_in_the_folder() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let truth = || {
        let view = env.result(&["status", "lung", "--truth"]);
        let lines = view["lines"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = |what: &str, part: &str| {
            let mut lines = lines.clone();
            let line = lines.find(|it| it["what"] == what && text(&it["name"]).contains(part));
            text(&line.unwrap_or_else(|| panic!("{what} {part}"))["truth"])
        };
        [
            of("chart", "lung-workflow 0.1.0"),
            of("release", "lung-workflow"),
            of("image", "dag-lung:0.1.0"),
            of("image", "lung-features:0.6.0"),
            of("dag", ""),
        ]
    };
    assert_eq!(truth(), ["absent"; 5]);
    env.edk(&["deploy", "lung"]).exits(0);
    assert_eq!(truth(), ["working-tree"; 5]);
    write(&env, "lung/extension/docker/files/notes.py", "# new\n");
    assert_eq!(truth(), ["working-tree", "working-tree", "older", "working-tree", "older"]);
    write(&env, "lung/extension/lung-workflow/README.md", "new\n");
    assert_eq!(truth(), ["older", "older", "older", "working-tree", "older"]);
    // Whoever has another memory has not sent it.
    fs::remove_dir_all(env.state().join("deliveries")).unwrap();
    let foreign = truth();
    assert_eq!((foreign[0].as_str(), foreign[1].as_str()), ("foreign", "foreign"));
    env.edk(&["status", "lung", "--truth"]).exits(0).prints(&["someone else's"]);
}

#[test]
fn a_plan_tells_how_images_go_and_what_would_be_put_back() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    env.edk(&["deploy", "lung"]).exits(0);
    let plan = env.result(&["deploy", "lung", "--version", "0.2.0", "--dry-run"]);
    let images = plan["images"].as_array().unwrap();
    assert_eq!(images.len(), 3);
    for image in images {
        assert_eq!((&image["way"], &image["bytes"]), (&json!("shared"), &json!(0)));
    }
    assert_eq!(plan["replaces"], "lung-workflow 0.1.0");
    let install = plan["steps"].as_array().unwrap().last().unwrap();
    assert!(install["detail"].as_str().unwrap().contains("0.1.0 is put back if this fails"));
    let from = ["deploy", "lung", "--dry-run", "--pull-from", "192.168.1.5:5577"];
    let pull = env.result(&from);
    let names = pull["images"].as_array().unwrap().iter().map(|image| image["name"].as_str());
    assert!(names.flatten().any(|name| name == "192.168.1.5:5577/dag-lung:0.1.0"));
    assert_eq!(pull["warnings"][0]["rule"], "deploy/operators-not-pulled");
}

/// Serves one list that is whole, then only what a platform answers when a chart breaks it.
fn breaking_platform() -> String {
    use std::io::{Read as _, Write as _};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        let whole = r#"["x", {"name": "lung", "kind": "dag", "versions": ["0.1.0"]}]"#;
        let broken = r#"{"detail":"Failed to get extensions"}"#;
        let answers = std::iter::once(("200 OK", whole));
        let answers = answers.chain(std::iter::repeat(("500 Internal Server Error", broken)));
        for (stream, (status, body)) in server.incoming().zip(answers) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close");
            let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    address
}

#[test]
fn a_list_that_breaks_is_shown_as_it_was_and_called_so() {
    let env = TestEnv::new();
    let target = breaking_platform();
    let list = env.result(&["ext", "list", "--target", &target]);
    assert_eq!((names(&list), &list["outdated"]), (vec!["lung"], &Value::Null));
    let list = env.result(&["ext", "list", "--target", &target]);
    assert_eq!(names(&list), ["lung"]);
    assert!(list["outdated"]["reason"].as_str().unwrap().contains("Failed to get extensions"));
    let told = env.edk(&["ext", "show", "lung", "--target", &target]).exits(0);
    told.tells(&["target/list-broken"]);
}

#[test]
fn a_check_asks_the_target_it_is_told_and_no_other() {
    let env = TestEnv::new();
    small_extension(&env, "lung");
    let check = ["check", "lung", "--rule", "F", "--target", "sandbox"];
    assert_eq!(env.result(&check)["findings"], json!([]));
    env.edk(&["deploy", "lung"]).exits(0);
    assert_eq!(env.result(&check[..4])["findings"], json!([]), "nobody was to be asked");
    let done = env.edk(&check);
    done.prints(&["[F07]", "`lung-workflow` is installed on sandbox"]);
    env.edk(&["check", "lung", "--target", "nowhere"]).exits(1).tells(&["called `nowhere`"]);
}
