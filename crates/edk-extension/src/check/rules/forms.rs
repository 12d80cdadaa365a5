//! Forms of workflows, and the environment variables they become.

use std::collections::BTreeSet;

use edk_model::Severity::{Error, Hint, Warning};

use crate::check::{
    facts::expr::{Expr, Kind, Piece},
    model::{DagRef, Model},
    profile::Profile,
    rule::{Example, Finds, Rule},
};

const DAG: &str = "extension/docker/files/dag_lung.py";
const CODE: &str = "processing-containers/lung-segment/files/segment.py";
/// Types that the platform's forms know (JSON Schema, validation, section 6.1.1).
const TYPES: [&str; 6] = ["string", "boolean", "integer", "number", "array", "object"];
/// Asked for by the platform itself.
const PLATFORM_KEYS: [&str; 1] = ["single_execution"];

/// A DAG with a form of one question.
macro_rules! form {
    ($properties:literal) => {
        concat!(
            "from airflow.models import DAG\nfrom kaapana.operators.LocalWorkflowCleanerOperator import LocalWorkflowCleanerOperator\nfrom lung.LungOperator import LungOperator\n\nui_forms = {\"workflow_form\": {\"type\": \"object\", \"properties\": {",
            $properties,
            "}}}\ndag = DAG(dag_id=\"lung\", default_args={\"ui_visible\": True, \"ui_forms\": ui_forms}, schedule_interval=None)\nlung = LungOperator(dag=dag)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nlung >> clean\n"
        )
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "P07",
        severity: Error,
        title: "a form is a JSON Schema whose keys can be environment variables",
        why: "the page can't show the form, or the value can't reach the container",
        fix: "give the form `type: object` and `properties`, and each property a type that JSON Schema knows",
        bad: Example::workflow(&[(
            DAG,
            form!("\"threshold\": {\"type\": \"float\", \"default\": 0.5}"),
        )]),
        says: "property `threshold` of workflow_form has the unknown type `float`",
        good: Example::workflow(&[(
            DAG,
            form!("\"threshold\": {\"type\": \"number\", \"default\": 0.5}"),
        )]),
        check: schema,
    },
    Rule {
        id: "P08",
        severity: Warning,
        title: "no question of a form has the name of a variable of the platform",
        why: "the platform sets its own variables after those of the form, so the answer never arrives",
        fix: "rename the property",
        bad: Example::workflow(&[(
            DAG,
            form!(
                "\"threshold\": {\"type\": \"number\", \"default\": 0.5}, \"task_id\": {\"type\": \"string\"}"
            ),
        )]),
        says: "property `task_id` of workflow_form is overwritten by the platform's TASK_ID",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (dag, form, key, _) in questions(m) {
                let Some(name) = key.text() else { continue };
                let variable = name.to_uppercase();
                if Profile::has(&m.profile.reserved_env, &variable) {
                    let message = format!(
                        "property `{name}` of {form} is overwritten by the platform's {variable}"
                    );
                    f.at(&dag.file.path, key.place, message);
                }
            }
        },
    },
    Rule {
        id: "P27",
        severity: Hint,
        title: "what a form asks is read by somebody",
        why: "every property reaches the containers as an environment variable in capital letters; none of the extension's containers reads this one",
        fix: "read the variable in the container, or remove the property",
        bad: Example::workflow(&[(
            DAG,
            form!(
                "\"threshold\": {\"type\": \"number\", \"default\": 0.5}, \"smooth\": {\"type\": \"boolean\", \"default\": False}"
            ),
        )]),
        says: "nothing reads SMOOTH, the answer to `smooth`",
        good: Example::workflow(&[(
            DAG,
            form!("\"threshold\": {\"type\": \"number\", \"default\": 0.5}"),
        )]),
        check: unread,
    },
    Rule {
        id: "P28",
        severity: Warning,
        title: "what a container reads is set by somebody",
        why: "the program ends with a KeyError when neither the platform, nor a form, nor the operator, nor the Dockerfile sets the variable",
        fix: "ask for it in the form, set it in the operator's `env_vars`, or read it with a default",
        bad: Example::workflow(&[(
            CODE,
            "import os\n\nprint(os.environ[\"THRESHHOLD\"], os.environ[\"THRESHOLD\"])\n",
        )]),
        says: "nothing sets THRESHHOLD",
        good: Example::workflow(&[]),
        check: unset,
    },
];

/// The questions of all forms: DAG, form, key and property.
fn questions<'m>(m: &'m Model<'_>) -> Vec<(DagRef<'m>, &'static str, &'m Expr, &'m Expr)> {
    let mut questions = Vec::new();
    for dag in m.dags() {
        for (form, value) in forms_of(&dag) {
            let Some(properties) = value.get("properties") else { continue };
            let file = dag.file;
            for (key, property) in file.followed(properties).entries() {
                let dag = DagRef { file: dag.file, call: dag.call, id: dag.id, nodes: Vec::new() };
                questions.push((dag, form, key, file.followed(property)));
            }
        }
    }
    questions
}

/// The forms of a DAG that ask something, as they are written.
fn forms_of<'m>(dag: &DagRef<'m>) -> Vec<(&'static str, &'m Expr)> {
    let file = dag.file;
    let args = dag.call.arg("default_args").map(|it| file.followed(it));
    let forms = args.and_then(|it| it.get("ui_forms")).map(|it| file.followed(it));
    let names = ["workflow_form", "publication_form"];
    let found = names.into_iter().filter_map(|name| Some((name, file.followed(forms?.get(name)?))));
    found.collect()
}

