//! Extensions as others lay them out: everything is discovered, and none of it is an error.
#![allow(clippy::unwrap_used, clippy::panic)]

use edk_extension::{
    Project, Role,
    check::{File, Options, Tree, check},
};
use edk_model::Severity;

const INSTALLER: &str = "dependencies:\n  - name: dag-installer-chart\n    version: 0.0.0\n";

/// A workflow chart in a folder of any name.
fn chart(folder: &str, name: &str, image: &str) -> Vec<(String, String)> {
    let chart = format!(
        "apiVersion: v1\nname: {name}\nversion: 0.1.0\nappVersion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n"
    );
    let values = format!("global:\n  image: {image}\n  action: copy\n");
    vec![
        (format!("{folder}/Chart.yaml"), chart),
        (format!("{folder}/values.yaml"), values),
        (format!("{folder}/requirements.yaml"), INSTALLER.to_owned()),
    ]
}

fn image(folder: &str, base: &str, rest: &str) -> (String, String) {
    (format!("{folder}/Dockerfile"), format!("FROM {base}\n{rest}\n"))
}

fn dag(path: &str, id: &str, operator: &str) -> (String, String) {
    (
        path.to_owned(),
        format!(
            "from airflow.models import DAG\nfrom kaapana.operators.LocalWorkflowCleanerOperator import LocalWorkflowCleanerOperator\n{operator}\nargs = {{\"ui_visible\": True, \"ui_forms\": {{}}}}\ndag = DAG(dag_id=\"{id}\", default_args=args, schedule_interval=None)\nclean = LocalWorkflowCleanerOperator(dag=dag)\n"
        ),
    )
}

fn operator(path: &str, name: &str, image: &str) -> (String, String) {
    (
        path.to_owned(),
        format!(
            "from kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass {name}(KaapanaBaseOperator):\n    def __init__(self, dag, **kwargs):\n        super().__init__(\n            dag=dag,\n            name=f\"{{\"a\" + \"b\"}}\",\n            image=f\"{{DEFAULT_REGISTRY}}/{image}:{{KAAPANA_BUILD_VERSION}}\",\n            ram_mem_mb=1000,\n            **kwargs,\n        )\n"
        ),
    )
}

const INSTALL: &str = "LABEL IMAGE=\"dag-x\"\nCOPY files/ /kaapana/tmp/dags/";
const BASE_INSTALLER: &str = "local-only/base-installer:latest";
const PYTHON: &str = "local-only/base-python-cpu:latest";

