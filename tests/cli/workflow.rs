//! Workflows of a platform elsewhere: a sandbox, which records what it is asked for and runs nothing.

use edk_testkit::small_extension;

use crate::platform::Ward;

#[test]
fn a_workflow_is_allowed_started_listed_and_its_end_is_told() {
    let ward = Ward::new();
    small_extension(&ward.env, "lung");
    let start = |dag: &str, dataset: &str| {
        ward.edk(&["workflow", "start", dag, "--dataset", dataset, "--name", "first"])
    };
    start("lung", "example").exits(1).tells(&["there is no DAG `lung`", "edk ext allow"]);
    ward.edk(&["deploy", "lung"]).exits(0);
    ward.edk(&["ext", "allow", "lung"]).exits(3).tells(&["ask an administrator"]);
    ward.log_in("kaapana");
    ward.edk(&["ext", "allow", "lung"]).exits(0);
    ward.log_in("lead");
    start("lung", "ct").exits(1).tells(&["`ct`", "example"]);
    start("lung", "example").exits(1).tells(&["failed", "the sandbox has no Airflow"]);
    let listed = ward.result(&["workflow", "list", "first"]);
    let workflow = listed[0]["name"].as_str().unwrap();
    assert!(workflow.starts_with("first-"), "{listed}");
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["dag"]), (1, &"lung".into()));
    ward.edk(&["workflow", "jobs", workflow]).exits(0).prints(&["failed"]);
    ward.edk(&["workflow", "logs", workflow]).exits(1).tells(&["no task"]);
    ward.edk(&["workflow", "jobs", "nothing"]).exits(1).tells(&["`nothing`"]);
    assert_eq!(ward.result(&["workflow", "list", "nothing"]).as_array().unwrap().len(), 0);
}
