//! DAG files.

use std::collections::{BTreeMap, BTreeSet};

use edk_model::{
    Edit,
    Severity::{Error, Warning},
    names,
};

use crate::check::{
    facts::{
        expr::{Expr, Kind},
        python::Import,
    },
    model::{Copied, DagRef, Model, Node},
    profile::Profile,
    rule::{Example, Finds, Rule, replace},
};

const DAG: &str = "extension/docker/files/dag_lung.py";
/// A pod's name has at most 62 characters, of which the run id takes the DAG's id and 20 more.
const POD: usize = 62 - 20;

/// A DAG of one task; what examples differ in comes last.
macro_rules! dag {
    ($id:literal, $more:literal) => {
        concat!(
            "from airflow.models import DAG\nfrom kaapana.operators.LocalWorkflowCleanerOperator import LocalWorkflowCleanerOperator\nfrom lung.LungOperator import LungOperator\n\nargs = {\"ui_visible\": True, \"ui_forms\": {\"workflow_form\": {\"type\": \"object\", \"properties\": {}}}}\ndag = DAG(dag_id=\"",
            $id, "\", default_args=args", $more
        )
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "P01",
        severity: Error,
        title: "the files of a DAG image can be loaded by Airflow",
        why: "Airflow can't load the file, so the workflow is missing in every list, and only its log says why",
        fix: "correct the file; an import has to be where the Dockerfile copies it, below /kaapana/tmp/dags",
        bad: Example::workflow(&[(
            DAG,
            "from airflow.models import DAG\nfrom lung.LungOperater import LungOperater\n",
        )]),
        says: "`lung.LungOperater` is not in the DAG image",
        good: Example::workflow(&[]),
        check: loads,
    },
    Rule {
        id: "P02",
        severity: Error,
        title: "a DAG's id can be a name in Kubernetes",
        why: "the id of a run, which begins with it, names a ConfigMap and becomes a label: with other characters, or more than 44, every run fails",
        fix: "use lower-case letters, digits and -, at most 44",
        bad: Example::workflow(&[(
            DAG,
            dag!(
                "Lung_Segmentation",
                ", schedule_interval=None)\nlung = LungOperator(dag=dag)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nlung >> clean\n"
            ),
        )]),
        says: "DAG id `Lung_Segmentation` contains `L`; only lower-case letters, digits and - are allowed",
        good: Example::workflow(&[]),
        check: |m, f| {
            for dag in m.dags() {
                let Some(id) = dag.id else { continue };
                if let Err(reason) = names::dns_label(id, names::MAX_DAG_ID) {
                    f.at(&dag.file.path, id_place(&dag), format!("DAG id `{id}` {reason}"));
                }
            }
        },
    },
    Rule {
        id: "P03",
        severity: Error,
        title: "a DAG's id is its own",
        why: "Airflow knows DAGs by their ids: of two, one is gone, and it may be the platform's",
        fix: "give the DAG another id",
        bad: Example::workflow(&[(
            DAG,
            dag!(
                "nnunet-predict",
                ", schedule_interval=None)\nlung = LungOperator(dag=dag)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nlung >> clean\n"
            ),
        )]),
        says: "DAG id `nnunet-predict` is one of the platform's",
        good: Example::workflow(&[]),
        check: twins,
    },
    Rule {
        id: "P04",
        severity: Error,
        title: "tasks of a DAG give pods of different names",
        why: "a pod's name is cut at 62 characters; two tasks that differ only behind the cut get the same name, and the second fails with a conflict",
        fix: "shorten the DAG's id, or make the names of the tasks differ at their beginning",
        bad: Example::workflow(&[(
            DAG,
            dag!(
                "lung-segmentation-of-both-sides-x",
                ", schedule_interval=None)\none = LungOperator(dag=dag, name=\"segment-left\")\ntwo = LungOperator(dag=dag, name=\"segment-lower-right\")\nthree = LungOperator(dag=dag, name=\"segment-left-again\")\nclean = LocalWorkflowCleanerOperator(dag=dag)\none >> two >> three >> clean\n"
            ),
        )]),
        says: "tasks `segment-left` and `segment-left-again` get pods of the same name: 9 characters of a task are left behind the DAG's id",
        good: Example::workflow(&[(
            DAG,
            dag!(
                "lung",
                ", schedule_interval=None)\none = LungOperator(dag=dag, name=\"segment-left\")\ntwo = LungOperator(dag=dag, name=\"segment-right\")\nclean = LocalWorkflowCleanerOperator(dag=dag)\none >> two >> clean\n"
            ),
        )]),
        check: pods,
    },
    Rule {
        id: "P05",
        severity: Warning,
        title: "a DAG has no schedule",
        why: "Airflow starts it by itself once a day, with run ids that are no names in Kubernetes, so that these runs fail",
        fix: "set `schedule_interval=None`",
        bad: Example::workflow(&[(
            DAG,
            dag!(
                "lung",
                ")\nlung = LungOperator(dag=dag)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nlung >> clean\n"
            ),
        )]),
        says: "DAG `lung` has no `schedule_interval=None`",
        good: Example::workflow(&[(
            DAG,
            dag!(
                "lung",
                ", schedule_interval=None)\nlung = LungOperator(dag=dag)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nlung >> clean\n"
            ),
        )]),
        check: schedule,
    },
    Rule {
        id: "P06",
        severity: Warning,
        title: "users are offered the workflow",
        why: "the platform shows only DAGs whose `default_args` have `ui_visible: True`, and asks only what `ui_forms` has",
        fix: "add `\"ui_visible\": True` and `\"ui_forms\"` to default_args",
        bad: Example::workflow(&[(
            DAG,
            "from airflow.models import DAG\nfrom kaapana.operators.LocalWorkflowCleanerOperator import LocalWorkflowCleanerOperator\nfrom lung.LungOperator import LungOperator\n\ndag = DAG(dag_id=\"lung\", default_args={\"owner\": \"kaapana\"}, schedule_interval=None)\nlung = LungOperator(dag=dag)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nlung >> clean\n",
        )]),
        says: "DAG `lung` is not offered to users: its default_args lack `ui_visible` and `ui_forms`",
        good: Example::workflow(&[]),
        check: visible,
    },
    Rule {
        id: "P22",
        severity: Warning,
        title: "what sends after a branch may have nothing to send",
        why: "a DcmSendOperator without input fails, although the branch chose to skip what it should send",
        fix: "give the DcmSendOperator a `trigger_rule`, or let it follow only the branch that makes data",
        bad: Example::workflow(&[(
            DAG,
            dag!(
                "lung",
                ", schedule_interval=None)\nfrom kaapana.operators.DcmSendOperator import DcmSendOperator\nfrom kaapana.operators.LocalBranchOperator import LocalBranchOperator\nbranch = LocalBranchOperator(dag=dag)\nsend = DcmSendOperator(dag=dag, input_operator=branch)\nclean = LocalWorkflowCleanerOperator(dag=dag)\nbranch >> send >> clean\n"
            ),
        )]),
        says: "`send` follows the branch `branch` and may have nothing to send",
        good: Example::workflow(&[]),
        check: sends,
    },
    Rule {
        id: "P23",
        severity: Warning,
        title: "a DAG cleans up",
        why: "without a LocalWorkflowCleanerOperator the data of every run stays on the platform's disk",
        fix: "let the DAG end with `LocalWorkflowCleanerOperator(dag=dag, clean_workflow_dir=True)`",
        bad: Example::workflow(&[(
            DAG,
            dag!("lung", ", schedule_interval=None)\nlung = LungOperator(dag=dag)\n"),
        )]),
        says: "DAG `lung` leaves its data behind",
        good: Example::workflow(&[]),
        check: |m, f| {
            for dag in m.dags().iter().filter(|it| !it.nodes.is_empty()) {
                let cleans =
                    dag.nodes.iter().any(|it| it.made.call.name().contains("WorkflowCleaner"));
                if !cleans {
                    let name = dag.id.unwrap_or("of this file");
                    f.at(
                        &dag.file.path,
                        id_place(dag),
                        format!("DAG `{name}` leaves its data behind"),
                    );
                }
            }
        },
    },
];

