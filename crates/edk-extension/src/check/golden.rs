//! The projects that are in order, from which the examples of rules differ.

use super::{
    rule::{Base, Example},
    rules::guard,
    target::TargetProfile,
    tree::{File, Tree},
};

const CHART: &str = "apiVersion: v1
name: lung-workflow
version: \"0.1.0\"
appVersion: \"0.1.0\"
description: Segments the lungs.
keywords:
  - kaapanaworkflow
  - kaapanaexperimental
annotations:
  ui-visible-name: Lung
  documentation: lung.html
";

const DAG: &str = "from airflow.models import DAG
from airflow.utils.dates import days_ago
from kaapana.operators.GetInputOperator import GetInputOperator
from kaapana.operators.LocalWorkflowCleanerOperator import LocalWorkflowCleanerOperator
from lung.LungOperator import LungOperator

ui_forms = {
    \"workflow_form\": {
        \"type\": \"object\",
        \"properties\": {
            \"threshold\": {\"type\": \"number\", \"default\": 0.5, \"required\": True},
        },
    }
}
default_args = {\"ui_visible\": True, \"ui_forms\": ui_forms, \"start_date\": days_ago(0)}
dag = DAG(dag_id=\"lung\", default_args=default_args, schedule_interval=None)

get_input = GetInputOperator(dag=dag)
lung = LungOperator(dag=dag, input_operator=get_input)
clean = LocalWorkflowCleanerOperator(dag=dag, clean_workflow_dir=True)

get_input >> lung >> clean
";

const OPERATOR: &str = "from kaapana.blueprints.kaapana_global_variables import DEFAULT_REGISTRY, KAAPANA_BUILD_VERSION
from kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator


class LungOperator(KaapanaBaseOperator):
    def __init__(self, dag, name=\"lung\", **kwargs):
        super().__init__(
            dag=dag,
            name=name,
            image=f\"{DEFAULT_REGISTRY}/lung-segment:{KAAPANA_BUILD_VERSION}\",
            ram_mem_mb=1000,
            ram_mem_mb_lmt=2000,
            **kwargs,
        )
";

const WORKFLOW: &[(&str, &str)] = &[
    ("extension/lung-workflow/Chart.yaml", CHART),
    (
        "extension/lung-workflow/values.yaml",
        "global:\n  image: \"dag-lung\"\n  action: \"copy\"\n  pull_policy_images: \"IfNotPresent\"\n",
    ),
    (
        "extension/lung-workflow/requirements.yaml",
        "dependencies:\n  - name: dag-installer-chart\n    version: 0.0.0\n",
    ),
    (
        "extension/docker/Dockerfile",
        "FROM local-only/base-installer:latest\n\nLABEL IMAGE=\"dag-lung\"\n\nCOPY files/ /kaapana/tmp/dags/\n",
    ),
    ("extension/docker/.dockerignore", "**/__pycache__\n"),
    ("extension/docker/files/dag_lung.py", DAG),
    ("extension/docker/files/lung/LungOperator.py", OPERATOR),
    (
        "processing-containers/lung-segment/Dockerfile",
        "FROM local-only/base-python-cpu:latest\n\nLABEL IMAGE=\"lung-segment\"\n\nWORKDIR /kaapana/app\nCOPY files/ /kaapana/app/\n\nCMD [\"python3\", \"-u\", \"/kaapana/app/segment.py\"]\n",
    ),
    ("processing-containers/lung-segment/.dockerignore", "**/__pycache__\n"),
    (
        "processing-containers/lung-segment/files/segment.py",
        "import os\n\nprint(os.environ[\"WORKFLOW_DIR\"], os.environ[\"THRESHOLD\"])\n",
    ),
];

const APPLICATION_CHART: &str = "apiVersion: v1
name: notes-chart
version: \"0.1.0\"
appVersion: \"0.1.0\"
description: Keeps notes.
keywords:
  - kaapanaapplication
  - kaapanamultiinstallable
  - kaapanaexperimental
annotations:
  ui-visible-name: Notes
  documentation: notes.html
";

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Values.global.services_namespace }}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .Release.Name }}
    spec:
      imagePullSecrets:
        - name: registry-secret
      containers:
        - name: notes
          image: \"{{ .Values.global.registry_url }}/notes:{{ .Values.global.kaapana_build_version }}\"
          imagePullPolicy: {{ .Values.global.pull_policy_images }}
          resources:
            requests:
              memory: 128Mi
            limits:
              memory: 256Mi
";

const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Values.global.services_namespace }}
  annotations:
    kaapana.ai/type: application
    kaapana.ai/display-name: Notes
    traefik.ingress.kubernetes.io/router.entrypoints: websecure
spec:
  rules:
    - http:
        paths:
          - path: /applications/project/{{ .Values.global.project_id }}/release/{{ .Release.Name }}
            pathType: Prefix
            backend:
              service:
                name: {{ .Release.Name }}
                port:
                  number: 80
";

const APPLICATION: &[(&str, &str)] = &[
    ("notes-chart/Chart.yaml", APPLICATION_CHART),
    (
        "notes-chart/values.yaml",
        "global:\n  display_name: \"\"\nextension_params:\n  display_name:\n    type: string\n    definition: Name\n    default: notes\n",
    ),
    ("notes-chart/templates/deployment.yaml", DEPLOYMENT),
    ("notes-chart/templates/ingress.yaml", INGRESS),
    (
        "docker/Dockerfile",
        "FROM local-only/base-python-cpu:latest\n\nLABEL IMAGE=\"notes\"\n\nCOPY files/ /app/\n\nCMD [\"python3\", \"/app/serve.py\"]\n",
    ),
    ("docker/.dockerignore", "**/__pycache__\n"),
    ("docker/files/serve.py", "print(\"notes\")\n"),
];