fn schema(m: &Model<'_>, f: &mut Finds) {
    for dag in m.dags() {
        for (name, form) in forms_of(&dag) {
            if !matches!(form.kind, Kind::Dict(_)) || form.entries().is_empty() {
                continue;
            }
            let text = form.get("type").and_then(|it| dag.file.text(it));
            if text != Some("object") {
                f.at(&dag.file.path, form.place, format!("{name} has no `\"type\": \"object\"`"));
            }
            if form.get("properties").is_none() && form.get("oneOf").is_none() {
                f.at(&dag.file.path, form.place, format!("{name} has no `properties`"));
            }
        }
    }
    for (dag, form, key, property) in questions(m) {
        let Some(name) = key.text() else { continue };
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(letter)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            let message =
                format!("property `{name}` of {form} can't be the name of an environment variable");
            f.at(&dag.file.path, key.place, message);
        }
        if !matches!(property.kind, Kind::Dict(_)) {
            continue;
        }
        let kind = property.get("type").map(|it| (it, dag.file.text(it)));
        match kind {
            Some((place, Some(kind))) if !TYPES.contains(&kind) => {
                let message = format!("property `{name}` of {form} has the unknown type `{kind}`");
                f.at(&dag.file.path, place.place, message);
            }
            None if ["$ref", "enum", "oneOf", "anyOf", "allOf", "const"]
                .iter()
                .all(|it| property.get(it).is_none()) =>
            {
                f.at(&dag.file.path, key.place, format!("property `{name}` of {form} has no type"));
            }
            _ => {}
        }
    }
}

/// The contexts of the extension's own images that a DAG's operators name.
fn contexts(m: &Model<'_>, dag: &DagRef<'_>) -> Vec<String> {
    let classes = dag.nodes.iter().filter_map(|it| it.class);
    let images = classes.filter_map(|(_, class)| class.passed("image")?.pieces());
    let names = images.filter_map(|pieces| {
        let text: String = pieces
            .into_iter()
            .map(|it| match it {
                Piece::Text(text) => text,
                Piece::Name(_) => String::new(),
            })
            .collect();
        crate::check::model::image_name(&text).map(str::to_owned)
    });
    names.filter_map(|name| m.image(&name)).map(|it| it.context().to_owned()).collect()
}

fn unread(m: &Model<'_>, f: &mut Finds) {
    let dags = m.dags();
    for (dag, form, key, _) in questions(m) {
        let Some(name) =
            key.text().filter(|it| form == "workflow_form" && !PLATFORM_KEYS.contains(it))
        else {
            continue;
        };
        let whole = dags.iter().find(|it| std::ptr::eq(it.call, dag.call));
        let contexts = whole.map(|it| contexts(m, it)).unwrap_or_default();
        let others =
            whole.is_none_or(|it| it.nodes.iter().any(|node| reads_forms(node.made.call.name())));
        if contexts.is_empty() || others {
            continue;
        }
        let variable = name.to_uppercase();
        let words = [variable.clone(), format!("\"{name}\""), format!("'{name}'")];
        let reads = |text: &str| words.iter().any(|word| text.contains(word.as_str()));
        let files = contexts.iter().flat_map(|it| m.tree.below(it));
        // Code beside the DAG may read the answers as well.
        let folder = dag.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = m.tree.below(folder).filter(|it| it.path != dag.file.path);
        let read = files.chain(own).filter_map(|it| it.text()).any(reads);
        if !read {
            f.at(
                &dag.file.path,
                key.place,
                format!("nothing reads {variable}, the answer to `{name}`"),
            );
        }
    }
}

/// Operators of the platform that take nothing from a workflow's own form.
fn reads_forms(name: &str) -> bool {
    let plain = [
        "GetInputOperator",
        "LocalWorkflowCleanerOperator",
        "DcmConverterOperator",
        "DcmSendOperator",
        "MinioOperator",
        "Itk2DcmSegOperator",
    ];
    name.starts_with("Local") && !plain.contains(&name)
}

fn unset(m: &Model<'_>, f: &mut Finds) {
    let mut set: BTreeSet<String> = m.profile.reserved_env.iter().cloned().collect();
    for (_, _, key, _) in questions(m) {
        set.extend(key.text().map(str::to_uppercase));
    }
    let code: Vec<&str> = m.dag_code().iter().map(|it| m.text(&it.path)).collect();
    let named: Vec<String> = m.operator_images().into_iter().filter_map(|it| it.name).collect();
    // A form that only Python knows may ask for anything.
    let whole = m
        .dags()
        .iter()
        .all(|dag| forms_of(dag).iter().all(|(_, it)| matches!(it.kind, Kind::Dict(_))));
    for docker in
        m.dockers.iter().filter(|it| whole && it.name.as_ref().is_some_and(|it| named.contains(it)))
    {
        let dockerfile = m.text(&docker.path);
        let copied: BTreeSet<&str> =
            m.copied(docker).iter().map(|it| it.file.path.as_str()).collect();
        let inherited =
            m.chain(docker).iter().any(|it| !it.starts_with("local-only/") && it != "scratch");
        for file in m.python.iter().filter(|it| copied.contains(it.path.as_str()) && !inherited) {
            for (name, place, needed) in &file.env {
                let by_operator = || {
                    let words = [format!("\"{name}\""), format!("'{name}'")];
                    code.iter().any(|it| words.iter().any(|word| it.contains(word.as_str())))
                };
                let known =
                    || set.contains(name) || dockerfile.contains(name.as_str()) || by_operator();
                let system = [
                    "PATH",
                    "HOME",
                    "USER",
                    "LANG",
                    "PYTHONPATH",
                    "HOSTNAME",
                    "http_proxy",
                    "https_proxy",
                    "no_proxy",
                ];
                if *needed && !system.contains(&name.as_str()) && !known() {
                    f.at(&file.path, *place, format!("nothing sets {name}"));
                }
            }
        }
    }
}
