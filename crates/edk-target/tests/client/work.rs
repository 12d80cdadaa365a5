//! What one does with a platform beyond its extensions: applications, workflows, DAGs of a project.

use std::time::Duration;

use edk_model::{Code, Explain};
use edk_target::{AllowOutcome, Client, Generation, TargetError, TaskLog, WorkflowStart};
use serde_json::{Map, Value, json};

use crate::stage::{Turn, list, row, stage, target, turn};

const SOFTWARE: &str = "/aii/projects/1-2/software-mappings";

fn software(ids: &[&str]) -> Turn {
    let rows: Vec<_> = ids.iter().map(|id| json!({ "software_uuid": id })).collect();
    turn("GET /aii/projects/1-2/software-mappings", 200, json!(rows).to_string())
}

#[tokio::test]
async fn a_dag_is_allowed_once_and_a_lost_answer_is_looked_after() {
    let allow = |status| turn("POST /aii/projects/1-2/software-mappings", status, "");
    let check = async |turns: Vec<Turn>| {
        let stage = stage(turns).await;
        let outcome = stage.client.allow_dag("new", &stage.monitor).await;
        stage.done();
        outcome
    };
    let done = check(vec![software(&["old"]), allow(200)]).await;
    assert_eq!(done.unwrap(), AllowOutcome::Allowed);
    assert_eq!(check(vec![software(&["new"])]).await.unwrap(), AllowOutcome::Already);
    let lost = check(vec![software(&[]), allow(504), software(&["new"])]).await;
    assert_eq!(lost.unwrap(), AllowOutcome::Allowed);
    let failed = check(vec![software(&[]), allow(500), software(&[])]).await;
    assert_eq!(failed.unwrap_err().code(), Code::Refused);
    let forbidden = check(vec![software(&[]), turn("POST /aii", 403, "<html>no</html>")]).await;
    assert_eq!(forbidden.unwrap_err().code(), Code::Unauthorised);
}

#[tokio::test]
async fn an_old_platform_knows_no_mapping_and_a_client_without_project_is_told() {
    let stage = stage([]).await;
    let mut old = target(&stage.client.target().url);
    old.generation = Generation::V0_4;
    let client = Client::connect(old).unwrap();
    let outcome = client.allow_dag("new", &stage.monitor).await.unwrap();
    assert_eq!(outcome, AllowOutcome::NotNeeded);
    let mut bare = target(&stage.client.target().url);
    bare.project = None;
    let error = Client::connect(bare).unwrap().allow_dag("new", &stage.monitor).await.unwrap_err();
    assert!(matches!(error, TargetError::NoProject { .. }), "{error}");
    assert!(stage.calls().is_empty());
}

#[tokio::test]
async fn the_body_of_a_mapping_is_a_list_of_the_dag() {
    let stage = stage([software(&[]), turn("POST /aii", 200, "")]).await;
    stage.client.allow_dag("new", &stage.monitor).await.unwrap();
    let seen = stage.script.seen.lock().unwrap();
    assert_eq!(seen[1].0, format!("POST {SOFTWARE}"));
    let body: Value = serde_json::from_slice(&seen[1].2).unwrap();
    assert_eq!(body, json!([{ "software_uuid": "new" }]));
    let project: Value = serde_json::from_str(seen[1].1["project"].to_str().unwrap()).unwrap();
    assert_eq!(project, json!({ "id": "1-2", "name": "admin" }));
}

fn start() -> WorkflowStart {
    let form = Map::from_iter([("single_execution".to_owned(), json!(true))]);
    let (name, dag, dataset) = ("try".into(), "d".into(), "ct".into());
    WorkflowStart { name, dag, dataset, limit: None, form }
}

fn workflows(names: &[&str]) -> Turn {
    let rows: Vec<_> =
        names.iter().map(|it| json!({ "workflow_name": it, "workflow_id": it })).collect();
    turn("GET /kaapana-backend/client/workflows?limit=", 200, json!([rows, 9]).to_string())
}

