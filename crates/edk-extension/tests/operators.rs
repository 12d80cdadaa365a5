//! What is found of operators beyond the examples of their rules.
#![allow(clippy::unwrap_used, clippy::panic)]

use edk_extension::check::{Example, Options, check, example_project};

const OPERATOR: &str = "extension/docker/files/lung/LungOperator.py";
const DAG: &str = "extension/docker/files/dag_lung.py";
const CODE: &str = "processing-containers/lung-segment/files/segment.py";

/// Checks the workflow with files that differ; returns what one rule says.
fn says(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let base = example_project(&Example::workflow(&[]));
    let tree = files.iter().fold(base, |tree, (path, text)| tree.with(path, text.as_bytes()));
    let options = Options { only: vec![rule.to_owned()], ..Options::default() };
    check(&tree, &options).findings.into_iter().map(|it| it.message).collect()
}

fn text(path: &str) -> String {
    example_project(&Example::workflow(&[])).text(path).unwrap().to_owned()
}

fn operator(arguments: &str) -> String {
    format!(
        "from kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass LungOperator(KaapanaBaseOperator):\n    def __init__(self, dag, **kwargs):\n        super().__init__(dag=dag, name=\"lung\", image=f\"{{DEFAULT_REGISTRY}}/lung-segment:{{KAAPANA_BUILD_VERSION}}\", {arguments}**kwargs)\n"
    )
}

#[test]
fn memory_is_limited_and_not_below_what_is_asked_for() {
    let of = |arguments: &str| says("P17", &[(OPERATOR, &operator(arguments))]);
    assert_eq!(of("").len(), 1);
    assert_eq!(of("ram_mem_mb=1000, "), [] as [&str; 0]);
    assert_eq!(of("ram_mem_mb=1_000, ram_mem_mb_lmt=2000, "), [] as [&str; 0]);
    let below = "the limit of 500 MB is below the 1000 MB it asks for";
    assert_eq!(of("ram_mem_mb=1000, ram_mem_mb_lmt=500, "), [below]);
    let made =
        format!("{}\nx = KaapanaBaseOperator(dag=dag, name=\"x\", image=\"x\")\n", text(DAG));
    assert_eq!(says("P17", &[(DAG, &made)]).len(), 1);
}

#[test]
fn what_runs_in_airflow_is_told_through_classes_of_the_project() {
    let base = "from kaapana.operators.KaapanaPythonBaseOperator import KaapanaPythonBaseOperator\n\n\nclass NoteOperator(KaapanaPythonBaseOperator):\n    pass\n\n\nclass LocalNoteOperator(NoteOperator):\n    pass\n";
    let path = "extension/docker/files/lung/LocalNoteOperator.py";
    assert_eq!(says("P26", &[(path, base)]).len(), 2);
    let made = format!("{}\nx = PythonOperator(dag=dag, task_id=\"x\")\n", text(DAG));
    assert_eq!(says("P26", &[(DAG, &made)]), ["`PythonOperator` runs inside Airflow"]);
    assert_eq!(says("P26", &[]), [] as [&str; 0]);
}

#[test]
fn only_the_right_label_lets_a_container_out() {
    let code = "import os\n\nimport requests\n\nprint(requests.get(\"https://models.example/lung\"), os.environ[\"THRESHOLD\"])\n";
    let of = |arguments: &str| says("P19", &[(CODE, code), (OPERATOR, &operator(arguments))]).len();
    assert_eq!(of(""), 1);
    assert_eq!(of("labels={\"network-access-ctp\": \"true\"}, "), 1);
    assert_eq!(of("labels={\"network-access-external-ips\": \"true\"}, "), 0);
    assert_eq!(of("labels=LABELS, "), 0);
    assert_eq!(of("enable_proxy=True, "), 0);
}

#[test]
fn images_of_operators_lie_in_folders_of_processing_containers() {
    let dockerfile = text("processing-containers/lung-segment/Dockerfile");
    assert_eq!(says("L10", &[]), [] as [&str; 0]);
    let other = "FROM scratch\nLABEL IMAGE=\"other\"\n";
    assert_eq!(says("L10", &[("tools/Dockerfile", other)]), [] as [&str; 0]);
    let base = example_project(&Example::workflow(&[]))
        .without("processing-containers/lung-segment/Dockerfile")
        .with("segment/Dockerfile", dockerfile.as_bytes());
    let options = Options { only: vec!["L10".to_owned()], ..Options::default() };
    let found = check(&base, &options).findings;
    let message =
        "the image `lung-segment` lies in `segment`, not in a folder of `processing-containers`";
    assert_eq!(found.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), [message]);
}
