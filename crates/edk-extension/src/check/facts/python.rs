//! What a Python file says, read by a parser and never run.

use std::{cell::RefCell, collections::HashMap};

use tree_sitter::{Node, Parser};

use super::{
    expr::{Call, Expr, Kind, Taker, parts},
    text::Place,
};

/// A Python file.
#[derive(Debug, Default)]
pub struct Python {
    /// Its path.
    pub path: String,
    /// Where it is no Python, first.
    pub error: Option<Place>,
    /// What it imports, outside of `try` and `if`.
    pub imports: Vec<Import>,
    /// Names of the module and what they are.
    pub assigned: HashMap<String, Expr>,
    /// Calls of operators and DAGs.
    pub calls: Vec<Made>,
    /// Its classes.
    pub classes: Vec<Class>,
    /// `a >> b`: which names come before which.
    pub edges: Vec<(Vec<String>, Vec<String>)>,
    /// Environment variables it reads, and whether it fails without them.
    pub env: Vec<(String, Place, bool)>,
    /// Whether it reads the environment by names that are known only when it runs.
    pub env_unknown: bool,
    /// Texts between brackets, such as `conf["form_data"]`.
    pub keys: Vec<(String, Place)>,
}

/// An import of one name, or of a module.
#[derive(Debug, Clone)]
pub struct Import {
    /// The module, with dots; leading dots of a relative import stay.
    pub module: String,
    /// The name taken from it, in `from … import name`.
    pub name: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A call of an operator or a DAG.
#[derive(Debug, Clone)]
pub struct Made {
    /// The call.
    pub call: Call,
    /// The name it is given.
    pub target: Option<String>,
}

/// A class.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
    /// What it inherits from, with dots.
    pub bases: Vec<String>,
    /// The call `super().__init__(…)`.
    pub super_call: Option<Call>,
    /// Parameters of `__init__` with their defaults.
    pub params: Vec<(String, Option<Expr>, Place)>,
    /// Parameters that `__init__` changes in place.
    pub changed: Vec<String>,
}

impl Class {
    /// Returns what `super().__init__` gets under a name: what is written there, or the default of
    /// the parameter that is passed on.
    pub fn passed(&self, name: &str) -> Option<&Expr> {
        let given = self.super_call.as_ref()?.arg(name)?;
        let Kind::Name(param) = &given.kind else { return Some(given) };
        let default = self.params.iter().find(|(it, _, _)| it == param);
        default.and_then(|(_, default, _)| default.as_ref()).or(Some(given))
    }
}

impl Python {
    /// Reads the file at `path`.
    pub fn read(path: &str, text: &str) -> Self {
        thread_local! {
            static PARSER: RefCell<Option<Parser>> = RefCell::new(parser());
        }
        let tree = PARSER.with_borrow_mut(|it| it.as_mut().and_then(|it| it.parse(text, None)));
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        if let Some(tree) = tree {
            let taker = Taker { text };
            let root = tree.root_node();
            file.error = root.has_error().then(|| first_error(root)).flatten().map(|it| {
                let place = taker.place(it);
                if it.is_missing() || place.start.0 == place.end.0 {
                    place
                } else {
                    Place::line(text, place.start.0)
                }
            });
            file.take(&taker, root);
        }
        file
    }

    /// Follows names of the module.
    pub fn followed<'a>(&'a self, expr: &'a Expr) -> &'a Expr {
        let mut at = expr;
        for _ in 0..20 {
            let Kind::Name(name) = &at.kind else { break };
            let Some(next) = self.assigned.get(name) else { break };
            at = next;
        }
        at
    }

    /// Returns the text of an expression, through names of the module.
    pub fn text<'a>(&'a self, expr: &'a Expr) -> Option<&'a str> {
        self.followed(expr).text()
    }

    fn take(&mut self, taker: &Taker<'_>, root: Node<'_>) {
        let mut cursor = root.walk();
        let mut down = true;
        loop {
            if down {
                self.node(taker, cursor.node());
            }
            if (down && cursor.goto_first_child()) || cursor.goto_next_sibling() {
                down = true;
            } else if cursor.goto_parent() {
                down = false;
            } else {
                return;
            }
        }
    }

    fn node(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        match node.kind() {
            "import_statement" if !is_guarded(node) => self.import(taker, node),
            "import_from_statement" if !is_guarded(node) => self.import_from(taker, node),
            "assignment" => self.assign(taker, node),
            "class_definition" => self.classes.extend(class(taker, node)),
            "call" => self.call(taker, node),
            "subscript" => self.subscript(taker, node),
            "binary_operator" => self.edge(taker, node),
            _ => {}
        }
    }

    fn import(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        for it in parts(node) {
            let it = it.child_by_field_name("name").unwrap_or(it);
            let (module, place) = (taker.written(it).to_owned(), taker.place(it));
            self.imports.push(Import { module, name: None, place });
        }
    }

