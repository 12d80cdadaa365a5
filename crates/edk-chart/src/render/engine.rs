use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use super::{
    exec::Run,
    fault::{Fault, Located},
    functions::{self, random::Random},
    template::{self, Node},
    value::{Map, Value},
};

/// How often a template may include itself (Helm's number).
const MAX_INCLUDES: usize = 1000;
/// How deep calls, parts and parentheses may be nested when they are executed; each costs stack.
const MAX_DEPTH: usize = 30_000;
/// How many nodes a rendering may execute: hundreds of times what a large chart needs.
const MAX_STEPS: usize = 5_000_000;
/// How many bytes all texts of a rendering may have together, what is passed on included.
const MAX_BYTES: usize = 1 << 29;
/// How long one text may be.
pub(super) const MAX_TEXT: usize = 32 << 20;
/// How many items one list may have.
pub(super) const MAX_ITEMS: usize = 1_000_000;
/// How deep lists and maps may be nested in each other.
const MAX_NESTING: usize = 10_000;
/// The stack of the thread that renders; only what is used of it takes memory.
pub(super) const STACK: usize = 512 << 20;

/// A parsed template, or a named part of one.
pub(super) struct Body {
    /// Name of the file, for errors.
    pub(super) file: Rc<str>,
    /// Text of the file, for errors.
    pub(super) source: Rc<str>,
    pub(super) tree: Vec<Node>,
}

/// The templates that can see each other, by name.
pub(super) type Set = BTreeMap<Rc<str>, Rc<Body>>;

/// What all templates of one rendering share.
pub(super) struct Engine {
    pub(super) random: RefCell<Random>,
    /// The time that `now` tells, in seconds since 1970.
    pub(super) now: i64,
    includes: RefCell<BTreeMap<Rc<str>, usize>>,
    depth: Cell<usize>,
    steps: Cell<usize>,
    bytes: Cell<usize>,
    /// Maps into which others were put: they may hold themselves.
    tied: RefCell<Vec<Rc<Map>>>,
    /// Whether `fail` and `required` let a template go on, as for `helm lint`.
    pub(super) goes_on: bool,
}

/// An engine with the templates that are visible at a place.
#[derive(Clone)]
pub(super) struct Machine<'e> {
    pub(super) engine: &'e Engine,
    pub(super) set: Rc<Set>,
}

impl Engine {
    pub(super) fn new(seed: &str, now: i64) -> Self {
        Self {
            random: RefCell::new(Random::new(seed)),
            now,
            includes: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            bytes: Cell::new(0),
            tied: RefCell::default(),
            goes_on: false,
        }
    }

    /// Counts one step deeper.
    pub(super) fn enter(&self) -> Result<(), Fault> {
        self.spend(1)?;
        if self.depth.get() >= MAX_DEPTH {
            return Err("exceeded maximum template depth".into());
        }
        self.depth.set(self.depth.get() + 1);
        Ok(())
    }

    /// Counts steps.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Fault> {
        self.steps.set(self.steps.get().saturating_add(steps));
        match self.steps.get() > MAX_STEPS {
            true => Err(format!("the chart takes more than {MAX_STEPS} steps to render").into()),
            false => Ok(()),
        }
    }

    pub(super) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// Counts what a function made.
    pub(super) fn count(&self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Text(text) | Value::Bytes(text) => self.count_bytes(text.len()),
            Value::List(list) => {
                let length = list.items.borrow().len();
                if length > MAX_ITEMS {
                    return Err(format!("a list of more than {MAX_ITEMS} items").into());
                }
                self.nested(value)?;
                self.count_bytes(length * size_of::<Value>())
            }
            Value::Map(_) => self.nested(value),
            _ => Ok(()),
        }
    }

    fn nested(&self, value: &Value) -> Result<(), Fault> {
        match value.depth() > MAX_NESTING {
            true => Err(format!("values nested more than {MAX_NESTING} deep").into()),
            false => Ok(()),
        }
    }

    /// Counts bytes of a text.
    pub(super) fn count_bytes(&self, bytes: usize) -> Result<(), Fault> {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        if bytes > MAX_TEXT {
            return Err(format!("a text of more than {MAX_TEXT} bytes").into());
        }
        match self.bytes.get() > MAX_BYTES {
            true => Err(format!("the chart renders to more than {MAX_BYTES} bytes").into()),
            false => Ok(()),
        }
    }

    /// Remembers a map that may come to hold itself.
    pub(super) fn tie(&self, map: &Rc<Map>) {
        self.tied.borrow_mut().push(map.clone());
    }
}

impl Drop for Engine {
    /// Unties maps that hold themselves, or their memory would be lost.
    fn drop(&mut self) {
        for map in self.tied.take() {
            map.entries.take();
        }
    }
}

/// Parses `source` and adds it under `name` to `set`, with all parts it defines.
pub(super) fn parse(set: &mut Set, name: &str, source: &str) -> Result<(), Located> {
    let parsed = template::parse(name, source, &functions::exists);
    let parsed = parsed.map_err(|mistake| located(name, source, mistake))?;
    let (file, source): (Rc<str>, Rc<str>) = (name.into(), source.into());
    let mut add = |name: &str, tree: Vec<Node>| {
        // As in Go, an empty part does not replace one that says something.
        if !set.contains_key(name) || !template::is_blank(&tree) {
            let (file, source) = (file.clone(), source.clone());
            set.insert(name.into(), Rc::new(Body { file, source, tree }));
        }
    };
    for (name, tree) in parsed.named {
        add(&name, tree);
    }
    add(name, parsed.tree);
    Ok(())
}

fn located(name: &str, source: &str, mistake: template::Mistake) -> Located {
    let before = &source[..mistake.offset.min(source.len())];
    let column = mistake.offset - before.rfind('\n').map_or(0, |at| at + 1);
    let outer = format!("{name}:{}", mistake.line);
    let trace = format!("template: {outer}: {}", mistake.message);
    Located {
        template: name.to_owned(),
        line: mistake.line,
        column: column + 1,
        message: mistake.message,
        outer,
        trace,
        by_author: false,
    }
}

impl Machine<'_> {
    /// Executes the template `name` on `dot`.
    pub(super) fn execute(&self, name: &str, dot: &Value) -> Result<Vec<u8>, Fault> {
        let Some((name, body)) = self.set.get_key_value(name) else {
            let message = format!("no template {name:?} associated with template \"gotpl\"");
            return Err(format!("template: {message}").into());
        };
        let mut run = Run::new(self, body, name, dot);
        run.all()?;
        Ok(run.out)
    }

    /// Executes the template `name` on `dot` for another one.
    pub(super) fn include(&self, name: &str, dot: &Value) -> Result<Vec<u8>, Fault> {
        let count = |by: isize| {
            let mut includes = self.engine.includes.borrow_mut();
            let count = includes.entry(name.into()).or_insert(0);
            *count = count.saturating_add_signed(by);
            *count
        };
        if count(1) > MAX_INCLUDES + 1 {
            let message = "rendering template has a nested reference name";
            return Err(format!("{message}: {name}: unable to execute template").into());
        }
        let result = self.execute(name, dot);
        count(-1);
        result
    }
}