/// Expects that both discoveries find so many charts and images, and no rule finds an error.
#[track_caller]
fn holds(files: &[(String, String)], charts: usize, images: usize) -> Project {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let project = Project::discover(folder.path()).unwrap();
    assert_eq!((project.charts.len(), project.images.len()), (charts, images));
    let tree = Tree::of(files.iter().map(|(path, text)| File::new(path, text.as_bytes())));
    let report = check(&tree, &Options::default());
    let errors: Vec<_> =
        report.findings.iter().filter(|it| it.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    project
}

#[test]
fn a_second_chart_may_lie_among_the_images_and_an_image_in_a_folder_called_docker() {
    let mut files = chart("extension/flow-workflow", "flow-workflow", "dag-x");
    files.push(image("extension/docker", BASE_INSTALLER, INSTALL));
    files.push(dag(
        "extension/docker/files/dag_flow.py",
        "flow",
        "from flow.FlowOperator import FlowOperator\n\nLAUNCHED = \"flow-chart\"\n",
    ));
    files.push(operator("extension/docker/files/flow/FlowOperator.py", "FlowOperator", "flow"));
    files.push(("processing-containers/flow-chart/Chart.yaml".into(), "apiVersion: v1\nname: flow-chart\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaint]\n".into()));
    files.push(("processing-containers/flow-chart/values.yaml".into(), "global: {}\n".into()));
    files.push(image(
        "processing-containers/docker",
        PYTHON,
        "LABEL IMAGE=\"flow\"\nCMD [\"true\"]",
    ));
    let project = holds(&files, 2, 2);
    assert_eq!(project.images.iter().filter(|it| it.role == Role::Dag).count(), 1);
}

#[test]
fn folder_chart_and_dags_may_all_have_different_names() {
    let mut files = chart("extension/total-workflow", "classify-training-workflow", "dag-x");
    files.push(image("extension/docker", BASE_INSTALLER, INSTALL));
    for id in ["classify-training", "classify-inference"] {
        files.push(dag(&format!("extension/docker/files/dag_{id}.py"), id, ""));
    }
    // And there is no processing container at all: only operators that Airflow itself runs.
    holds(&files, 1, 1);
}

#[test]
fn images_of_other_extensions_and_of_the_platform_may_be_used() {
    let mut files = chart("radio/extension/chart", "radio-workflow", "dag-x");
    files.push(image("radio/extension/docker", BASE_INSTALLER, INSTALL));
    let imports = "from radio.AOperator import AOperator\nfrom radio.BOperator import BOperator\n";
    files.push(dag("radio/extension/docker/files/dag_radio.py", "radio", imports));
    files.push(operator(
        "radio/extension/docker/files/radio/AOperator.py",
        "AOperator",
        "statistics2pdf",
    ));
    files.push(operator(
        "radio/extension/docker/files/radio/BOperator.py",
        "BOperator",
        "other-image",
    ));
    files.push(image(
        "other/processing-containers/other",
        PYTHON,
        "LABEL IMAGE=\"other-image\"\nCMD [\"true\"]",
    ));
    holds(&files, 1, 2);
}

#[test]
fn python_of_3_12_is_read_with_the_same_quotes_inside() {
    let mut files = chart("extension/x", "x-workflow", "dag-x");
    files.push(image("extension/docker", BASE_INSTALLER, INSTALL));
    files.push(dag(
        "extension/docker/files/dag_x.py",
        "x",
        "a = {\"k\": 1}\nb = f\"{a[\"k\"]} {f\"{a[\"k\"]}\"}\"\n",
    ));
    holds(&files, 1, 1);
}

#[test]
fn an_image_may_stand_on_several_local_bases_and_a_chart_on_no_image() {
    let files = [
        image("bases/mine", PYTHON, "LABEL REGISTRY=\"local-only\"\nLABEL IMAGE=\"base-mine\""),
        image("app/docker", "local-only/base-mine:latest AS one\nFROM local-only/base-desktop:latest", "LABEL IMAGE=\"bench\"\nCOPY --from=one /opt /opt"),
        ("app/chart/Chart.yaml".into(), "apiVersion: v1\nname: bench-chart\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaapplication]\n".into()),
        ("app/chart/values.yaml".into(), "global:\n  complete_image: \"{{ .Values.global.registry_url }}/bench:{{ .Values.global.kaapana_build_version }}\"\n".into()),
        ("sync-chart/Chart.yaml".into(), "apiVersion: v1\nname: sync-chart\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaapplication]\n".into()),
        ("sync-chart/values.yaml".into(), "global: {}\n".into()),
    ];
    let project = holds(&files, 2, 2);
    assert_eq!(project.images.iter().filter(|it| it.role == Role::Base).count(), 1);
}

#[test]
fn a_dead_dag_file_is_told_and_hides_nothing() {
    let mut files = chart("extension/x", "x-workflow", "dag-x");
    files.push(image(
        "extension/docker",
        BASE_INSTALLER,
        "LABEL IMAGE=\"dag-x\"\nCOPY files/dag_a.py /kaapana/tmp/dags/",
    ));
    files.push(dag("extension/docker/files/dag_a.py", "a", ""));
    files.push(dag("extension/docker/files/dag_b.py", "b", ""));
    let tree = Tree::of(files.iter().map(|(path, text)| File::new(path, text.as_bytes())));
    let report = check(&tree, &Options::default());
    let errors: Vec<_> = report
        .findings
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .map(|it| it.message.as_str())
        .collect();
    assert_eq!(errors, ["`files/dag_b.py` is not copied into the image"]);
}
