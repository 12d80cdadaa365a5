//! Executes a tree (Go: "text/template", "Actions", "Arguments", "Pipelines").

mod items;
mod operand;

use std::rc::Rc;

use items::{holds_anything, pairs};

use super::{
    engine::{Body, Machine},
    fault::{Fault, Located},
    format,
    functions::{self, Definition, cost, methods},
    template::{Branch, Command, Expr, ExprKind, Node, NodeKind, Pipe},
    thing::Thing,
    value::Value,
};

/// How a list of nodes came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// What is being executed, for errors.
#[derive(Clone, Copy)]
enum At<'b> {
    Node(&'b Node),
    Pipe(&'b Pipe),
    Command(&'b Command),
    Expr(&'b Expr),
}

/// A variable of a template.
struct Variable {
    name: Rc<str>,
    value: Value,
    /// Whether Go knows no more of it than that it is an `interface {}`.
    boxed: bool,
}

/// One execution of a template.
pub(super) struct Run<'b, 'm, 'e> {
    machine: &'m Machine<'e>,
    body: &'b Body,
    name: &'b str,
    dot: Value,
    variables: Vec<Variable>,
    /// Whether Go knows no more of the dot than that it is an `interface {}`.
    boxed_dot: bool,
    at: Option<At<'b>>,
    pub(super) out: Vec<u8>,
}

type Done<T> = Result<T, Fault>;

impl<'b, 'm, 'e> Run<'b, 'm, 'e> {
    pub(super) fn new(
        machine: &'m Machine<'e>,
        body: &'b Body,
        name: &'b str,
        dot: &Value,
    ) -> Self {
        let variables = vec![Variable { name: "$".into(), value: dot.clone(), boxed: false }];
        let (dot, out) = (dot.clone(), Vec::new());
        Self { machine, body, name, dot, variables, boxed_dot: false, at: None, out }
    }

    /// Executes the whole template.
    pub(super) fn all(&mut self) -> Done<()> {
        let dot = self.dot.clone();
        self.list(&self.body.tree, &dot)?;
        self.machine.engine.count_bytes(self.out.len())
    }

    /// Returns the error with the place that is executed now.
    fn stop<T>(&self, message: impl Into<String>) -> Done<T> {
        Err(self.placed(Fault::Here(message.into()), ""))
    }

    /// Gives `fault` a place: its own if it has one, and this one as the caller's.
    fn placed(&self, fault: Fault, words: &str) -> Fault {
        let (pos, context) = match self.at {
            Some(At::Node(node)) => (node.pos, node.to_string()),
            Some(At::Pipe(pipe)) => (pipe.pos, pipe.to_string()),
            Some(At::Command(command)) => {
                (command.args.first().map_or(0, |first| first.pos), command.to_string())
            }
            Some(At::Expr(expr)) => (expr.pos, expr.to_string()),
            None => (0, String::new()),
        };
        let before = &self.body.source[..pos.min(self.body.source.len())];
        let line = before.matches('\n').count() + 1;
        let column = pos - before.rfind('\n').map_or(0, |at| at + 1);
        let outer = format!("{}:{line}:{column}", self.body.file);
        let name = format::quoted(self.name.as_bytes());
        let trace =
            format!("template: {outer}: executing {name} at <{context}>: {words}{}", fault.trace());
        let (message, by_author) = match fault {
            Fault::There(mut inner) => {
                (inner.outer, inner.trace) = (outer, trace);
                return Fault::There(inner);
            }
            Fault::Here(message) => (format!("{words}{message}"), false),
            Fault::Author(message) => (message, true),
        };
        let template = self.body.file.to_string();
        Located { template, line, column: column + 1, message, outer, trace, by_author }.into()
    }

    fn list(&mut self, nodes: &'b [Node], dot: &Value) -> Done<Flow> {
        if let Err(fault) = self.machine.engine.enter() {
            return Err(self.placed(fault, ""));
        }
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if flow != Flow::On {
                break;
            }
        }
        self.machine.engine.leave();
        Ok(flow)
    }

    fn node(&mut self, node: &'b Node, dot: &Value) -> Done<Flow> {
        self.at = Some(At::Node(node));
        match &node.kind {
            NodeKind::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            NodeKind::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.at = Some(At::Node(node));
                    self.print(&value);
                }
            }
            NodeKind::If(branch) => return self.branch(branch, dot, false),
            NodeKind::With(branch) => return self.branch(branch, dot, true),
            NodeKind::Range(branch) => return self.range(branch, dot),
            NodeKind::Template { name, pipe, .. } => self.template(name, pipe.as_ref(), dot)?,
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
        }
        self.machine.engine.enter().map_err(|fault| self.placed(fault, ""))?;
        self.machine.engine.leave();
        if self.out.len() > super::engine::MAX_TEXT {
            return self
                .stop(format!("the output has more than {} bytes", super::engine::MAX_TEXT));
        }
        Ok(Flow::On)
    }

    fn print(&mut self, value: &Value) {
        match value {
            Value::Invalid | Value::Null => self.out.extend_from_slice(b"<no value>"),
            Value::Text(text) => self.out.extend_from_slice(text),
            Value::Thing(thing) => {
                let mut text = format::text(value);
                // What a pointer points to is printed, not the pointer.
                if matches!(**thing, Thing::Struct { pointer: true, .. }) {
                    text.remove(0);
                }
                self.out.extend(text);
            }
            other => self.out.extend(format::text(other)),
        }
    }

    fn branch(&mut self, branch: &'b Branch, dot: &Value, moves_dot: bool) -> Done<Flow> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let flow = if value.truth() {
            let boxed = self.boxed_dot;
            self.boxed_dot &= !moves_dot;
            let flow = self.list(&branch.then, if moves_dot { &value } else { dot })?;
            self.boxed_dot = boxed;
            flow
        } else {
            self.list(&branch.otherwise, dot)?
        };
        self.variables.truncate(known);
        Ok(flow)
    }

    fn template(&mut self, name: &str, pipe: Option<&'b Pipe>, dot: &Value) -> Done<()> {
        let Some((name, body)) = self.machine.set.get_key_value(name) else {
            return self.stop(format!("template {name:?} not defined"));
        };
        let dot = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Value::Invalid,
        };
        let mut run = Run::new(self.machine, body, name, &dot);
        // What was written before a failure is lost anyway, so the text may be put together later.
        run.all()?;
        self.out.append(&mut run.out);
        Ok(())
    }

    fn range(&mut self, branch: &'b Branch, dot: &Value) -> Done<Flow> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let mark = self.variables.len();
        let Some(pairs) = pairs(&value) else {
            return self.stop(format!("range can't iterate over {}", format::shown(&value)));
        };
        let mut empty = true;
        let boxed_items = holds_anything(&value);
        let boxed = std::mem::replace(&mut self.boxed_dot, boxed_items);
        for (index, item) in pairs {
            empty = false;
            self.bind(&branch.pipe, index, &item, (known, boxed_items));
            let flow = self.list(&branch.then, &item)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        self.boxed_dot = boxed;
        if empty {
            self.list(&branch.otherwise, dot)?;
        }
        self.variables.truncate(known);
        Ok(Flow::On)
    }

    /// Gives the variables of a range their values for one item.
    fn bind(&mut self, pipe: &Pipe, index: Value, item: &Value, (known, boxed): (usize, bool)) {
        let mut pairs = match pipe.variables.len() {
            0 => Vec::new(),
            1 => vec![item.clone()],
            _ => vec![index, item.clone()],
        }
        .into_iter();
        for (at, name) in pipe.variables.iter().enumerate() {
            let Some(value) = pairs.next() else { return };
            match pipe.assigns {
                true => {
                    self.assign(name, value);
                }
                false => {
                    if let Some(slot) = self.variables.get_mut(known + at) {
                        slot.value = value;
                        slot.boxed = boxed && at + 1 == pipe.variables.len();
                    }
                }
            }
        }
    }

    /// Gives the variable `name` a value; false if there is none.
    fn assign(&mut self, name: &str, value: Value) -> bool {
        let slot = self.variables.iter_mut().rev().find(|known| *known.name == *name);
        match slot {
            Some(slot) => {
                (slot.value, slot.boxed) = (value, false);
                true
            }
            None => false,
        }
    }

    fn pipe(&mut self, pipe: &'b Pipe, dot: &Value) -> Done<Value> {
        self.at = Some(At::Pipe(pipe));
        if let Err(fault) = self.machine.engine.enter() {
            return Err(self.placed(fault, ""));
        }
        let mut piped = None;
        for command in &pipe.commands {
            let value = self.command(command, dot, piped.take())?;
            piped = Some(if value.is_nil() { Value::Invalid } else { value });
        }
        self.machine.engine.leave();
        let value = piped.unwrap_or(Value::Invalid);
        for name in &pipe.variables {
            let (name, value) = (name.clone(), value.clone());
            if !pipe.assigns {
                self.variables.push(Variable { name, value, boxed: false });
            } else if !self.assign(&name, value) {
                return self.stop(format!("undefined variable: {name}"));
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &'b Command, dot: &Value, piped: Option<Value>) -> Done<Value> {
        let Some((first, args)) = command.args.split_first() else { return Ok(Value::Invalid) };
        match &first.kind {
            ExprKind::Field(fields) => {
                self.at = Some(At::Expr(first));
                let receiver = (dot.clone(), self.boxed_dot);
                return self.fields(first, receiver, fields, args, dot, piped);
            }
            ExprKind::Chain(inner, fields) => {
                return self.chain(first, inner, fields, args, dot, piped);
            }
            ExprKind::Function(name) => {
                let place = At::Command(command);
                return self.function(place, first, name, args, dot, piped);
            }
            ExprKind::Pipe(pipe) => {
                self.no_arguments(first, args, piped.is_some())?;
                return self.pipe(pipe, dot);
            }
            ExprKind::Variable(name, fields) => {
                return self.variable(first, name, fields, args, dot, piped);
            }
            _ => {}
        }
        self.at = Some(At::Expr(first));
        self.no_arguments(first, args, piped.is_some())?;
        if matches!(first.kind, ExprKind::Nil) {
            return self.stop("nil is not a command");
        }
        self.operand(first, dot)
    }

    fn no_arguments(&self, first: &Expr, args: &[Expr], piped: bool) -> Done<()> {
        if args.is_empty() && !piped {
            return Ok(());
        }
        let shown = match &first.kind {
            ExprKind::Pipe(pipe) => format!("({pipe})"),
            _ => first.to_string(),
        };
        self.stop(format!("can't give argument to non-function {}", shown.trim_matches(['(', ')'])))
    }

    fn variable(
        &mut self,
        expr: &'b Expr,
        name: &str,
        fields: &'b [Rc<str>],
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        self.at = Some(At::Expr(expr));
        let found = self.variables.iter().rev().find(|known| *known.name == *name);
        let Some((value, boxed)) = found.map(|found| (found.value.clone(), found.boxed)) else {
            return self.stop(format!("undefined variable: {name}"));
        };
        if fields.is_empty() {
            self.no_arguments(expr, args, piped.is_some())?;
            return Ok(value);
        }
        self.fields(expr, (value, boxed), fields, args, dot, piped)
    }

    fn chain(
        &mut self,
        expr: &'b Expr,
        inner: &'b Expr,
        fields: &'b [Rc<str>],
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        self.at = Some(At::Expr(expr));
        if matches!(inner.kind, ExprKind::Nil) {
            return self.stop(format!("indirection through explicit nil in {expr}"));
        }
        let value = self.argument('_', inner, dot)?;
        self.fields(expr, (value, false), fields, args, dot, piped)
    }

    fn fields(
        &mut self,
        expr: &'b Expr,
        (mut value, mut boxed): (Value, bool),
        fields: &'b [Rc<str>],
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        let Some((last, way)) = fields.split_last() else { return Ok(value) };
        for field in way {
            let next = self.field(expr, (&value, boxed), field, &[], dot, None)?;
            boxed = holds_anything(&value);
            value = next;
        }
        self.field(expr, (&value, boxed), last, args, dot, piped)
    }

    /// Takes the field or calls the method `name` of `receiver`.
    fn field(
        &mut self,
        expr: &'b Expr,
        (receiver, boxed): (&Value, bool),
        name: &str,
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        match receiver {
            Value::Invalid => return Ok(Value::Invalid),
            Value::Null => {
                return self.stop(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            _ => {}
        }
        if let Some(method) = methods::find(receiver, name) {
            return self.call(At::Expr(expr), name, method, Some(receiver), args, dot, piped);
        }
        let has_arguments = !args.is_empty() || piped.is_some();
        if let Value::Map(map) = receiver {
            if has_arguments {
                return self.stop(format!("{name} is not a method but has arguments"));
            }
            let absent =
                if map.go == super::value::TEXT_MAP { Value::text("") } else { Value::Null };
            let found = map.get(name.as_bytes()).unwrap_or(absent);
            return Ok(if found.is_nil() { Value::Null } else { found });
        }
        if let Value::Thing(thing) = receiver {
            if let Thing::Files(files) = &**thing {
                let data = files.get(name).map_or(&[][..], Vec::as_slice);
                return Ok(Value::Bytes(data.into()));
            }
            let found = thing.fields().into_iter().find(|(known, _)| *known == name);
            if let Some((_, value)) = found {
                if has_arguments {
                    let message = "has arguments but cannot be invoked as function";
                    return self.stop(format!("{name} {message}"));
                }
                return Ok(value);
            }
        }
        let kind = if boxed { "interface {}" } else { receiver.type_of() };
        self.stop(format!("can't evaluate field {name} in type {kind}"))
    }

    fn function(
        &mut self,
        place: At<'b>,
        expr: &'b Expr,
        name: &str,
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        self.at = Some(At::Expr(expr));
        if matches!(name, "and" | "or") {
            return self.short_circuit(name, args, dot, piped);
        }
        let Some(definition) = functions::find(name) else {
            return self.stop(format!("{name:?} is not a defined function"));
        };
        self.call(place, name, definition, None, args, dot, piped)
    }

    /// Evaluates `and` and `or` up to the argument that decides.
    fn short_circuit(
        &mut self,
        name: &str,
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        if args.is_empty() && piped.is_none() {
            return self.stop(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut last = Value::Invalid;
        for arg in args {
            last = self.argument('v', arg, dot)?;
            if last.truth() == (name == "or") {
                return Ok(last);
            }
        }
        Ok(piped.unwrap_or(last))
    }

    #[allow(clippy::too_many_arguments, reason = "what a call consists of")]
    fn call(
        &mut self,
        place: At<'b>,
        name: &str,
        definition: &Definition,
        receiver: Option<&Value>,
        args: &'b [Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        let (fixed, more) = definition.parameters();
        let given = args.len() + usize::from(piped.is_some());
        if more.is_some() && given < fixed.len() {
            let (least, given) = (fixed.len(), args.len());
            let message = format!("wrong number of args for {name}: want at least {least}");
            return self.stop(format!("{message} got {given}"));
        }
        if more.is_none() && given != fixed.len() {
            let wanted = fixed.len();
            return self
                .stop(format!("wrong number of args for {name}: want {wanted} got {given}"));
        }
        if name == "call"
            && let Some(first) = args.first()
        {
            let values = vec![Value::text(first.to_string()), self.argument('v', first, dot)?];
            return self.called(place, name, definition, &values);
        }
        let kind = |at: usize| fixed.get(at).copied().or(more).unwrap_or('a');
        let mut values: Vec<Value> = receiver.into_iter().cloned().collect();
        for (at, arg) in args.iter().enumerate() {
            values.push(self.argument(kind(at), arg, dot)?);
        }
        if let Some(piped) = piped {
            values.push(self.fitting(piped, kind(given - 1))?);
        }
        self.called(place, name, definition, &values)
    }

    fn called(
        &mut self,
        place: At<'b>,
        name: &str,
        definition: &Definition,
        values: &[Value],
    ) -> Done<Value> {
        let engine = self.machine.engine;
        let result = engine
            .spend(cost::of(name, values))
            .and_then(|()| (definition.function)(self.machine, values))
            .and_then(|value| engine.count(&value).map(|()| value));
        match result {
            Ok(Value::Invalid) => Ok(Value::Null),
            Ok(value) => Ok(value),
            Err(fault) => {
                self.at = Some(place);
                Err(self.placed(fault, &format!("error calling {name}: ")))
            }
        }
    }
}
