//! The Python files of a DAG image: which DAGs they make, and the forms a platform shows for them.

use std::{collections::BTreeSet, fs, path::Path};

use edk_model::Finding;
use serde::Serialize;
use serde_json::{Map, Value};
use tree_sitter::{Node, Parser};

use crate::{
    Project, Role, form,
    literal::{Reader, field},
};

/// A DAG as its file declares it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Dag {
    /// Its `dag_id`, when it is written out.
    pub id: Option<String>,
    /// Its file, relative to the extension.
    pub file: String,
    /// `ui_forms` of its `default_args`: forms such as `workflow_form` by name, each a JSON Schema.
    #[cfg_attr(feature = "typescript", ts(type = "Record<string, unknown>"))]
    pub forms: Map<String, Value>,
}

impl Dag {
    /// Returns the questions of `workflow_form` by name, none without such a form.
    pub fn questions(&self) -> impl Iterator<Item = (&String, &Value)> {
        let form = self.forms.get("workflow_form");
        form.and_then(|form| form["properties"].as_object()).into_iter().flatten()
    }
}

impl Project {
    /// Reads the Python files of the DAG images. Returns their DAGs, sorted by file, and what could
    /// not be read. A file that can't be opened is left out: a build will tell.
    pub fn dags(&self) -> (Vec<Dag>, Vec<Finding>) {
        let mut files = BTreeSet::new();
        for image in self.images.iter().filter(|image| image.role == Role::Dag) {
            let walk = walkdir::WalkDir::new(&image.context).into_iter().filter_map(Result::ok);
            let python = |path: &Path| path.extension().is_some_and(|it| it == "py");
            files.extend(walk.map(walkdir::DirEntry::into_path).filter(|path| python(path)));
        }
        let (mut dags, mut findings) = (Vec::new(), Vec::new());
        for file in files {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let name = file.strip_prefix(&self.root).unwrap_or(&file).display().to_string();
            let (found, wrong) = read_dags(&text, &name);
            dags.extend(found);
            findings.extend(wrong);
        }
        (dags, findings)
    }
}

/// Reads one Python file, called `file` in findings. Nothing in it is run: what a form says has to be
/// written out, or lead to something that is, by names of the same file. What can't be read is left
/// out of the form and told.
///
/// ```
/// let text = "DAG(dag_id='x', default_args={'ui_forms': {'workflow_form': {'type': 'object'}}})";
/// let (dags, findings) = edk_extension::read_dags(text, "dag_x.py");
/// assert_eq!(dags[0].forms["workflow_form"]["type"], "object");
/// assert!(findings.is_empty());
/// ```
pub fn read_dags(text: &str, file: &str) -> (Vec<Dag>, Vec<Finding>) {
    // Most files are operators; parsing one is what costs.
    if !text.contains("DAG") && !text.contains("@dag") {
        return (Vec::new(), Vec::new());
    }
    let mut parser = Parser::new();
    let ready = parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_ok();
    let Some(tree) = parser.parse(text, None).filter(|_| ready) else {
        return (Vec::new(), Vec::new());
    };
    let module = tree.root_node();
    let mut reader = Reader::new(text, file, module);
    let calls: Vec<Node<'_>> = all(module).filter(|it| makes_a_dag(&reader, *it)).collect();
    if calls.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let dags = calls.into_iter().map(|call| dag(call, file, &mut reader)).collect();
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(broken) = all(module).find(|it| it.is_error() || it.is_missing()) {
        let (line, column) = reader.place(broken);
        let finding = Finding::warning("dag/syntax", "this is no Python").in_file(file);
        findings.push(finding.at(line, column).fix("the platform can't load the DAG like this"));
    }
    findings.append(&mut reader.findings);
    (dags, findings)
}

/// All nodes of a tree, in the order of the text.
fn all(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut stack = vec![root];
    std::iter::from_fn(move || {
        let node = stack.pop()?;
        let children = 0..node.child_count();
        stack.extend(children.rev().filter_map(|at| node.child(at)));
        Some(node)
    })
}

/// Says whether a node calls `DAG`, or `dag` as a decorator.
fn makes_a_dag(reader: &Reader<'_>, node: Node<'_>) -> bool {
    let called = field(node, "function").filter(|_| node.kind() == "call");
    let name = match called.map(|it| (it.kind(), it)) {
        Some(("identifier", it)) => Some(it),
        Some(("attribute", it)) => field(it, "attribute"),
        _ => None,
    };
    match name.map(|it| reader.written(it)) {
        Some("DAG") => true,
        Some("dag") => node.parent().is_some_and(|it| it.kind() == "decorator"),
        _ => false,
    }
}