fn id_place(dag: &DagRef<'_>) -> crate::check::facts::text::Place {
    let id = dag.call.arg("dag_id").or(dag.call.plain.first());
    id.map_or(dag.call.place, |it| it.place)
}

fn loads(m: &Model<'_>, f: &mut Finds) {
    for docker in m.dag_images() {
        let copied = m.copied(docker);
        let modules: BTreeSet<&str> = copied.iter().filter_map(module_path).collect();
        let by_path: BTreeMap<&str, &Copied<'_>> =
            copied.iter().map(|it| (it.file.path.as_str(), it)).collect();
        let code = m.python.iter().filter(|it| by_path.contains_key(it.path.as_str()));
        for file in code {
            if let Some(place) = file.error {
                f.at(&file.path, place, "this is no Python that 3.12 understands");
            }
            for import in &file.imports {
                if let Some(message) = missing(m, &modules, &copied, import) {
                    f.at(&file.path, import.place, message);
                }
            }
        }
    }
}

/// The path of a Python file below the DAG folder.
fn module_path<'c>(copied: &'c Copied<'_>) -> Option<&'c str> {
    copied.to.strip_prefix("/kaapana/tmp/dags/")
}

/// Says why an import can't work, when that is sure.
fn missing(
    m: &Model<'_>,
    modules: &BTreeSet<&str>,
    copied: &[Copied<'_>],
    import: &Import,
) -> Option<String> {
    if import.module.starts_with('.') {
        return None;
    }
    let path = import.module.replace('.', "/");
    let first = path.split('/').next()?;
    let prefix = format!("{first}/");
    let is_own = modules.iter().any(|it| it.starts_with(&prefix));
    let there = |path: &str| {
        let folder = format!("{path}/");
        modules.contains(format!("{path}.py").as_str())
            || modules.iter().any(|it| it.starts_with(&folder))
    };
    let module = &import.module;
    if is_own && !there(&path) {
        return Some(format!("`{module}` is not in the DAG image"));
    }
    let platform = ["kaapana", "airflow", "task_api_operators", "kaapanapy", "kaapana_federated"];
    if !is_own && !there(&path) {
        let last = path.rsplit('/').next()?;
        let sure = path.contains('/') && last.ends_with("Operator") && !platform.contains(&first);
        return sure.then(|| format!("`{module}` is not in the DAG image"));
    }
    // The module is there: does it have what is taken from it?
    let name = import.name.as_deref().filter(|it| it.ends_with("Operator"))?;
    let own = copied.iter().find(|it| module_path(it) == Some(&format!("{path}.py")))?;
    let file = m.python.iter().find(|it| it.path == own.file.path)?;
    let has = file.classes.iter().any(|it| it.name == name)
        || file.assigned.contains_key(name)
        || file.imports.iter().any(|it| it.name.as_deref().unwrap_or(&it.module) == name)
        || file.error.is_some();
    (!has).then(|| format!("`{module}` has no `{name}`"))
}

fn twins(m: &Model<'_>, f: &mut Finds) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let dags = m.dags();
    for dag in &dags {
        let Some(id) = dag.id else { continue };
        if let Some(other) = first.get(id).filter(|it| **it != dag.file.path) {
            let message = format!("DAG id `{id}` is also that of {other}");
            f.at(&dag.file.path, id_place(dag), message);
        } else if !m.is_platform && Profile::has(&m.profile.dags, id) {
            f.at(&dag.file.path, id_place(dag), format!("DAG id `{id}` is one of the platform's"));
        }
        first.insert(id, &dag.file.path);
    }
}

/// The id of a task, as far as it is written out.
pub(super) fn task_id(dag: &DagRef<'_>, node: &Node<'_>) -> Option<String> {
    let call = &node.made.call;
    let given = call.arg("task_id").or(call.arg("name"));
    let name = match (given, node.class) {
        (Some(given), _) => dag.file.text(given)?.to_owned(),
        (None, Some((_, class))) => class.passed("name")?.text()?.to_owned(),
        (None, None) => return None,
    };
    match call.arg("parallel_id").map(|it| dag.file.followed(it)) {
        None => Some(name),
        Some(it) if it.is_none() => Some(name),
        Some(it) => it.text().map(|parallel| format!("{name}-{parallel}")),
    }
}

fn pods(m: &Model<'_>, f: &mut Finds) {
    let dags = m.dags();
    for dag in &dags {
        let alone = dags.iter().filter(|it| it.file.path == dag.file.path).count() == 1;
        let Some(id) = dag.id.filter(|_| alone) else { continue };
        let left = POD.saturating_sub(id.chars().count());
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for node in &dag.nodes {
            let Some(task) = task_id(dag, node) else { continue };
            let start: String = task.chars().take(left).collect();
            match seen.get(&start) {
                Some(other) if *other == task => {
                    f.at(
                        &dag.file.path,
                        node.made.call.place,
                        format!("two tasks are called `{task}`"),
                    );
                }
                Some(other) => {
                    let message = format!(
                        "tasks `{other}` and `{task}` get pods of the same name: {left} characters of \
                         a task are left behind the DAG's id"
                    );
                    f.at(&dag.file.path, node.made.call.place, message);
                }
                None => _ = seen.insert(start, task),
            }
        }
    }
}

fn schedule(m: &Model<'_>, f: &mut Finds) {
    for dag in m.dags() {
        let name = dag.id.unwrap_or("of this file");
        let given = dag.call.arg("schedule_interval").or(dag.call.arg("schedule"));
        match given {
            Some(given) if given.is_none() => {}
            Some(given) => {
                let message = format!("DAG `{name}` is started by Airflow itself");
                f.at(&dag.file.path, given.place, message);
            }
            None if dag.call.spread => {}
            None => {
                let message = format!("DAG `{name}` has no `schedule_interval=None`");
                let found = f.at(&dag.file.path, id_place(&dag), message);
                let behind = dag.call.place_of("dag_id").filter(|_| dag.call.plain.is_empty());
                let behind = behind.or(dag
                    .call
                    .plain
                    .first()
                    .filter(|_| dag.call.plain.len() == 1)
                    .map(|it| it.place));
                found.edits.extend(behind.map(|place| {
                    let (file, at) = (dag.file.path.clone(), place.to());
                    Edit { file, start: at, end: at, text: ", schedule_interval=None".to_owned() }
                }));
            }
        }
    }
}

fn visible(m: &Model<'_>, f: &mut Finds) {
    for dag in m.dags() {
        let args = match dag.call.arg("default_args") {
            Some(args) => dag.file.followed(args),
            None => continue,
        };
        let is_service = dag.call.arg("tags").is_some_and(|it| match &it.kind {
            Kind::List(tags) => {
                tags.iter().any(|it| matches!(it.text(), Some("service" | "import")))
            }
            _ => false,
        });
        let hidden = |it: &Expr| matches!(it.kind, Kind::Bool(false));
        if !matches!(args.kind, Kind::Dict(_))
            || is_service
            || args.get("ui_visible").is_some_and(hidden)
        {
            continue;
        }
        let lacking: Vec<String> = ["ui_visible", "ui_forms"]
            .iter()
            .filter(|it| args.get(it).is_none())
            .map(|it| format!("`{it}`"))
            .collect();
        if !lacking.is_empty() {
            let (name, lacking) = (dag.id.unwrap_or("of this file"), lacking.join(" and "));
            let message =
                format!("DAG `{name}` is not offered to users: its default_args lack {lacking}");
            f.at(&dag.file.path, args.place, message);
        }
    }
}

fn sends(m: &Model<'_>, f: &mut Finds) {
    for dag in m.dags() {
        let branches = dag.nodes.iter().filter(|it| it.made.call.name().contains("Branch"));
        let branches: Vec<&str> = branches.filter_map(|it| it.made.target.as_deref()).collect();
        for node in dag.nodes.iter().filter(|it| it.made.call.name() == "DcmSendOperator") {
            let Some(target) = node.made.target.as_deref() else { continue };
            if node.made.call.arg("trigger_rule").is_some() {
                continue;
            }
            let before =
                dag.file.edges.iter().filter(|(_, after)| after.iter().any(|it| it == target));
            let branch =
                before.flat_map(|(before, _)| before).find(|it| branches.contains(&it.as_str()));
            if let Some(branch) = branch {
                let message = format!(
                    "`{target}` follows the branch `{branch}` and may have nothing to send"
                );
                f.at(&dag.file.path, node.made.call.place, message);
            }
        }
    }
}

/// A change of an expression.
pub(super) fn change(file: &str, expr: &Expr, text: &str) -> Edit {
    replace(file, expr.place, text)
}