fn instance() -> Turn {
    let body = json!({ "instance_name": "central" }).to_string();
    turn("GET /kaapana-backend/client/kaapana-instance", 200, body)
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_and_never_repeated() {
    let lost = turn("POST /kaapana-backend/client/workflow", 502, "");
    let now = workflows(&["try-old", "try-new"]);
    let stage =
        stage([instance(), workflows(&["try-old"]), lost, workflows(&["try-old"]), now]).await;
    let started = stage.client.start_workflow(&start(), &stage.monitor).await.unwrap();
    assert_eq!(started.name, "try-new");
    stage.done();
    let starts = stage.calls().into_iter().filter(|call| call.starts_with("POST")).count();
    assert_eq!(starts, 1);
}

fn jobs(states: &[&str]) -> Turn {
    let rows: Vec<_> = states
        .iter()
        .enumerate()
        .map(|(id, state)| json!({ "id": id, "status": state, "run_id": "r", "dag_id": "d" }))
        .collect();
    turn("GET /kaapana-backend/client/jobs?workflow_name=try-1", 200, json!(rows).to_string())
}

#[tokio::test]
async fn a_workflow_is_followed_to_its_end_over_errors_that_pass() {
    let broken = turn("GET /kaapana-backend/client/jobs", 500, "Internal Server Error");
    let turns =
        [jobs(&[]), jobs(&["queued"]), broken, jobs(&["running", "finished"]), jobs(&["finished"])];
    let stage = stage(turns).await;
    let patience = Duration::from_secs(5);
    let done = stage.client.follow_workflow("try-1", patience, &stage.monitor).await.unwrap();
    assert_eq!(done.len(), 1);
    stage.done();
}

#[tokio::test]
async fn a_failed_job_ends_it_and_names_the_job() {
    let stage = stage([jobs(&["finished", "failed"])]).await;
    let patience = Duration::from_secs(5);
    let error = stage.client.follow_workflow("try-1", patience, &stage.monitor).await.unwrap_err();
    assert_eq!(error.to_string(), "workflow `try-1` failed on target `ward`: job 1 failed");
    assert!(error.hints()[0].contains("edk workflow jobs"));
}

#[tokio::test]
async fn a_log_of_a_task_comes_with_airflows_session() {
    let log = "GET /flow/api/v1/dags/d/dagRuns/r/taskInstances/t/logs/1";
    let stage = stage([
        turn("GET /flow/login/", 200, "").with_cookie("session=abc; Path=/"),
        turn(log, 200, "a line"),
    ])
    .await;
    let wanted = TaskLog { dag: "d", run: "r", task: "t", attempt: 1 };
    let text = stage.client.task_log(&wanted, &stage.monitor).await.unwrap();
    assert_eq!(text, "a line");
    let seen = stage.script.seen.lock().unwrap();
    let cookie = seen[1].1["cookie"].to_str().unwrap();
    assert!(cookie.starts_with("session=abc; Project="), "{cookie}");
    assert_eq!(seen[1].1["accept"], "text/plain");
}

#[tokio::test]
async fn an_application_is_completed_and_a_lost_answer_is_no_success() {
    let check = async |status: u16, body: &str| {
        let stage = stage([turn("POST /complete-active-application", status, body)]).await;
        stage.client.complete_app("a-1", &stage.monitor).await
    };
    assert!(check(200, "Completed active application: a-1").await.unwrap());
    assert!(!check(504, "").await.unwrap());
    let refused =
        check(500, r#"{"detail":"Internal server error: 500: Failed to complete"}"#).await;
    assert!(refused.unwrap_err().to_string().contains("Failed to complete"));
    let stage = stage([]).await;
    assert!(stage.client.complete_app("a; rm", &stage.monitor).await.is_err());
}

#[tokio::test]
async fn the_generation_is_found_by_what_the_platform_has() {
    let no = || turn("GET /workflow-api/v1/health", 404, "Not Found");
    let api = |paths: Value| turn("GET /openapi.json", 200, json!({ "paths": paths }).to_string());
    let new = || api(json!({ "/available-platforms": {} }));
    let check = async |turns: Vec<Turn>, expected: Option<Generation>| {
        let stage = stage(turns).await;
        let features = stage.client.features(&stage.monitor).await.unwrap();
        assert_eq!(features.generation(), expected, "{features:?}");
        stage.done();
        features
    };
    let health = |status| turn("GET /workflow-api/v1/health", status, "{}");
    let none = || list(json!([]));
    let found = check(vec![health(200), new(), none()], Some(Generation::V0_6)).await;
    assert_eq!(found.words(), ["DAGs allowed by project", "the workflow API"]);
    assert!(found.lacks(Generation::V0_6).is_empty());
    // Only an administrator may ask for it.
    check(vec![health(403), new(), none()], Some(Generation::V0_6)).await;
    let old = vec![no(), api(json!({ "/extensions": {} })), none()];
    let found = check(old, Some(Generation::V0_4)).await;
    assert_eq!(found.lacks(Generation::V0_5_1), ["DAGs allowed by project"]);
    assert!(found.lacks(Generation::V0_4).is_empty());
    // The start page answers where there is no such API.
    let page = turn("GET /workflow-api/v1/health", 200, "<!doctype html>");
    let plain = || row(&["0.1.0"], json!([]));
    check(vec![no(), new(), list(json!([plain()]))], Some(Generation::V0_5_0)).await;
    let mut named = plain();
    named["display_name"] = json!("");
    let found = check(vec![page, new(), list(json!([named]))], Some(Generation::V0_5_1)).await;
    assert_eq!(found.lacks(Generation::V0_6), ["the workflow API"]);
    check(vec![no(), new(), none()], None).await;
}
