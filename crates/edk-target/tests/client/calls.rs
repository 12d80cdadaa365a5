use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use edk_model::{CancellationToken, Code, Explain, Monitor, Report, Reporter, Silent};
use edk_target::{Client, ImportOutcome, InstallOutcome, TargetError, UploadOutcome};
use serde_json::{Map, json};

use crate::stage::{
    ID, Turn, UPLOAD, abort, absent, bytes, deployed, list, row, stage, start, status, target, turn,
};

#[tokio::test]
async fn a_chart_goes_up_in_one_piece_with_the_login_and_the_project() {
    let done = bytes(200, "a-0.1.0.tgz uploaded succesfully");
    let stage = stage([list(json!([])), start(), done]).await;
    assert_eq!(stage.upload().await.unwrap(), UploadOutcome::Confirmed);
    stage.done();
    let seen = stage.script.seen.lock().unwrap();
    let (_, headers, body) = &seen[2];
    assert_eq!(body, "chart bytes");
    assert_eq!(headers["upload-length"], "11");
    assert_eq!(headers["content-length"], "11");
    for (_, headers, _) in seen.iter() {
        assert_eq!(headers["accept"], "application/json");
        assert_eq!(headers["authorization"], "Bearer token");
        assert!(headers["cookie"].to_str().unwrap().starts_with("Project=%7B"));
        assert!(!headers.keys().any(|name| name.as_str().starts_with("x-forwarded")));
    }
    let form = String::from_utf8_lossy(&seen[1].2).into_owned();
    assert!(form.contains(r#"name="filepond""#) && form.contains(r#"{"filepath":"a-0.1.0.tgz"}"#));
}

#[tokio::test]
async fn images_whose_check_fails_are_no_chart_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("images.tar");
    std::fs::write(&archive, "no images").unwrap();
    let words = "Filepond upload failed: no images are in it";
    let stage = stage([start(), bytes(500, words)]).await;
    let error = stage.client.upload_images(&archive, &stage.monitor).await.unwrap_err();
    assert!(matches!(error, TargetError::Refused { status: 500, .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("no images are in it") && !told.contains("chart"), "{told}");
}

#[tokio::test]
async fn an_upload_in_doubt_is_given_up_and_begun_anew_with_another_id() {
    let stage = stage([
        list(json!([])),
        start(),
        bytes(200, ID),
        abort("Deleted a-0.1.0.tgz succesfully."),
        turn("POST /filepond-upload", 200, ID.replace('1', "2")),
        bytes(200, "a-0.1.0.tgz uploaded succesfully"),
    ])
    .await;
    assert_eq!(stage.upload().await.unwrap(), UploadOutcome::Confirmed);
    stage.done();
    let patches: Vec<_> =
        stage.calls().into_iter().filter(|call| call.starts_with("PATCH")).collect();
    assert_ne!(patches[0], patches[1], "a piece must never be sent twice under one id");
}

#[tokio::test]
async fn an_upload_that_stays_in_doubt_ends_after_its_tries() {
    let once = || [start(), bytes(200, ID), abort("Deleted a-0.1.0.tgz succesfully.")];
    let turns = std::iter::once(list(json!([]))).chain((0..3).flat_map(|_| once()));
    let stage = stage(turns).await;
    let error = stage.upload().await.unwrap_err();
    assert!(matches!(error, TargetError::NotUploaded { tries: 3, .. }), "{error}");
    stage.done();
}

#[tokio::test]
async fn a_failed_check_tells_that_the_chart_is_there_anyway() {
    let failed =
        "Filepond upload failed: Chart files can not contain resources under admin_namespace";
    let stage = stage([list(json!([])), start(), bytes(500, failed)]).await;
    let error = stage.upload().await.unwrap_err();
    assert!(error.to_string().contains("is on the platform anyway"), "{error}");
    assert!(error.to_string().contains("admin_namespace"), "{error}");
    assert!(error.hints()[0].contains("replaces"), "{:?}", error.hints());
    stage.done();
}

#[tokio::test]
async fn a_front_door_that_gave_up_makes_the_client_look_into_the_list() {
    let stage = stage([
        list(json!([])),
        start(),
        bytes(502, "<html>bad gateway</html>"),
        abort("Only removing the file in frontend, the file in the target location was already successfully uploaded"),
        list(json!([])),
        list(json!([row(&["0.1.0"], json!([]))])),
    ])
    .await;
    assert_eq!(stage.upload().await.unwrap(), UploadOutcome::Probable);
    stage.done();
}

#[tokio::test]
async fn a_lost_answer_about_a_version_that_was_listed_before_proves_nothing() {
    let stage = stage([
        list(json!([row(&["0.1.0"], json!([]))])),
        start(),
        bytes(504, ""),
        abort("Only removing the file in frontend"),
        start(),
        bytes(200, "a-0.1.0.tgz uploaded succesfully"),
    ])
    .await;
    assert_eq!(stage.upload().await.unwrap(), UploadOutcome::Confirmed);
    stage.done();
}

#[tokio::test]
async fn a_version_that_would_take_the_list_down_is_not_sent() {
    let stage = stage([list(json!([row(&["0.1.a"], json!([]))]))]).await;
    let error = stage.upload().await.unwrap_err();
    assert_eq!(error.findings()[0].rule, "platform/version-comparable");
    assert!(!stage.calls().iter().any(|call| call.contains(UPLOAD)));
}

#[tokio::test]
async fn one_broken_list_and_bare_strings_in_it_are_forgiven() {
    let broken = turn("GET /extensions", 500, r#"{"detail":"Failed to get extensions"}"#);
    let stage = stage([broken, list(json!(["a", row(&["0.1.0"], json!([])), 7]))]).await;
    let list = stage.client.extensions(&stage.monitor).await.unwrap();
    assert_eq!(list.len(), 1);
    stage.done();
}

#[tokio::test]
async fn a_chart_that_is_never_listed_is_told_with_what_is_listed() {
    let turns: Vec<_> = (0..500).map(|_| list(json!([row(&["0.0.9"], json!([]))]))).collect();
    let stage = stage(turns).await;
    let patience = Duration::from_millis(20);
    let error = stage.client.wait_listed("a", "0.1.0", patience, &stage.monitor).await.unwrap_err();
    assert!(error.to_string().contains("it lists 0.0.9"), "{error}");
    assert_eq!(error.code(), Code::TimedOut);
}

#[tokio::test]
async fn an_unclear_install_is_looked_at_and_not_repeated() {
    for unclear in [500, 502, 504] {
        let install =
            turn("POST /helm-install-chart", unclear, "Chart install command failed for a");
        let stage = stage([install, absent(), status("pending-install")]).await;
        let expected = InstallOutcome::Installed { release: "a".into() };
        assert_eq!(stage.install().await.unwrap(), expected);
        stage.done();
    }
}

#[tokio::test]
async fn an_unclear_install_without_a_release_in_the_end_is_a_failure() {
    let install = turn("POST /helm-install-chart", 500, "Chart install command failed for a");
    let stage = stage(std::iter::once(install).chain((0..500).map(|_| absent()))).await;
    let error = stage.install().await.unwrap_err();
    assert!(error.to_string().contains("Chart install command failed for a"), "{error}");
    let installs = stage.calls().iter().filter(|call| call.contains("install-chart")).count();
    assert_eq!(installs, 1);
}

#[tokio::test]
async fn an_unclear_launch_finds_the_instance_that_was_not_there_before() {
    let instance = |ids: &[&str]| {
        let deployments: Vec<_> = ids.iter().map(|id| json!({ "deployment_id": id })).collect();
        list(json!([row(&["0.1.0"], json!(deployments))]))
    };
    let launch = turn("POST /helm-install-chart", 504, "");
    let turns = [instance(&["a-1"]), launch, instance(&["a-1"]), instance(&["a-1", "a-2"])];
    let stage = stage(turns).await;
    let keywords = ["kaapanaapplication".to_owned(), "kaapanamultiinstallable".to_owned()];
    let outcome = stage.client.install("a", "0.1.0", &keywords, &Map::new(), &stage.monitor).await;
    assert_eq!(outcome.unwrap(), InstallOutcome::Installed { release: "a-2".into() });
    stage.done();
}

#[tokio::test]
async fn already_installed_comes_with_the_state_of_what_is_there() {
    let install = turn("POST /helm-install-chart", 200, "Chart is already installed a");
    let stage = stage([install, status("failed")]).await;
    let helm_status = Some("failed".to_owned());
    let expected = InstallOutcome::AlreadyInstalled { release: "a".into(), helm_status };
    assert_eq!(stage.install().await.unwrap(), expected);
    stage.done();
}

#[tokio::test]
async fn a_parameter_without_a_value_is_never_sent() {
    let stage = stage([]).await;
    let params = Map::from_iter([("key".to_owned(), json!(null))]);
    let result = stage.client.install("a", "0.1.0", &[], &params, &stage.monitor).await;
    assert_eq!(result.unwrap_err().code(), Code::InvalidInput);
    assert!(stage.calls().is_empty());
}

#[tokio::test]
async fn a_release_is_followed_by_helm_and_by_its_own_pods() {
    let stage = stage([
        absent(),
        list(json!(["a"])),
        status("deployed"),
        list(json!([deployed("containercreating", false)])),
        status("deployed"),
        turn("GET /extensions", 500, "Internal Server Error"),
        status("deployed"),
        list(json!([deployed("completed", true)])),
    ])
    .await;
    let patience = Duration::from_secs(5);
    let followed = stage.client.follow("a", patience, &stage.monitor).await.unwrap();
    assert!(followed.ready);
    assert_eq!(followed.pods[0].status, "completed");
    stage.done();
}

#[tokio::test]
async fn a_release_whose_notes_break_its_status_is_followed_by_the_list() {
    let broken = turn("GET /view-chart-status", 500, "Internal Server Error");
    let stage = stage([broken, list(json!([deployed("running", true)]))]).await;
    let patience = Duration::from_secs(5);
    assert!(stage.client.follow("a", patience, &stage.monitor).await.unwrap().ready);
}

#[tokio::test]
async fn a_pod_without_its_image_fails_the_release_and_says_what_to_do() {
    let stage = stage([status("deployed"), list(json!([deployed("errimagepull", false)]))]).await;
    let patience = Duration::from_secs(5);
    let error = stage.client.follow("a", patience, &stage.monitor).await.unwrap_err();
    assert!(error.to_string().contains("its image is not in the platform's registry"), "{error}");
    let hints = edk_model::Explain::hints(&error);
    assert!(hints[0].contains("`edk push`"), "{hints:?}");
    let findings = error.findings();
    assert_eq!(findings[0].rule, "follow/image-missing");
    assert_eq!(findings[0].message, "Helm: deployed; a pod: errimagepull");
}

#[tokio::test]
async fn a_removed_release_is_gone_only_when_helm_and_the_list_agree() {
    let stage = stage([
        turn("POST /helm-delete-chart", 200, "Started uninstalling a"),
        status("uninstalling"),
        absent(),
        list(json!([deployed("running", true)])),
        absent(),
        list(json!([row(&["0.1.0"], json!([]))])),
    ])
    .await;
    stage.client.uninstall("a", "0.1.0", true, &stage.monitor).await.unwrap();
    stage.client.wait_gone("a", Duration::from_secs(5), &stage.monitor).await.unwrap();
    stage.done();
    let seen = stage.script.seen.lock().unwrap();
    let body: serde_json::Value = serde_json::from_slice(&seen[0].2).unwrap();
    let expected = json!({"release_name": "a", "release_version": "0.1.0",
        "helm_command_addons": "--no-hooks"});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_front_doors_ways_to_say_no_are_told_apart() {
    let answer = |status: u16, body: &str| turn("GET /health-check", status, body);
    let check = async |answer: Turn, expected: &str, hint: &str| {
        let stage = stage([answer]).await;
        let error = stage.client.health(&stage.monitor).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{expected}: {error:?}");
        assert!(error.hints().concat().contains(hint), "{expected}: {:?}", error.hints());
    };
    check(answer(401, ""), "NotLoggedIn", "edk target login").await;
    let login = answer(302, "").leading_to("/auth/realms/kaapana/x");
    check(login, "NotLoggedIn", "edk target login").await;
    let elsewhere = answer(301, "").leading_to("https://other.example/kube-helm-api/");
    check(elsewhere, "Redirected", "--change").await;
    check(answer(200, "<html>blocked</html>"), "Page", "in a browser").await;
    check(answer(403, "<html>no</html>"), "Forbidden", "administrator").await;
    check(answer(200, "something else"), "Refused", "").await;
}

#[tokio::test]
async fn an_import_cut_by_the_front_door_is_unknown_not_failed() {
    let check = async |status: u16, body: &str| {
        let stage = stage([turn("GET /import-container?filename=x.tar", status, body)]).await;
        stage.client.import("x.tar", &stage.monitor).await
    };
    let done = check(200, "Successfully imported container x.tar").await;
    assert_eq!(done.unwrap(), ImportOutcome::Imported);
    assert_eq!(check(502, "").await.unwrap(), ImportOutcome::Unknown);
    let failed = check(500, "Container import failed file x.tar can not be found").await;
    assert!(failed.unwrap_err().to_string().contains("can not be found"));
}

#[tokio::test]
async fn an_image_archive_is_streamed_with_progress() {
    #[derive(Default)]
    struct Last(Mutex<(u64, Option<u64>)>);
    impl Reporter for Last {
        fn report(&self, _: &str, report: Report<'_>) {
            if let Report::Progress { done, total, .. } = report {
                *self.0.lock().unwrap() = (done, total);
            }
        }
    }
    let stage = stage([start(), bytes(200, "x.tar uploaded succesfully")]).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("x.tar");
    std::fs::write(&archive, vec![7; 300_000]).unwrap();
    let last = Arc::new(Last::default());
    let monitor = Monitor::new(last.clone(), CancellationToken::new(), "upload");
    stage.client.upload_images(&archive, &monitor).await.unwrap();
    assert_eq!(*last.0.lock().unwrap(), (300_000, Some(300_000)));
    assert_eq!(stage.script.seen.lock().unwrap()[1].2.len(), 300_000);
}

#[tokio::test]
async fn a_target_that_does_not_run_is_named_with_its_address_and_a_next_step() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::connect(target(&url)).unwrap();
    let error = client.health(&Monitor::silent()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("target `ward` can't be reached at {url}"));
    assert_eq!(error.code(), Code::Unreachable);
    assert_eq!(error.hints().len(), 1);
}

#[tokio::test]
async fn waiting_ends_at_once_when_the_job_is_cancelled() {
    let turns: Vec<_> = (0..3).map(|_| list(json!([]))).collect();
    let stage = stage(turns).await;
    let cancel = CancellationToken::new();
    let monitor = Monitor::new(Arc::new(Silent), cancel.clone(), "deliver");
    let patience = Duration::from_secs(3600);
    let wait = stage.client.wait_listed("a", "0.1.0", patience, &monitor);
    cancel.cancel();
    assert_eq!(wait.await.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing_on_the_target() {
    struct Stop(CancellationToken);
    impl Reporter for Stop {
        fn report(&self, _: &str, report: Report<'_>) {
            if matches!(report, Report::Progress { .. }) {
                self.0.cancel();
            }
        }
    }
    let stage = stage([start(), abort("Deleted x.tar succesfully.")]).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("x.tar");
    std::fs::write(&archive, vec![7; 8 << 20]).unwrap();
    let cancel = CancellationToken::new();
    let monitor = Monitor::new(Arc::new(Stop(cancel.clone())), cancel, "upload");
    let error = stage.client.upload_images(&archive, &monitor).await.unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    let (call, _, id) = stage.script.seen.lock().unwrap().last().unwrap().clone();
    assert_eq!((call.as_str(), id.as_ref()), ("DELETE /filepond-upload", ID.as_bytes()));
}

#[tokio::test]
async fn calls_of_several_tasks_reach_the_platform_one_after_the_other() {
    static INSIDE: Mutex<(u32, u32)> = Mutex::new((0, 0));
    let slow = || async {
        let inside = {
            let mut inside = INSIDE.lock().unwrap();
            inside.0 += 1;
            inside.1 = inside.1.max(inside.0);
            inside.0
        };
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        INSIDE.lock().unwrap().0 -= 1;
        format!("up and running {inside}")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(slow);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = Client::connect(target(&url)).unwrap();
    let monitor = Monitor::silent();
    let (a, b, c) =
        tokio::join!(client.health(&monitor), client.health(&monitor), client.health(&monitor));
    a.and(b).and(c).unwrap();
    assert_eq!(INSIDE.lock().unwrap().1, 1);
}
