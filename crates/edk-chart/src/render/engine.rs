use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use gotmpl::{
    TemplateError, Value,
    parse::{ListNode, Parser},
};

use super::{
    exec::Run,
    fault::Located,
    functions::random::Random,
    value::{Map, map_of, string},
};
use crate::File;

/// How deep templates may include each other (Helm allows 1000; each costs stack here).
const MAX_DEPTH: usize = 100;

/// A parsed template, or a named part of one.
pub(super) struct Body {
    /// Name of the file, for errors.
    pub(super) file: Rc<str>,
    /// Text of the file, for errors.
    pub(super) source: Rc<str>,
    pub(super) tree: ListNode,
}

/// The templates that can see each other, by name.
pub(super) type Set = BTreeMap<String, Rc<Body>>;

/// The files of a chart, or some of them.
pub(super) type Files = Rc<BTreeMap<String, Vec<u8>>>;

/// What all templates of one rendering share.
pub(super) struct Engine {
    /// Which maps are files: such a map has methods.
    files: RefCell<Vec<(Arc<Map>, Files)>>,
    pub(super) random: RefCell<Random>,
    depth: Cell<usize>,
}

/// An engine with the templates that are visible at a place.
#[derive(Clone)]
pub(super) struct Machine<'e> {
    pub(super) engine: &'e Engine,
    pub(super) set: Rc<Set>,
}

impl Engine {
    pub(super) fn new(seed: &str) -> Self {
        let random = RefCell::new(Random::new(seed));
        Self { files: RefCell::default(), random, depth: Cell::new(0) }
    }

    /// Returns `files` as a map with the methods of files.
    pub(super) fn files(&self, files: BTreeMap<String, Vec<u8>>) -> Value {
        let content = |data: &[u8]| string(String::from_utf8_lossy(data));
        let value = map_of(files.iter().map(|(name, data)| (name.as_str(), content(data))));
        if let Value::Map(map) = &value {
            self.files.borrow_mut().push((map.clone(), Rc::new(files)));
        }
        value
    }

    /// Returns the files behind `map`, if that is what it is.
    pub(super) fn files_of(&self, map: &Arc<Map>) -> Option<Files> {
        let all = self.files.borrow();
        all.iter().find(|(known, _)| Arc::ptr_eq(known, map)).map(|(_, files)| files.clone())
    }
}

/// Returns the files of a chart by name.
pub(super) fn by_name(files: &[File]) -> BTreeMap<String, Vec<u8>> {
    files.iter().map(|file| (file.name.clone(), file.data.clone())).collect()
}

/// Parses `source` and adds it under `name` to `set`, with all parts it defines.
pub(super) fn parse(set: &mut Set, name: &str, source: &str) -> Result<(), Located> {
    let parsed = Parser::with_name(Some(name), source, "{{", "}}").and_then(Parser::parse);
    let (tree, parts) = parsed.map_err(|error| located(name, &error))?;
    let (file, source): (Rc<str>, Rc<str>) = (name.into(), source.into());
    let mut add = |name: &str, tree: ListNode| {
        // As in Go, an empty part does not replace one that says something.
        if !set.contains_key(name) || !tree.is_empty_tree() {
            let (file, source) = (file.clone(), source.clone());
            set.insert(name.to_owned(), Rc::new(Body { file, source, tree }));
        }
    };
    for part in parts {
        add(&part.name, part.body);
    }
    add(name, tree);
    Ok(())
}

fn located(name: &str, error: &TemplateError) -> Located {
    let (line, column, message) = match error {
        TemplateError::Parse { line, col, message, .. }
        | TemplateError::Lex { line, col, message, .. } => (*line, *col, message.clone()),
        other => (1, 1, other.to_string()),
    };
    Located { template: name.to_owned(), line, column, message }
}

impl Machine<'_> {
    /// Executes the template `name` on `dot`.
    pub(super) fn execute(&self, name: &str, dot: &Value) -> Result<String, super::fault::Fault> {
        let Some(body) = self.set.get(name) else {
            return Err(format!("no template \"{name}\" associated with template").into());
        };
        let depth = &self.engine.depth;
        if depth.get() >= MAX_DEPTH {
            let text = format!("rendering template has a nested reference name: {name}");
            return Err(format!("{text}: more than {MAX_DEPTH} deep").into());
        }
        depth.set(depth.get() + 1);
        let result = Run::new(self, body).execute(dot);
        depth.set(depth.get() - 1);
        Ok(result?)
    }
}