fn dag<'a>(call: Node<'a>, file: &str, reader: &mut Reader<'a>) -> Dag {
    let id = reader.argument(call, "dag_id", 0).and_then(|id| reader.text(id));
    let args = reader.argument(call, "default_args", usize::MAX);
    let forms = args.and_then(|args| reader.entry(args, "ui_forms"));
    let Some(Value::Object(mut forms)) = forms.and_then(|forms| reader.value(forms)) else {
        return Dag { id, file: file.to_owned(), forms: Map::new() };
    };
    forms.retain(|_, form| form.is_object());
    forms.values_mut().for_each(form::normalise);
    Dag { id, file: file.to_owned(), forms }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forms(text: &str) -> Value {
        let (dags, findings) = read_dags(text, "dag.py");
        assert_eq!(findings, [], "{text}");
        Value::Object(dags.into_iter().next().unwrap().forms)
    }

    #[test]
    fn a_dag_is_told_from_a_file_that_only_speaks_of_one() {
        for text in [
            "dag = DAG(\n  'x')",
            "with models.DAG(dag_id='x') as dag:\n  pass",
            "@dag(dag_id='x')\ndef f(): pass",
        ] {
            assert_eq!(read_dags(text, "f").0[0].id.as_deref(), Some("x"), "{text}");
        }
        for text in ["from airflow.models import DAG\n", "# DAG(x)", "'''DAG(x)'''"] {
            assert_eq!(read_dags(text, "f"), (vec![], vec![]), "{text}");
        }
    }

    #[test]
    fn a_form_is_read_through_the_names_of_its_file() {
        let text = "
CHOICES = ['a', 'b']
WIDTH: float = -2.5
common = {'single': {'type': 'boolean', 'default': False}}
ui_forms = {
    'workflow_form': {
        'type': 'object',
        'properties': {
            'kind': {'type': 'string', 'enum': CHOICES + ['c'], 'default': CHOICES[0],
                     'description': 'one '
                                    'text'},
            'width': dict(type='number', default=WIDTH, required=True),
            **common,
        },
    },
    'data_form': None,
}
default_args = {'ui_forms': ui_forms, 'start': days_ago(0)}
dag = DAG(dag_id='x', default_args=default_args)
";
        let expected = json!({"workflow_form": {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": ["a", "b", "c"], "default": "a", "description": "one text"},
                "width": {"type": "number", "default": -2.5},
                "single": {"type": "boolean", "default": false},
            },
            "required": ["width"],
        }});
        assert_eq!(forms(text), expected);
    }

    #[test]
    fn what_only_python_can_work_out_is_left_out_and_told() {
        let text = "import os\nDAG('x', default_args={'ui_forms': {'workflow_form': {'properties': {\n  \
                    'a': {'type': 'string', 'default': os.getcwd(), 'title': f'{x}'},\n  'b': other}}}})";
        let (dags, findings) = read_dags(text, "dag.py");
        let expected = json!({"properties": {"a": {"type": "string"}}});
        assert_eq!(dags[0].forms["workflow_form"], expected);
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:#?}");
        for (said, start) in said.iter().zip([
            "dag.py:3:38: `os.getcwd()`",
            "dag.py:3:60: `f'{x}'`",
            "dag.py:4:8: `other`",
        ]) {
            assert!(said.starts_with(start), "{said}");
        }
    }

    #[test]
    fn broken_python_is_told_with_its_place_and_the_rest_is_read() {
        let (dags, findings) = read_dags("DAG(dag_id='x')\nx = = 1\n", "dag.py");
        assert_eq!(dags[0].id.as_deref(), Some("x"));
        assert!(
            findings[0].to_string().starts_with("dag.py:2:5: this is no Python"),
            "{findings:?}"
        );
    }

    #[test]
    fn names_that_lead_in_a_circle_end() {
        let (dags, findings) =
            read_dags("a = b\nb = a\nDAG('x', default_args={'ui_forms': a})", "f");
        assert!(dags[0].forms.is_empty());
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(DAG\\(|[a-z'\\\\{}\\[\\](),:=*+ \n-]|ui_forms|default_args|ä){0,60}") {
            let _ = read_dags(&format!("DAG(default_args={{'ui_forms': {text}"), "dag.py");
            let _ = read_dags(&text, "dag.py");
        }
    }
}
