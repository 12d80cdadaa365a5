//! Operators: their images, and what they pass to the platform.

mod calls;

use edk_model::Severity::{Error, Warning};

use super::dags::change;
use crate::check::{
    facts::expr::Kind,
    rule::{Example, Rule},
};

use calls::{
    all_calls, classes, container_calls, gpus, heeded, in_airflow, is_default, is_nothing,
    launched, memory, network, seen, servers, texts,
};

const OPERATOR: &str = "extension/docker/files/lung/LungOperator.py";
const CHART: &str = "extension/lung-workflow/Chart.yaml";
const CODE: &str = "processing-containers/lung-segment/files/segment.py";
const IGNORED: [&str; 5] =
    ["node_selectors", "tolerations", "affinity", "priority_class_name", "xcom_push"];

/// An operator; the arguments come last.
macro_rules! operator {
    ($image:literal, $more:literal) => {
        operator!("", $image, $more)
    };
    ($params:literal, $image:literal, $more:literal) => {
        concat!(
            "from kaapana.blueprints.kaapana_global_variables import DEFAULT_REGISTRY, KAAPANA_BUILD_VERSION\nfrom kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass LungOperator(KaapanaBaseOperator):\n    def __init__(self, dag, name=\"lung\", ",
            $params, "**kwargs):\n        super().__init__(\n            dag=dag,\n            name=name,\n", $image, $more,
            "            ram_mem_mb_lmt=2000,\n            **kwargs,\n        )\n"
        )
    };
}
macro_rules! lung {
    ($more:literal) => {
        operator!(
            "            image=f\"{DEFAULT_REGISTRY}/lung-segment:{KAAPANA_BUILD_VERSION}\",\n",
            $more
        )
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "P09",
        severity: Error,
        title: "the image of an operator exists",
        why: "the task's pod ends in ErrImagePull when the workflow runs; nothing tells it before",
        fix: "write the LABEL IMAGE of one of the extension's Dockerfiles, or the name of an image of the platform",
        bad: Example::workflow(&[(
            OPERATOR,
            operator!(
                "            image=f\"{DEFAULT_REGISTRY}/lung-segmnet:{KAAPANA_BUILD_VERSION}\",\n",
                ""
            ),
        )]),
        says: "nobody makes the image `lung-segmnet`",
        good: Example::workflow(&[]),
        check: |m, f| {
            for it in m.operator_images().iter().filter(|it| is_default(it)) {
                let Some(name) = it.name.as_ref().filter(|it| !m.knows_image(it)) else { continue };
                f.at(&it.file, it.place, format!("nobody makes the image `{name}`"));
            }
        },
    },
    Rule {
        id: "P10",
        severity: Error,
        title: "the platform's build script finds the image of an operator",
        why: "the script reads only files with `operator` in their name, and in them lines that begin with `image=` and hold `{DEFAULT_REGISTRY}` and `{KAAPANA_BUILD_VERSION}`; an image it does not find is not built",
        fix: "write `image=f\"{DEFAULT_REGISTRY}/<image>:{KAAPANA_BUILD_VERSION}\",` on a line of its own",
        bad: Example::workflow(&[(
            OPERATOR,
            "from kaapana.blueprints.kaapana_global_variables import DEFAULT_REGISTRY, KAAPANA_BUILD_VERSION\nfrom kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass LungOperator(KaapanaBaseOperator):\n    def __init__(self, dag, **kwargs):\n        super().__init__(dag=dag, name=\"lung\", image=f\"{DEFAULT_REGISTRY}/lung-segment:{KAAPANA_BUILD_VERSION}\", ram_mem_mb_lmt=2000, **kwargs)\n",
        )]),
        says: "the platform's build script does not see the image `lung-segment`",
        good: Example::workflow(&[]),
        check: seen,
    },
    Rule {
        id: "P11",
        severity: Warning,
        title: "an operator's image comes from the platform's registry",
        why: "a registry that is written out is right for one platform only, and `localhost:32000` only inside the in-platform editor",
        fix: "write `{DEFAULT_REGISTRY}`; a private registry needs a pull secret in the project's namespace",
        bad: Example::workflow(&[(
            OPERATOR,
            operator!("            image=\"localhost:32000/lung-segment:0.1.0\",\n", ""),
        )]),
        says: "the registry `localhost:32000` is written out",
        good: Example::workflow(&[]),
        check: |m, f| {
            for it in m.operator_images() {
                if !it.registry.contains('{') && !it.registry.is_empty() {
                    let message = format!("the registry `{}` is written out", it.registry);
                    f.at(&it.file, it.place, message);
                }
            }
        },
    },
    Rule {
        id: "P12",
        severity: Error,
        title: "operators pass no commands",
        why: "since 0.6.0 `cmds` and `arguments` are ignored: the container runs its own CMD instead, and the task does something else than it says",
        fix: "let the container choose by an environment variable from `env_vars`, or make an image for each command",
        bad: Example::workflow(&[(OPERATOR, lung!("            cmds=[\"python3\"],\n"))]),
        says: "`cmds` is ignored by platforms from 0.6.0 on",
        good: Example::workflow(&[]),
        check: |m, f| {
            if m.platform_version() < (0, 6, 0) {
                return;
            }
            for (file, call) in container_calls(m) {
                for name in ["cmds", "arguments"] {
                    if let Some(place) = call.place_of(name).filter(|_| !is_nothing(call, name)) {
                        f.at(
                            &file.path,
                            place,
                            format!("`{name}` is ignored by platforms from 0.6.0 on"),
                        );
                    }
                }
            }
        },
    },
    Rule {
        id: "P13",
        severity: Warning,
        title: "operators pass what the platform heeds",
        why: "the operator takes the argument and drops it: the pod runs without it",
        fix: "remove the argument",
        bad: Example::workflow(&[(OPERATOR, lung!("            tolerations=[],\n"))]),
        says: "`tolerations` is ignored by the platform",
        good: Example::workflow(&[]),
        check: heeded,
    },
    Rule {
        id: "P14",
        severity: Error,
        title: "an operator's input is named once",
        why: "with both `input_operator` and `operator_in_dir` Airflow can't load the DAG",
        fix: "remove one of the two",
        bad: Example::workflow(&[(
            OPERATOR,
            lung!("            input_operator=other,\n            operator_in_dir=\"other\",\n"),
        )]),
        says: "both `input_operator` and `operator_in_dir` are given",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (file, call) in all_calls(m) {
                let given = |name: &str| call.arg(name).is_some() && !is_nothing(call, name);
                if given("input_operator") && given("operator_in_dir") {
                    let place = call.place_of("operator_in_dir");
                    f.at(
                        &file.path,
                        place,
                        "both `input_operator` and `operator_in_dir` are given",
                    );
                }
            }
        },
    },
    Rule {
        id: "P15",
        severity: Error,
        title: "values of `env_vars` are texts",
        why: "a pod can't be made with a number or a truth value in its environment",
        fix: "write it as a text",
        bad: Example::workflow(&[(OPERATOR, lung!("            env_vars={\"THRESHOLD\": 5},\n"))]),
        says: "the value of `THRESHOLD` in env_vars is no text",
        good: Example::workflow(&[(
            OPERATOR,
            lung!("            env_vars={\"THRESHOLD\": \"5\"},\n"),
        )]),
        check: texts,
    },
    Rule {
        id: "P16",
        severity: Warning,
        title: "operators don't share their defaults",
        why: "a dictionary as a default is one for all operators of the DAG: what one adds, all others get as well",
        fix: "take None as the default, and a copy: `env_vars = dict(env_vars or {})`",
        bad: Example::workflow(&[(
            OPERATOR,
            "from kaapana.blueprints.kaapana_global_variables import DEFAULT_REGISTRY, KAAPANA_BUILD_VERSION\nfrom kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass LungOperator(KaapanaBaseOperator):\n    def __init__(self, dag, env_vars={}, **kwargs):\n        env_vars.update({\"MODE\": \"fast\"})\n        super().__init__(\n            dag=dag,\n            name=\"lung\",\n            image=f\"{DEFAULT_REGISTRY}/lung-segment:{KAAPANA_BUILD_VERSION}\",\n            env_vars=env_vars,\n            ram_mem_mb_lmt=2000,\n            **kwargs,\n        )\n",
        )]),
        says: "the default of `env_vars` is changed in place",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (file, class) in classes(m) {
                for (name, default, place) in &class.params {
                    let shared = default
                        .as_ref()
                        .is_some_and(|it| matches!(it.kind, Kind::Dict(_) | Kind::List(_)));
                    if shared && class.changed.contains(name) {
                        f.at(
                            &file.path,
                            *place,
                            format!("the default of `{name}` is changed in place"),
                        );
                    }
                }
            }
        },
    },
    Rule {
        id: "P17",
        severity: Warning,
        title: "an operator says how much memory it needs",
        why: "without `ram_mem_mb_lmt` the container may use 600 MiB, and is killed beyond",
        fix: "set `ram_mem_mb_lmt` (and `ram_mem_mb`) to what the work needs, in MB",
        bad: Example::workflow(&[(
            OPERATOR,
            "from kaapana.blueprints.kaapana_global_variables import DEFAULT_REGISTRY, KAAPANA_BUILD_VERSION\nfrom kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass LungOperator(KaapanaBaseOperator):\n    def __init__(self, dag, **kwargs):\n        super().__init__(\n            dag=dag,\n            name=\"lung\",\n            image=f\"{DEFAULT_REGISTRY}/lung-segment:{KAAPANA_BUILD_VERSION}\",\n            **kwargs,\n        )\n",
        )]),
        says: "`LungOperator` has no limit of memory of its own; it gets 600 MiB",
        good: Example::workflow(&[]),
        check: memory,
    },
    Rule {
        id: "P18",
        severity: Warning,
        title: "operator, base and chart agree on the GPU",
        why: "without a base for GPUs there is no CUDA in the container; without the keyword the platform's list shows the extension as one for the CPU, and the other way round",
        fix: "stand on a GPU base such as local-only/base-python-gpu, and give the chart the keyword gpurequired",
        bad: Example::workflow(&[(OPERATOR, lung!("            gpu_mem_mb=6000,\n"))]),
        says: "`LungOperator` asks for a GPU, but `lung-segment` stands on no base for one",
        good: Example::workflow(&[
            (OPERATOR, lung!("            gpu_mem_mb=6000,\n")),
            (
                "processing-containers/lung-segment/Dockerfile",
                "FROM local-only/base-python-gpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
            ),
            (
                CHART,
                "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow, gpurequired]\n",
            ),
        ]),
        check: gpus,
    },
    Rule {
        id: "P19",
        severity: Warning,
        title: "a container that goes to the internet says so",
        why: "pods of a project reach the platform's services only: every other request ends in a timeout",
        fix: "give the operator `labels={\"network-access-external-ips\": \"true\"}`, or `enable_proxy=True`",
        bad: Example::workflow(&[(
            CODE,
            "import os\n\nimport requests\n\nprint(requests.get(\"https://models.example/lung\"), os.environ[\"THRESHOLD\"])\n",
        )]),
        says: "`LungOperator` runs code that asks models.example, but is not let out",
        good: Example::workflow(&[
            (
                CODE,
                "import os\n\nimport requests\n\nprint(requests.get(\"https://models.example/lung\"), os.environ[\"THRESHOLD\"])\n",
            ),
            (OPERATOR, lung!("            labels={\"network-access-external-ips\": \"true\"},\n")),
        ]),
        check: network,
    },
    Rule {
        id: "P20",
        severity: Warning,
        title: "no development server is left",
        why: "the task waits for somebody to work in the server, without end",
        fix: "remove `dev_server` before others use the workflow",
        bad: Example::workflow(&[(OPERATOR, lung!("            dev_server=\"code-server\",\n"))]),
        says: "`dev_server` is set",
        good: Example::workflow(&[(OPERATOR, lung!("            dev_server=None,\n"))]),
        check: |m, f| {
            for (file, call) in all_calls(m) {
                if let Some(value) = call.arg("dev_server").filter(|it| it.text().is_some()) {
                    let place = call.place_of("dev_server");
                    let edit = change(&file.path, value, "None");
                    f.at(&file.path, place, "`dev_server` is set").edits.push(edit);
                }
            }
        },
    },
    Rule {
        id: "P21",
        severity: Warning,
        title: "a development server has a base with one",
        why: "the code server is a part of the platform's Python bases; other images don't have the program",
        fix: "stand on local-only/base-python-cpu or base-python-gpu while developing",
        bad: Example::workflow(&[
            (OPERATOR, lung!("            dev_server=\"code-server\",\n")),
            (
                "processing-containers/lung-segment/Dockerfile",
                "FROM python:3.12-slim\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
            ),
        ]),
        says: "`lung-segment` stands on python:3.12-slim, which has no code server",
        good: Example::workflow(&[(OPERATOR, lung!("            dev_server=\"code-server\",\n"))]),
        check: servers,
    },
    Rule {
        id: "P24",
        severity: Warning,
        title: "nothing is used that the platform removed",
        why: "the name is gone since 0.4 or 0.5: the code fails when it runs",
        fix: "answers of a form are in `conf[\"workflow_form\"]`; MinIO is reached through kaapanapy",
        bad: Example::workflow(&[(
            "extension/docker/files/lung/helper.py",
            "def note(conf):\n    return conf[\"form_data\"][\"note\"]\n",
        )]),
        says: "`form_data` was removed from the platform",
        good: Example::workflow(&[]),
        check: |m, f| {
            for file in m.dag_code() {
                for (key, place) in file.keys.iter().filter(|(it, _)| it == "form_data") {
                    f.at(&file.path, *place, format!("`{key}` was removed from the platform"));
                }
                let old = |it: &str| it.ends_with("HelperMinio");
                for it in file
                    .imports
                    .iter()
                    .filter(|it| old(&it.module) || it.name.as_deref().is_some_and(old))
                {
                    f.at(&file.path, it.place, "`HelperMinio` was removed from the platform");
                }
            }
        },
    },
    Rule {
        id: "P25",
        severity: Warning,
        title: "an application that a workflow launches is there",
        why: "the platform installs the chart under exactly its own build version, and the task fails when there is none",
        fix: "add the chart to the extension, and deliver it with the platform's build version",
        bad: Example::workflow(&[(
            OPERATOR,
            lung!("            launch_application_chart=\"lung-viewer-chart\",\n"),
        )]),
        says: "nobody has the chart `lung-viewer-chart`",
        good: Example::workflow(&[(
            OPERATOR,
            lung!("            launch_application_chart=\"mitk-flow-chart\",\n"),
        )]),
        check: launched,
    },
    Rule {
        id: "P26",
        severity: Warning,
        title: "work is done in containers, not in Airflow",
        why: "the code of such an operator runs inside Airflow, with Airflow's packages only, and takes its memory; the platform is giving such operators up",
        fix: "make it a processing container with a KaapanaBaseOperator",
        bad: Example::workflow(&[(
            "extension/docker/files/lung/LocalNoteOperator.py",
            "from kaapana.operators.KaapanaPythonBaseOperator import KaapanaPythonBaseOperator\n\n\nclass LocalNoteOperator(KaapanaPythonBaseOperator):\n    def __init__(self, dag, **kwargs):\n        super().__init__(dag=dag, name=\"note\", python_callable=self.start, **kwargs)\n",
        )]),
        says: "`LocalNoteOperator` runs inside Airflow",
        good: Example::workflow(&[]),
        check: in_airflow,
    },
];