    fn import_from(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        let Some(from) = node.child_by_field_name("module_name") else { return };
        let (module, place) = (taker.written(from).to_owned(), taker.place(node));
        for it in parts(node).filter(|it| it.id() != from.id()) {
            let it = it.child_by_field_name("name").unwrap_or(it);
            let name = Some(taker.written(it).to_owned());
            self.imports.push(Import { module: module.clone(), name, place });
        }
    }

    fn assign(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        let is_module =
            node.parent().and_then(|it| it.parent()).is_some_and(|it| it.kind() == "module");
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return;
        };
        if is_module && left.kind() == "identifier" {
            self.assigned.insert(taker.written(left).to_owned(), taker.expr(right, 0));
        }
        if left.kind() == "identifier" && right.kind() == "call" {
            self.made(taker, right, Some(taker.written(left).to_owned()));
        }
    }

    fn call(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        let Some(function) = node.child_by_field_name("function") else { return };
        let callee = taker.written(function);
        let is_assigned = node.parent().is_some_and(|it| {
            it.kind() == "assignment"
                && it.child_by_field_name("left").is_some_and(|it| it.kind() == "identifier")
        });
        if !is_assigned {
            self.made(taker, node, None);
        }
        if matches!(callee, "os.getenv" | "getenv" | "os.environ.get" | "environ.get" | "env.get") {
            let first = node.child_by_field_name("arguments").and_then(|it| parts(it).next());
            self.reads(taker, first, false);
        }
    }

    fn made(&mut self, taker: &Taker<'_>, node: Node<'_>, target: Option<String>) {
        let Some(function) = node.child_by_field_name("function") else { return };
        let name = taker.written(function).rsplit('.').next().unwrap_or_default();
        if (name.ends_with("Operator") || matches!(name, "DAG" | "dag"))
            && let Some(call) = taker.call(node, 0)
        {
            self.calls.push(Made { call, target });
        }
    }

    fn subscript(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        let whole = node.child_by_field_name("value").map(|it| taker.written(it));
        let key = node.child_by_field_name("subscript");
        if matches!(whole, Some("os.environ" | "environ" | "env")) {
            let is_set = node.parent().is_some_and(|it| {
                let left = it.child_by_field_name("left");
                it.kind() == "assignment" && left.is_some_and(|left| left.id() == node.id())
            });
            if !is_set {
                self.reads(taker, key, true);
            }
        } else if let Some(key) = key
            && let Some(text) = taker.expr(key, 0).text()
        {
            self.keys.push((text.to_owned(), taker.place(key)));
        }
    }

    fn reads(&mut self, taker: &Taker<'_>, name: Option<Node<'_>>, needed: bool) {
        let Some(name) = name else { return };
        match taker.expr(name, 0).text() {
            Some(text) => self.env.push((text.to_owned(), taker.place(name), needed)),
            None => self.env_unknown = true,
        }
    }

    fn edge(&mut self, taker: &Taker<'_>, node: Node<'_>) {
        let operator = node.child_by_field_name("operator").map(|it| taker.written(it));
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return;
        };
        let (before, after) = (ends(taker, left, false), ends(taker, right, true));
        match operator {
            Some(">>") => self.edges.push((before, after)),
            Some("<<") => self.edges.push((after, before)),
            _ => {}
        }
    }
}

fn parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    Some(parser)
}

/// The names at the end of a chain that its neighbour touches.
fn ends(taker: &Taker<'_>, node: Node<'_>, first: bool) -> Vec<String> {
    let mut node = node;
    loop {
        match node.kind() {
            "parenthesized_expression" => match parts(node).next() {
                Some(inner) => node = inner,
                None => return Vec::new(),
            },
            "binary_operator" => {
                let side = if first { "left" } else { "right" };
                match node.child_by_field_name(side) {
                    Some(inner) => node = inner,
                    None => return Vec::new(),
                }
            }
            "list" | "tuple" => {
                return parts(node).map(|it| taker.written(it).to_owned()).collect();
            }
            _ => return vec![taker.written(node).to_owned()],
        }
    }
}

/// Says whether a statement is carried out only under conditions: in `try`, `if` or a function.
fn is_guarded(node: Node<'_>) -> bool {
    let mut at = node.parent();
    while let Some(it) = at {
        if matches!(it.kind(), "try_statement" | "if_statement" | "function_definition") {
            return true;
        }
        at = it.parent();
    }
    false
}