const CONTAINER: &str = "{
  \"name\": \"smooth\",
  \"description\": \"Smooths images.\",
  \"api_version\": 1,
  \"templates\": [
    {
      \"identifier\": \"smooth\",
      \"description\": \"Smooths each image.\",
      \"inputs\": [{\"name\": \"images\", \"mounted_path\": \"/in\"}],
      \"outputs\": [{\"name\": \"smoothed\", \"mounted_path\": \"/out\"}],
      \"env\": [{\"name\": \"SIGMA\", \"value\": \"1.0\"}],
      \"resources\": {\"limits\": {\"memory\": \"500Mi\"}, \"requests\": {\"memory\": \"500Mi\"}}
    }
  ]
}
";

const WORKFLOW_JSON: &str = "{
  \"title\": \"smoothing\",
  \"workflow_engine\": \"airflow\",
  \"labels\": [
    {\"key\": \"category\", \"value\": \"Filter\"},
    {\"key\": \"provider\", \"value\": \"EDK\"}
  ],
  \"workflow_parameters\": [
    {
      \"task_title\": \"smooth\",
      \"env_variable_name\": \"SIGMA\",
      \"ui_form\": {
        \"type\": \"str\",
        \"title\": \"Sigma\",
        \"description\": \"Width of the filter.\",
        \"help\": \"In mm.\",
        \"required\": true,
        \"default\": \"1.0\",
        \"regex_pattern\": \"^[0-9.]+$\"
      }
    }
  ]
}
";

const DEFINITION: &str = "from airflow.models import DAG
from task_api_operators.KaapanaTaskOperator import IOMapping, KaapanaTaskOperator

with DAG(\"{{ dag_id }}\", schedule_interval=None) as dag:
    get_input = KaapanaTaskOperator(
        task_id=\"get-input\",
        image=f\"{DEFAULT_REGISTRY}/get-input-task:{KAAPANA_BUILD_VERSION}\",
        taskTemplate=\"get-input\",
    )
    smooth = KaapanaTaskOperator(
        task_id=\"smooth\",
        image=f\"{DEFAULT_REGISTRY}/smooth:{KAAPANA_BUILD_VERSION}\",
        taskTemplate=\"smooth\",
        iochannel_maps=[
            IOMapping(
                upstream_operator=get_input,
                upstream_output_channel=\"downloads\",
                input_channel=\"images\",
            )
        ],
    )
    get_input >> smooth
";

const TASKS: &[(&str, &str)] = &[
    (
        "workflow-chart/Chart.yaml",
        "apiVersion: v2\nname: smoothing-workflow\nversion: \"0.1.0\"\nappVersion: \"0.1.0\"\ndescription: Smooths images.\nkeywords:\n  - kaapanaworkflow\n  - kaapanaworkflow-v2\n  - kaapanaexperimental\nannotations:\n  ui-visible-name: Smoothing\n  documentation: smoothing.html\ndependencies:\n  - name: workflow-helpers\n    version: 0.0.0\n",
    ),
    (
        "workflow-chart/values.yaml",
        "global:\n  pull_policy_images: \"IfNotPresent\"\nprocessingContainers:\n  - smooth\n",
    ),
    ("workflow-chart/templates/configmap.yaml", "{{ include \"workflow.configMap\" . }}\n"),
    ("workflow-chart/templates/job.yaml", "{{ include \"workflow.installerJob\" . }}\n"),
    ("workflow-chart/files/workflow.json", WORKFLOW_JSON),
    ("workflow-chart/files/smoothing.py", DEFINITION),
    (
        "processing-containers/smooth/Dockerfile",
        "FROM local-only/base-python-cpu:latest\n\nLABEL IMAGE=\"smooth\"\n\nCOPY processing-container.json /\nCOPY files/ /app/\n\nCMD [\"python3\", \"/app/smooth.py\"]\n",
    ),
    ("processing-containers/smooth/.dockerignore", "**/__pycache__\n"),
    ("processing-containers/smooth/processing-container.json", CONTAINER),
    ("processing-containers/smooth/files/smooth.py", "import os\n\nprint(os.environ[\"SIGMA\"])\n"),
];

/// What is known of the target, in an example.
const TARGET: &str = "(target)";
/// The name of the package in which the files lie, in an example.
const PACKAGE: &str = "(package)";

/// Returns what an example knows of the target.
pub fn target(example: &Example) -> Option<TargetProfile> {
    let (_, text) = example.files.iter().find(|(path, _)| *path == TARGET)?;
    serde_json::from_str(text).ok()
}

/// Returns the project of an example.
pub fn project(example: &Example) -> Tree {
    let base = match example.base {
        Base::Workflow => WORKFLOW,
        Base::Application => APPLICATION,
        Base::Tasks => TASKS,
    };
    let mut tree = Tree::of(base.iter().map(|(path, text)| File::new(path, text.as_bytes())));
    for (path, text) in example.files {
        tree = match *text {
            _ if *path == TARGET => tree,
            text if *path == PACKAGE => {
                tree.package = Some(text.to_owned());
                tree
            }
            Example::GONE => tree.without(path),
            text => tree.with_file(guard::example_file(path, text)),
        };
    }
    tree
}
