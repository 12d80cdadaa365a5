//! Workflows of the Task API: `processing-container.json`, `workflow.json` and definitions.

mod read;

use edk_model::Severity::{Error, Hint, Warning};

use crate::check::{
    facts::text::Place,
    rule::{Example, Rule},
};

use read::{
    channels, charts, container_keys, containers, definitions, files, joined, listed, names_of,
    parameters, quoted, readable, resources_of, templates, workflow_json, workflows,
};

const CONTAINER: &str = "processing-containers/smooth/processing-container.json";
const WORKFLOW: &str = "workflow-chart/files/workflow.json";
const DEFINITION: &str = "workflow-chart/files/smoothing.py";
const MOST: u64 = 1 << 20;

/// A `processing-container.json` with one task.
macro_rules! container {
    ($head:literal, $inputs:literal, $env:literal, $resources:literal) => {
        concat!(
            "{\n  \"name\": \"smooth\",\n  \"description\": \"d\",\n", $head,
            "  \"api_version\": 1,\n  \"templates\": [\n    {\n      \"identifier\": \"smooth\",\n      \"description\": \"d\",\n      \"inputs\": [", $inputs,
            "],\n      \"outputs\": [{\"name\": \"smoothed\", \"mounted_path\": \"/out\"}],\n      \"env\": [", $env,
            "],\n      \"resources\": ", $resources, "\n    }\n  ]\n}\n"
        )
    };
}
macro_rules! workflow {
    ($title:literal, $task:literal, $kind:literal, $default:literal) => {
        concat!(
            "{\n  \"title\": \"", $title,
            "\",\n  \"workflow_engine\": \"airflow\",\n  \"labels\": [{\"key\": \"category\", \"value\": \"Filter\"}, {\"key\": \"provider\", \"value\": \"EDK\"}],\n  \"workflow_parameters\": [\n    {\n      \"task_title\": \"", $task,
            "\",\n      \"env_variable_name\": \"SIGMA\",\n      \"ui_form\": {\"type\": \"", $kind,
            "\", \"title\": \"t\", \"description\": \"d\", \"help\": \"h\", \"required\": true, ", $default, "}\n    }\n  ]\n}\n"
        )
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "T01",
        severity: Error,
        title: "processing-container.json has the keys of its model, and no others",
        why: "a missing key stops the task, an unknown one is dropped without a word (older pages name `type`, `adjustable` and `complexity`, which do not exist)",
        fix: "remove or correct the key",
        bad: Example::tasks(&[(
            CONTAINER,
            container!(
                "  \"complexity\": \"low\",\n",
                "{\"name\": \"images\", \"mounted_path\": \"/in\"}",
                "{\"name\": \"SIGMA\", \"value\": \"1\"}",
                "{\"limits\": {\"memory\": \"500Mi\"}, \"requests\": {\"memory\": \"500Mi\"}}"
            ),
        )]),
        says: "the container has the unknown key `complexity`",
        good: Example::tasks(&[]),
        check: |m, f| {
            for (file, json) in containers(m) {
                match json {
                    Ok(json) => {
                        for (key, message) in container_keys(&json) {
                            f.at(&file, quoted(m, &file, &key), message);
                        }
                    }
                    Err((place, message)) => _ = f.at(&file, place, message),
                }
            }
        },
    },
    Rule {
        id: "T02",
        severity: Error,
        title: "tasks, channels and variables are well named",
        why: "the platform mounts each channel as a volume and passes each variable as a text; anything else fails when the task starts",
        fix: "use texts as values, names of DNS, and a path of its own for each channel",
        bad: Example::tasks(&[(
            CONTAINER,
            container!(
                "",
                "{\"name\": \"images\", \"mounted_path\": \"/in\"}",
                "{\"name\": \"SIGMA\", \"value\": 1}",
                "{\"limits\": {\"memory\": \"500Mi\"}, \"requests\": {\"memory\": \"500Mi\"}}"
            ),
        )]),
        says: "the value of `SIGMA` is no text",
        good: Example::tasks(&[]),
        check: |m, f| {
            for (file, json) in readable(m) {
                for (key, message) in names_of(&json) {
                    f.at(&file, quoted(m, &file, &key), message);
                }
            }
        },
    },
    Rule {
        id: "T03",
        severity: Error,
        title: "resources have limits and requests, in Ki, Mi or Gi",
        why: "the platform's runner stops with an exception when one of the two is missing, or memory is written as `500M` or `1000`",
        fix: "give both, such as `\"memory\": \"500Mi\"`",
        bad: Example::tasks(&[(
            CONTAINER,
            container!(
                "",
                "{\"name\": \"images\", \"mounted_path\": \"/in\"}",
                "{\"name\": \"SIGMA\", \"value\": \"1\"}",
                "{\"limits\": {\"memory\": \"500M\"}, \"requests\": {\"memory\": \"500Mi\"}}"
            ),
        )]),
        says: "the memory `500M` of `smooth` is not a number with Ki, Mi or Gi",
        good: Example::tasks(&[]),
        check: |m, f| {
            for (file, json) in readable(m) {
                for (key, message) in resources_of(&json) {
                    f.at(&file, quoted(m, &file, &key), message);
                }
            }
        },
    },
    Rule {
        id: "T04",
        severity: Warning,
        title: "memory does not depend on a scale rule",
        why: "platforms of 0.6 never apply scale rules on Kubernetes: the limit stays what `resources` says",
        fix: "set limits that are enough for the largest input",
        bad: Example::tasks(&[(
            CONTAINER,
            container!(
                "",
                "{\"name\": \"images\", \"mounted_path\": \"/in\", \"scale_rule\": {\"scale_factor\": 2, \"type\": \"limit\", \"mode\": \"sum\"}}",
                "{\"name\": \"SIGMA\", \"value\": \"1\"}",
                "{\"limits\": {\"memory\": \"500Mi\"}, \"requests\": {\"memory\": \"500Mi\"}}"
            ),
        )]),
        says: "the scale rule of `images` is not applied on Kubernetes",
        good: Example::tasks(&[]),
        check: |m, f| {
            for (file, json) in readable(m) {
                for channel in templates(&json)
                    .flat_map(|it| channels(it, "inputs").chain(channels(it, "outputs")))
                {
                    if !channel["scale_rule"].is_null() {
                        let name = channel["name"].as_str().unwrap_or_default();
                        let message =
                            format!("the scale rule of `{name}` is not applied on Kubernetes");
                        f.at(&file, quoted(m, &file, "scale_rule"), message);
                    }
                }
            }
        },
    },
    Rule {
        id: "T05",
        severity: Error,
        title: "workflow.json is what the platform takes",
        why: "the installer's Job sends it as it is, and the platform refuses it with a 422; the Job fails",
        fix: "correct the key: title, workflow_engine, labels (with category and provider), workflow_parameters, and nothing else",
        bad: Example::tasks(&[(
            WORKFLOW,
            workflow!(
                "Smoothing Images",
                "smooth",
                "str",
                "\"default\": \"1\", \"regex_pattern\": \"^.$\""
            ),
        )]),
        says: "title `Smoothing Images` contains `S`; only lower-case letters, digits and - are allowed",
        good: Example::tasks(&[]),
        check: workflow_json,
    },
    Rule {
        id: "T06",
        severity: Error,
        title: "parameters belong to tasks that are there",
        why: "the answer reaches nobody, or the platform refuses the run",
        fix: "name a task of the definition, and a variable of its template",
        bad: Example::tasks(&[(
            WORKFLOW,
            workflow!(
                "smoothing",
                "smoothe",
                "str",
                "\"default\": \"1\", \"regex_pattern\": \"^.$\""
            ),
        )]),
        says: "the definition has no task `smoothe`",
        good: Example::tasks(&[]),
        check: parameters,
    },
    Rule {
        id: "T07",
        severity: Error,
        title: "defaults are texts",
        why: "the value is passed to the task as it is, and anything but a text stops it at its start",
        fix: "write the default in quotes, also for numbers, truth values and lists",
        bad: Example::tasks(&[(
            WORKFLOW,
            workflow!(
                "smoothing",
                "smooth",
                "float",
                "\"default\": 1.5, \"minimum\": 0, \"maximum\": 9"
            ),
        )]),
        says: "the default of `SIGMA` is no text",
        good: Example::tasks(&[(
            WORKFLOW,
            workflow!(
                "smoothing",
                "smooth",
                "float",
                "\"default\": \"1.5\", \"minimum\": 0, \"maximum\": 9"
            ),
        )]),
        check: |m, f| {
            for (_, file, json) in workflows(m) {
                for it in json["workflow_parameters"].as_array().into_iter().flatten() {
                    let typed = matches!(
                        it["ui_form"]["type"].as_str(),
                        Some("bool" | "int" | "float" | "list")
                    );
                    let default = &it["ui_form"]["default"];
                    if typed && !default.is_null() && !default.is_string() {
                        let name = it["env_variable_name"].as_str().unwrap_or_default();
                        f.at(
                            &file,
                            quoted(m, &file, name),
                            format!("the default of `{name}` is no text"),
                        );
                    }
                }
            }
        },
    },
    Rule {
        id: "T08",
        severity: Error,
        title: "a definition takes its DAG id from the platform, and nothing else",
        why: "the platform fills `{{ dag_id }}` in and takes everything else between such braces for its own as well: macros of Airflow vanish",
        fix: "write `DAG(\"{{ dag_id }}\", …)`, and other braces as `{{ '{{' }}`",
        bad: Example::tasks(&[(
            DEFINITION,
            "from airflow.models import DAG\nfrom task_api_operators.KaapanaTaskOperator import KaapanaTaskOperator\n\nwith DAG(\"smoothing\") as dag:\n    smooth = KaapanaTaskOperator(task_id=\"smooth\", image=f\"{DEFAULT_REGISTRY}/smooth:{KAAPANA_BUILD_VERSION}\", taskTemplate=\"smooth\")\n",
        )]),
        says: "the definition does not hold `{{ dag_id }}`",
        good: Example::tasks(&[]),
        check: |m, f| {
            for file in definitions(m) {
                let text = m.text(&file.path);
                let compact: String = text.split_whitespace().collect();
                let makes = file.calls.iter().any(|it| matches!(it.call.name(), "DAG" | "dag"));
                if makes && !compact.contains("{{dag_id}}") {
                    f.file(&file.path, "the definition does not hold `{{ dag_id }}`");
                }
                for (at, _) in text.match_indices("{{") {
                    let inner = text[at + 2..].split("}}").next().unwrap_or_default().trim();
                    if !matches!(inner, "dag_id" | "'{{'" | "\"{{\"") {
                        let place = Place::bytes(text, at, at + 2 + inner.len());
                        f.at(
                            &file.path,
                            place,
                            format!("`{{{{ {inner} }}}}` is taken by the platform, not by Airflow"),
                        );
                    }
                }
            }
        },
    },
    Rule {
        id: "T09",
        severity: Error,
        title: "files/ holds workflow.json and the definition, and nothing else",
        why: "every other file, an icon for example, is joined into the Python definition; files of one name replace each other",
        fix: "move other files out of `files/`",
        bad: Example::tasks(&[("workflow-chart/files/icon.png", "x")]),
        says: "`icon.png` is joined into the definition",
        good: Example::tasks(&[]),
        check: files,
    },
    Rule {
        id: "T10",
        severity: Error,
        title: "the chart lists the images that its tasks use",
        why: "the platform's build script builds what `processingContainers` lists; a task asks for what its definition names",
        fix: "list the same images in values.yaml as in the definition, each with a Dockerfile",
        bad: Example::tasks(&[(
            "workflow-chart/values.yaml",
            "global:\n  pull_policy_images: IfNotPresent\nprocessingContainers: []\n",
        )]),
        says: "`smooth` is used, but not listed in processingContainers",
        good: Example::tasks(&[]),
        check: listed,
    },
    Rule {
        id: "T11",
        severity: Error,
        title: "channels that are joined exist on both sides",
        why: "a channel that the template does not have is dropped without a word, and the task sees an empty folder",
        fix: "write the names of the channels as processing-container.json has them",
        bad: Example::tasks(&[(
            DEFINITION,
            "from airflow.models import DAG\nfrom task_api_operators.KaapanaTaskOperator import IOMapping, KaapanaTaskOperator\n\nwith DAG(\"{{ dag_id }}\") as dag:\n    one = KaapanaTaskOperator(task_id=\"smooth\", image=f\"{DEFAULT_REGISTRY}/smooth:{KAAPANA_BUILD_VERSION}\", taskTemplate=\"smooth\")\n    two = KaapanaTaskOperator(\n        task_id=\"again\",\n        image=f\"{DEFAULT_REGISTRY}/smooth:{KAAPANA_BUILD_VERSION}\",\n        taskTemplate=\"smooth\",\n        iochannel_maps=[IOMapping(upstream_operator=one, upstream_output_channel=\"smoothed\", input_channel=\"image\")],\n    )\n    one >> two\n",
        )]),
        says: "`smooth` has no input `image`",
        good: Example::tasks(&[]),
        check: joined,
    },
    Rule {
        id: "T12",
        severity: Warning,
        title: "a definition uses operators of the Task API only",
        why: "the ids of such DAGs hold `_v1`, with which a KaapanaBaseOperator can't name its ConfigMap on 0.6.0",
        fix: "use a KaapanaTaskOperator",
        bad: Example::tasks(&[(
            DEFINITION,
            "from airflow.models import DAG\nfrom kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\nwith DAG(\"{{ dag_id }}\") as dag:\n    smooth = KaapanaBaseOperator(dag=dag, name=\"smooth\", image=f\"{DEFAULT_REGISTRY}/smooth:{KAAPANA_BUILD_VERSION}\")\n",
        )]),
        says: "KaapanaBaseOperator does not work in a definition of the Task API",
        good: Example::tasks(&[]),
        check: |m, f| {
            for file in definitions(m) {
                for it in file.calls.iter().filter(|it| it.call.name() == "KaapanaBaseOperator") {
                    f.at(
                        &file.path,
                        it.call.place,
                        "KaapanaBaseOperator does not work in a definition of the Task API",
                    );
                }
            }
        },
    },
    Rule {
        id: "T13",
        severity: Error,
        title: "the chart installs its workflow",
        why: "the ConfigMap and the Job that send the workflow to the platform come from two named templates of workflow-helpers",
        fix: "include `workflow.configMap` and `workflow.installerJob`, and depend on workflow-helpers",
        bad: Example::tasks(&[("workflow-chart/templates/job.yaml", Example::GONE)]),
        says: "nothing includes `workflow.installerJob`",
        good: Example::tasks(&[]),
        check: |m, f| {
            for chart in charts(m) {
                for name in ["workflow.configMap", "workflow.installerJob"] {
                    if !chart
                        .template_files()
                        .any(|(_, text)| text.contains(&format!("\"{name}\"")))
                    {
                        f.file(&chart.path("Chart.yaml"), format!("nothing includes `{name}`"));
                    }
                }
                if !chart.dependencies().any(|(name, _)| name == "workflow-helpers") {
                    f.file(&chart.path("Chart.yaml"), "the chart does not need workflow-helpers");
                }
            }
        },
    },
    Rule {
        id: "T14",
        severity: Hint,
        title: "a workflow of the Task API is removed by hand",
        why: "uninstalling the release leaves workflow and DAG on the platform, and each installation adds a version",
        fix: "delete the versions over the workflow API: `DELETE /workflow-api/v1/workflows/<title>/<version>`",
        bad: Example::tasks(&[]),
        says: "the workflow `smoothing` stays on the platform when its release is removed",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (_, file, json) in workflows(m) {
                let title = json["title"].as_str().unwrap_or_default();
                let message = format!(
                    "the workflow `{title}` stays on the platform when its release is removed"
                );
                f.at(&file, quoted(m, &file, "title"), message);
            }
        },
    },
];