fn first_error(root: Node<'_>) -> Option<Node<'_>> {
    let mut at = root;
    loop {
        if at.is_error() || at.is_missing() {
            return Some(at);
        }
        let mut cursor = at.walk();
        let next = at.children(&mut cursor).find(|it| it.has_error() || it.is_missing())?;
        at = next;
    }
}

fn class(taker: &Taker<'_>, node: Node<'_>) -> Option<Class> {
    let name = node.child_by_field_name("name")?;
    let bases = node.child_by_field_name("superclasses");
    let bases = bases.into_iter().flat_map(|it| parts(it).collect::<Vec<_>>());
    let mut class = Class {
        name: taker.written(name).to_owned(),
        place: taker.place(name),
        bases: bases.map(|it| taker.written(it).to_owned()).collect(),
        super_call: None,
        params: Vec::new(),
        changed: Vec::new(),
    };
    let body = node.child_by_field_name("body")?;
    let init = parts(body).find_map(|it| {
        let it = it.child_by_field_name("definition").unwrap_or(it);
        let name = it.child_by_field_name("name")?;
        (it.kind() == "function_definition" && taker.written(name) == "__init__").then_some(it)
    });
    if let Some(init) = init {
        class.params = params(taker, init);
        init_body(taker, init, &mut class);
    }
    Some(class)
}

fn params(taker: &Taker<'_>, init: Node<'_>) -> Vec<(String, Option<Expr>, Place)> {
    let list = init.child_by_field_name("parameters");
    let list = list.into_iter().flat_map(|it| parts(it).collect::<Vec<_>>());
    let param = |it: Node<'_>| {
        let name = it.child_by_field_name("name").or_else(|| parts(it).next()).unwrap_or(it);
        let default = it.child_by_field_name("value").map(|it| taker.expr(it, 0));
        (taker.written(name).to_owned(), default, taker.place(it))
    };
    list.map(param).collect()
}

fn init_body(taker: &Taker<'_>, init: Node<'_>, class: &mut Class) {
    let mut stack = vec![init];
    while let Some(node) = stack.pop() {
        match node.kind() {
            "call" => {
                let function = node.child_by_field_name("function");
                let callee = function.map(|it| taker.written(it)).unwrap_or_default();
                if callee.starts_with("super(") && callee.ends_with(".__init__") {
                    class.super_call = taker.call(node, 0);
                } else if let Some(name) = callee.strip_suffix(".update") {
                    class.changed.push(name.to_owned());
                }
            }
            "assignment" => {
                let left = node.child_by_field_name("left");
                let value = left.filter(|it| it.kind() == "subscript");
                let value = value.and_then(|it| it.child_by_field_name("value"));
                class.changed.extend(value.map(|it| taker.written(it).to_owned()));
                // A copy of its own is not the default any more.
                if let (Some(left), Some(_)) = (left, node.child_by_field_name("right"))
                    && left.kind() == "identifier"
                {
                    let name = taker.written(left);
                    class.changed.retain(|it| it != name);
                    class.params.iter_mut().filter(|(it, _, _)| it == name).for_each(|it| {
                        it.1 = None;
                    });
                }
            }
            _ => {}
        }
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        stack.extend(children.into_iter().rev());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::facts::expr::Piece;

    #[test]
    fn an_operator_is_read_with_its_image() {
        let text = r#"
from kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator
class AOperator(KaapanaBaseOperator):
    def __init__(self, dag, name="a", env_vars={}, **kwargs):
        env_vars["X"] = "1"
        super().__init__(dag=dag, name=name,
            image=f"{DEFAULT_REGISTRY}/a:{f"{KAAPANA_BUILD_VERSION}"}", env_vars=env_vars, **kwargs)
"#;
        let file = Python::read("a.py", text);
        assert!(file.error.is_none(), "{:?}", file.error);
        let class = &file.classes[0];
        assert_eq!(class.passed("name").unwrap().text(), Some("a"));
        assert_eq!(class.changed, ["env_vars"]);
        let image = class.passed("image").unwrap().pieces().unwrap();
        assert_eq!(image[..2], [Piece::Name("DEFAULT_REGISTRY".into()), Piece::Text("/a:".into())]);
    }

    #[test]
    fn a_graph_is_read_with_names_and_order() {
        let text = "a = XOperator(dag=dag)\nb = m.YOperator(dag, input_operator=a)\na >> [b, c] >> d\nd << a\n\
                    x = os.environ['A'] + os.getenv(\"B\", 1) + os.environ.get(name)\n";
        let file = Python::read("a.py", text);
        let made: Vec<_> =
            file.calls.iter().map(|it| (it.call.name(), it.target.as_deref())).collect();
        assert_eq!(made, [("XOperator", Some("a")), ("YOperator", Some("b"))]);
        let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(file.edges.len(), 3);
        assert!(file.edges.contains(&(names(&["a"]), names(&["b", "c"]))));
        assert!(file.edges.contains(&(names(&["b", "c"]), names(&["d"]))));
        let env: Vec<_> = file.env.iter().map(|(name, _, _)| name.as_str()).collect();
        assert_eq!((env, file.env_unknown), (vec!["A", "B"], true));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "([a-z'\"\\\\{}\\[\\](),:=*+>. \n-]|class |def |super\\(\\)|Operator\\(|ä|f'){0,60}") {
            let _ = Python::read("a.py", &text);
        }
    }
}
